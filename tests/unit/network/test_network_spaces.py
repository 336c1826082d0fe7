"""The algebra of sets, against plain sets of points: a space so small that every point can be looked at."""

from collections.abc import Callable
from itertools import product
from operator import and_, or_, sub

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.network.spaces import Point, PointSet, Space, Span, without

LASTS = (3, 5, 2)
POINTS = frozenset(product(*(range(last + 1) for last in LASTS)))

Box = dict[int, list[Span]]


def spans(last: int) -> st.SearchStrategy[list[Span]]:
    ends = st.tuples(st.integers(0, last), st.integers(0, last)).map(lambda pair: (min(pair), max(pair)))
    return st.lists(ends, max_size=3)


BOXES: st.SearchStrategy[Box] = st.fixed_dictionaries(
    {}, optional={axis: spans(last) for axis, last in enumerate(LASTS)}
)
SETS = st.lists(BOXES, max_size=5)


def plainly(boxes: list[Box]) -> frozenset[Point]:
    return frozenset(
        point
        for point in POINTS
        for box in boxes
        if all(any(low <= point[axis] <= high for low, high in sides) for axis, sides in box.items())
    )


def made(space: Space, boxes: list[Box]) -> PointSet:
    return space.union(space.box(box) for box in boxes)


def points(found: PointSet) -> frozenset[Point]:
    return frozenset(point for point in POINTS if point in found)


@given(SETS)
def test_a_set_has_the_points_of_its_boxes_and_no_others(boxes: list[Box]) -> None:
    assert points(made(Space(LASTS), boxes)) == plainly(boxes)


@pytest.mark.parametrize("operation", [or_, and_, sub], ids=["union", "intersection", "difference"])
@given(one=SETS, other=SETS)
def test_operations_do_what_they_do_to_plain_sets(
    operation: Callable[[object, object], object], one: list[Box], other: list[Box]
) -> None:
    space = Space(LASTS)
    found = operation(made(space, one), made(space, other))
    assert isinstance(found, PointSet)
    assert points(found) == operation(plainly(one), plainly(other))


@given(SETS, SETS)
def test_sets_are_equal_exactly_if_they_have_the_same_points(one: list[Box], other: list[Box]) -> None:
    space = Space(LASTS)
    assert (made(space, one) == made(space, other)) == (plainly(one) == plainly(other))


@given(SETS)
def test_only_nothing_is_false_and_everything_else_has_a_first_point(boxes: list[Box]) -> None:
    found = made(Space(LASTS), boxes)
    assert bool(found) == bool(plainly(boxes))
    if found:
        assert found.first() == min(plainly(boxes))


def test_nothing_has_no_first_point() -> None:
    with pytest.raises(ValueError, match="no first point"):
        Space(LASTS).nothing.first()


def test_sets_of_different_spaces_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different spaces"):
        Space(LASTS).everything & Space(LASTS).everything


@given(spans(30), st.sets(st.integers(0, 30)))
def test_holes_are_taken_out_of_spans(solid: list[Span], holes: set[int]) -> None:
    left = [number for low, high in without(solid, sorted(holes)) for number in range(low, high + 1)]
    assert left == [number for low, high in solid for number in range(low, high + 1) if number not in holes]


def test_thousands_of_boxes_are_no_trouble() -> None:
    """Two descriptions of 4,000 boxes are held against each other; by pairs that would be 16 million comparisons."""
    space = Space((1 << 32, 1 << 32, 65535))
    boxes = [
        {0: [(256 * source, 256 * source + 255)], 1: [(7 * target, 7 * target)], 2: [(443, 443), (port, port)]}
        for source in range(40)
        for target in range(20)
        for port in range(5)
    ]
    backwards = [{**box, 2: [side]} for box in reversed(boxes) for side in box[2]]
    together, apart = made(space, boxes), made(space, backwards)
    assert together == apart
    assert made(space, backwards[2:]) - together == space.nothing
    assert (together - made(space, backwards[4:])).first() == (256 * 39, 7 * 19, 3)
