"""Add to the text of `network.yaml`: every byte that was there stays, comments and all.  Pure.

Lists are written as people write them, each item after a hyphen on lines of its own; what is written otherwise is left
to its author.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from inventory.documents import LOADER, read_document
from inventory.network import NetworkSheet, Segment
from inventory.shapes import fit
from inventory.wanted import Allocated, Allocation, Pool

SEGMENTS = "segments"


class NotEditableError(Exception):
    """The file says it in a form that nothing can be added to without writing it anew."""


@dataclass(frozen=True)
class _Insertion:
    offset: int
    text: str


def with_allocation(text: str, added: Allocation) -> str:
    """Give *text*, the whole of a `network.yaml` in order, with *added* in it."""
    root = yaml.compose(text, Loader=LOADER)
    if not isinstance(root, yaml.MappingNode):
        raise NotEditableError("it does not consist of keys and values")
    lines = _Lines(text)
    insertions = [_pool(lines, root, pool) for pool in added.pools]
    if added.segments:
        insertions.append(_items(lines, root, added.segments))
    for insertion in sorted(insertions, key=lambda item: item.offset, reverse=True):
        text = text[: insertion.offset] + insertion.text + text[insertion.offset :]
    _check(text, lines.text, added)
    return text


class _Lines:
    """A text by its lines, which is how YAML tells places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end_of_line = "\r\n" if "\r\n" in text else "\n"
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, mark: yaml.Mark) -> int:
        return self._starts[mark.line] + mark.column

    def after(self, node: yaml.Node) -> int:
        """Give the place behind the last line of *node*, and of a comment that stands there."""
        mark = _last(node).end_mark
        line = mark.line if mark.column == 0 else mark.line + 1
        return self._starts[min(line, len(self._starts) - 1)]

    def written(self, offset: int, lines: Sequence[str]) -> _Insertion:
        """Put whole lines at *offset*, behind an end of line if there is none."""
        is_open = offset > 0 and self.text[offset - 1] != "\n"
        return _Insertion(
            offset, ("" if not is_open else self.end_of_line) + "".join(f"{line}{self.end_of_line}" for line in lines)
        )


def _last(node: yaml.Node) -> yaml.Node:
    """Find what a node ends with: collections in blocks seem to reach to the next key."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _value(mapping: yaml.MappingNode, name: str) -> tuple[Any, yaml.Node] | None:
    return next(((key, value) for key, value in mapping.value if key.value == name), None)


def _items(lines: _Lines, root: yaml.MappingNode, added: Sequence[Allocated]) -> _Insertion:
    found = _value(root, SEGMENTS)
    if found is None:
        return lines.written(len(lines.text), [f"{SEGMENTS}:", *_written(added, 2)])
    key, value = found
    if not isinstance(value, yaml.SequenceNode) or value.flow_style:
        raise NotEditableError(f"{SEGMENTS} on line {key.start_mark.line + 1} stands in brackets")
    return lines.written(lines.after(value), _written(added, value.start_mark.column))


def _written(added: Sequence[Allocated], column: int) -> list[str]:
    indent = " " * column
    return [line for item in added for line in (f"{indent}# {item.reason}", *_item(item.segment, indent))]


def _item(segment: Segment, indent: str) -> list[str]:
    keys = {
        "id": segment.id,
        "site": segment.site,
        "kind": segment.kind.value,
        "purpose": segment.purpose and segment.purpose.value,
        "network": str(segment.network),
        "establishment": segment.establishment and f'"{segment.establishment}"',
    }
    rows = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    return [f"{indent}{'- ' if number == 0 else '  '}{row}" for number, row in enumerate(rows)]


def _pool(lines: _Lines, root: yaml.MappingNode, pool: Pool) -> _Insertion:
    """Write a pool behind the internal ranges that it stands for."""
    found = _value(root, SEGMENTS)
    items = found[1].value if found else []
    for item in items:
        identifier = _value(item, "id")
        ranges = _value(item, "internal_ranges")
        if identifier and ranges and identifier[1].value == pool.segment:
            key, value = ranges
            if item.flow_style:
                return _Insertion(lines.offset(value.end_mark), f", nat_pool: {pool.network}")
            return lines.written(lines.after(value), [f"{' ' * key.start_mark.column}nat_pool: {pool.network}"])
    raise NotEditableError(f"segment {pool.segment} has no internal ranges")


def _check(text: str, before: str, added: Allocation) -> None:
    """Require that the file now says what it said and what was added: never trust an edit, read it."""
    pools = {pool.segment: pool.network for pool in added.pools}
    sheet = _sheet(before)
    segments = tuple(
        item.model_copy(update={"nat_pool": pools[item.id]}) if item.id in pools else item for item in sheet.segments
    )
    wanted = sheet.model_copy(update={"segments": (*segments, *(item.segment for item in added.segments))})
    if _sheet(text) != wanted:
        raise NotEditableError("what was added would not be read as it was meant")


def _sheet(text: str) -> NetworkSheet:
    document, _ = read_document("network.yaml", text.encode())
    sheet = fit(document, NetworkSheet)[0] if document else None
    if sheet is None:
        raise NotEditableError("it would not be read any more")
    return sheet
