"""Logins: by certificates of the vault's SSH authority only, without ever locking ourselves out."""

from collections.abc import Iterable

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.answers import part
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

    The authorities that the host trusts already stay until then too.  Killed in between, the host accepts both and the
    next run goes on.
    """
    if is_right(resource):
        host.noop("only certificates of the vault log in")
        return
    if not resource.authority_keys or resource.content is None or resource.principals is None:
        raise OperationError("the vault has no SSH authority yet, or its key was not handed over")
    held = part(run().answer, "texts")[names.SSH_AUTHORITY] or ""
    widened = _trust((*held.splitlines(), *resource.authority_keys), resource.principals)
    yield _write([*widened, *_probation()])
    prove_login(certificate_only=True)
    final = entry(names.SSH_CONFIGURATION, resource.content, notifies=(_UNIT,))
    yield _write([*_trust(resource.authority_keys, resource.principals), final, entry(_PROBATION, None)])
    try:
        prove_login(certificate_only=True)
    except OperationError:
        yield _write([*widened, entry(names.SSH_CONFIGURATION, None), *_probation()])
        raise
    stray = run().answer["presence"]["value"]
    yield command("rm", "-f", f"{names.PENDING_DIRECTORY}/{_UNIT}", *stray)


def _trust(authorities: Iterable[str], principals: tuple[str, ...]) -> list[dict[str, Json]]:
    keys = dict.fromkeys(" ".join(key.split()) for key in authorities if key.strip())
    return [
        entry(names.SSH_AUTHORITY, "".join(f"{key}\n" for key in keys)),
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
