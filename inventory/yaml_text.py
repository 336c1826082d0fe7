"""The text of a YAML file by lines and nodes, for whoever adds to it or takes from it and leaves the rest.  Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import yaml

from inventory.documents import LOADER

Entry: TypeAlias = tuple[Any, yaml.Node]
"""A key of a mapping and its value."""


class NotEditableError(Exception):
    """A file says something in a form that cannot be edited without writing it anew."""


class Edit(NamedTuple):
    """What stands from *start* to *end* becomes *text*."""

    start: int
    end: int
    text: str


class Text:
    """A text with one mapping, which is how every file of a region begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end_of_line = "\r\n" if "\r\n" in text else "\n"
        self.lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self._root = yaml.compose(text, Loader=LOADER)

    def entry(self, name: str) -> Entry | None:
        """Find a key of the file."""
        return entry(self._root, name)

    def offset(self, mark: yaml.Mark) -> int:
        """Give the place of a mark."""
        return self._starts[mark.line] + mark.column

    def start_of_line(self, line: int) -> int:
        """Give the place where a line begins; the text's end, for the line after the last."""
        return self._starts[min(line, len(self.lines))]

    def line_after(self, node: yaml.Node) -> int:
        """Give the line after the last one of *node*, which a comment may share."""
        mark = _last(node).end_mark
        return int(mark.line if mark.column == 0 else mark.line + 1)

    def added(self, line: int, lines: Sequence[str]) -> Edit:
        """Put whole lines before *line*, behind an end of line if there is none."""
        start = self.start_of_line(line)
        is_open = start > 0 and self.text[start - 1] != "\n"
        added = "".join(f"{one}{self.end_of_line}" for one in lines)
        return Edit(start, start, f"{self.end_of_line if is_open else ''}{added}")

    def edited(self, edits: Iterable[Edit]) -> str:
        """Carry edits out, which are apart."""
        text = self.text
        for edit in sorted(edits, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def item_added(self, name: str, items: Sequence[Sequence[str]]) -> Edit:
        """Add items to the list *name*, each given by its lines without indentation; make the list if there is none."""
        value = self.list_of_lines(name)
        if value is None:
            return self.added(len(self.lines), [f"{name}:", *_indented(items, 2)])
        return self.added(self.line_after(value), _indented(items, value.start_mark.column))

    def list_of_lines(self, name: str) -> yaml.SequenceNode | None:
        """Find a list whose items stand on lines of their own; refuse one in brackets."""
        found = self.entry(name)
        if found is None:
            return None
        key, value = found
        if not isinstance(value, yaml.SequenceNode) or value.flow_style:
            raise NotEditableError(f"{name} on line {key.start_mark.line + 1} stands in brackets")
        return value


def _indented(items: Sequence[Sequence[str]], column: int) -> list[str]:
    return [f"{' ' * column}{line}" for item in items for line in item]


def item(keys: dict[str, str]) -> list[str]:
    """Write keys and values as an item of a list."""
    return [f"{'  ' if number else '- '}{key}: {value}" for number, (key, value) in enumerate(keys.items())]


def entry(mapping: yaml.Node | None, name: str) -> Entry | None:
    """Find a key of a mapping."""
    if not isinstance(mapping, yaml.MappingNode):
        raise NotEditableError("it does not consist of keys and values")
    return next(((key, value) for key, value in mapping.value if key.value == name), None)


def _last(node: yaml.Node) -> yaml.Node:
    """Find what a node ends with: collections in blocks seem to reach to the next key."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node
