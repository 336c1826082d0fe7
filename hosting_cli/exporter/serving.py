"""The address at which Prometheus asks for figures: on the loopback interface, or over TLS."""

import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from hosting_cli.errors import EngineError, UsageError

if TYPE_CHECKING:
    from hosting_cli.figures import Figures

CLIENT_SECONDS = 10
"""How long a client may take for a handshake or a request before it is hung up on."""


@dataclass(frozen=True)
class Certificate:
    """By what the exporter is known, and by whose word it knows whoever asks, if it asks for that at all."""

    certificate: Path
    key: Path
    client_authority: Path | None = None


@dataclass(frozen=True)
class Listening:
    """Where to listen; raise ``UsageError`` for what would show figures in clear beyond this machine."""

    address: str
    port: int
    tls: Certificate | None = None

    def __post_init__(self) -> None:
        """Refuse what is no address, and every address but a loopback one without a certificate."""
        try:
            address = ip_address(self.address)
        except ValueError:
            remedy = "Give the address of an interface of this machine."
            raise UsageError(f"--address {self.address}", "is no address", remedy) from None
        if self.tls is None and not address.is_loopback:
            what = "would show in clear, to whoever gets there, what is hosted and how it stands"
            raise UsageError(f"--address {self.address}", what, "Give --certificate and --key, or listen on 127.0.0.1.")

    @property
    def url(self) -> str:
        """Say where the figures are."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}/metrics"


@contextmanager
def served(figures: "Figures", listening: Listening) -> Iterator[None]:
    """Serve *figures* meanwhile; raise ``EngineError`` when the address is not to be had, or a file not to be read."""
    from prometheus_client import CollectorRegistry, make_wsgi_app

    # Of this run alone; not the one that the library keeps for everybody, which tells of the process too.
    registry = CollectorRegistry(auto_describe=False, support_collectors_without_names=True)
    registry.register(figures)
    with _bound(listening) as server:
        server.set_app(make_wsgi_app(registry))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _bound(listening: Listening) -> Iterator["_Server"]:
    subject = f"address {listening.address}:{listening.port}"
    try:
        kind = _Server6 if ":" in listening.address else _Server
        server = kind((listening.address, listening.port), _Quiet)
    except OSError as error:
        remedy = "Choose another --port or --address."
        raise EngineError(subject, f"cannot be listened on ({error.strerror})", remedy) from error
    with server:
        if listening.tls is not None:
            # The handshake is left to the client's own thread: one that never ends its part keeps nobody waiting.
            server.socket = _context(listening.tls).wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        yield server


def _context(tls: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_authority is not None:
            context.load_verify_locations(cafile=str(tls.client_authority))
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(str(file) for file in (tls.certificate, tls.key, tls.client_authority) if file)
        raise EngineError(
            f"certificate {files}", f"cannot be used ({error})", "Give PEM files that belong together."
        ) from error
    return context


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each client, which is hung up on when it dawdles."""

    daemon_threads = True

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a client in."""
        connection, address = super().get_request()
        connection.settimeout(CLIENT_SECONDS)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, speak no TLS or dawdle; anything else is a fault of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Bind, without asking a name server for the name of this machine, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    """The same on an address of IPv6."""

    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    """A request is nothing to write a line about."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
