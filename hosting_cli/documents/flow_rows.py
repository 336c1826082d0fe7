"""The rows of the flow matrix with their words looked up, as far as they concern whom a document is for.  Pure.

An application's own rows are all of an application.  An establishment's are those at one end of which it is, and of
that end it sees itself alone, never the others for whom the same row is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Network

from inventory.identifiers import Finess
from inventory.models import Application, Establishment, Host, Region, Tier
from inventory.network import Flow, Protocol, Segment, SegmentKind

_TIER = "tier:"


@dataclass(frozen=True)
class Scope:
    """Whom a document is for: one application, one establishment or, without either, the region."""

    application: str | None = None
    establishment: Finess | None = None


@dataclass(frozen=True)
class End:
    """One end of a row: the segment, the tier in it if only that takes part, and by which addresses both are seen."""

    segment: Segment
    networks: tuple[IPv4Network, ...]
    tier: str | None = None
    application: Application | None = None
    establishment: Establishment | None = None

    @property
    def is_tunnel(self) -> bool:
        """Tell whether it is out of a tunnel."""
        return self.segment.kind is SegmentKind.TUNNEL


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
    def ends(self) -> tuple[End, End]:
        """Give both ends."""
        return self.source, self.destination

    @property
    def tunnels(self) -> tuple[str, ...]:
        """Name the tunnels that it goes through."""
        return tuple(dict.fromkeys(end.segment.id for end in self.ends if end.is_tunnel))

    @property
    def is_crossing(self) -> bool:
        """Tell whether it leaves a site: for another one, or for an establishment."""
        return bool(self.tunnels) or self.source.segment.site != self.destination.segment.site


def rows(region: Region, scope: Scope) -> tuple[FlowRow, ...]:
    """Give the rows that concern *scope*, in the order of the files."""
    return tuple(_rows(region, scope))


def _rows(region: Region, scope: Scope) -> Iterator[FlowRow]:
    words = _Words(region)
    for application in region.applications:
        if scope.application in {None, application.id}:
            for row in _rows_of(application, words):
                if scope.establishment is None or _concerns(row, scope.establishment):
                    yield row


def _rows_of(application: Application, words: "_Words") -> Iterator[FlowRow]:
    for number, flow in enumerate(application.flows, start=1):
        yield FlowRow(
            application,
            number,
            flow,
            words.protocols[flow.protocol],
            words.end(application, flow.source),
            words.end(application, flow.destination),
        )


def _concerns(row: FlowRow, establishment: Finess) -> bool:
    return any(end.segment.establishment == establishment for end in row.ends)


@dataclass(frozen=True)
class _Words:
    """What the words of a flow refer to."""

    region: Region

    @cached_property
    def protocols(self) -> Mapping[str, Protocol]:
        return {protocol.code: protocol for protocol in self.region.protocols}

    @cached_property
    def hosts(self) -> Mapping[str, Host]:
        return {host.id: host for host in self.region.hosts}

    @cached_property
    def segments(self) -> Mapping[str, End]:
        places = {place.finess: place for member in self.region.members for place in member.establishments}
        return {
            segment.id: End(
                segment,
                (segment.network,),
                establishment=places[segment.establishment] if segment.establishment is not None else None,
            )
            for segment in self.region.segments
        }

    @cached_property
    def tiers(self) -> Mapping[tuple[str, str], End]:
        return {
            (application.id, f"{_TIER}{tier.id}"): replace(
                self.segments[tier.segment], networks=self._addresses(tier), tier=tier.id, application=application
            )
            for application in self.region.applications
            for tier in application.tiers
        }

    def _addresses(self, tier: Tier) -> tuple[IPv4Network, ...]:
        return tuple(
            IPv4Network(interface.address.ip)
            for host in tier.hosts
            for interface in self.hosts[host].interfaces
            if interface.segment == tier.segment
        )

    def end(self, application: Application, text: str) -> End:
        """Look an end up: a tier of the application, or a whole segment."""
        return self.tiers[application.id, text] if text.startswith(_TIER) else self.segments[text]
