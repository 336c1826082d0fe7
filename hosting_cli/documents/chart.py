"""Who reaches whom, as boxes and arrows: what a picture of flows shows, before anything has a place.  Pure.

Tunnels stand at the edge, one box for each establishment; those with the same arrows share a box.  A box of the hosting
is a segment, or, where there are too many to be told apart, all segments of an application at a site.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hosting_cli.documents.flow_rows import End, FlowRow, Party
from hosting_cli.documents.words import Words
from inventory.network import Direction, SegmentKind

MOST_BOXES = 24
"""How many boxes of the hosting, and how many at its edge, a person can take in."""

MOST_NAMES = 4
"""How many establishments that share a box are named."""


@dataclass(frozen=True)
class Box:
    """Somebody who takes part: who it is, and lines about it; ``site`` is ``None`` at the edge."""

    id: str
    title: str
    lines: tuple[str, ...]
    site: str | None
    kind: SegmentKind


@dataclass(frozen=True)
class Arrow:
    """What passes from one box to another, by the codes of its protocols."""

    source: str
    destination: str
    codes: tuple[str, ...]
    is_both_ways: bool
    is_encrypted: bool


@dataclass(frozen=True)
class Chart:
    """All boxes, in the order in which they are to stand, and all arrows."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


@dataclass
class _Gathered:
    """A box while parties are put into it."""

    site: str | None
    kind: SegmentKind
    titles: dict[str, None] = field(default_factory=dict)
    tunnels: dict[str, None] = field(default_factory=dict)
    networks: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Names:
    """Which box a party is in: the finest that leaves few enough."""

    by_application: bool
    by_site: bool
    edge_in_one: bool

    def of(self, party: Party) -> str:
        if party.is_tunnel:
            return "edge" if self.edge_in_one else f"edge {party.segment.establishment}"
        if self.by_site:
            return f"site {party.segment.site} {party.segment.kind.value}"
        if self.by_application and party.application is not None:
            return f"application {party.application} {party.segment.site}"
        return f"segment {party.segment.id}"


def chart(rows: Sequence[FlowRow], words: Words) -> Chart:
    """Draw up who is shown, and what passes between them."""
    names = _fitting(rows)
    boxes = _boxes(rows, names, words)
    arrows = _arrows(rows, names)
    return _sharing(boxes, arrows, words)


def _parties(rows: Iterable[FlowRow]) -> Iterable[Party]:
    return (party for row in rows for end in (row.source, row.destination) for party in end.parties)


def _fitting(rows: Sequence[FlowRow]) -> _Names:
    for by_application, by_site in ((False, False), (True, False), (True, True)):
        names = _Names(by_application, by_site, edge_in_one=False)
        inner = {names.of(party) for party in _parties(rows) if not party.is_tunnel}
        if len(inner) <= MOST_BOXES:
            break
    # Establishments with the same arrows share a box; only those that are left over are too many or not.
    alike = {frozenset(found) for found in _ends_of_edge(_arrows(rows, names)).values()}
    return _Names(names.by_application, names.by_site, edge_in_one=len(alike) > MOST_BOXES)


def _ends_of_edge(arrows: Iterable[Arrow]) -> Mapping[str, set[tuple[object, ...]]]:
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for arrow in arrows:
        if arrow.source.startswith("edge"):
            found[arrow.source].add(("out", arrow.destination, arrow.codes, arrow.is_both_ways, arrow.is_encrypted))
        if arrow.destination.startswith("edge"):
            found[arrow.destination].add(("in", arrow.source, arrow.codes, arrow.is_both_ways, arrow.is_encrypted))
    return found


def _boxes(rows: Sequence[FlowRow], names: _Names, words: Words) -> dict[str, Box]:
    gathered: dict[str, _Gathered] = {}
    for party in _parties(rows):
        site = None if party.is_tunnel else party.segment.site
        box = gathered.setdefault(names.of(party), _Gathered(site, party.segment.kind))
        box.titles[_title(party, names, words)] = None
        if party.is_tunnel:
            box.tunnels[party.segment.id] = None
        for network in party.segment.networks:
            box.networks[str(network)] = None
    return {name: _box(name, box, words) for name, box in gathered.items()}


def _box(name: str, found: _Gathered, words: Words) -> Box:
    titles, tunnels, networks = tuple(found.titles), tuple(found.tunnels), tuple(found.networks)
    noun = "establishments" if found.kind is SegmentKind.TUNNEL else "zones"
    title = " · ".join(titles) if len(titles) <= MOST_NAMES else words.count(noun, len(titles))
    lines = (
        *(tunnels if len(tunnels) <= MOST_NAMES else (words.count("tunnels", len(tunnels)),)),
        *(networks if len(networks) <= MOST_NAMES else (words.count("networks", len(networks)),)),
    )
    return Box(name, title, lines, found.site, found.kind)


def _title(party: Party, names: _Names, words: Words) -> str:
    if party.establishment is not None:
        return party.establishment.name
    if party.application is None:
        return party.segment.id
    if names.by_application:
        return party.application
    return words.say("tier", application=party.application, tier=party.tier)


def _arrows(rows: Sequence[FlowRow], names: _Names) -> tuple[Arrow, ...]:
    codes: dict[tuple[str, str, bool, bool], dict[str, None]] = defaultdict(dict)
    for row in rows:
        both_ways = row.flow.direction is Direction.BOTH_WAYS
        for source in _names_of(row.source, names):
            for destination in _names_of(row.destination, names):
                codes[source, destination, both_ways, row.protocol.encrypted][row.protocol.code] = None
    return tuple(Arrow(ends[0], ends[1], tuple(sorted(found)), *ends[2:]) for ends, found in codes.items())


def _names_of(end: End, names: _Names) -> dict[str, None]:
    return dict.fromkeys(map(names.of, end.parties))


def _sharing(boxes: Mapping[str, Box], arrows: Sequence[Arrow], words: Words) -> Chart:
    """Put establishments with the same arrows into one box."""
    together: dict[frozenset[tuple[object, ...]], list[str]] = defaultdict(list)
    for name, found in _ends_of_edge(arrows).items():
        together[frozenset(found)].append(name)
    first_of = {name: members[0] for members in together.values() for name in members}
    shared = {members[0]: _shared([boxes[name] for name in members], words) for members in together.values()}
    kept = tuple(shared.get(name, box) for name, box in boxes.items() if first_of.get(name, name) == name)
    moved = (
        Arrow(
            first_of.get(arrow.source, arrow.source),
            first_of.get(arrow.destination, arrow.destination),
            arrow.codes,
            arrow.is_both_ways,
            arrow.is_encrypted,
        )
        for arrow in arrows
    )
    return Chart(kept, tuple(dict.fromkeys(moved)))


def _shared(members: Sequence[Box], words: Words) -> Box:
    first = members[0]
    if len(members) == 1:
        return first
    named = tuple(box.title for box in members[:MOST_NAMES])
    more = (words.say("and-more", number=len(members) - len(named)),) if len(members) > len(named) else ()
    return Box(first.id, words.count("establishments", len(members)), (*named, *more), None, first.kind)
