"""The rows of the flow matrix with their words looked up, as far as they concern whom a document is for.  Pure.

An application's own rows are all of an application.  An establishment's are those at one end of which it is, and of
that end it sees itself alone, never the others for whom the same row is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network

from hosting_cli.documents.scope import Scope
from inventory.ends import GROUP, Directory, Place, parsed
from inventory.identifiers import Finess
from inventory.models import Application, Establishment, Host, Region, Tier
from inventory.network import Flow, Group, Protocol, Segment, SegmentKind


@dataclass(frozen=True)
class Party:
    """Who takes part in a row: a segment or the hosts of a tier in it, and by which addresses they are seen."""

    segment: Segment
    networks: tuple[IPv4Network, ...]
    application: str | None = None
    tier: str | None = None
    establishment: Establishment | None = None

    @property
    def is_tunnel(self) -> bool:
        """Tell whether it is out of a tunnel."""
        return self.segment.kind is SegmentKind.TUNNEL


@dataclass(frozen=True)
class End:
    """One end of a row: who takes part, and as which group if they are one."""

    parties: tuple[Party, ...]
    group: Group | None = None

    def only(self, establishment: Finess) -> "End":
        """Leave out who is not of *establishment*; an end where nobody is stays as it is."""
        own = tuple(party for party in self.parties if party.segment.establishment == establishment)
        return End(own) if own else self

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """Give by which addresses they are seen."""
        return tuple(dict.fromkeys(network for party in self.parties for network in party.networks))


@dataclass(frozen=True)
class FlowRow:
    """A row of the flow matrix."""

    application: Application
    number: int
    flow: Flow
    protocol: Protocol
    source: End
    destination: End

    @property
    def tunnels(self) -> tuple[Segment, ...]:
        """Give the tunnels that it goes through."""
        parties = (*self.source.parties, *self.destination.parties)
        return tuple({party.segment.id: party.segment for party in parties if party.is_tunnel}.values())

    @property
    def is_crossing(self) -> bool:
        """Tell whether it leaves a site: for another one, or for an establishment."""
        sites = {party.segment.site for end in (self.source, self.destination) for party in end.parties}
        return bool(self.tunnels) or len(sites) > 1


def rows(region: Region, scope: Scope) -> tuple[FlowRow, ...]:
    """Give the rows that concern *scope*, in the order of the files."""
    return tuple(_rows(region, scope))


def _rows(region: Region, scope: Scope) -> Iterator[FlowRow]:
    words = _Words(region)
    for application in region.applications:
        if scope.application in {None, application.id}:
            for row in _rows_of(application, scope, words):
                if scope.establishment is None or _concerns(row, scope.establishment):
                    yield row


def _rows_of(application: Application, scope: Scope, words: "_Words") -> Iterator[FlowRow]:
    for number, flow in enumerate(application.flows, start=1):
        source, destination = (words.end(application, text) for text in (flow.source, flow.destination))
        if scope.establishment is not None:
            source, destination = source.only(scope.establishment), destination.only(scope.establishment)
        yield FlowRow(application, number, flow, words.protocols[flow.protocol], source, destination)


def _concerns(row: FlowRow, establishment: Finess) -> bool:
    return any(segment.establishment == establishment for segment in row.tunnels)


class _Words:
    """What the words of flows refer to; each is looked up once."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._directory = Directory.of(region)
        self._parties: dict[Place, Party] = {}
        self._ends: dict[tuple[Place, ...], End] = {}

    @cached_property
    def protocols(self) -> Mapping[str, Protocol]:
        return {protocol.code: protocol for protocol in self._region.protocols}

    @cached_property
    def _hosts(self) -> Mapping[str, Host]:
        return {host.id: host for host in self._region.hosts}

    @cached_property
    def _segments(self) -> Mapping[str, Segment]:
        return {segment.id: segment for segment in self._region.segments}

    @cached_property
    def _groups(self) -> Mapping[str, Group]:
        return {group.id: group for group in self._region.groups}

    @cached_property
    def _establishments(self) -> Mapping[str, Establishment]:
        return {place.finess: place for member in self._region.members for place in member.establishments}

    @cached_property
    def _tiers(self) -> Mapping[tuple[str | None, str | None], Tier]:
        return {
            (application.id, tier.id): tier for application in self._region.applications for tier in application.tiers
        }

    def end(self, application: Application, text: str) -> End:
        """Look an end up: whoever takes part, and the group if it is one."""
        word, places = parsed(text), self._directory.places(application.id, text)
        if word.kind == GROUP:
            return End(tuple(map(self._party, places)), self._groups[word.name])
        if places not in self._ends:
            self._ends[places] = End(tuple(map(self._party, places)))
        return self._ends[places]

    def _party(self, place: Place) -> Party:
        if place not in self._parties:
            segment = self._segments[place.segment]
            owner = segment.establishment
            establishment = self._establishments[owner] if owner is not None else None
            networks = segment.networks if place.tier is None else self._addresses(place)
            self._parties[place] = Party(segment, networks, place.application, place.tier, establishment)
        return self._parties[place]

    def _addresses(self, place: Place) -> tuple[IPv4Network, ...]:
        return tuple(
            IPv4Network(interface.address.ip)
            for host in self._tiers[place.application, place.tier].hosts
            for interface in self._hosts[host].interfaces
            if interface.segment == place.segment
        )
