"""Break a lab on purpose, and mend it: what an on-call engineer must cope with, one fault at a time."""

from collections.abc import Callable

from hosting_cli.lab import channels, laboratory, machines, network
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.progress import Progress

FILLER = "/var/tmp/hosting-lab-filler"  # noqa: S108 a file on the machine, made to be found


def inject(lab: Lab, fault: str, machine: str) -> None:
    """Inject *fault*, on *machine* where it is about one (else empty); raise ``UsageError`` if the lab has it not."""
    _expect(lab, machine)
    _INJECT[fault](lab, machine)


def mend(lab: Lab, fault: str, machine: str, progress: Progress) -> None:
    """Take *fault* back."""
    _expect(lab, machine)
    _MEND[fault](lab, machine, progress)


def _expect(lab: Lab, machine: str) -> None:
    if machine:
        machines.expect(lab.directory, machine)


def _block(lab: Lab, machine: str, *, blocked: bool) -> None:
    for segment in _segments(lab, machine):
        network.block(lab.directory, segment, machine, blocked=blocked)


def _segments(lab: Lab, machine: str) -> tuple[str, ...]:
    record = machines.read(lab.directory, machine)
    return tuple(link.segment for link in record.spec.links) if record else ()


def _fill(lab: Lab, machine: str) -> None:
    """Fill the root file system to the last block, as a log that nobody watches would."""
    program = f"head -c 100G /dev/zero > {FILLER} 2>/dev/null || true"
    channels.run(machines.directory(lab.directory, machine), ["sh", "-c", program])


_INJECT: dict[str, Callable[[Lab, str], None]] = {
    "vault-sealed": lambda lab, _: lab.vault.seal(),
    "vault-down": lambda lab, _: laboratory.stop_engine(lab, "openbao"),
    "store-down": lambda lab, _: laboratory.stop_engine(lab, "seaweedfs"),
    "host-down": lambda lab, machine: machines.kill(lab.directory, machine),
    "link-cut": lambda lab, machine: _block(lab, machine, blocked=True),
    "disk-full": _fill,
}


def _empty(lab: Lab, machine: str) -> None:
    channels.run(machines.directory(lab.directory, machine), ["rm", "-f", FILLER])


_MEND: dict[str, Callable[[Lab, str, Progress], object]] = {
    "vault-sealed": lambda lab, _, __: laboratory.start_vault(lab),
    "vault-down": lambda lab, _, __: laboratory.start_vault(lab),
    "store-down": lambda lab, _, __: laboratory.start_store(lab),
    "host-down": lambda lab, machine, progress: machines.restart(lab.directory, machine, progress),
    "link-cut": lambda lab, machine, _: _block(lab, machine, blocked=False),
    "disk-full": lambda lab, machine, _: _empty(lab, machine),
}
