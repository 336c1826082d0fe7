"""A result is there whole or not at all, whoever was killed while making it, and is made once."""

import threading
import time
from pathlib import Path

import pytest

from hosting_cli.lab import cache


def silent(text: str) -> None:
    assert text


def test_any_changed_input_gives_another_key() -> None:
    base = {"packages": "systemd", "script": b"x", "size": 2, "none": None}
    keys = {cache.key(base), *(cache.key({**base, name: "changed"}) for name in base)}
    assert len(keys) == 5
    assert cache.key(dict(reversed(base.items()))) == cache.key(base)


def test_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    calls: list[Path] = []

    def build(place: Path) -> None:
        calls.append(place)
        (place / "result").write_text("done")

    for _ in range(2):
        assert (cache.obtain(tmp_path / "key", build, silent) / "result").read_text() == "done"
    assert len(calls) == 1


def test_a_build_that_failed_or_was_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    def fail(place: Path) -> None:
        (place / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.obtain(tmp_path / "key", fail, silent)
    assert not (tmp_path / "key").exists()
    made = cache.obtain(tmp_path / "key", lambda place: (place / "whole").touch(), silent)
    assert [path.name for path in made.iterdir()] == ["whole"]


def test_the_second_of_two_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    calls: list[Path] = []
    said: list[str] = []
    begun = threading.Event()

    def build(place: Path) -> None:
        calls.append(place)
        begun.set()
        time.sleep(0.3)

    first = threading.Thread(target=cache.obtain, args=(tmp_path / "key", build, silent))
    first.start()
    begun.wait()
    cache.obtain(tmp_path / "key", build, said.append)
    first.join()
    assert len(calls) == 1
    assert said[0].startswith("waiting for somebody else")
