"""Logins: by certificates of the vault's SSH authority only, without ever locking ourselves out."""

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.connections import prove_login
from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, command, entry, sequence, write_files
from deploys.resources import HostLogin
from inventory.resource import Json

_UNIT = "ssh.service"
_PROBATION = "/etc/ssh/sshd_config.d/00-hosting-probation.conf"


@operation()
def login(resource: HostLogin) -> Commands:
    """Let certificates in; see that one does, over a new connection; only then shut out every other key.

    Killed in between, the host accepts both and the next run goes on.
    """
    if is_right(resource):
        host.noop("only certificates of the vault log in")
        return
    if resource.authority_key is None or resource.content is None or resource.principals is None:
        raise OperationError("the vault has no SSH authority yet, or its key was not handed over")
    yield _write([*_trust(resource.authority_key, resource.principals), *_probation()])
    prove_login(certificate_only=True)
    yield _write([entry(names.SSH_CONFIGURATION, resource.content, notifies=(_UNIT,)), entry(_PROBATION, None)])
    try:
        prove_login(certificate_only=True)
    except OperationError:
        yield _write([entry(names.SSH_CONFIGURATION, None), *_probation()])
        raise
    stray = run().answer["presence"]["value"]
    yield command("rm", "-f", f"{names.PENDING_DIRECTORY}/{_UNIT}", *stray)


def _trust(authority: str, principals: tuple[str, ...]) -> list[dict[str, Json]]:
    return [
        entry(names.SSH_AUTHORITY, f"{authority.strip()}\n"),
        entry(f"{names.SSH_PRINCIPALS}/root", "".join(f"{principal}\n" for principal in principals)),
    ]


def _probation() -> list[dict[str, Json]]:
    """Accept certificates beside whatever is accepted already."""
    content = (
        f"TrustedUserCAKeys {names.SSH_AUTHORITY}\n"
        f"AuthorizedPrincipalsFile {names.SSH_PRINCIPALS}/%u\n"
        "PermitRootLogin prohibit-password\n"
    )
    return [entry(_PROBATION, content, notifies=(_UNIT,))]


def _write(entries: list[dict[str, Json]]) -> StringCommand:
    """Write files and have sshd read them, if they are good; if not, the running daemon stays as it is."""
    return sequence(write_files(entries), command("/usr/sbin/sshd", "-t"), command("systemctl", "reload", _UNIT))
