"""Whatever a file holds, the loader answers with a value or with problems: nothing else is ever raised."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inventory_edits import SAMPLE, TODAY

from inventory.documents import LOADER
from inventory.load import load_environment, load_region
from inventory.problems import InventoryError

FILES = sorted(path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("*.yaml"))
PLAIN = {name: yaml.load((SAMPLE / name).read_text(), Loader=LOADER) for name in FILES}  # noqa: S506

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "dijon-app-1",
            "tier:app",
            "imagerie-beaune",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "210987657",
            "D3",
            "F-DCM",
            "",
            "tier:",
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
)


@contextmanager
def broken_region(name: str, content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "region"
        shutil.copytree(SAMPLE, folder)
        (folder / name).write_bytes(content)
        yield folder


def told(folder: Path) -> list[str]:
    try:
        load_region(folder, TODAY)
    except InventoryError as error:
        assert error.problems
        return [str(problem) for problem in error.problems]
    return []


@settings(max_examples=12)
@given(st.sampled_from(FILES), st.binary(max_size=200))
def test_any_bytes(name: str, content: bytes) -> None:
    with broken_region(name, content) as folder:
        problems = told(folder)

    assert problems
    assert all("\n" not in problem for problem in problems)


@settings(max_examples=12)
@given(st.sampled_from(FILES), st.text("ab:-[]{}&*!|>'\"# \n\t,?%@0", max_size=40), st.integers(0), st.integers(0, 40))
def test_any_scribble_in_a_file(name: str, scribble: str, place: int, length: int) -> None:
    text = (SAMPLE / name).read_text(encoding="utf-8")
    start = place % len(text)

    with broken_region(name, (text[:start] + scribble + text[start + length :]).encode()) as folder:
        told(folder)


@settings(max_examples=15)
@given(st.sampled_from(FILES), st.randoms(use_true_random=False), values)
def test_any_value_in_place_of_another(name: str, random: Any, value: Any) -> None:
    tree = deepcopy(PLAIN[name])
    holder, key = random.choice(list(holders(tree)))
    holder[key] = value

    with broken_region(name, yaml.safe_dump(tree, allow_unicode=True).encode()) as folder:
        told(folder)


def holders(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place of a tree whose value can be replaced."""
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from holders(tree[key])


@settings(max_examples=10)
@given(st.one_of(st.binary(max_size=200), values.map(lambda value: yaml.safe_dump(value).encode())))
@example(b"'[key]': 1")  # pydantic ends the way to a key with this word
def test_any_environment(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as parent:
        path = Path(parent) / "environment.yaml"
        path.write_bytes(content)
        try:
            load_environment(path)
        except InventoryError as error:
            assert error.problems
        else:
            raise AssertionError("nothing arbitrary is an environment")
