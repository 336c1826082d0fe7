"""The firewall: one atomic transaction, undone by the host itself unless a new connection confirms it."""

import json

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.connections import prove_login
from deploys.facts.host import ask, is_right, observed
from deploys.operations.shell import Commands, command, entry, sequence, write_files
from deploys.reading import TIMEOUT_SECONDS
from deploys.resources import HostFirewall

CONFIRM_WITHIN_SECONDS = 60

_TABLE = ("inet", "hosting")
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
    if isinstance(found, HostFirewall) and found.rules == resource.rules:
        yield _at_boot()
        return
    yield sequence(
        write_files([entry(_WANTED, resource.content)]), _check(), _save_previous(), _disarm(), _arm(), _load()
    )
    prove_login()
    yield _confirm()
    kernel = ask({"timeout_seconds": TIMEOUT_SECONDS, "firewall": {"table": list(_TABLE)}})["firewall"]["value"]
    record = json.dumps({"kernel": kernel["kernel"], "text": resource.rules}) + "\n"
    kept = [entry(names.FIREWALL_RULES, resource.content), entry(names.FIREWALL_LOADED, record)]
    yield sequence(write_files(kept), _at_boot())


def _at_boot() -> StringCommand:
    """Have the rules loaded at boot; starting the unit now would load them once more and set the counters back."""
    return command("systemctl", "enable", "--quiet", "nftables.service")


def _check() -> StringCommand:
    return command("nft", "--check", "--file", _WANTED)


def _load() -> StringCommand:
    return command("nft", "--file", _WANTED)


def _save_previous() -> StringCommand:
    """Write down how to get back: our table as it is now, or none; a table that is not ours is never touched."""
    table = " ".join(_TABLE)
    start = f"table {table}\\ndelete table {table}\\n"
    return StringCommand(
        f"mkdir -p {_DIRECTORY} && {{ printf '{start}'; nft list table {table} 2>/dev/null || true; }} > {_PREVIOUS}"
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


def _confirm() -> StringCommand:
    """Keep the new rules; fails if the timer has brought the former ones back already."""
    timer = f"{_RESTORE}.timer"
    return sequence(command("systemctl", "is-active", "--quiet", timer), command("systemctl", "stop", timer))


def _disarm() -> StringCommand:
    return StringCommand(f"{{ systemctl stop --quiet {_RESTORE}.timer 2>/dev/null || true; }}")
