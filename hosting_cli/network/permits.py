"""What a reason to pass is, and where it holds: one host in its region.  Pure."""

from dataclasses import dataclass
from functools import cached_property

from deploys.flows import Leg, ResolvedFlow, Topology
from hosting_cli.network.interfaces import HostInterfaces
from hosting_cli.network.packets import OTHER, Pattern, State
from hosting_cli.network.spaces import Span
from inventory.environment import Environment
from inventory.models import Host, HostRole

FOLLOWED = (State.ESTABLISHED, State.RELATED)
"""States of packets that belong to a connection whose first packet was let through."""


@dataclass(frozen=True)
class Permit:
    """A reason for which packets pass: a row of the flow matrix, or a need of the platform.

    It *allows* so much at most and *promises* so much at least.  Between the two lies what nobody needs and nothing
    forbids, such as a packet that comes from outside and claims to be of the host itself.
    """

    what: str
    allowed: Pattern | None
    promised: Pattern | None = None
    ports: tuple[int, ...] = ()
    """To these alone, if there are any: apart from the patterns, so that the many rows of two ends share those."""
    rows: tuple[ResolvedFlow, ...] = ()


@dataclass(frozen=True)
class Position:
    """One host in its region and environment, and the interfaces that its kernel has."""

    places: Topology
    environment: Environment
    host: Host
    kernel: HostInterfaces

    @cached_property
    def is_gateway(self) -> bool:
        """Tell whether it lets packets through that are not its own."""
        return self.host.role is HostRole.GATEWAY

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        """Give its interfaces in the region's segments."""
        return self.places.legs[self.host.id]

    @cached_property
    def own(self) -> tuple[int, ...]:
        """Give its addresses in order: those of the files and those of the kernel."""
        return tuple(sorted({int(each) for each in (*self.kernel.own, *(leg.address for leg in self.legs))}))

    @cached_property
    def own_spans(self) -> tuple[Span, ...]:
        """Give its addresses as spans."""
        return tuple((address, address) for address in self.own)

    @cached_property
    def trunks(self) -> tuple[str, ...]:
        """Name its trunks, by which nothing comes or goes but frames with a tag, which are other interfaces'."""
        return self.host.trunks

    @cached_property
    def interfaces(self) -> tuple[str, ...]:
        """Name its interfaces but the loopback and its trunks, and any that may come."""
        return (*sorted({*self.kernel.addresses, *(leg.name for leg in self.legs)} - {*self.trunks}), OTHER)

    @cached_property
    def managed_by(self) -> tuple[str, ...]:
        """Name the interfaces by which the administration comes: the one with the address at which we reach the host.

        If that is none of the files, it is one that the files do not name.
        """
        reached = self.environment.hosts[self.host.id].address
        legs = {leg.name: str(leg.address) for leg in self.legs}
        return tuple(name for name, address in legs.items() if address == reached) or self.outer

    @cached_property
    def outer(self) -> tuple[str, ...]:
        """Name the interfaces that are in no segment: by these come the administration and the peers of tunnels."""
        legs = {leg.name for leg in self.legs}
        return tuple(name for name in self.interfaces if name not in legs)
