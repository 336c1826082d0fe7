"""The picture of flows: who shares a box, that nothing lies on anything else, and that it says the same in words."""

import os
import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sample import NOW, region
from scenery import BEAUNE, OTHER, with_a_neighbour, with_a_shared_group, with_flows

from hosting_cli.documents.as_svg import graph
from hosting_cli.documents.chart import MOST_BOXES, Chart, chart
from hosting_cli.documents.document import Picture
from hosting_cli.documents.drawing import Drawing, Line, Placed, draw, wrapped
from hosting_cli.documents.flow_rows import rows
from hosting_cli.documents.language import Language
from hosting_cli.documents.matrix import matrix
from hosting_cli.documents.render import is_marked
from hosting_cli.documents.scope import Scope
from hosting_cli.documents.words import words_of
from inventory.models import Application, Region
from inventory.network import Direction

GOLDEN = Path(__file__).parent / "golden"
ENGLISH = words_of(Language.ENGLISH)
SVG = "{http://www.w3.org/2000/svg}"


def many(applications: int, establishments: int) -> Region:
    """Give the sample with so many applications and establishments; each of these reaches one application more."""
    found = region()
    own, member, (tier, tunnel, *_) = found.applications[0], found.members[0], found.segments
    places = [
        member.establishments[0].model_copy(update={"finess": f"F{number}", "name": f"Hospital {number}"})
        for number in range(establishments)
    ]
    segments = [tier.model_copy(update={"id": f"zone-{number}"}) for number in range(applications)]
    tunnels = [
        tunnel.model_copy(update={"id": f"tunnel-{number}", "establishment": f"F{number}"})
        for number in range(establishments)
    ]
    return found.model_copy(
        update={
            "members": (member.model_copy(update={"establishments": tuple(places)}),),
            "segments": (*segments, *tunnels),
            "hosts": (),
            "applications": tuple(_application(own, number, establishments) for number in range(applications)),
        }
    )


def _application(own: Application, number: int, establishments: int) -> Application:
    tier = own.tiers[0].model_copy(update={"segment": f"zone-{number}", "hosts": ()})
    flows = tuple(
        own.flows[0].model_copy(update={"source": f"tunnel-{place}"})
        for place in range(establishments)
        if place % (number + 1) == 0
    )
    return own.model_copy(update={"id": f"application-{number}", "tiers": (tier,), "flows": flows})


def drawn(changed: Region, scope: Scope = Scope()) -> tuple[Chart, Drawing]:  # noqa: B008
    shown = chart(rows(changed, scope), ENGLISH)
    titles: dict[str | None, str] = {site.id: site.name for site in changed.sites}
    return shown, draw(shown, titles | {None: "Establishments"})


def ends(shown: Chart) -> list[tuple[str, str, tuple[str, ...]]]:
    titles = {box.id: box.title for box in shown.boxes}
    return [(titles[arrow.source], titles[arrow.destination], arrow.codes) for arrow in shown.arrows]


# -- who is shown -----------------------------------------------------------------------------------------------------


def test_flows_between_the_same_two_share_an_arrow() -> None:
    shown, _ = drawn(region())
    assert ends(shown) == [("Hospices civils de Beaune", "imagerie-beaune, app", ("F-DCMT", "F-HTTPS"))]
    edge, tier = shown.boxes
    assert (edge.lines, edge.site) == (("tunnel-beaune", "10.21.20.0/24", "172.20.21.0/24"), None)
    assert (tier.lines, tier.site) == (("10.21.10.0/24",), "dijon")


def test_what_is_in_clear_and_what_goes_both_ways_has_an_arrow_of_its_own() -> None:
    shown, _ = drawn(with_flows({}, {"protocol": "F-DCM"}, {"protocol": "F-XDS", "direction": Direction.BOTH_WAYS}))
    assert [(arrow.codes, arrow.is_encrypted, arrow.is_both_ways) for arrow in shown.arrows] == [
        (("F-DCMT",), True, False),
        (("F-DCM",), False, False),
        (("F-XDS",), True, True),
    ]


def test_establishments_with_the_same_flows_share_a_box() -> None:
    shown, _ = drawn(many(applications=1, establishments=6))
    assert ends(shown) == [("6 establishments", "application-0, app", ("F-DCMT",))]
    assert shown.boxes[0].lines == ("Hospital 0", "Hospital 1", "Hospital 2", "Hospital 3", "… and 2 more")


@pytest.mark.parametrize(
    ("applications", "establishments"), [(1, 1), (5, 40), (MOST_BOXES + 1, 8), (40, 40), (60, 200)]
)
def test_however_large_a_region_is_a_person_can_take_its_picture_in(applications: int, establishments: int) -> None:
    shown, _ = drawn(many(applications, establishments))
    assert sum(box.site is None for box in shown.boxes) <= MOST_BOXES
    assert sum(box.site is not None for box in shown.boxes) <= MOST_BOXES


@pytest.mark.parametrize("changed", [with_a_neighbour(), with_a_shared_group()], ids=["beside", "in one group"])
def test_an_establishments_picture_shows_no_neighbour(changed: Region) -> None:
    found = graph(changed, Scope(establishment=BEAUNE), Language.ENGLISH)
    assert "neighbour" not in found.svg.lower()
    assert "Neighbour hospital" in graph(changed, Scope(establishment=OTHER), Language.ENGLISH).svg


# -- where it stands --------------------------------------------------------------------------------------------------

SCENES = {
    "the sample": region(),
    "nothing": with_flows(),
    "inside the hosting": with_flows({"source": "dijon-backup"}, {"source": "tier:app", "destination": "dijon-backup"}),
    "within one zone": with_flows({"source": "tier:app"}),
    "in and out": with_flows(
        {}, {"source": "tier:app", "destination": "tunnel-beaune", "protocol": "F-FHIR"}, {"source": "dijon-monitoring"}
    ),
    "many codes": with_flows(*({"protocol": protocol.code} for protocol in region().protocols)),
    "many of both": many(applications=8, establishments=9),
}


def pieces(line: Line) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return list(pairwise(line.points))


def overlap(one: tuple[tuple[int, int], tuple[int, int]], other: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    """Tell whether two pieces lie on each other for more than a point; crossing is allowed."""
    for across, along in ((0, 1), (1, 0)):
        if one[0][across] == one[1][across] == other[0][across] == other[1][across]:
            (a, b), (c, d) = (sorted(end[along] for end in piece) for piece in (one, other))
            return min(b, d) > max(a, c)
    return False


def apart(boxes: Sequence[Placed]) -> bool:
    return all(
        one.x != other.x or one.y + one.height < other.y or other.y + other.height < one.y
        for one, other in combinations(boxes, 2)
    )


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_lies_on_anything_else(scene: str) -> None:
    shown, found = drawn(SCENES[scene])
    assert len(found.boxes) == len(shown.boxes)
    assert len(found.lines) == len(shown.arrows)
    assert apart(found.boxes)
    for one, other in combinations(found.lines, 2):
        assert not any(overlap(first, second) for first in pieces(one) for second in pieces(other))
    labels = sorted(
        (line.label_x, line.label_y - 12, line.label_y + 14 * (len(line.label) - 1) + 2) for line in found.lines
    )
    for (x, _, bottom), (other_x, top, _) in pairwise(labels):
        assert x != other_x or bottom <= top


@pytest.mark.parametrize("scene", SCENES)
def test_every_arrow_begins_and_ends_at_its_box_and_all_is_on_the_page(scene: str) -> None:
    _, found = drawn(SCENES[scene])
    boxes = {placed.box.id: placed for placed in found.boxes}
    for line in found.lines:
        for (x, y), name in ((line.points[0], line.arrow.source), (line.points[-1], line.arrow.destination)):
            box = boxes[name]
            assert x in {box.x, box.x + box.width}
            assert box.y <= y <= box.y + box.height
        assert all(0 < x < found.width and 0 < y < found.height for x, y in line.points)
    assert all(placed.y + placed.height < found.height for placed in found.boxes)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("short", ("short",)),
        ("two words that break", ("two words", "that break")),
        ("x" * 25, ("x" * 10, "x" * 10, "x" * 5)),
        ("one two three four five six seven", ("one two", "three four", "five six…")),
    ],
)
def test_long_texts_are_broken_and_cut(text: str, lines: tuple[str, ...]) -> None:
    assert wrapped(text, 10) == lines


# -- what it is written as --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_the_picture_of_the_sample_is_as_in_the_golden_file(language: Language) -> None:
    golden = GOLDEN / f"graph.{language.value}.svg"
    made = graph(region(), Scope(), language).svg
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text()
    assert is_marked(made.encode())


def test_what_is_drawn_is_said_in_words_too() -> None:
    found = graph(with_flows({}, {"protocol": "F-DCM", "direction": Direction.BOTH_WAYS}), Scope(), Language.FRENCH)
    root = ElementTree.fromstring(found.svg)  # noqa: S314
    assert root.get("role") == "img"
    labelled = (root.get("aria-labelledby") or "").split()
    named = {element.get("id"): element.text or "" for element in root.iter() if element.get("id")}
    assert [bool(named[name]) for name in labelled] == [True, True]
    assert named["graph-words"].split("\n") == list(found.in_words)
    assert found.in_words[1].startswith("Entre Hospices civils de Beaune et imagerie-beaune, app, dans les deux sens")
    assert found.in_words[1].endswith("F-DCM (en clair)")
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {"Hospices civils de Beaune", "Centre de données de Dijon", "F-DCMT", "F-DCM"} <= texts


@pytest.mark.parametrize("name", ["</text><script>alert(1)</script>", '" onload="alert(1)', "&<>'\"", "x" * 200])
def test_no_name_becomes_markup(name: str) -> None:
    found = with_flows({})
    (member,) = found.members
    places = tuple(place.model_copy(update={"name": name}) for place in member.establishments)
    changed = found.model_copy(update={"members": (member.model_copy(update={"establishments": places}),)})
    root = ElementTree.fromstring(graph(changed, Scope(), Language.FRENCH).svg)  # noqa: S314
    assert not list(root.iter(f"{SVG}script"))
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on")]


@pytest.mark.parametrize(("scope", "pictures"), [(Scope(), 0), (Scope(establishment=BEAUNE), 1)])
def test_the_matrix_of_somebody_has_their_picture_in_it(scope: Scope, pictures: int) -> None:
    sections: tuple[Any, ...] = matrix(region(), scope, NOW.date(), Language.FRENCH).document.sections
    found = [section for section in sections if isinstance(section, Picture)]
    assert len(found) == pictures
    for picture in found:
        assert "F-DCMT, F-HTTPS" in picture.in_words
        assert re.search(r'height="(\d+)"', picture.svg)
