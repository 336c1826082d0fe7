"""The words of links: by which lines an establishment reaches the hosting, and what these guarantee."""

from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Identifier
from inventory.network import TrafficClass

Rate = Annotated[int, Field(gt=0)]
"""Mb/s."""

Rates = dict[TrafficClass, Rate]


class Link(Model):
    """A line of an establishment; what it guarantees to a class of traffic, it guarantees each way.

    Links on one path (one duct, one operator's node) fail together.
    """

    id: Identifier
    path: Identifier
    down_mbps: Rate
    up_mbps: Rate
    guarantees_mbps: Annotated[Rates, Field(default_factory=dict)]

    @property
    def rate_mbps(self) -> int:
        """Give what it carries both ways."""
        return min(self.down_mbps, self.up_mbps)


class LinkNeeds(Model):
    """What a service asks of the links of every establishment that has it: on each of so many paths, these rates."""

    paths: Annotated[int, Field(ge=1)] = 1
    guarantees_mbps: Rates
