"""Break a lab on purpose, and mend it: what an on-call engineer must cope with, one fault at a time."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from hosting_cli.lab import breakage, laboratory, machines
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.progress import Progress


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


def _links(act: Callable[[Path, str, str], None], lab: Lab, machine: str) -> None:
    for link in machines.expect(lab.directory, machine).spec.links:
        act(lab.directory, machine, link.network)


_INJECT: dict[str, Callable[[Lab, str], None]] = {
    "vault-sealed": lambda lab, _: lab.vault.seal(),
    "vault-down": lambda lab, _: laboratory.stop_engine(lab, "openbao"),
    "store-down": lambda lab, _: laboratory.stop_engine(lab, "seaweedfs"),
    "host-down": lambda lab, machine: machines.kill(lab.directory, machine),
    "link-cut": partial(_links, breakage.cut_link),
    "disk-full": lambda lab, machine: breakage.fill_disk(lab.directory, machine, "/"),
}


_MEND: dict[str, Callable[[Lab, str, Progress], object]] = {
    "vault-sealed": lambda lab, _, __: laboratory.start_vault(lab),
    "vault-down": lambda lab, _, __: laboratory.start_vault(lab),
    "store-down": lambda lab, _, __: laboratory.start_store(lab),
    "host-down": lambda lab, machine, progress: machines.restart(lab.directory, machine, progress),
    "link-cut": lambda lab, machine, _: _links(breakage.mend_link, lab, machine),
    "disk-full": lambda lab, machine, _: breakage.free_disk(lab.directory, machine, "/"),
}
