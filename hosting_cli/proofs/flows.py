"""A flow of the manifest passes, and one that is not listed is dropped: real packets, from another host."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain

from hosting_cli.errors import UnreadableError
from hosting_cli.proofs.on_host import Hand, hand_on
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.session import Session
from inventory.ends import Directory, Way, ways
from inventory.models import Application, Host, HostRole, Region, Tier
from inventory.network import Flow
from inventory.resource import Json

PASSES = "flow-passes"
DROPPED = "unlisted-flow-dropped"
UNLISTED = (11112, 104, 2575, 5432, 3389)
"""Ports to try that a manifest should not list: plain DICOM, plain HL7, a database, a remote desktop."""
EPHEMERAL = range(49152, 65536)
"""What is left where a region lists all of these: ports that are never registered for a service."""
LISTEN_SECONDS = 180
LISTENER = "hosting-proof-listener"


@dataclass(frozen=True)
class Attempt:
    """Packets to send: from an address of a gateway to a host of a tier, to listed ports and to one that is not."""

    gateway: str
    source: str
    host: str
    destination: str
    listed: tuple[int, ...]
    unlisted: int


@dataclass(frozen=True)
class Answers:
    """Which ports answered, from the gateway and, to show that somebody listens there, from the host itself.

    Both ask the same address: whoever listens on the loopback only is heard by neither.
    """

    from_gateway: Mapping[int, bool]
    from_itself: Mapping[int, bool]


def attempts(region: Region, application: Application) -> tuple[Attempt, ...]:
    """Say which packets to send: one attempt for every host that a TCP flow of *application* leads to."""
    found: dict[tuple[str, str], set[int]] = {}
    for row in _rows(region, application):
        for way in row.ways:
            if way.source.tier is None and way.destination.application == application.id and way.destination.tier:
                found.setdefault((way.source.segment, way.destination.tier), set()).update(row.ports)
    return tuple(
        attempt
        for (source, tier_id), listed in found.items()
        for tier in application.tiers
        if tier.id == tier_id and listed
        for attempt in _of_tier(region, tier, source, tuple(sorted(listed)))
    )


@dataclass(frozen=True)
class Row:
    """A row of the flow matrix: the ways that it opens, and on which ports over TCP."""

    ways: tuple[Way, ...]
    ports: tuple[int, ...]


def _rows(region: Region, application: Application) -> Sequence[Row]:
    """Give the rows of *application*, in order; one whose words stand for nothing opens no way."""
    directory, ports = Directory.of(region), _tcp_ports(region)
    return [Row(_ways(directory, application, flow), ports.get(flow.protocol, ())) for flow in application.flows]


def _ways(directory: Directory, application: Application, flow: Flow) -> tuple[Way, ...]:
    try:
        return tuple(ways(directory, application.id, flow))
    except KeyError:
        return ()


def _of_tier(region: Region, tier: Tier, segment: str, listed: tuple[int, ...]) -> Sequence[Attempt]:
    gateway = next((host for host in region.hosts if host.role is HostRole.GATEWAY and _address(host, segment)), None)
    if gateway is None:
        return []
    source = _address(gateway, segment)
    return [
        Attempt(gateway.id, source, host.id, _address(host, tier.segment), listed, _unlisted(region, host))
        for host in region.hosts
        if host.id in tier.hosts
    ]


def _unlisted(region: Region, host: Host) -> int:
    """Choose a port that no flow of any application leads to on *host*, wherever it comes from."""
    segments = {interface.segment for interface in host.interfaces}
    admitted: set[int] = set()
    for application in region.applications:
        own = {tier.id for tier in application.tiers if host.id in tier.hosts}
        for row in _rows(region, application):
            ends = (way.destination for way in row.ways)
            if any(end.tier in own if end.tier else end.segment in segments for end in ends):
                admitted.update(row.ports)
    return next(port for port in chain(UNLISTED, EPHEMERAL) if port not in admitted)


def _tcp_ports(region: Region) -> dict[str, tuple[int, ...]]:
    return {protocol.code: protocol.numbers for protocol in region.protocols if protocol.transport == "tcp"}


def untried(region: Region, application: Application) -> list[Proof]:
    """Say which rows of the flow matrix no attempt covers: UDP, between tiers, or from where no gateway stands."""
    gateways = [host for host in region.hosts if host.role is HostRole.GATEWAY]
    legs = {interface.segment for host in gateways for interface in host.interfaces}
    rows = [
        number
        for number, row in enumerate(_rows(region, application), start=1)
        if not row.ways or not row.ports or not all(_is_tried(way, legs, application) for way in row.ways)
    ]
    if not rows:
        return []
    sentence = (
        f"of the flow matrix, row {', '.join(map(str, rows))} was not tried: "
        "packets are sent over TCP, from a gateway's leg in the segment that a flow comes from, to a tier"
    )
    return [Proof(PASSES, f"application {application.id}", Verdict.NOT_PROVEN, sentence, {"rows": list[Json](rows)})]


def _is_tried(way: Way, legs: set[str], application: Application) -> bool:
    from_a_leg = way.source.tier is None and way.source.segment in legs
    return from_a_leg and way.destination.tier is not None and way.destination.application == application.id


def _address(host: Host, segment: str) -> str:
    return next((str(item.address.ip) for item in host.interfaces if item.segment == segment), "")


def prove(session: Session, attempt: Attempt) -> list[Proof]:
    """Listen on the ports of *attempt*, then try all of them from the gateway and from the host itself."""
    ports = [*attempt.listed, attempt.unlisted]
    listen = [
        "systemd-run", f"--unit={LISTENER}", "--collect", "--service-type=notify",
        f"--property=RuntimeMaxSec={LISTEN_SECONDS}",
        "/usr/bin/python3", "-I", "-c", _program("listen"), *map(str, ports),
    ]  # fmt: skip
    stop = ["systemctl", "stop", LISTENER]
    with hand_on(session, attempt.host) as itself, hand_on(session, attempt.gateway) as gateway:
        itself.attempt(stop)
        itself.run(listen)
        try:
            from_itself = _try(itself, attempt.destination, attempt.destination, ports)
            from_gateway = _try(gateway, attempt.source, attempt.destination, ports)
        finally:
            itself.attempt(stop)
    return judge(attempt, Answers(from_gateway, from_itself))


def _try(hand: Hand, source: str, destination: str, ports: Sequence[int]) -> dict[int, bool]:
    argv = ["/usr/bin/python3", "-I", "-", source, destination, *map(str, ports)]
    output = hand.run(argv, stdin=_program("connect"))
    try:
        return {int(port): bool(answered) for port, answered in json.loads(output).items()}
    except (ValueError, AttributeError) as error:
        what = f"the connecting program answered {output[:200]!r}, which is no JSON object"
        raise UnreadableError(f"host {hand.host}", what, "Something prints into every login; remove it.") from error


def _program(name: str) -> str:
    return resources.files("hosting_cli.proofs").joinpath("programs", f"{name}.py").read_text()


def judge(attempt: Attempt, answers: Answers) -> list[Proof]:
    """Say whether every listed port answered, and the unlisted one, on which somebody listens, did not."""
    subject = f"host {attempt.host}"
    observed: dict[str, Json] = {
        "from": attempt.source,
        "to": attempt.destination,
        "answered": [port for port, answered in answers.from_gateway.items() if answered],
        "tried": [*attempt.listed, attempt.unlisted],
        "listening": [port for port, answered in answers.from_itself.items() if answered],
    }
    way = f"from {attempt.source} to {attempt.destination}"
    return [
        _judge_passes(attempt, answers, subject, way, observed),
        _judge_dropped(attempt, answers, subject, way, observed),
    ]


def _judge_passes(attempt: Attempt, answers: Answers, subject: str, way: str, observed: dict[str, Json]) -> Proof:
    silent = [port for port in attempt.listed if not answers.from_gateway[port]]
    dropped = [port for port in silent if answers.from_itself[port]]
    if dropped:
        sentence = f"no packet passes {way} on listed port {_numbers(dropped)}, although somebody listens"
        return Proof(PASSES, subject, Verdict.BROKEN, sentence, observed)
    if silent:
        sentence = f"nobody listens on listed port {_numbers(silent)}, so silence there shows nothing"
        return Proof(PASSES, subject, Verdict.UNKNOWN, sentence, observed)
    sentence = f"packets pass {way} on listed port {_numbers(attempt.listed)}"
    return Proof(PASSES, subject, Verdict.HELD, sentence, observed)


def _numbers(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports))


def _judge_dropped(attempt: Attempt, answers: Answers, subject: str, way: str, observed: dict[str, Json]) -> Proof:
    if not answers.from_itself[attempt.unlisted]:
        sentence = f"nobody listens on {attempt.unlisted}, so silence there shows nothing"
        return Proof(DROPPED, subject, Verdict.UNKNOWN, sentence, observed)
    if answers.from_gateway[attempt.unlisted]:
        sentence = f"packets pass {way} on port {attempt.unlisted}, which no flow lists"
        return Proof(DROPPED, subject, Verdict.BROKEN, sentence, observed)
    if not any(answers.from_gateway[port] for port in attempt.listed):
        sentence = f"nothing passes {way} at all, so silence on port {attempt.unlisted} shows nothing"
        return Proof(DROPPED, subject, Verdict.UNKNOWN, sentence, observed)
    sentence = f"packets {way} on port {attempt.unlisted}, which no flow lists, are dropped although somebody listens"
    return Proof(DROPPED, subject, Verdict.HELD, sentence, observed)
