"""A picture of flows as SVG: real text, and for those who do not see it a description in words."""

from dataclasses import dataclass

from hosting_cli.documents.chart import Chart, chart
from hosting_cli.documents.document import MARK
from hosting_cli.documents.drawing import draw
from hosting_cli.documents.flow_rows import rows
from hosting_cli.documents.language import Language
from hosting_cli.documents.scope import Scope, scope_in_words
from hosting_cli.documents.templates import environment
from hosting_cli.documents.words import Words, words_of
from inventory.models import Region

FILLS = {"tunnel": "#fff4e0", "tier": "#ffffff", "platform": "#e8edf3"}
STROKES = {"tunnel": "#8a4b00", "tier": "#0a4b84", "platform": "#4c5a6b"}

LEAST_WIDTH, LEGEND_HEIGHT, HEADING_HEIGHT = 560, 44, 76


@dataclass(frozen=True)
class Graph:
    """A picture of flows: the file, and the same in words."""

    svg: str
    in_words: tuple[str, ...]
    width: int
    height: int
    boxes: int
    arrows: int


def graph(region: Region, scope: Scope, language: Language, *, is_alone: bool = True) -> Graph:
    """Draw who reaches whom in *scope*, under a heading if it is a file of its own; *scope* must be in the region."""
    words = words_of(language)
    shown = chart(rows(region, scope), words)
    titles: dict[str | None, str] = {site.id: words.set(site.name) for site in region.sites}
    drawing = draw(shown, {**titles, None: words.say("graph-edge")})
    width, height = max(drawing.width, LEAST_WIDTH), drawing.height + LEGEND_HEIGHT
    said = in_words(shown, words)
    top = 0 if is_alone else HEADING_HEIGHT
    svg = (
        environment()
        .get_template("graph.svg.j2")
        .render(
            drawing=drawing,
            width=width,
            height=height,
            top=top,
            language=language.value,
            title=words.say("graph-title"),
            scope=scope_in_words(region, scope, words),
            in_words="\n".join(said) or words.say("graph-none"),
            mark=MARK,
            fills=FILLS,
            strokes=STROKES,
            words=words,
        )
    )
    return Graph(svg, said, width, height - top, len(shown.boxes), len(shown.arrows))


def in_words(shown: Chart, words: Words) -> tuple[str, ...]:
    """Say what a picture shows, an arrow a line."""
    titles = {box.id: box.title for box in shown.boxes}
    return tuple(
        words.say(
            "graph-both-ways" if arrow.is_both_ways else "graph-one-way",
            source=titles[arrow.source],
            destination=titles[arrow.destination],
            codes=_codes(arrow.codes, words, is_encrypted=arrow.is_encrypted),
        )
        for arrow in shown.arrows
    )


def _codes(codes: tuple[str, ...], words: Words, *, is_encrypted: bool) -> str:
    text = ", ".join(codes)
    return text if is_encrypted else words.say("in-brackets", text=text)
