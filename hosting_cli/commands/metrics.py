"""Figures and rules for Prometheus."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import HostingError, UnreadableError, UsageError
from hosting_cli.exporter.parts import RHYTHMS, Part, Rhythm
from hosting_cli.result import Result, status_of, text
from hosting_cli.session import Session
from hosting_cli.whole_files import replace_file
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.exporter.serving import Certificate
    from hosting_cli.figures import Sample

PORT = 9750

OnlyOption = Annotated[
    list[Part] | None,
    typer.Option(
        "--only",
        metavar="PART",
        help=f"This part alone, for a token that may see no more; repeatable. One of {', '.join(Part)}.",
    ),
]
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FOLDER", help="Replace the files there, each in one step; else show them."),
]
AddressOption = Annotated[
    str, typer.Option("--address", metavar="ADDRESS", help="Where to listen; beyond this machine over TLS only.")
]
PortOption = Annotated[int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="On which port to listen.")]
CertificateOption = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="By what it is known: a PEM file with its chain.")
]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The private key of that certificate.")]
ClientAuthorityOption = Annotated[
    Path | None,
    typer.Option(
        "--client-authority", metavar="FILE", help="Serve those alone whose certificate this authority signed."
    ),
]
EveryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--every", metavar="PART=SECONDS", help="Read a part at this distance instead of its own; repeatable."
    ),
]


def show(session: Session, only: OnlyOption = None) -> Result:
    """Read the figures for Prometheus once, and print them.

    What the engines, hosts and the journal say, in Prometheus's text form.  engines: whether the vault and the object
    stores answer, whether the vault is sealed, when their certificates end.  backups: how old the newest of each
    application and host is by the store's own clock, whether its promise is met, the last check, the last good drill.
    keys: the age and limit of each.  volumes: whether each header is saved.  firewalls: whether each kernel lets
    through what the files say.  gateways: how many of a pair hold each address that they share.
    evidence: when the newest record was taken.  What could not be read is left out, and
    said: exit status 4.  A token with the policy hosting-metrics is enough for --only engines --only keys; backups take
    one that may open their repositories, volumes, firewalls and gateways one that may log in to their hosts.
    """
    from hosting_cli.figures import exposition

    _ = session.region, session.environment  # files that say nothing are told of once, before anything is read
    found: list[Sample] = []
    errors: list[HostingError] = []
    for part in dict.fromkeys(only or Part):
        with session.progress.stage(f"reading {part.value}"):
            more, unread = _READERS[part](session)
        found += more
        errors += unread
    data: list[Json] = [{"name": item.name, "labels": dict(item.labels), "value": item.value} for item in found]
    block = text(*exposition(found).splitlines())
    return Result("metrics show", {"samples": data}, (block,), status_of(errors), tuple(errors))


def serve(
    session: Session,
    only: OnlyOption = None,
    *,
    address: AddressOption = "127.0.0.1",
    port: PortOption = PORT,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    client_authority: ClientAuthorityOption = None,
    every: EveryOption = None,
) -> Result:
    """Serve the figures to Prometheus, read again and again.

    Each part is read at a rhythm of its own, in a process of its own that is ended when it takes too long.  A scrape
    reads nothing: it gets what the last reading gave, and by hosting_reading_age_seconds how old that is.  Past
    hosting_reading_limit_seconds the figures of a part are left out, and an alert says so.  What is not read is told on
    standard error.  It listens on the loopback interface unless it has a certificate, for figures name what is hosted
    where.  Runs until it is ended; `hosting schedule` writes its unit.
    """
    from hosting_cli.exporter import child
    from hosting_cli.exporter.keeping import keep
    from hosting_cli.exporter.serving import Listening, served
    from hosting_cli.exporter.shelf import Shelf, Told
    from hosting_cli.figures import Figures

    listening = Listening(address, port, _tls(certificate, key, client_authority))
    rhythms = _rhythms(tuple(dict.fromkeys(only or Part)), every or ())
    _ = session.region, session.environment  # as above, and not by every reading
    options, ended = _options(session), threading.Event()

    def read(part: Part, at_most_seconds: float) -> Told:
        return child.read(part, child.command(part, options), at_most_seconds, ended=ended)

    shelf = Shelf(rhythms, time.monotonic())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with served(Figures(lambda: shelf.samples(time.monotonic())), listening):
        session.progress(f"serving {listening.url}")
        keep(rhythms, shelf, read, ended=ended, clock=time.monotonic, tell=session.progress)
    return Result("metrics serve", {"url": listening.url}, (text("Ended."),))


def configure(session: Session, into: IntoOption = None) -> Result:
    """Write what Prometheus and Alertmanager are told.

    prometheus.yaml says whom to ask: the controller, and the node exporter of every host that the environment reaches.
    rules.yaml says what the region's files promise, as recording rules, and holds the alerts, each of which names its
    runbook.  alertmanager.yaml says what is one message and what says nothing beside something worse; whom it wakes is
    added there.  Write them anew whenever the files change, and have both reload (SIGHUP).  Without --into they are
    only shown.
    """
    from monitoring import configuration

    written = configuration.files(session.region, session.environment, session.monitoring_access)
    if into is None:
        blocks = tuple(text(f"# {name}", *content.splitlines()) for name, content in written.items())
    else:
        for name, content in written.items():
            replace_file(into / name, content.encode(), remedy="Give another --into.")
        blocks = (text(*(f"Written: {into / name}" for name in written)),)
    return Result("metrics configure", {"files": dict(written)}, blocks)


# -- serving ----------------------------------------------------------------------------------------------------------


def _tls(certificate: Path | None, key: Path | None, client_authority: Path | None) -> "Certificate | None":
    from hosting_cli.exporter.serving import Certificate

    if certificate is not None and key is not None:
        return Certificate(certificate, key, client_authority)
    if (certificate, key, client_authority) != (None, None, None):
        raise UsageError("TLS", "takes a certificate and its key", "Give --certificate and --key, or neither.")
    return None


def _rhythms(parts: Sequence[Part], every: Iterable[str]) -> Mapping[Part, Rhythm]:
    """Give the rhythm of each part, as asked for; raise ``UsageError`` for what is no part or no distance."""
    found = {part: RHYTHMS[part] for part in parts}
    for words in every:
        name, _, seconds = words.partition("=")
        known = {part.value: part for part in parts}
        if name not in known:
            raise UsageError(f"--every {words}", "names no part that is read", f"Choose one of: {', '.join(known)}.")
        if not seconds.isdecimal() or int(seconds) == 0:
            raise UsageError(f"--every {words}", "gives no whole number of seconds", f"Write it as {name}=300.")
        found[known[name]] = found[known[name]].beating(int(seconds))
    return found


def _options(session: Session) -> list[str]:
    """Say for another process on what this session works, with paths that lead there from anywhere."""
    files = {
        "--region": session.region_folder,
        "--environment": session.environment_file,
        "--token-file": session.token_file,
    }
    return [word for option, file in files.items() if file is not None for word in (option, str(file.absolute()))]


# -- reading ----------------------------------------------------------------------------------------------------------


def _engines(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.figures import of_store, of_vault
    from hosting_cli.reachability import serves
    from inventory.environment import VAULT_ENDPOINT

    found: list[Sample] = []
    errors: list[HostingError] = []
    try:
        found += of_vault(session.vault.seal_state())
    except HostingError as error:
        found += of_vault(None)
        errors.append(error)
    for engine, (address, authority) in session.environment.endpoints.items():
        try:
            if engine != VAULT_ENDPOINT:
                found += of_store(engine, serves(session, engine))
        except HostingError as error:
            found += of_store(engine, False)
            errors.append(error)
        found += _of_certificate(session, engine, address, authority)
    return found, errors


def _of_certificate(session: Session, engine: str, address: str, authority: Path) -> "Sequence[Sample]":
    """Give when a certificate ends; nothing where nobody shows one, which is told as what it is already."""
    from hosting_cli.figures import of_certificate

    try:
        return of_certificate(engine, session.endpoints.read(address, authority).certificate.not_after)
    except HostingError:
        return ()


def _backups(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.backups.history import drills
    from hosting_cli.commands.backup import standings_of
    from hosting_cli.figures import of_backups

    standings = standings_of(session, None)
    found = of_backups(standings, drills(session.journal.entries()))
    return found, [error for standing in standings for error in standing.errors]


def _keys(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.commands.key import judged_keys, unread_errors
    from hosting_cli.figures import of_keys

    # Gateways tell the monitoring of theirs themselves, and whoever may see ages alone may log in on none.
    judged, seen = judged_keys(session, of_vault_only=True)
    return of_keys(judged), unread_errors(seen)


def _volumes(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.figures import of_volumes
    from hosting_cli.volumes.copies import standings
    from hosting_cli.volumes.places import places
    from hosting_cli.volumes.standing import HeaderState

    if session.region.evidence is None:  # there is nowhere to keep a copy
        return (), ()
    try:
        found = standings(session, places(session.region, session.environment))
    except HostingError as error:  # not even a certificate to log in with: no host could be asked
        return (), [error]
    unread = [
        UnreadableError(f"volume {item.seen.place.name}", "; ".join(item.reasons), "Mend that, and look again.")
        for item in found
        if item.state is HeaderState.UNKNOWN
    ]
    return of_volumes(found), unread


def _firewalls(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from deploys import flows
    from hosting_cli.figures import of_firewalls
    from hosting_cli.network import readings
    from hosting_cli.network.proving import Standing, prove

    try:
        found = readings.read(session, list(session.environment.hosts))
    except HostingError as error:  # as for volumes
        return (), [error]
    proof = prove(found, flows.topology(session.region), session.environment, session.progress)
    unread = [
        host.unread
        or UnreadableError(f"host {host.host}", "has rules that are not understood", "Run `hosting network prove`.")
        for host in proof.hosts
        if host.standing is Standing.UNKNOWN
    ]
    return of_firewalls(proof.hosts), unread


def _gateways(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.figures import of_gateways
    from hosting_cli.tunnels import charge

    if not session.region.gateway_pairs:
        return (), ()
    try:
        found = charge.read(session, session.region.gateway_pairs)
    except HostingError as error:  # as for volumes
        return (), [error]
    unread = [
        UnreadableError(f"gateway {each.gateway}", each.why, "Mend that, and look again.")
        for each in found
        if each.held is None
    ]
    return of_gateways(found), unread


def _evidence(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.evidence.chain import last
    from hosting_cli.figures import of_evidence

    if session.region.evidence is None:  # nobody keeps any
        return (), ()
    try:
        newest = last(session)
        return of_evidence(None if newest is None else newest.stored), ()
    except HostingError as error:
        return (), [error]


_READERS: "Mapping[Part, Callable[[Session], tuple[Sequence[Sample], Sequence[HostingError]]]]" = {
    Part.ENGINES: _engines,
    Part.BACKUPS: _backups,
    Part.KEYS: _keys,
    Part.VOLUMES: _volumes,
    Part.FIREWALLS: _firewalls,
    Part.GATEWAYS: _gateways,
    Part.EVIDENCE: _evidence,
}
