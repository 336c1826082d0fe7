"""Logins: by certificates of the vault's SSH authority only, without ever locking ourselves out."""

from collections.abc import Iterator

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.connections import prove_login
from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, command, forget_pending, sequence, write_file
from deploys.resources import HostLogin

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
    yield from _trust(resource.authority_key, resource.principals)
    prove_login(certificate_only=True)
    yield write_file(names.SSH_CONFIGURATION, resource.content, notifies=(_UNIT,))
    yield command("rm", "-f", _PROBATION)
    yield _reload()
    try:
        prove_login(certificate_only=True)
    except OperationError:
        yield command("rm", "-f", names.SSH_CONFIGURATION)
        yield _reload()
        raise
    yield sequence(command("rm", "-f", *run().answer["presence"]["value"]), forget_pending(_UNIT))


def _trust(authority: str, principals: tuple[str, ...]) -> Iterator[StringCommand]:
    """Accept certificates beside whatever is accepted already."""
    probation = (
        f"TrustedUserCAKeys {names.SSH_AUTHORITY}\n"
        f"AuthorizedPrincipalsFile {names.SSH_PRINCIPALS}/%u\n"
        "PermitRootLogin prohibit-password\n"
    )
    yield write_file(names.SSH_AUTHORITY, f"{authority.strip()}\n")
    yield write_file(f"{names.SSH_PRINCIPALS}/root", "".join(f"{principal}\n" for principal in principals))
    yield write_file(_PROBATION, probation, notifies=(_UNIT,))
    yield _reload()


def _reload() -> StringCommand:
    """Have sshd read its files again, if they are good; a bad file is not reloaded, and the running daemon stays."""
    return sequence(command("/usr/sbin/sshd", "-t"), command("systemctl", "reload", _UNIT))
