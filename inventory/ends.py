"""What the words at the ends of flows stand for: the segments, and the tiers in them, that take part.  Pure.

::

    <segment>                     whoever is in a segment
    tier:<tier>                   the hosts of a tier of the same application
    tier:<application>/<tier>     those of another application's, which the flow's own depends on
    establishment:<finess>        whoever comes out of the tunnels of an establishment
    group:<group>                 all members of a group of network.yaml, each of which is one of the above
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from inventory.models import Application, Region
from inventory.network import Direction, Flow, Group, Segment

TIER, ESTABLISHMENT, GROUP = "tier", "establishment", "group"
SEGMENT = ""
"""The kind of a word that is a segment's own name."""


class Word(NamedTuple):
    """A word in its parts: its kind and what it names; of a tier, also whose, if it says so."""

    kind: str
    name: str
    application: str | None = None


def parsed(text: str) -> Word:
    """Take a word apart; what stands before the first colon is its kind, whether there is such a kind or not."""
    kind, colon, name = text.partition(":")
    if not colon:
        return Word(SEGMENT, text)
    if kind == TIER and "/" in name:
        application, _, name = name.partition("/")
        return Word(kind, name, application)
    return Word(kind, name)


class Place(NamedTuple):
    """A segment that takes part in a flow: with the hosts of one tier of an application, or all that is in it."""

    segment: str
    application: str | None = None
    tier: str | None = None


class Directory:
    """What words stand for in one region; each is looked up once."""

    def __init__(
        self, segments: Iterable[Segment], groups: Iterable[Group], applications: Iterable[Application]
    ) -> None:
        self._segments = {segment.id: segment for segment in segments}
        self._groups = {group.id: group for group in groups}
        self._applications = {application.id: application for application in applications}
        self._found: dict[tuple[str, str], tuple[Place, ...]] = {}

    @classmethod
    def of(cls, region: Region) -> "Directory":
        """Give the directory of a whole region."""
        return cls(region.segments, region.groups, region.applications)

    def places(self, application: str, text: str) -> tuple[Place, ...]:
        """Give all that *text* stands for in a flow of *application*, each once; raise ``KeyError`` for a stranger."""
        key = (application if text.startswith(TIER) else "", text)
        if key not in self._found:
            self._found[key] = tuple(dict.fromkeys(self._places(application, parsed(text))))
        return self._found[key]

    def known(self, application: str, text: str) -> tuple[Place, ...]:
        """Give what *text* stands for as ``places`` does, and nothing for a stranger."""
        try:
            return self.places(application, text)
        except KeyError:
            return ()

    def _places(self, application: str, word: Word) -> tuple[Place, ...]:
        match word:
            case Word(kind="tier", name=name, application=owner):
                return (self._tiers[owner or application, name],)
            case Word(kind="establishment", name=finess):
                return self.tunnels[finess]
            case Word(kind="group", name=name):
                return tuple(place for member in self._groups[name].members for place in self._member(member))
            case Word(kind="", name=name):
                return (Place(self._segments[name].id),)
        raise KeyError(word.kind)

    def _member(self, text: str) -> tuple[Place, ...]:
        if parsed(text).kind == GROUP:
            raise KeyError(text)
        return self.places("", text)

    @cached_property
    def _tiers(self) -> dict[tuple[str, str], Place]:
        return {
            (application.id, tier.id): Place(tier.segment, application.id, tier.id)
            for application in self._applications.values()
            for tier in application.tiers
        }

    @cached_property
    def tunnels(self) -> dict[str, tuple[Place, ...]]:
        """Give the ends of each establishment's tunnels."""
        found: dict[str, list[Place]] = defaultdict(list)
        for segment in self._segments.values():
            if segment.establishment is not None:
                found[segment.establishment].append(Place(segment.id))
        return {finess: tuple(places) for finess, places in found.items()}

    @cached_property
    def tenants(self) -> dict[str, frozenset[str]]:
        """Give the applications that have tiers in each segment."""
        found: dict[str, set[str]] = defaultdict(set)
        for application in self._applications.values():
            for tier in application.tiers:
                found[tier.segment].add(application.id)
        return {segment: frozenset(applications) for segment, applications in found.items()}


class Way(NamedTuple):
    """One way that a row of the flow matrix opens: who begins, and whom they reach."""

    source: Place
    destination: Place


def ways(directory: Directory, application: str, flow: Flow) -> Iterator[Way]:
    """Give every way that a row opens; raise ``KeyError`` for a word that stands for nothing."""
    sources = directory.places(application, flow.source)
    destinations = directory.places(application, flow.destination)
    yield from (Way(source, destination) for source in sources for destination in destinations)
    if flow.direction is Direction.BOTH_WAYS:
        yield from (Way(destination, source) for source in sources for destination in destinations)


def count_ways(region: Region) -> int:
    """Count the ways that all rows of a region open."""
    directory = Directory.of(region)
    return sum(
        1
        for application in region.applications
        for flow in application.flows
        for _ in ways(directory, application.id, flow)
    )
