"""A result is there whole or not at all, whoever was killed while making it, and is made once."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosting_cli.errors import RefusedError
from hosting_cli.lab import cache, processes, recorded, removal
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.processes import Process


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


# -- killed builders ----------------------------------------------------------------------------------------------

STARTED = """
    processes.start("sleep", ["sleep", "300"], log=place / "log", directory=place, record=recorded.recorder(place))
    os.kill(os.getpid(), signal.SIGKILL)
"""
FOLLOWED = """
    def die(line):
        os.kill(os.getpid(), signal.SIGKILL)
    argv = ["sh", "-c", "echo begun; sleep 300"]
    progress.run(argv, log=place / "log", progress=print, begin="begin", describe=die)
"""
BUILDER = """
import os, pathlib, signal, sys
from hosting_cli.lab import cache, processes, progress, recorded
def build(place):{build}
cache.obtain(pathlib.Path(sys.argv[1]), build, print)
"""
"""Somebody who is killed at building, with a process running."""


def forgotten(place: Path) -> None:
    cache.forget(place.parents[1])


def removed_with_a_lab(place: Path) -> None:
    lab = Lab(place.parents[1] / "no-lab", place.parents[1])
    assert list(removal.down(lab, silent)) == [f"{place}.unfinished"]


def built_again(place: Path) -> None:
    cache.obtain(place, lambda unfinished: (unfinished / "whole").touch(), silent)
    assert [path.name for path in place.iterdir()] == ["whole"]


@pytest.mark.parametrize("build", [STARTED, FOLLOWED], ids=["a machine that it started", "a command that it followed"])
@pytest.mark.parametrize("act", [removed_with_a_lab, built_again, forgotten])
def test_what_a_killed_builder_left_running_is_ended_and_removed(
    tmp_path: Path, build: str, act: Callable[[Path], None]
) -> None:
    place = tmp_path / "templates/key"
    argv = [sys.executable, "-c", BUILDER.format(build=build), str(place)]
    environment = {"PYTHONPATH": str(Path.cwd()), "PATH": os.environ["PATH"]}
    killed = subprocess.run(argv, env=environment, stdout=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = recorded.running(tmp_path / "templates/key.unfinished")
    assert left is not None
    act(place)
    assert not processes.is_alive(left)
    assert not (tmp_path / "templates/key.unfinished").exists()


@contextmanager
def being_built(place: Path) -> Iterator[Process]:
    """Have somebody build *place* for as long as the block lasts, with a process that is on record."""
    begun, done = threading.Event(), threading.Event()

    def build(unfinished: Path) -> None:
        processes.start(
            "sleep",
            ["sleep", "300"],
            log=unfinished / "log",
            directory=unfinished,
            record=recorded.recorder(unfinished),
        )
        begun.set()
        done.wait()

    builder = threading.Thread(target=cache.obtain, args=(place, build, silent))
    builder.start()
    begun.wait()
    process = recorded.find(place.with_name(f"{place.name}.unfinished"))
    assert process is not None
    try:
        yield process
    finally:
        done.set()
        builder.join()
        processes.stop(process)


def test_what_another_lab_builds_at_the_moment_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "templates/key"
    with being_built(place) as process:
        assert list(removal.down(Lab(tmp_path / "lab", tmp_path), silent)) == []
        with pytest.raises(RefusedError, match="somebody is building templates/key in it"):
            cache.forget(tmp_path)
        assert processes.is_alive(process)
    assert [path.name for path in place.iterdir()] == ["log"], "what is built is no longer on record as a process"


def test_a_lock_that_was_removed_while_it_was_waited_for_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, lock = tmp_path / "images/key", tmp_path / "images/key.lock"
    taken: list[bool] = []

    def flock(descriptor: int, operation: int, real: Callable[[int, int], None] = fcntl.flock) -> None:
        taken.append(lock.exists())
        if len(taken) == 1:
            lock.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    cache.obtain(place, lambda unfinished: taken.append(lock.exists()), silent)
    assert taken == [True, True, True]
