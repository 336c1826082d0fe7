"""SSH as the child process makes it: the job's keys and host key, and nothing of the user's own set-up."""

import base64
import io
import socket
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import paramiko
from paramiko import AuthenticationException, PKey, SSHClient, SSHException
from pyinfra.api.exceptions import ConnectError, OperationError
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import host

CONNECT_TIMEOUT_SECONDS = 30
CHANNEL_TIMEOUT_SECONDS = 60
KEEPALIVE_SECONDS = 15
PROOF_WITHIN_SECONDS = 30
"""Less than the firewall waits before it brings the former rules back."""


@dataclass(frozen=True)
class Access:
    """How one host is reached; the keys are only ever in memory."""

    address: str
    port: int
    host_key: str
    private_key: str = field(repr=False)
    certificate: str | None = field(repr=False)
    bootstrap_key: str | None = field(repr=False)


ACCESSES: dict[str, Access] = {}
"""Filled in by the worker; not host data, which pyinfra prints when asked to."""


class HostingConnector(SSHConnector):
    """An SSH connector that knows its keys by heart and does not wait for acknowledgements."""

    def _connect(self) -> None:
        access = ACCESSES[self.host.name]
        try:
            client = connect(access, _keys(access, certificate_only=False))
        except AuthenticationException as error:
            raise ConnectError(f"{access.address}:{access.port} refused the operator's key ({error})") from error
        self.client = client  # type: ignore[assignment]  # pyinfra's own class only adds ~/.ssh


def connect(access: Access, keys: list[PKey]) -> SSHClient:
    """Open a connection with the first of *keys* that is taken; raise what paramiko raises.

    All are offered on one connection: a refused connection would count against our address on the host.
    """
    name = access.address if access.port == paramiko.config.SSH_PORT else f"[{access.address}]:{access.port}"
    client = SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().add(name, *_public_key(access.host_key))
    stream = socket.create_connection((access.address, access.port), timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        # paramiko leaves Nagle's algorithm on, and every exec after the first then waits 40 ms for an acknowledgement.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _log_in(client, access, stream, keys)
    except BaseException:
        client.close()
        stream.close()
        raise
    return client


def _log_in(client: SSHClient, access: Access, stream: socket.socket, keys: list[PKey]) -> None:
    if not keys:
        raise AuthenticationException("the job brings no key for it")
    first, *others = keys
    refusal: AuthenticationException | None = None
    try:
        client.connect(
            access.address,
            port=access.port,
            username="root",
            pkey=first,
            sock=stream,
            allow_agent=False,
            look_for_keys=False,
            timeout=CONNECT_TIMEOUT_SECONDS,
            banner_timeout=CONNECT_TIMEOUT_SECONDS,
            auth_timeout=CONNECT_TIMEOUT_SECONDS,
            channel_timeout=CHANNEL_TIMEOUT_SECONDS,
            # Asks for the service of authentication once, not once for every key as the default does; the types that
            # we check against are of a paramiko that did not have it yet.
            transport_factory=paramiko.ServiceRequestingTransport,  # type: ignore[attr-defined]
        )
    except AuthenticationException as error:
        refusal = error
    transport = client.get_transport()
    if transport is None:
        raise SSHException("the connection was lost while logging in")
    for key in others:
        if refusal is None:
            break
        try:
            transport.auth_publickey("root", key)
            refusal = None
        except AuthenticationException as error:
            refusal = error
    if refusal is not None:
        raise refusal
    transport.set_keepalive(KEEPALIVE_SECONDS)


def _public_key(line: str) -> tuple[str, PKey]:
    kind, encoded = line.split()[:2]
    return kind, PKey.from_type_string(kind, base64.b64decode(encoded))


def _keys(access: Access, *, certificate_only: bool) -> list[PKey]:
    keys: list[PKey] = []
    if access.certificate is not None:
        key = _private_key(access.private_key)
        key.load_certificate(access.certificate)
        keys.append(key)
    if access.bootstrap_key is not None and not certificate_only:
        keys.append(_private_key(access.bootstrap_key))
    return keys


def _private_key(text: str) -> PKey:
    """Load a private key of whichever algorithm; raise ``ConnectError`` if it is none."""
    kinds: tuple[Any, ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    for kind in kinds:
        try:
            loaded: PKey = kind.from_private_key(io.StringIO(text))
        except (SSHException, ValueError):
            continue
        return loaded
    raise ConnectError("a private key of the job is in no format that is understood")


def prove_login(*, certificate_only: bool = False) -> None:
    """Log in anew beside the connection in use; raise ``OperationError`` if that stays impossible.

    Whoever changes who or what may come in calls this before burning the way back.  A daemon that was just told to
    read its files again refuses connections for a moment, hence several tries, further and further apart: OpenSSH from
    9.8 on shuts out for a while whoever was refused several times in a row (``PerSourcePenalties``).
    """
    access = ACCESSES.get(host.name)
    if access is None:
        raise OperationError("whether one can still log in is proved by `hosting apply` only")
    keys = _keys(access, certificate_only=certificate_only)
    deadline, pause = time.monotonic() + PROOF_WITHIN_SECONDS, 1.0
    while reason := _refusal(access, keys):
        left = deadline - time.monotonic()
        if left < 0:
            raise OperationError(f"a new login failed ({reason})")
        time.sleep(min(pause, left))
        pause *= 2


def _refusal(access: Access, keys: list[PKey]) -> str | None:
    """Log in and run a command; say what went wrong, if anything did."""
    try:
        with closing(connect(access, keys)) as client:
            _, output, _ = client.exec_command("true", timeout=CHANNEL_TIMEOUT_SECONDS)
            status = output.channel.recv_exit_status()
    except (SSHException, OSError, EOFError) as error:
        return f"{type(error).__name__}: {error}"
    return f"a command ended with {status}" if status else None
