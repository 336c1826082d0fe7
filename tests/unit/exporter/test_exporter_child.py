"""A reading in a process of its own: what it gives, and that it ends in time with everything that it started."""

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from hosting_cli.errors import UnreadableError
from hosting_cli.exporter import child
from hosting_cli.exporter.parts import Part
from hosting_cli.figures import Sample

SEALED = {"name": "hosting_vault_sealed", "labels": {}, "value": 1.0}
ERROR = {"subject": "vault", "what": "it is sealed", "remedy": "Unseal it."}


def printing(data: dict[str, object], *errors: dict[str, str]) -> list[str]:
    return [sys.executable, "-c", f"print({json.dumps({'data': data, 'errors': errors})!r})"]


def read(argv: list[str], at_most_seconds: float = 30, ended: threading.Event | None = None) -> child.Told:
    return child.read(Part.ENGINES, argv, at_most_seconds, ended=ended or threading.Event())


def test_an_envelope_gives_figures_and_how_much_was_not_read() -> None:
    told = read(printing({"samples": [SEALED]}, ERROR))
    assert (told.samples, told.unread) == ((Sample("hosting_vault_sealed", {}, 1.0),), 1)
    assert 0 < told.seconds < 30


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        pytest.param(printing({}, ERROR), "vault: it is sealed", id="an envelope without figures gives its errors"),
        pytest.param([sys.executable, "-c", "import nowhere"], "No module named", id="a crash gives its last line"),
        pytest.param(["true"], "it said nothing", id="silence is said to be that"),
    ],
)
def test_what_gave_no_figures_is_unreadable(argv: list[str], why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(argv)


STARTS_ANOTHER = "echo $$ > {file}; sleep 300 & echo $! >> {file}; wait"


@pytest.mark.parametrize("how", ["time is up", "the exporter ends"])
def test_what_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path, how: str) -> None:
    file, ended = tmp_path / "pids", threading.Event()
    if how == "the exporter ends":
        threading.Timer(0.5, ended.set).start()
    began = time.monotonic()
    with pytest.raises(UnreadableError, match="was ended"):
        read(["sh", "-c", STARTS_ANOTHER.format(file=file)], 0.5 if how == "time is up" else 60, ended)
    assert time.monotonic() - began < 10
    pids = file.read_text().split()
    assert len(pids) == 2
    # It is nobody's child any more, and ends when the kernel comes to it.
    while any(map(is_running, pids)) and time.monotonic() < began + 10:
        time.sleep(0.01)
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid: str) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_reading_is_a_command_that_there_is() -> None:
    argv = child.command(Part.KEYS, ["--region", "/nowhere", "--environment", "/nowhere/environment.yaml"])
    with pytest.raises(UnreadableError, match="1 problem found"):
        read(argv)
