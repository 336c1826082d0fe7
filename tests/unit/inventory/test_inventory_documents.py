"""The part of YAML that is read: values without surprises, at the place where they stand."""

from itertools import chain, product
from typing import Any

import pytest
import yaml

from inventory.documents import read_document
from inventory.problems import Problem, Words
from inventory.scalars import read_plain


def read(text: str) -> tuple[Any, list[str]]:
    document, problems = read_document("f", text.encode())
    return document.root.value if document else None, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: b", {"a": "b"}),
        ("a: 12", {"a": 12}),
        ("a: -3", {"a": -3}),
        ("a: 1.5", {"a": 1.5}),
        ("a: true", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ('a: "no"', {"a": "no"}),
        ("a: '010000024'", {"a": "010000024"}),
        ("a: 2A0000014", {"a": "2A0000014"}),
        ("a: 2029-03-31", {"a": "2029-03-31"}),
        ("a: 10.21.10.11/24", {"a": "10.21.10.11/24"}),
        ("a: https://vault.example:8200", {"a": "https://vault.example:8200"}),
        ("a: non", {"a": "non"}),
        ("a: Notre hôpital", {"a": "Notre hôpital"}),
        ("a: []", {"a": []}),
        ("a: {}", {"a": {}}),
        ("a: ''", {"a": ""}),
        ("a: >\n  un\n  deux\n", {"a": "un deux\n"}),
        ("a: {b: [c, {d: e}]}", {"a": {"b": ["c", {"d": "e"}]}}),
        ("? a\n: b\n", {"a": "b"}),
        ("---\na: b\n...\n", {"a": "b"}),
    ],
)
def test_what_is_written_plainly_is_read_plainly(text: str, value: object) -> None:
    assert read(text) == (value, [])


TYPED_DIFFERENTLY = "no No NO yes Yes on off OFF y N True TRUE False FALSE null Null ~ = 010 007 0x1f 0b11 0o17 1_000"
NUMBERS_FOR_SOME = "12:30 1:2:3 +5 1e3 1.5e3 .5 5. .inf -.INF .nan 00:11:22:33:44:55 1_0.5 089 0.5_0"


@pytest.mark.parametrize("word", TYPED_DIFFERENTLY.split())
def test_what_readers_of_yaml_disagree_on_is_refused(word: str) -> None:
    value, problems = read(f"a: {word}")

    assert value == {"a": None}
    assert [problem.split(":")[:3] for problem in problems] == [["f", "1", "4"]]


@pytest.mark.parametrize("word", NUMBERS_FOR_SOME.split())
def test_what_looks_like_a_number_to_some_is_refused(word: str) -> None:
    _, problems = read(f"a: {word}")

    assert len(problems) == 1
    assert "without quotes" in problems[0]


def test_whatever_pyyaml_would_type_is_typed_alike_or_refused() -> None:
    """Compare with PyYAML's own resolver on everything short: what is taken means the same to both."""
    resolver = yaml.resolver.Resolver()
    alphabet = "0179_.:-+exno~"
    for letters in chain.from_iterable(product(alphabet, repeat=length) for length in (1, 2, 3, 4)):
        word = "".join(letters)
        value = read_plain(word)
        if not isinstance(value, Words):
            theirs = resolver.resolve(yaml.ScalarNode, word, (True, False)).removeprefix("tag:yaml.org,2002:")
            assert {"timestamp": "str"}.get(theirs, theirs) == type(value).__name__, word


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1"),
        ("a:\n  b: 1\n  b: 2\n", "3:3"),
        ("a: 1\n7: 2\n", "2:1"),
        ("a: 1\nno: 2\n", "2:1"),
        ("a: &x b\n", "1:4"),
        ("a: !!str b\n", "1:4"),
        ("a: ! b\n", "1:4"),
        ("<<: {a: b}\n", "1:1"),
        ("? [a]\n: b\n", "1:3"),
        ("é: [ü, no]\n", "1:8"),
        ("a:\n  - b\n  -\n", "3:4"),
        ("a: b\n--- \nc: d\n", "2:1"),
        ("a: 'b\n", "2:1"),
        ("", "1:1"),
        ("- a\n", "1:1"),
        ("text", "1:1"),
    ],
)
def test_what_is_refused_is_told_where_it_stands(text: str, place: str) -> None:
    _, problems = read(text)

    assert [":".join(problem.split(":")[1:3]) for problem in problems] == [place]


@pytest.mark.parametrize("count", [21, 1000, 200_000])
def test_brackets_without_end_are_refused_and_crash_nothing(count: int) -> None:
    value, problems = read("a: " + "[" * count)

    assert value is None
    assert [problem.split(",")[0] for problem in problems] == ["f:1:22: values are nested 20 deep"]


def test_an_alias_that_would_grow_without_end_is_refused_at_once() -> None:
    text = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    _, problems = read(text)

    assert len(problems) == 9 + 16


def test_a_file_larger_than_any_of_ours_is_not_read() -> None:
    document, problems = read_document("f", b"#" * (8 * 2**20 + 1))

    assert document is None
    assert problems == [Problem("f", 1, 1, "the file has 8388609 bytes", "8 MiB is the most that is read", "split it")]


def test_the_place_of_what_is_absent_is_that_of_what_should_hold_it() -> None:
    document, _ = read_document("f", b"# note\na:\n  b: 1\n  c: [x, y]\n")

    assert document is not None
    places = {
        steps: (document.mark(steps).line + 1, document.mark(steps).column + 1)
        for steps in ((), ("a",), ("a", "b"), ("a", "c", 1), ("a", "d"), ("a", "c", 7), ("z", "z"))
    }
    assert places == {
        (): (2, 1),
        ("a",): (3, 3),
        ("a", "b"): (3, 6),
        ("a", "c", 1): (4, 10),
        ("a", "d"): (3, 3),
        ("a", "c", 7): (4, 6),
        ("z", "z"): (2, 1),
    }
    assert document.mark(("a", "c"), at_key=True).column == 2
