"""The words of the network: the address plan, groups of who may talk, the flow catalogue, rows of the flow matrix."""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Finess, Identifier, NonEmpty
from inventory.notations import (
    Address,
    Day,
    InterfaceAddress,
    InterfaceName,
    Network,
    Port,
    ProtocolCode,
    Transport,
    VlanNumber,
)
from inventory.tunnels import Tunnel

# -- the address plan ---------------------------------------------------------------------------------------------


class SegmentKind(StrEnum):
    """Whose network zone a segment is."""

    TIER = "tier"
    TUNNEL = "tunnel"
    PLATFORM = "platform"


class PlatformPurpose(StrEnum):
    """What the platform has a zone of its own for at each site."""

    ADMINISTRATION = "administration"
    BACKUP = "backup"
    MONITORING = "monitoring"


class RangePurpose(StrEnum):
    """What a part of a site's addresses is set apart for."""

    TIER = "tier"
    TUNNEL = "tunnel"
    PLATFORM = "platform"
    NAT = "nat"

    @property
    def plural(self) -> str:
        """Give the word for what is allocated for it."""
        return {"platform": "the platform", "nat": "NAT pools"}.get(self.value, f"{self.value}s")


class Supernet(Model):
    """Addresses of a site that networks of ``prefix_length`` are allocated from, for one purpose or, without, for all.

    NAT pools come only from what is set apart for them: they are addresses that no machine has.
    """

    site: Identifier
    network: Network
    purpose: RangePurpose | None = None
    prefix_length: Annotated[int, Field(ge=8, le=30)] = 24

    def serves(self, purpose: RangePurpose) -> bool:
        """Tell whether networks for *purpose* come from here."""
        return self.purpose is purpose or (self.purpose is None and purpose is not RangePurpose.NAT)


class VlanRange(Model):
    """Numbers that a site's VLANs are given, both ends included; what a site shares with others has its own."""

    site: Identifier
    first: VlanNumber
    last: VlanNumber


class Segment(Model):
    """A network zone; traffic between two segments is dropped unless a flow says otherwise.

    ``vlan`` is the number by which its frames are told from others' on the site's trunks.  ``gateway`` is the address
    by which its hosts reach others where a pair of gateways stands in it: whichever holds it at the moment.

    A tunnel's ``internal_ranges`` are the establishment's own, behind its end of the tunnel.  The region sees them as
    they are, or, where they are somebody else's as well, as the addresses of ``nat_pool``.
    """

    id: Identifier
    site: Identifier
    kind: SegmentKind
    network: Network
    vlan: VlanNumber | None = None
    gateway: Address | None = None
    establishment: Finess | None = None
    purpose: PlatformPurpose | None = None
    internal_ranges: tuple[Network, ...] = ()
    nat_pool: Network | None = None

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """Give the addresses by which the region sees who is in the segment or behind it."""
        behind = self.internal_ranges if self.nat_pool is None else (self.nat_pool,)
        return (self.network, *behind)


class Retired(Model):
    """A network that was allocated once and is not any more: its addresses are never given to anybody else.

    Nor is its ``vlan``, at any site: on some switch a port may still carry it.
    """

    id: Identifier
    network: Network
    vlan: VlanNumber | None = None
    since: Day


class Interface(Model):
    """A host's address in a segment, and what holds it.

    Without a ``parent`` that is a network card, whose frames carry no tag here, whoever tags them on their way.  With
    one it is a VLAN on that card, which takes the segment's number and is called by both: `eth1.110`.
    """

    name: InterfaceName
    parent: InterfaceName | None = None
    segment: Identifier
    address: InterfaceAddress


class GatewayPair(Model):
    """Two gateways of a site that take each other's place: one holds the addresses of all segments that both stand in.

    They hear each other in ``heartbeat``, a segment of the platform, and in no other, by VRRP with the number
    ``virtual_router``, which is nobody else's there.  Who holds the addresses keeps them until it fails; when both
    start, the ``first`` takes them.
    """

    id: Identifier
    first: Identifier
    second: Identifier
    heartbeat: Identifier
    virtual_router: Annotated[int, Field(ge=1, le=255)]

    @property
    def gateways(self) -> tuple[str, str]:
        """Name both, the first one first."""
        return (self.first, self.second)


# -- who talks to whom --------------------------------------------------------------------------------------------


class GroupProfile(StrEnum):
    """What those in a group are to the services of the region, where more is asked of them for it."""

    ACCESS_POINT = "access-point"
    EXPERT_CENTRE = "expert-centre"
    REQUESTING_CENTRE = "requesting-centre"


class Group(Model):
    """Ends of flows under one name: segments, establishments, and tiers of applications, but no other groups."""

    id: Identifier
    name: NonEmpty
    profile: GroupProfile | None = None
    members: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]


class Direction(StrEnum):
    """Who may begin: the source alone, or either end."""

    ONE_WAY = "one-way"
    BOTH_WAYS = "both-ways"


class Flow(Model):
    """One row of the flow matrix; what is not a row is dropped.

    `inventory.ends` knows what a source or destination may be.
    """

    source: NonEmpty
    destination: NonEmpty
    protocol: ProtocolCode
    direction: Direction = Direction.ONE_WAY
    purpose: NonEmpty
    owner: NonEmpty
    expires: Day
    ticket: NonEmpty | None = None


class TrafficClass(StrEnum):
    """How urgent traffic is: links guarantee a rate to each class."""

    REAL_TIME = "real-time"
    IMAGING = "imaging-urgent"
    TRANSACTIONAL = "transactional"
    BULK = "bulk"


class Protocol(Model):
    """A row of the flow catalogue: what a protocol code means on the wire.

    ``encrypted`` says whether whoever is in between can read it; ``may_cross_in_clear``, that it may leave its site all
    the same, since it carries nothing of anybody's.
    """

    code: ProtocolCode
    name: NonEmpty
    transport: Transport
    ports: Annotated[tuple[Port, ...], Field(min_length=1)]
    encrypted: bool
    may_cross_in_clear: bool = False
    traffic: TrafficClass = TrafficClass.TRANSACTIONAL

    @property
    def numbers(self) -> tuple[int, ...]:
        """Give every port, each of a range's by itself."""
        return tuple(number for port in self.ports for number in range(port.first, port.last + 1))


class Protocols(Model):
    """What `catalogue/protocols.yaml` holds: the flow catalogue."""

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]


class NetworkSheet(Model):
    """What `network.yaml` holds: the address plan, the tunnels that lead out of it, and groups of who may talk."""

    address_space: Annotated[tuple[Network, ...], Field(min_length=1)]
    supernets: tuple[Supernet, ...] = ()
    vlan_ranges: tuple[VlanRange, ...] = ()
    groups: tuple[Group, ...] = ()
    gateway_pairs: tuple[GatewayPair, ...] = ()
    segments: tuple[Segment, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    retired: tuple[Retired, ...] = ()
