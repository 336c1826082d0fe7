"""Hosts, one at a time and while somebody watches: fabric, with a key that the vault has certified for this run.

Only the host key that the environment names is accepted, and nothing of the user's own SSH set-up is looked at.
"""

import base64
import io
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hosting_cli.errors import EngineError, LoginRefusedError, UnreadableError
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.environment import HostAccess
from inventory.resource import Json

if TYPE_CHECKING:
    from fabric import Connection

CONNECT_TIMEOUT_SECONDS = 30
LOOK_TIMEOUT_SECONDS = 30
LAST_LINES = 5
"""How much of a unit's journal is told when it fails."""


@contextmanager
def connected(session: Session, host: str) -> "Iterator[Connection]":
    """Log in to *host*; raise ``UnreadableError`` when that is not possible."""
    import paramiko

    access = session.environment.hosts.get(host)
    if access is None:
        raise UnreadableError(f"host {host}", "the environment does not say where it is", "Add it to the file.")
    connection = _connection(access, session)
    where = f"{access.address}:{access.port}"
    try:
        connection.open()
        yield connection
    except paramiko.BadHostKeyException:
        what = f"{where} shows another host key than the environment names"
        raise UnreadableError(
            f"host {host}", what, "Find out which machine answers there before anything else."
        ) from None
    except paramiko.AuthenticationException:
        remedy = "Check that the vault's SSH authority is the one the host trusts, and the clocks of both."
        raise LoginRefusedError(f"host {host}", f"{where} refused the operator's key", remedy) from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        what = f"{where} cannot be reached, or broke off ({error})"
        raise UnreadableError(f"host {host}", what, "See whether the host is up and the way to it open.") from None
    finally:
        connection.close()
        # fabric closes nothing where the login failed.
        if connection.client is not None:
            connection.client.close()


def _connection(access: HostAccess, session: Session) -> "Connection":
    import paramiko
    from fabric import Config, Connection

    operator = session.operator_key
    if operator.certificate is None:
        remedy = "Run `hosting plan`, and apply: the vault has no SSH authority yet."
        raise UnreadableError("the operator's key", "is not certified", remedy)
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(operator.private_key.reveal()))
    key.load_certificate(operator.certificate)
    # Lazy: no configuration file of this machine or of this user is read.
    config = Config(lazy=True, ssh_config=paramiko.SSHConfig())
    connection = Connection(
        access.address,
        user="root",
        port=access.port,
        config=config,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_kwargs={"pkey": key, "allow_agent": False, "look_for_keys": False},
    )
    kind, encoded = access.host_key.split()[:2]
    name = access.address if access.port == paramiko.config.SSH_PORT else f"[{access.address}]:{access.port}"
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    host_key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
    connection.client.get_host_keys().add(name, kind, host_key)
    return connection


def _run(connection: "Connection", argv: Sequence[str], timeout_seconds: int) -> Any:
    """Run *argv* with nothing on its standard input, whatever its status; raise ``CommandTimedOut`` after the time."""
    return connection.run(
        shlex.join(argv), hide=True, warn=True, pty=False, in_stream=io.StringIO(), timeout=timeout_seconds, echo=False
    )


def knows_unit(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the host answers and has the unit."""
    status, _ = looked(session, values["host"], _cat(values))
    return Seen(status == 0, {"status": status})


def start_unit(session: Session, values: Values, occasion: Occasion) -> Mapping[str, Json]:
    """Start a unit and wait for it; raise ``EngineError`` with the end of its journal when it fails."""
    return ordered(session, values["host"], _start(values), occasion)


def ordered(session: Session, host: str, argv: Sequence[str], occasion: Occasion) -> Mapping[str, Json]:
    """Have systemd do what *argv* orders of a unit, its last word, and wait; raise ``EngineError`` when it fails."""
    from invoke.exceptions import CommandTimedOut

    unit = argv[-1]
    with connected(session, host) as connection:
        try:
            done = _run(connection, argv, occasion.timeout_seconds)
        except CommandTimedOut:
            what = f"{unit} still runs after {occasion.timeout_seconds} s"
            raise EngineError(f"host {host}", what, "It goes on there: look at it before you resume.") from None
        if done.exited != 0:
            raise _failed(connection, host, unit, done.exited)
    return {"status": done.exited}


def _failed(connection: "Connection", host: str, unit: str, status: int) -> EngineError:
    said = _looked(connection, _journal(unit), host).stdout.strip().splitlines()[-LAST_LINES:]
    what = f"{unit} failed ({status}), and its journal ends with: {' | '.join(said) or 'nothing'}"
    return EngineError(f"host {host}", what, "Mend what it names, then resume.")


def looked(session: Session, host: str, argv: Sequence[str]) -> tuple[int, str]:
    """Run what only reads on *host*; give its status and what it says."""
    with connected(session, host) as connection:
        done = _looked(connection, argv, host)
    return done.exited, done.stdout


def _looked(connection: "Connection", argv: Sequence[str], host: str) -> Any:
    from invoke.exceptions import CommandTimedOut

    try:
        return _run(connection, argv, LOOK_TIMEOUT_SECONDS)
    except CommandTimedOut:
        what = f"{argv[0]} did not answer in {LOOK_TIMEOUT_SECONDS} s"
        raise UnreadableError(f"host {host}", what, "Log in and look at its load.") from None


def _cat(values: Values) -> list[str]:
    return ["systemctl", "cat", values["unit"]]


def _start(values: Values) -> list[str]:
    return ["systemctl", "start", values["unit"]]


def _journal(unit: str) -> list[str]:
    return ["journalctl", "--no-pager", "--output=cat", f"--lines={LAST_LINES}", f"--unit={unit}"]


_TAKES = {"host": Kind.HOST, "unit": Kind.UNIT}

ACTIONS = (
    Look(
        "host.knows-unit",
        "The host answers, and has the unit.",
        _TAKES,
        lambda values: (f"on {values['host']}: {shlex.join(_cat(values))}",),
        knows_unit,
    ),
    Act(
        "host.start-unit",
        "A unit is started, and waited for.",
        _TAKES,
        lambda values: (f"on {values['host']}: {shlex.join(_start(values))}",),
        start_unit,
    ),
)
