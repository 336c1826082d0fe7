"""One YAML file as plain values that still know their line and column.

A deliberate part of YAML is read: one document; mappings with text keys, sequences and scalars.  Refused: anchors,
aliases, merge keys and tags (nobody should have to resolve references to know what is hosted), keys that are not
text or stand twice, and values that `inventory.scalars` calls unclear.

The parser's events are folded here instead of PyYAML's composer: it is three times faster, it does not recurse (a
file of brackets overflows the stack of the C composer), and nothing is typed behind our back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from inventory.patients import find_nirs
from inventory.problems import Problem, Words, quoted
from inventory.scalars import read_plain
from inventory.text import check_characters, check_patients, decode, is_parsable, nir_found

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 20
"""Levels of nesting that are read; the models have half as many."""

Steps: TypeAlias = tuple[str | int, ...]
"""The way from the root of a file to a value: keys and positions."""


@dataclass(slots=True)
class Node:
    """A value and where it begins; ``value`` is what the models are given.

    A ``refused`` node has been reported: whatever else is wrong with it follows from that.
    """

    mark: yaml.Mark
    value: Any
    refused: bool = False
    children: "dict[str | int, Node] | None" = None
    keys: dict[str | int, yaml.Mark] | None = None


@dataclass(frozen=True)
class Document:
    """A file that was read: its name as people know it, and its root; complete unless a part was refused."""

    file: str
    root: Node
    is_complete: bool = True

    def walk(self, steps: Steps) -> Iterator[Node]:
        """Follow *steps* from the root, as far as the file goes."""
        node = self.root
        yield node
        for step in steps:
            if node.children is None or step not in node.children:
                return
            node = node.children[step]
            yield node

    def mark(self, steps: Steps, *, at_key: bool = False) -> yaml.Mark:
        """Give the place of the value at *steps* or of its key; of the nearest value around it when it is absent."""
        nodes = list(self.walk(steps))
        if at_key and len(nodes) == len(steps) + 1:
            keys = nodes[-2].keys or {}
            return keys.get(steps[-1], nodes[-1].mark)
        return nodes[-1].mark

    def problem(self, steps: Steps, words: Words, *, at_key: bool = False) -> Problem:
        """Build the problem of the value at *steps*."""
        return at_mark(self.file, self.mark(steps, at_key=at_key), words)


def at_mark(file: str, mark: yaml.Mark | None, words: Words) -> Problem:
    """Build a problem at a place that PyYAML gave; it counts from 0."""
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(file, line, column, *words)


def read_document(file: str, content: bytes) -> tuple[Document | None, list[Problem]]:
    """Read the bytes of a file, with every problem of its encoding, characters and structure at once.

    There is no document when what could be read leaves nothing to go on with.
    """
    text, problems = decode(file, content)
    if text is None:
        return None, problems
    characters = list(check_characters(file, text))
    problems += [*characters, *check_patients(file, text)]
    if characters and not is_parsable(text):
        return None, problems
    document, more = parse(file, text.replace("\t", " "))
    # A number that the text shows is found again in the value: told once.
    told = {(problem.line, problem.what) for problem in problems}
    return document, problems + [problem for problem in more if (problem.line, problem.what) not in told]


def parse(file: str, text: str) -> tuple[Document | None, list[Problem]]:
    """Read *text* as YAML."""
    fold = _Fold(file)
    try:
        fold.feed(LOADER(text))
    except yaml.MarkedYAMLError as error:
        return None, [*fold.problems, _syntax(file, error)]
    return fold.result()


SYNTAX_REMEDIES = {
    "mapping values are not allowed": "put a text that has a colon in quotes, or mend the indentation",
    "cannot start any token": "put a text that starts with this sign in quotes",
}


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Problem:
    if error.context == "while scanning an alias":
        words = Words("a star without quotes is an alias", REFERENCES, "put the text in quotes")
        return at_mark(file, error.context_mark, words)
    known = (remedy for sign, remedy in SYNTAX_REMEDIES.items() if sign in str(error.problem))
    context = f" {error.context}" if error.context else ""
    began = f" begun on line {error.context_mark.line + 1}" if error.context_mark else ""
    words = Words(
        f"this is not YAML: {error.problem}",
        f"the parser stopped{context}{began}",
        next(known, "mend the indentation, quotes or brackets here or before"),
    )
    return at_mark(file, error.problem_mark or error.context_mark, words)


REFERENCES = "a file must be read without resolving references"
NOT_A_NAME = "keys are names"


class _Frame:
    """A collection that is still open.  ``key`` waits for its value; without a name it was refused, like its value."""

    __slots__ = ("children", "key", "key_mark", "keys", "mark", "value")

    def __init__(self, mark: Any, value: Any) -> None:
        self.mark = mark
        self.value = value
        self.children: dict[str | int, Node] = {}
        self.keys: dict[str | int, yaml.Mark] = {}
        self.key: str | None = None
        self.key_mark: yaml.Mark | None = None

    def awaits_key(self) -> bool:
        """Tell whether what comes next is a key."""
        return self.key_mark is None and isinstance(self.value, dict)

    def attach(self, node: Node) -> None:
        """Take *node* as the next item, or as the value of the key that waits."""
        if isinstance(self.value, list):
            self.children[len(self.value)] = node
            self.value.append(node.value)
            return
        if self.key is not None and self.key_mark is not None:
            self.children[self.key] = node
            self.keys[self.key] = self.key_mark
            self.value[self.key] = node.value
        self.key = self.key_mark = None


class _Fold:
    """Fold the events of one file into nodes, and collect what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.stopped = False
        self._documents = 0
        # The outermost frame is a list that holds the roots of the file's documents: one.
        self._frames = [_Frame(None, [])]
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            yaml.DocumentStartEvent: self._document,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
        }

    def feed(self, loader: Any) -> None:
        """Take the events of *loader* until they end, or the rest is not worth reading."""
        next_event, handlers = loader.get_event, self._handlers
        while not self.stopped:
            event = next_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return
            if kind in handlers:
                handlers[kind](event)

    def result(self) -> tuple[Document | None, list[Problem]]:
        """Give the document, if it is one of keys and values."""
        if self.stopped:
            return None, self.problems
        root = self._frames[0].children.get(0)
        if root is None:
            self._report(None, "the file is empty", "every file here says something", "fill it or remove it")
        elif not isinstance(root.value, dict):
            what = "the file does not consist of keys and values"
            self._report(root.mark, what, "every file here starts with keys such as id", "write key: value")
        else:
            return Document(self.file, root, is_complete=not self.problems), self.problems
        return None, self.problems

    def _report(self, mark: yaml.Mark | None, what: str, why: str, remedy: str) -> None:
        self.problems.append(at_mark(self.file, mark, Words(what, why, remedy)))

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            what = "a second document begins here"
            self._report(event.start_mark, what, "one file describes one thing", "move it to a file of its own")
            self.stopped = True

    def _scalar(self, event: Any) -> None:
        mark, text, frame = event.start_mark, event.value, self._frames[-1]
        if event.anchor is not None or event.tag is not None:
            self._check_signs(event)
        if event.style == '"' or event.end_mark.line != mark.line:
            self._check_patients(mark, text)
        value = read_plain(text) if event.implicit[0] else text
        if frame.awaits_key():
            self._take_key(frame, mark, text, value)
        elif isinstance(value, Words):
            # An empty value has no place that a person could see: its key has.
            self._report(mark if text else frame.key_mark or mark, *value)
            frame.attach(Node(mark, None, refused=True))
        else:
            frame.attach(Node(mark, value))

    def _check_patients(self, mark: yaml.Mark, text: str) -> None:
        # Escapes and folded lines can hide a number from the search in the file's text.
        self.problems += [at_mark(self.file, mark, nir_found(match[0])) for match in find_nirs(text)]

    def _check_signs(self, event: Any) -> None:
        if event.anchor is not None:
            remedy = "write the value itself wherever it is used"
            self._report(event.start_mark, f"&{event.anchor} is an anchor", REFERENCES, remedy)
        if event.tag is not None:
            self._report(event.start_mark, f"{event.tag} is a tag", "the key alone gives a value its type", "remove it")

    def _take_key(self, frame: _Frame, mark: yaml.Mark, text: str, value: object) -> None:
        frame.key_mark = mark
        if text == "<<":
            self._report(mark, "<< is a merge key", REFERENCES, "write the keys themselves")
        elif not isinstance(value, str):
            self._report(mark, f"the key {quoted(text)} is not text", NOT_A_NAME, "write a name")
        elif value in frame.keys:
            why = f"it already stands on line {frame.keys[value].line + 1}"
            self._report(mark, f"the key {quoted(value)} stands twice", why, "keep one of the two")
        else:
            frame.key = value

    def _start(self, event: Any) -> None:
        self._check_signs(event)
        if self._frames[-1].awaits_key():
            self._report(event.start_mark, "the key is a collection", NOT_A_NAME, "write a name")
            self.stopped = True
        self._frames.append(_Frame(event.start_mark, {} if type(event) is yaml.MappingStartEvent else []))
        if len(self._frames) > DEEPEST:
            what = f"values are nested {DEEPEST} deep"
            self._report(event.start_mark, what, "no file of a region needs that", "remove brackets or indentation")
            self.stopped = True

    def _end(self, _event: Any) -> None:
        frame = self._frames.pop()
        self._frames[-1].attach(Node(frame.mark, frame.value, children=frame.children, keys=frame.keys))

    def _alias(self, event: Any) -> None:
        remedy = "write the value itself, in quotes if it starts with a star"
        self._report(event.start_mark, f"*{event.anchor} is an alias", REFERENCES, remedy)
        frame = self._frames[-1]
        if frame.awaits_key():
            frame.key_mark = event.start_mark
        else:
            frame.attach(Node(event.start_mark, None, refused=True))
