"""Read everything that checks look at, through the doors of a session; nothing is judged here, and nothing changed.

A door that cannot see leaves a raw reading without content, and its reason: checks make *unknown* of that.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from deploys import flows
from deploys.answers import UnknownError, part
from deploys.reading import TIMEOUT_SECONDS
from hosting_cli.backups.opened import places_of, standing_of
from hosting_cli.backups.standing import Standing
from hosting_cli.checks.facts import Facts, Journalled, Keys, NetworkSeen, Seen
from hosting_cli.checks.observation import RawReading, written
from hosting_cli.checks.seen import Clock, Endpoint, HostPosture, Part, Patches, VaultPosture
from hosting_cli.errors import HostingError, UnreadableError
from hosting_cli.every_key import every_key
from hosting_cli.journal import Break, breaks, parse
from hosting_cli.keys.judgement import judge
from hosting_cli.network import readings as network_readings
from hosting_cli.network.proving import prove
from hosting_cli.plan import Plan
from hosting_cli.resources import Bucket
from hosting_cli.session import Session
from hosting_cli.survey import Survey, plan_of, survey
from inventory.resource import Json, Reading

Value = TypeVar("Value")

AT_ONCE = 4
"""How many repositories and endpoints are read at the same time."""


def collect(session: Session) -> Facts:
    """Read all of it; raise ``HostingError`` only where not even what should be can be told."""
    with session.hosts.keeping_connections():
        return _collected(session)


def _collected(session: Session) -> Facts:
    with session.progress.stage("reading the vault, the object stores and the hosts"):
        found = survey(session)
        planned = plan_of(session, found)
    with session.progress.stage("reading keys, rights and the journal"):
        journal = _journal(session)
        keys, vault = _keys(session, journal), _vault(session)
    with session.progress.stage("reading how hosts stand"):
        postures, network = _postures(session), _network(session)
    with session.progress.stage("reading backups and endpoints"):
        backups, endpoints, locations = _backups(session), _endpoints(session), _locations(session, found)
    return Facts(
        region=session.region,
        now=session.clock(),
        files=RawReading("files", "hosting validate", session.clock(), {"sha256": session.files_digest}),
        desired=found.desired,
        surveyed={reading.source: _surveyed(reading) for reading in found.readings},
        plan=_planned(session, planned),
        keys=keys,
        backups=backups,
        network=network,
        postures=postures,
        endpoints=endpoints,
        vault=vault,
        locations=locations,
        journal=journal,
    )


def _surveyed(reading: Reading) -> Seen[Reading]:
    states: Json = None
    if reading.resources is not None:
        states = {str(subject): resource.state() for subject, resource in sorted(reading.resources.items())}
    raw = RawReading(reading.source, "hosting drift", reading.taken_at, states, reading.reason)
    return Seen(None if reading.resources is None else reading, raw)


def _planned(session: Session, found: Plan) -> Seen[Plan]:
    return Seen(found, RawReading("plan", "hosting drift", session.clock(), found.document()))


def _keys(session: Session, journal: Seen[Journalled]) -> Seen[Keys]:
    entries = journal.value.entries if journal.value else ()
    seen = every_key(session, entries)
    found = Keys(judge(seen.keys, session.region.key_policy, session.clock()), seen.unread)
    content: Json = {
        "keys": [item.to_json() for item in found.judged],
        "unread": {str(kind): reason for kind, reason in found.unread.items()},
    }
    return Seen(found, RawReading("vault", "hosting key list", session.clock(), content))


def _vault(session: Session) -> Seen[VaultPosture]:
    found = session.vault.posture()
    reasons = [item.unknown for item in (found.audit, found.tokens) if item.unknown]
    raw = RawReading("vault", "bao audit list; bao list auth/token/accessors", session.clock(), _plain(found))
    return Seen(
        found, raw if not reasons else RawReading(raw.source, raw.command, raw.read_at, raw.content, reasons[0])
    )


def _journal(session: Session) -> Seen[Journalled]:
    def read() -> Journalled:
        lines = session.journal.lines()
        found: tuple[Break, ...] = tuple(breaks(lines))
        return Journalled(() if found else tuple(map(parse, lines)), found)

    def content(found: Journalled) -> Json:
        head = found.entries[-1].digest if found.entries else None
        return {
            "entries": len(found.entries),
            "head": head,
            "breaks": [f"{it.line}: {it.reason}" for it in found.breaks],
        }

    return _read(session, "journal", "hosting journal verify", read, content)


def _backups(session: Session) -> Mapping[str, Seen[Standing]]:
    asked = [(item, place) for item in session.region.applications for place in places_of(session, item)]

    def read(pair: tuple[Any, Any]) -> Seen[Standing]:
        def content(found: Standing) -> Json:
            return dict(found.as_json())

        work = "hosting backup list"
        return _read(session, f"repository {pair[1].name}", work, lambda: standing_of(session, *pair), content)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return {place.name: seen for (_, place), seen in zip(asked, pool.map(read, asked), strict=True)}


def _endpoints(session: Session) -> Mapping[str, Seen[Endpoint]]:
    asked = {f"endpoint {engine}": where for engine, where in session.environment.endpoints.items()}

    def read(name: str) -> Seen[Endpoint]:
        address, authority = asked[name]
        command = f"openssl s_client -connect {address.removeprefix('https://')}"
        return _read(session, name, command, lambda: session.endpoints.read(address, authority), _plain)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(asked, pool.map(read, asked), strict=True))


def _locations(session: Session, found: Survey) -> Mapping[str, Seen[str]]:
    """Ask each store of a provider where one of our buckets lies; all of a store lie in one place."""
    located: dict[str, Seen[str]] = {}
    for store in session.region.stores:
        names = sorted(it.name for it in found.desired.values() if isinstance(it, Bucket) and it.store == store.id)
        if store.location is not None and names and store.id in session.stores:
            door, bucket = session.stores[store.id], names[0]
            command = f"aws s3api get-bucket-location --bucket {bucket}"
            located[store.id] = _read(
                session, f"object-store {store.id}", command, partial(door.location, bucket), _as_it_is
            )
    return located


# -- hosts --------------------------------------------------------------------------------------------------------


def _postures(session: Session) -> Mapping[str, Seen[HostPosture]]:
    command = "sshd -T; chronyc -c tracking; apt-get --simulate dist-upgrade"
    request: Json = {"timeout_seconds": TIMEOUT_SECONDS}
    taken_at = session.clock()
    names = list(session.environment.hosts)
    try:
        answers = session.hosts.ask("read_posture", dict.fromkeys(names, request))
    except HostingError as error:  # not even a certificate to log in with
        return {name: Seen(None, RawReading(f"host {name}", command, taken_at, None, str(error))) for name in names}
    return {name: _posture(name, answer, command, taken_at) for name, answer in answers.items()}


def _posture(name: str, answer: Any, command: str, taken_at: datetime) -> Seen[HostPosture]:
    if isinstance(answer, UnreadableError):
        return Seen(None, RawReading(f"host {name}", command, taken_at, None, str(answer)))
    found = HostPosture(
        sshd=_told(answer, "sshd", dict),
        clock=_told(answer, "clock", lambda it: Clock(**it)),
        patches=_told(answer, "patches", _patches),
    )
    return Seen(found, RawReading(f"host {name}", command, taken_at, answer))


def _told(answer: Mapping[str, Any], name: str, make: Callable[[Any], Value]) -> Part[Value]:
    try:
        return Part(make(part(answer, name)))
    except UnknownError as unknown:
        return Part(None, str(unknown))


def _patches(found: Mapping[str, Any]) -> Patches:
    listed = found["listed_at"]
    when = None if listed is None else datetime.fromtimestamp(listed, tz=UTC)
    return Patches(tuple(found["pending"]), tuple(found["security"]), when)


def _network(session: Session) -> Mapping[str, Seen[NetworkSeen]]:
    names, command = [host.id for host in session.region.hosts], "nft --json list ruleset; ip --json address"
    taken_at = session.clock()
    try:
        found = network_readings.read(session, names)
    except HostingError as error:
        return {name: Seen(None, RawReading(f"host {name}", command, taken_at, None, str(error))) for name in names}
    proof = prove(found, flows.topology(session.region), session.environment, session.progress)
    seen: dict[str, Seen[NetworkSeen]] = {}
    for each in proof.hosts:
        reading = found[each.host]
        if isinstance(reading, UnreadableError):
            raw = RawReading(f"host {each.host}", command, taken_at, None, str(reading))
            seen[each.host] = Seen(None, raw)
        else:
            content: Json = {"rules": reading.rules, "addresses": reading.addresses}
            raw = RawReading(f"host {each.host}", command, taken_at, content)
            seen[each.host] = Seen(NetworkSeen(reading, each), raw)
    return seen


# -- ---------------------------------------------------------------------------------------------------------------


def _read(
    session: Session, source: str, command: str, read: Callable[[], Value], content: Callable[[Value], Json]
) -> Seen[Value]:
    """Read one source; what goes wrong is its reason."""
    taken_at = session.clock()
    try:
        found = read()
    except HostingError as error:
        return Seen(None, RawReading(source, command, taken_at, None, str(error)))
    return Seen(found, RawReading(source, command, taken_at, content(found)))


def _as_it_is(text: str) -> Json:
    return text


def _plain(value: object) -> Json:
    """Give a value as plain JSON: of dataclasses their fields, of moments their text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return written(value)
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(asdict(value))
        case Iterable():
            return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain JSON form")
