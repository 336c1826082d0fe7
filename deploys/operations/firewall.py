"""The firewall: one atomic transaction, undone by the host itself unless a new connection confirms it."""

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names, nftables
from deploys.connections import prove_login
from deploys.facts.host import is_right, observed, run
from deploys.operations.shell import Commands, command, entry, on_host, sequence, write_files
from deploys.resources import HostFirewall

CONFIRM_WITHIN_SECONDS = 60

UNIT = "nftables.service"
"""Loads the rules at boot; starting it now would load them once more and set the counters back."""

_DIRECTORY = "/run/hosting/firewall"
_WANTED, _PREVIOUS = f"{_DIRECTORY}/wanted.nft", f"{_DIRECTORY}/previous.nft"
_RESTORE = "hosting-firewall-restore"


@operation()
def firewall(resource: HostFirewall) -> Commands:
    """Load the rules, confirm them over a new connection, and only then keep them for the next boot.

    Whatever happens to us between loading and confirming, a timer on the host brings the former rules back.
    """
    if is_right(resource):
        host.noop("the kernel holds the rules")
        return
    if resource.content is None:
        raise OperationError("the rules were not handed over")
    found = observed(resource)
    if not isinstance(found, HostFirewall) or found.rules != resource.rules:
        written = write_files([entry(_WANTED, resource.content)])
        yield sequence(written, _check(), _save_previous(), _disarm(), _arm(), _load())
        prove_login()
        yield _keep(resource.content, resource.rules)
    if UNIT not in run().enabled and not (isinstance(found, HostFirewall) and found.starts_at_boot):
        yield command("systemctl", "enable", "--quiet", UNIT)


def _check() -> StringCommand:
    return command("nft", "--check", "--file", _WANTED)


def _load() -> StringCommand:
    return command("nft", "--file", _WANTED)


def _save_previous() -> StringCommand:
    """Write down how to get back: our table as it is now, or none; a table that is not ours is never touched.

    What is isolated is not what it is now, but what is to be when they come back.
    """
    table, isolated = f"{nftables.FAMILY} {nftables.TABLE}", f"{nftables.FAMILY} {nftables.TABLE} {nftables.ISOLATED}"
    start = f"table {table}\\ndelete table {table}\\n"
    end = f'flush set {isolated}\\ninclude "{names.ISOLATED_FILES}"\\n'
    return StringCommand(
        f"mkdir -p {_DIRECTORY} && {{ printf '{start}'; nft list table {table} 2>/dev/null || true; "
        f"! nft list set {isolated} >/dev/null 2>&1 || printf '{end}'; }} > {_PREVIOUS}"
    )


def _arm() -> StringCommand:
    return command(
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={_RESTORE}",
        f"--on-active={CONFIRM_WITHIN_SECONDS}",
        "--timer-property=AccuracySec=1s",
        "/usr/sbin/nft",
        "--file",
        _PREVIOUS,
    )


def _keep(content: str, rules: str) -> StringCommand:
    """Keep the new rules for the next boot; fails if the timer has brought the former ones back already."""
    return on_host(
        "keep_firewall",
        {
            "timer": f"{_RESTORE}.timer",
            "firewall": nftables.READING,
            "text": rules,
            "record": names.FIREWALL_LOADED,
            "file": entry(names.FIREWALL_RULES, content),
        },
    )


def _disarm() -> StringCommand:
    """Stop the timer that a killed run may have left; asking systemd whether there is one takes longer than looking."""
    timer = f"{_RESTORE}.timer"
    return StringCommand(f"{{ [ ! -e /run/systemd/transient/{timer} ] || systemctl stop {timer}; }}")
