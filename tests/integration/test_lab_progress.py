"""Whoever waits hears something, and a command that failed says why."""

import os
import sys
from pathlib import Path

import pytest

from hosting_cli.errors import EngineError
from hosting_cli.lab import processes, progress, recorded


def test_lines_are_told_in_other_words_and_kept_in_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    program = "import time; print('Unpacking a', flush=True); time.sleep(0.7); print('Unpacking b', flush=True)"
    progress.run(
        [sys.executable, "-c", program],
        log=tmp_path / "log",
        progress=said.append,
        begin="begin",
        describe=lambda line: line.lower() if line.startswith("Unpacking") else None,
    )
    assert said[0] == "begin"
    assert "unpacking b" in said
    assert (tmp_path / "log").read_text() == "Unpacking a\nUnpacking b\n"


def test_silence_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.1)
    said: list[str] = []
    argv = [sys.executable, "-c", "import time; time.sleep(0.6)"]
    progress.run(argv, log=tmp_path / "log", progress=said.append, begin="begin")
    assert len(said) > 2
    assert said[1].startswith("begin (")


def test_a_failure_shows_the_last_lines_and_where_the_rest_is(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"status 3: no room.*log"):
        progress.run(["sh", "-c", "echo no room >&2; exit 3"], log=tmp_path / "log", progress=print, begin="x")


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no-such-program"):
        progress.run(["no-such-program"], log=tmp_path / "log", progress=print, begin="x")


def test_a_command_is_on_record_beside_its_log_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    seen = []

    def look(_line: str) -> None:
        seen.append(recorded.running(tmp_path))

    argv = ["sh", "-c", "echo $$; sleep 0.5"]
    progress.run(argv, log=tmp_path / "log", progress=print, begin="x", describe=look)
    (process,) = seen
    assert process is not None
    assert (tmp_path / "log").read_text() == f"{process.pid}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_whatever_ends_the_waiting_ends_the_command(tmp_path: Path) -> None:
    seen = []

    def interrupt(_line: str) -> None:
        seen.append(recorded.running(tmp_path))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        progress.run(
            ["sh", "-c", "echo; sleep 300"], log=tmp_path / "log", progress=print, begin="x", describe=interrupt
        )
    (process,) = seen
    assert process is not None
    assert not processes.is_alive(process)


def test_a_command_inherits_the_descriptors_that_are_named(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    argv = ["sh", "-c", f"echo written > /proc/self/fd/{descriptor}"]
    try:
        with pytest.raises(EngineError, match="ended with status"):
            progress.run(argv, log=tmp_path / "log", progress=print, begin="x")
        progress.run(argv, log=tmp_path / "log", progress=print, begin="x", pass_descriptors=[descriptor])
    finally:
        os.close(descriptor)
    assert (tmp_path / "file").read_text() == "written\n"
