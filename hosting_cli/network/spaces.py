"""An exact algebra of sets of points in a space of whole numbers: union, intersection, difference, emptiness.  Pure.

A set is a decision diagram: a node asks for one coordinate and knows, for each interval of it, which set the other
coordinates must be in.  Nodes are made once and only if their answer differs somewhere, so that equal sets are the same
node, and what many intervals share is kept and computed once.  A hundred thousand boxes cost about what it takes to
read them, where lists of boxes would have to be held against each other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""The whole numbers from the first to the second, both included."""

Point: TypeAlias = tuple[int, ...]


class _Node:
    """For each interval of one coordinate, ending at each of ``uppers``, the set that the later coordinates are in."""

    __slots__ = ("axis", "children", "uppers")

    def __init__(self, axis: int, uppers: tuple[int, ...], children: "tuple[_Node, ...]") -> None:
        self.axis = axis
        self.uppers = uppers
        self.children = children


_BEYOND = 1 << 30
_NOTHING = _Node(_BEYOND, (), ())
_EVERYTHING = _Node(_BEYOND, (), ())


@dataclass(frozen=True, eq=False)
class _Operation:
    """What is known of an operation on two sets before any of their points is looked at."""

    settling_one: _Node
    """If the one is this, the result is ``settled``, whatever the other is."""
    settling_other: _Node
    settled: _Node
    neutral_one: _Node | None
    """If the one is this, the result is the other."""
    neutral_other: _Node
    keeps_equal: bool


_UNION = _Operation(_EVERYTHING, _EVERYTHING, _EVERYTHING, _NOTHING, _NOTHING, keeps_equal=True)
_INTERSECTION = _Operation(_NOTHING, _NOTHING, _NOTHING, _EVERYTHING, _EVERYTHING, keeps_equal=True)
_DIFFERENCE = _Operation(_NOTHING, _EVERYTHING, _NOTHING, None, _NOTHING, keeps_equal=False)


class Space:
    """All points whose coordinates are between 0 and the *last* of their axis; sets of different spaces do not mix."""

    def __init__(self, lasts: Sequence[int]) -> None:
        self._lasts = tuple(lasts)
        self._nodes: dict[tuple[int, tuple[int, ...], tuple[_Node, ...]], _Node] = {}
        self._known: dict[_Operation, dict[tuple[_Node, _Node], _Node]] = {
            operation: {} for operation in (_UNION, _INTERSECTION, _DIFFERENCE)
        }

    # Made anew each time: kept, they would hold the space in a circle, and a region has more than a thousand of them.
    @property
    def nothing(self) -> "PointSet":
        """Give the set without a point."""
        return PointSet(self, _NOTHING)

    @property
    def everything(self) -> "PointSet":
        """Give the set of all points."""
        return PointSet(self, _EVERYTHING)

    def box(self, sides: Mapping[int, Sequence[Span]]) -> "PointSet":
        """Give the points whose coordinate on each axis named is in one of its spans; the other axes are free."""
        node = _EVERYTHING
        for axis in sorted(sides, reverse=True):
            node = self._side(axis, sides[axis], node)
        return PointSet(self, node)

    def union(self, sets: "Iterable[PointSet]") -> "PointSet":
        """Unite many sets: in pairs, then pairs of pairs, so that no large one is walked for each small one."""
        nodes = [each.node for each in sets]
        while len(nodes) > 1:
            odd = nodes[-1:] if len(nodes) % 2 else []
            nodes = [self._applied(_UNION, a, b) for a, b in zip(nodes[::2], nodes[1::2], strict=False)] + odd
        return PointSet(self, nodes[0]) if nodes else self.nothing

    def _side(self, axis: int, spans: Sequence[Span], inside: _Node) -> _Node:
        """Give the points that are in *spans* on one axis, and in *inside* on the later ones."""
        if not spans or inside is _NOTHING:
            return _NOTHING
        last = self._lasts[axis]
        uppers: list[int] = []
        children: list[_Node] = []
        for low, high in spans if len(spans) == 1 else _merged(spans):
            if low > 0:
                uppers.append(low - 1)
                children.append(_NOTHING)
            uppers.append(high)
            children.append(inside)
        if uppers[-1] < last:
            uppers.append(last)
            children.append(_NOTHING)
        return self._interned(axis, tuple(uppers), tuple(children)) if len(uppers) > 1 else inside

    def _node(self, axis: int, uppers: Sequence[int], children: Sequence[_Node]) -> _Node:
        """Give the node that answers so; neighbours with the same answer are one interval."""
        changes = [number for number, (child, after) in enumerate(pairwise(children)) if child is not after]
        if not changes:
            return children[0]
        ends = (*[uppers[number] for number in changes], uppers[-1])
        return self._interned(axis, ends, (*[children[number] for number in changes], children[-1]))

    def _interned(self, axis: int, uppers: tuple[int, ...], children: tuple[_Node, ...]) -> _Node:
        """Give the one node there is of its kind."""
        key = (axis, uppers, children)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = _Node(axis, uppers, children)
        return found

    def _applied(self, operation: _Operation, a: _Node, b: _Node) -> _Node:
        """Apply *operation* interval by interval, once for each pair of nodes."""
        if a is operation.settling_one or b is operation.settling_other:
            return operation.settled
        if b is operation.neutral_other:
            return a
        if a is operation.neutral_one:
            return b
        if a is b:
            return a if operation.keeps_equal else _NOTHING
        known = self._known[operation]
        found = known.get((a, b))
        if found is None:
            if a.axis < b.axis:
                found = self._node(a.axis, a.uppers, [self._applied(operation, child, b) for child in a.children])
            elif a.axis > b.axis:
                found = self._node(b.axis, b.uppers, [self._applied(operation, a, child) for child in b.children])
            else:
                found = self._node(a.axis, *self._side_by_side(operation, a, b))
            known[a, b] = found
        return found

    def _side_by_side(self, operation: _Operation, a: _Node, b: _Node) -> tuple[list[int], list[_Node]]:
        """Walk two nodes of one axis together.

        Over an interval where one of them decides alone, the other's intervals are passed over, or taken as they are,
        all at once: sets are mostly gaps, and a few networks are often held against those of a whole region.
        """
        uppers: list[int] = []
        children: list[_Node] = []
        i = j = 0
        while i < len(a.uppers):
            end_a, end_b, one, other = a.uppers[i], b.uppers[j], a.children[i], b.children[j]
            if one is operation.settling_one:
                uppers.append(end_a)
                children.append(operation.settled)
                i, j = i + 1, bisect_right(b.uppers, end_a, j)
            elif other is operation.settling_other:
                uppers.append(end_b)
                children.append(operation.settled)
                i, j = bisect_right(a.uppers, end_b, i), j + 1
            elif other is operation.neutral_other:
                i, j = _taken(a, i, end_b, uppers, children), j + 1
            elif one is operation.neutral_one:
                i, j = i + 1, _taken(b, j, end_a, uppers, children)
            else:
                uppers.append(min(end_a, end_b))
                children.append(self._applied(operation, one, other))
                i += end_a <= end_b
                j += end_b <= end_a
        return uppers, children

    def combine(self, operation: _Operation, a: "PointSet", b: "PointSet") -> "PointSet":
        """Apply *operation* to two sets of this space; raise ``ValueError`` for a set of another."""
        if a.space is not self or b.space is not self:
            raise ValueError("sets of different spaces cannot be combined")
        return PointSet(self, self._applied(operation, a.node, b.node))

    def first(self, node: _Node) -> Point:
        """Give the least point of a set that has one."""
        point = [0] * len(self._lasts)
        while node is not _EVERYTHING:
            lower = 0
            for upper, child in zip(node.uppers, node.children, strict=True):
                if child is not _NOTHING:
                    break
                lower = upper + 1
            point[node.axis] = lower
            node = child
        return tuple(point)


def _taken(node: _Node, start: int, end: int, uppers: list[int], children: list[_Node]) -> int:
    """Take the intervals of *node* from *start* up to the number *end*, and give the first that goes beyond it."""
    beyond = bisect_right(node.uppers, end, start)
    uppers += node.uppers[start:beyond]
    children += node.children[start:beyond]
    if beyond == start or node.uppers[beyond - 1] < end:
        uppers.append(end)
        children.append(node.children[beyond])
    return beyond


def overlap(one: Iterable[Span], other: Iterable[Span]) -> tuple[Span, ...]:
    """Give what is in both."""
    return tuple((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d))


def without(spans: Iterable[Span], holes: Sequence[int]) -> tuple[Span, ...]:
    """Take *holes*, which are in order, out of *spans*."""
    left: list[Span] = []
    for low, high in spans:
        start = low
        for hole in holes[bisect_left(holes, low) : bisect_right(holes, high)]:
            if start < hole:
                left.append((start, hole - 1))
            start = hole + 1
        if start <= high:
            left.append((start, high))
    return tuple(left)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Put spans in order, without overlaps and without gaps of nothing."""
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


@dataclass(frozen=True, eq=False)
class PointSet:
    """A set of points of *space*."""

    space: Space
    node: _Node

    def __or__(self, other: "PointSet") -> "PointSet":
        """Give the points of either."""
        return self.space.combine(_UNION, self, other)

    def __and__(self, other: "PointSet") -> "PointSet":
        """Give the points of both."""
        return self.space.combine(_INTERSECTION, self, other)

    def __sub__(self, other: "PointSet") -> "PointSet":
        """Give the points that *other* does not have."""
        return self.space.combine(_DIFFERENCE, self, other)

    def __bool__(self) -> bool:
        """Tell whether there is any point."""
        return self.node is not _NOTHING

    def __eq__(self, other: object) -> bool:
        """Tell whether both have the same points: then they are the same diagram."""
        return isinstance(other, PointSet) and self.space is other.space and self.node is other.node

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.node)

    def __contains__(self, point: Point) -> bool:
        """Tell whether *point* is one of them."""
        node = self.node
        while node.axis != _BEYOND:
            node = node.children[bisect_left(node.uppers, point[node.axis])]
        return node is _EVERYTHING

    def first(self) -> Point:
        """Give the least point; raise ``ValueError`` if there is none."""
        if not self:
            raise ValueError("nothing has no first point")
        return self.space.first(self.node)
