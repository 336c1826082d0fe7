"""Prove a region's network: every host by itself, and every row of the flow matrix over all hosts on its way.  Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deploys.flows import ResolvedFlow, Topology
from hosting_cli.errors import UnreadableError
from hosting_cli.network import listing
from hosting_cli.network.comparison import Judgement, judge
from hosting_cli.network.interfaces import interfaces
from hosting_cli.network.permits import Position
from hosting_cli.network.readings import NetworkReading, Readings
from inventory.environment import Environment
from inventory.models import Host, HostRole
from inventory.resource import Json

TELL_EVERY = 200
NO_GATEWAY = "no gateway joins its segments"


class Standing(StrEnum):
    """How a host, a row or all of them stand."""

    PROVEN = "proven"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class HostProof:
    """What came of one host: it is unknown if it could not be read, or holds what is not understood."""

    host: str
    judgement: Judgement
    read_at: str | None = None
    unread: UnreadableError | None = None

    @property
    def standing(self) -> Standing:
        """Sum it up."""
        if self.unread is not None or self.judgement.not_understood:
            return Standing.UNKNOWN
        return Standing.DIFFERENT if self.judgement.findings or self.judgement.misplaced else Standing.PROVEN

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "host": self.host,
            "standing": self.standing.value,
            "read_at": self.read_at,
            "unread": None if self.unread is None else self.unread.what,
            "differences": [finding.to_json() for finding in self.judgement.findings],
            "not_understood": [str(each) for each in self.judgement.not_understood],
            "misplaced": list(self.judgement.misplaced),
        }


@dataclass(frozen=True)
class RowProof:
    """What came of one row of the flow matrix: whether all hosts on its way let it pass, and which do not."""

    row: str
    standing: Standing
    at: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {"row": self.row, "standing": self.standing.value, "at": list(self.at)}


@dataclass(frozen=True)
class NetworkProof:
    """What came of all that was asked for."""

    hosts: tuple[HostProof, ...]
    rows: tuple[RowProof, ...]
    elsewhere: int = 0
    """How many rows go over hosts that were not asked; nothing is said of them."""

    @property
    def standing(self) -> Standing:
        """Sum it up: unknown outweighs different, since nobody can say what else there is."""
        found = {host.standing for host in self.hosts} | {row.standing for row in self.rows}
        return next((worst for worst in (Standing.UNKNOWN, Standing.DIFFERENT) if worst in found), Standing.PROVEN)


def prove(readings: Readings, places: Topology, environment: Environment, tell: Callable[[str], None]) -> NetworkProof:
    """Judge each host that was asked, and each row all of whose hosts were."""
    hosts = []
    for number, (host, reading) in enumerate(readings.items(), start=1):
        hosts.append(_host(reading, places, environment, places.hosts[host]))
        if number % TELL_EVERY == 0:
            tell(f"{number:,} of {len(readings):,} hosts")
    ways = _ways(places)
    rows = tuple(_rows({each.host: each for each in hosts}, ways))
    return NetworkProof(tuple(hosts), rows, len(ways) - len(rows))


def _host(
    reading: NetworkReading | UnreadableError, places: Topology, environment: Environment, host: Host
) -> HostProof:
    if isinstance(reading, UnreadableError):
        return HostProof(host.id, Judgement(host.id), unread=reading)
    try:
        rules, kernel = listing.rule_set(reading.rules), interfaces(reading.addresses)
    except ValueError as error:
        unread = UnreadableError(f"host {host.id}", str(error), "Look at what nft and ip print there.")
        return HostProof(host.id, Judgement(host.id), reading.read_at, unread)
    return HostProof(host.id, judge(rules, Position(places, environment, host, kernel)), reading.read_at)


def _rows(hosts: Mapping[str, HostProof], ways: Mapping[str, set[str]]) -> Iterator[RowProof]:
    stopped: dict[str, set[str]] = defaultdict(set)
    for proof in hosts.values():
        for finding in proof.judgement.findings:
            for flow in finding.rows:
                stopped[flow.comment].add(proof.host)
    # Where the name of an interface is another's, rules that speak of it speak of another segment.
    misplaced = {host for host, proof in hosts.items() if proof.judgement.misplaced}
    unclear = {host for host, proof in hosts.items() if proof.standing is Standing.UNKNOWN}
    for row, way in ways.items():
        if way <= {*hosts, NO_GATEWAY}:
            if barred := stopped[row] | (way & {NO_GATEWAY, *misplaced}):
                yield RowProof(row, Standing.DIFFERENT, tuple(sorted(barred)))
            elif way & unclear:
                yield RowProof(row, Standing.UNKNOWN, tuple(sorted(way & unclear)))
            else:
                yield RowProof(row, Standing.PROVEN)


def _ways(places: Topology) -> dict[str, set[str]]:
    """Give the hosts that each row passes: its senders, every gateway that joins its segments, its receivers."""
    ways: dict[str, set[str]] = defaultdict(set)
    for host, exchanges in places.exchanges.items():
        if places.hosts[host].role is not HostRole.GATEWAY:
            for exchange in exchanges:
                for flow in (*exchange.sent, *exchange.received):
                    ways[flow.comment].add(host)
    joining: dict[tuple[str, str], set[str]] = {}
    for flow in _flows(places):
        ends = (flow.source.segment, flow.destination.segment)
        if ends not in joining:
            joining[ends] = _joining(places, *ends)
        ways[flow.comment] |= joining[ends]
    return ways


def _flows(places: Topology) -> Iterable[ResolvedFlow]:
    return (flow for flows in places.flows_to.values() for flow in flows)


def _joining(places: Topology, source: str, destination: str) -> set[str]:
    if source == destination:
        return set()
    here, there = ({gateway for gateway, _ in places.gateways.get(end, ())} for end in (source, destination))
    return here & there or {NO_GATEWAY}
