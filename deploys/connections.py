"""SSH as the child process makes it: the job's keys and host key, and nothing of the user's own set-up."""

import io
import socket
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
        refusal: AuthenticationException | None = None
        for key in _keys(access, certificate_only=False):
            try:
                self.client = connect(access, key)  # type: ignore[assignment]  # its own class only adds ~/.ssh
            except AuthenticationException as error:
                refusal = error
            else:
                return
        raise ConnectError(f"{access.address}:{access.port} refused the operator's key ({refusal or 'there is none'})")


def connect(access: Access, key: PKey) -> SSHClient:
    """Open a connection; raise what paramiko raises if the host key is another, or the key is refused."""
    name = access.address if access.port == paramiko.config.SSH_PORT else f"[{access.address}]:{access.port}"
    client = SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().add(name, *_public_key(access.host_key))
    stream = socket.create_connection((access.address, access.port), timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        # paramiko leaves Nagle's algorithm on, and every exec after the first then waits 40 ms for an acknowledgement.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(
            access.address,
            port=access.port,
            username="root",
            pkey=key,
            sock=stream,
            allow_agent=False,
            look_for_keys=False,
            timeout=CONNECT_TIMEOUT_SECONDS,
            banner_timeout=CONNECT_TIMEOUT_SECONDS,
            auth_timeout=CONNECT_TIMEOUT_SECONDS,
            channel_timeout=CHANNEL_TIMEOUT_SECONDS,
        )
    except BaseException:
        client.close()
        stream.close()
        raise
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(KEEPALIVE_SECONDS)
    return client


def _public_key(line: str) -> tuple[str, PKey]:
    kind, encoded = line.split()[:2]
    import base64

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
    """Log in anew beside the connection in use; raise ``OperationError`` if that fails.

    Whoever changes who or what may come in calls this before it burns the way back.
    """
    access = ACCESSES.get(host.name)
    if access is None:
        raise OperationError("whether one can still log in is proved by `hosting apply` only")
    reasons = []
    for key in _keys(access, certificate_only=certificate_only):
        try:
            with closing(connect(access, key)) as client:
                _, output, _ = client.exec_command("true", timeout=CHANNEL_TIMEOUT_SECONDS)
                if output.channel.recv_exit_status() == 0:
                    return
                reasons.append("a command failed")
        except (SSHException, OSError, EOFError) as error:
            reasons.append(f"{type(error).__name__}: {error}")
    raise OperationError(f"a new login failed ({'; '.join(reasons) or 'the job brings no certificate'})")
