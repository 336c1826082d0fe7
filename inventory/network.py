"""The words of the network: segments and who is in them, the flow catalogue, and the rows of the flow matrix."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Finess, Identifier, NonEmpty
from inventory.notations import Day, InterfaceAddress, InterfaceName, Network, ProtocolCode, Transport
from inventory.tunnels import Tunnel


class SegmentKind(StrEnum):
    """Whose network zone a segment is."""

    TIER = "tier"
    TUNNEL = "tunnel"
    PLATFORM = "platform"


class Segment(Model):
    """A network zone; traffic between two segments is dropped unless a flow says otherwise."""

    id: Identifier
    site: Identifier
    kind: SegmentKind
    network: Network
    establishment: Finess | None = None


class Interface(Model):
    """A network card of a host and its address in a segment."""

    name: InterfaceName
    segment: Identifier
    address: InterfaceAddress


class Flow(Model):
    """One row of the flow matrix; what is not a row is dropped.

    A source or destination is the id of a segment, or ``tier:<id>`` for a tier of the same application.
    """

    source: NonEmpty
    destination: NonEmpty
    protocol: ProtocolCode
    purpose: NonEmpty
    owner: NonEmpty
    expires: Day


class Protocol(Model):
    """A row of the flow catalogue: what a protocol code means on the wire."""

    code: ProtocolCode
    name: NonEmpty
    transport: Transport
    ports: Annotated[tuple[Annotated[int, Field(gt=0, lt=65536)], ...], Field(min_length=1)]
    encrypted: bool


class Protocols(Model):
    """What `catalogue/protocols.yaml` holds: the flow catalogue."""

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]


class NetworkSheet(Model):
    """What `network.yaml` holds: the address plan, and the tunnels that lead out of it."""

    address_space: Annotated[tuple[Network, ...], Field(min_length=1)]
    segments: tuple[Segment, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
