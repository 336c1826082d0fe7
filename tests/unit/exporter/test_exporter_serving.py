"""The address at which Prometheus asks: over TLS where it must be, and nobody keeps anybody waiting."""

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hosting_cli.errors import EngineError
from hosting_cli.exporter import serving
from hosting_cli.exporter.serving import Certificate, Listening, served
from hosting_cli.figures import Figures, Sample
from hosting_cli.lab import processes
from hosting_cli.lab.tls import Certificates, certificates

SAMPLES = [
    Sample("hosting_store_reachable", {"store": "dijon-objects"}, 1),
    Sample("hosting_store_reachable", {"store": "besancon-objects"}, 0),
]


def asked(listening: Listening, context: ssl.SSLContext | None = None) -> list[tuple[str, dict[str, str], float]]:
    with urllib.request.urlopen(listening.url, timeout=5, context=context) as answer:  # noqa: S310 it is ours
        text = answer.read().decode()
    return [(s.name, s.labels, s.value) for family in text_string_to_metric_families(text) for s in family.samples]


EXPECTED = [(sample.name, dict(sample.labels), sample.value) for sample in SAMPLES]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_figures_are_what_they_are_at_the_moment_of_asking(address: str) -> None:
    now: list[Iterable[Sample]] = [SAMPLES]
    listening = Listening(address, processes.free_port())
    with served(Figures(lambda: now[-1]), listening):
        assert asked(listening) == EXPECTED
        now.append(SAMPLES[:1])
        assert asked(listening) == EXPECTED[:1]
    with pytest.raises(urllib.error.URLError):
        asked(listening)


def test_a_port_that_is_taken_is_told() -> None:
    listening = Listening("127.0.0.1", processes.free_port())
    with served(Figures(lambda: ()), listening):
        again = served(Figures(lambda: ()), listening)
        with pytest.raises(EngineError, match="cannot be listened on"), again:
            pass


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def test_over_tls_somebody_who_says_nothing_keeps_nobody_waiting(files: Certificates) -> None:
    listening = Listening("127.0.0.1", processes.free_port(), Certificate(files.certificate, files.key))
    with served(Figures(lambda: SAMPLES), listening):
        with socket.create_connection(("127.0.0.1", listening.port)):  # and no handshake
            assert asked(listening, ssl.create_default_context(cafile=str(files.authority))) == EXPECTED
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            asked(listening)


def test_somebody_who_dawdles_is_hung_up_on(files: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CLIENT_SECONDS", 0.2)
    listening = Listening("127.0.0.1", processes.free_port(), Certificate(files.certificate, files.key))
    where = (listening.address, listening.port)
    with served(Figures(lambda: ()), listening), socket.create_connection(where, timeout=5) as connection:
        assert connection.recv(1) == b""


def test_whoever_has_no_certificate_of_the_authority_is_not_served(files: Certificates) -> None:
    tls = Certificate(files.certificate, files.key, client_authority=files.authority)
    listening = Listening("127.0.0.1", processes.free_port(), tls)
    stranger = ssl.create_default_context(cafile=str(files.authority))
    known = ssl.create_default_context(cafile=str(files.authority))
    known.load_cert_chain(files.certificate, files.key)
    with served(Figures(lambda: SAMPLES), listening):
        with pytest.raises((ssl.SSLError, OSError)):
            asked(listening, stranger)
        # The lab's certificate is for servers: another purpose is refused as a stranger is.
        with pytest.raises((ssl.SSLError, OSError)):
            asked(listening, known)


def test_files_that_do_not_belong_together_are_told(files: Certificates, tmp_path: Path) -> None:
    other = certificates(tmp_path)
    listening = Listening("127.0.0.1", processes.free_port(), Certificate(files.certificate, other.key))
    with pytest.raises(EngineError, match="cannot be used"), served(Figures(lambda: ()), listening):
        pass
