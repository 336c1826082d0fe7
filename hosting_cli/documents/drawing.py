"""Where the boxes and arrows of a picture stand.  Pure: the same chart is always the same drawing.

Establishments stand in a column on the left, the hosting in one on the right, each site in a frame.  Between them is a
channel for what goes in and out, and right of the sites one for what passes inside.  Each end of an arrow has a line of
its own, at which its codes are written, and each arrow a lane of its own in its channel: no two lie on each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hosting_cli.documents.chart import Arrow, Box, Chart

BOX_WIDTH, FRAME_MARGIN, GAP = 250, 18, 22
LABEL_WIDTH, LANE = 190, 14
LINE, LINE_OF_CODES, HEAD = 17, 14, 32
MARGIN, TOP = 24, 84
LETTERS_OF_TITLE, LETTERS_OF_LINE, LETTERS_OF_CODES = 31, 36, 26
"""How many letters are sure to fit on a line of a box, and on one above an arrow, whatever font is there."""


@dataclass(frozen=True)
class Placed:
    """A box with its place; lines are broken to fit."""

    box: Box
    x: int
    y: int
    height: int
    title: tuple[str, ...]
    lines: tuple[str, ...]
    width: int = BOX_WIDTH

    @property
    def texts(self) -> Iterator[tuple[int, str, str]]:
        """Give each line with its height and how it is set."""
        y = self.y + 22
        for text in self.title:
            yield y, "title", text
            y += LINE
        for text in self.lines:
            yield y, "line", text
            y += LINE


@dataclass(frozen=True)
class Frame:
    """The frame of a site, or the heading of the edge."""

    title: str
    x: int
    y: int
    width: int
    height: int
    is_site: bool


@dataclass(frozen=True)
class Line:
    """An arrow with its way, and its codes with where they are written."""

    arrow: Arrow
    points: tuple[tuple[int, int], ...]
    label_x: int
    label_y: int
    label: tuple[str, ...]

    @property
    def path(self) -> str:
        """Write the way as SVG does."""
        (x, y), *others = self.points
        return f"M{x} {y}" + "".join(f" L{x} {y}" for x, y in others)


@dataclass(frozen=True)
class Drawing:
    """Everything with its place."""

    width: int
    height: int
    frames: tuple[Frame, ...]
    boxes: tuple[Placed, ...]
    lines: tuple[Line, ...]


def wrapped(text: str, letters: int, most_lines: int = 3) -> tuple[str, ...]:
    """Break a text into lines of so many letters, words that are longer too; what is more than fits ends in "…"."""
    lines: list[str] = []
    for word in text.split():
        parts = [word[start : start + letters] for start in range(0, len(word), letters)]
        for part in parts:
            if lines and len(lines[-1]) + 1 + len(part) <= letters:
                lines[-1] += f" {part}"
            else:
                lines.append(part)
    if len(lines) > most_lines:
        lines = [*lines[: most_lines - 1], f"{lines[most_lines - 1][: letters - 1]}…"]
    return tuple(lines)


@dataclass(frozen=True)
class _Stop:
    """Where an arrow touches a box: on which side, and how much room its codes take there if they stand there."""

    arrow: int
    box: str
    is_labelled: bool


def draw(chart: Chart, titles: Mapping[str | None, str]) -> Drawing:
    """Give everything in *chart* its place; *titles* are those of the sites, and of the edge under ``None``."""
    arranged = _arranged(chart)
    stops = _stops(chart, {box.id: place for place, box in enumerate(arranged)})
    labels = [wrapped(", ".join(arrow.codes), LETTERS_OF_CODES, most_lines=4) for arrow in chart.arrows]
    has_edge = any(box.site is None for box in arranged)
    outer = [place for place, arrow in enumerate(chart.arrows) if _is_outer(arrow, chart)]
    inner = [place for place, arrow in enumerate(chart.arrows) if not _is_outer(arrow, chart)]
    channel = LABEL_WIDTH + LANE * (len(outer) + 2) if has_edge else 0
    inner_x = MARGIN + ((BOX_WIDTH + channel) if has_edge else 0) + FRAME_MARGIN
    boxes, frames, height = _columns(arranged, stops, labels, inner_x, titles)
    ports = _ports(boxes, stops, labels)
    lines = [
        *_outer_lines(chart, outer, boxes, ports, labels),
        *_inner_lines(chart, inner, boxes, ports, labels, channel_x=inner_x + BOX_WIDTH + FRAME_MARGIN),
    ]
    inner_channel = LABEL_WIDTH + LANE * (len(inner) + 1) if inner else 0
    width = inner_x + BOX_WIDTH + FRAME_MARGIN + inner_channel + MARGIN
    return Drawing(width, height, frames, tuple(boxes.values()), tuple(lines))


def _is_outer(arrow: Arrow, chart: Chart) -> bool:
    edge = {box.id for box in chart.boxes if box.site is None}
    return arrow.source in edge or arrow.destination in edge


def _arranged(chart: Chart) -> list[Box]:
    """Put the hosting's boxes by site, and the edge's in the order of what they reach, so that few arrows cross."""
    inner = sorted((box for box in chart.boxes if box.site is not None), key=lambda box: (box.site or "", box.id))
    order = {box.id: place for place, box in enumerate(inner)}

    def reached(box: Box) -> tuple[float, str]:
        ends = [
            order[other]
            for arrow in chart.arrows
            for own, other in ((arrow.source, arrow.destination), (arrow.destination, arrow.source))
            if own == box.id and other in order
        ]
        return (sum(ends) / len(ends) if ends else 0.0, box.title)

    return [*sorted((box for box in chart.boxes if box.site is None), key=reached), *inner]


def _stops(chart: Chart, order: Mapping[str, int]) -> dict[tuple[str, str], list[_Stop]]:
    """Give what touches each side of each box, from top to bottom by where the other end is."""
    found: dict[tuple[str, str], list[tuple[int, _Stop]]] = {}
    edge = {box.id for box in chart.boxes if box.site is None}
    for place, arrow in enumerate(chart.arrows):
        ends = (arrow.source, arrow.destination)
        # Codes stand at the establishment's end of an arrow, and inside at the end where it begins.
        labelled = next((end for end in ends if end in edge), arrow.source)
        side_inside = "left" if edge & set(ends) else "right"
        for own, other in (ends, ends[::-1]):
            side = "right" if own in edge else side_inside
            is_labelled = own == labelled and (
                own != other or not any(stop.arrow == place for _, stop in found.get((own, side), ()))
            )
            found.setdefault((own, side), []).append((order[other], _Stop(place, own, is_labelled)))
    return {key: [stop for _, stop in sorted(stops, key=lambda item: item[0])] for key, stops in found.items()}


def _room(stop: _Stop, labels: Sequence[Sequence[str]]) -> int:
    return (len(labels[stop.arrow]) * LINE_OF_CODES if stop.is_labelled else 0) + 12


def _columns(
    arranged: Sequence[Box],
    stops: Mapping[tuple[str, str], Sequence[_Stop]],
    labels: Sequence[Sequence[str]],
    inner_x: int,
    titles: Mapping[str | None, str],
) -> tuple[dict[str, Placed], tuple[Frame, ...], int]:
    boxes: dict[str, Placed] = {}
    frames: list[Frame] = []
    bottoms = [TOP]
    for site in dict.fromkeys(box.site for box in arranged):
        is_site = site is not None
        x = inner_x if is_site else MARGIN
        top = max((frame.y + frame.height + GAP for frame in frames if frame.is_site), default=TOP) if is_site else TOP
        y = top + HEAD
        for box in arranged:
            if box.site == site:
                boxes[box.id] = _placed(box, x, y, stops, labels)
                y += boxes[box.id].height + GAP
        margin = FRAME_MARGIN if is_site else 0
        height = y - top - GAP + margin
        frames.append(Frame(titles[site], x - margin, top, BOX_WIDTH + 2 * margin, height, is_site))
        bottoms.append(top + height)
    return boxes, tuple(frames), max(bottoms) + MARGIN


def _placed(
    box: Box, x: int, y: int, stops: Mapping[tuple[str, str], Sequence[_Stop]], labels: Sequence[Sequence[str]]
) -> Placed:
    title = wrapped(box.title, LETTERS_OF_TITLE)
    lines = tuple(line for text in box.lines for line in wrapped(text, LETTERS_OF_LINE, most_lines=2))
    texts = 14 + (len(title) + len(lines)) * LINE
    sides = (sum(_room(stop, labels) for stop in stops.get((box.id, side), ())) + 10 for side in ("left", "right"))
    return Placed(box, x, y, max(texts, *sides), title, lines)


def _ports(
    boxes: Mapping[str, Placed], stops: Mapping[tuple[str, str], Sequence[_Stop]], labels: Sequence[Sequence[str]]
) -> dict[tuple[int, str, bool], int]:
    """Give the height of each end of each arrow: by arrow, box, and whether its codes stand there."""
    found: dict[tuple[int, str, bool], int] = {}
    for (name, _), here in stops.items():
        rooms = [_room(stop, labels) for stop in here]
        y = boxes[name].y + (boxes[name].height - sum(rooms)) // 2
        for stop, room in zip(here, rooms, strict=True):
            y += room
            found[stop.arrow, name, stop.is_labelled] = y - 6
    return found


def _outer_lines(
    chart: Chart,
    outer: Sequence[int],
    boxes: Mapping[str, Placed],
    ports: Mapping[tuple[int, str, bool], int],
    labels: Sequence[tuple[str, ...]],
) -> Iterator[Line]:
    ends = {}
    for place in outer:
        arrow = chart.arrows[place]
        at_edge = arrow.source if boxes[arrow.source].box.site is None else arrow.destination
        inside = arrow.destination if at_edge == arrow.source else arrow.source
        ends[place] = (boxes[at_edge], ports[place, at_edge, True], boxes[inside], ports[place, inside, False])
    for lane, place in _lanes(outer, {place: (ends[place][1], ends[place][3]) for place in outer}):
        left, y_left, right, y_right = ends[place]
        x_left, x_right = left.x + left.width, right.x
        x = x_left + LABEL_WIDTH + LANE * (lane + 1)
        points = ((x_left, y_left), (x, y_left), (x, y_right), (x_right, y_right))
        is_outwards = chart.arrows[place].source == right.box.id
        yield _line(chart.arrows[place], points[::-1] if is_outwards else points, x_left, y_left, labels[place])


def _inner_lines(
    chart: Chart,
    inner: Sequence[int],
    boxes: Mapping[str, Placed],
    ports: Mapping[tuple[int, str, bool], int],
    labels: Sequence[tuple[str, ...]],
    *,
    channel_x: int,
) -> Iterator[Line]:
    ends = {
        place: (ports[place, chart.arrows[place].source, True], ports[place, chart.arrows[place].destination, False])
        for place in inner
    }
    for lane, place in _lanes(inner, ends):
        y_source, y_destination = ends[place]
        x_box = channel_x - FRAME_MARGIN
        x = channel_x + LABEL_WIDTH + LANE * lane
        points = ((x_box, y_source), (x, y_source), (x, y_destination), (x_box, y_destination))
        yield _line(chart.arrows[place], points, channel_x, y_source, labels[place])


def _lanes(places: Sequence[int], ends: Mapping[int, tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Give each arrow a lane: those that go up nearest to their codes, those that go down farthest from them."""
    up = sorted((place for place in places if ends[place][1] <= ends[place][0]), key=lambda place: ends[place][0])
    down = sorted((place for place in places if ends[place][1] > ends[place][0]), key=lambda place: -ends[place][0])
    return enumerate((*up, *down))


def _line(arrow: Arrow, points: tuple[tuple[int, int], ...], label_x: int, y: int, label: tuple[str, ...]) -> Line:
    return Line(arrow, points, label_x + 10, y - 6 - (len(label) - 1) * LINE_OF_CODES, label)
