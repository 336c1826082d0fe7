"""The one place that prints: what people see in a terminal of any width, and what programs read."""

import json
import re
import sys
import time
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli import console
from hosting_cli.console import Progress, render, show, show_error
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.result import ExitStatus, Result, Table, text

PLAN = Table(
    "",
    ("action", "what", "owner", "how"),
    (
        ("create", "host-file dijon-app-1:/etc/systemd/system/hosting-volume-data.service", "imagerie-beaune", ""),
        ("delete", "policy hosting-gone", "platform", ""),
    ),
)
DOWN = UnreadableError("host dijon-app-1", "127.0.0.1:40022 cannot be reached", "See whether the host is up.")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def laid_out(table: Table, width: int) -> str:
    return render(table, width=width, colours=False)


# -- tables -------------------------------------------------------------------------------------------------------


def test_a_table_in_a_wide_terminal() -> None:
    assert laid_out(PLAN, 120).splitlines() == [
        "action  what                                                                   owner",
        "create  host-file dijon-app-1:/etc/systemd/system/hosting-volume-data.service  imagerie-beaune",
        "delete  policy hosting-gone                                                    platform",
    ]


def test_a_table_in_a_narrow_terminal_breaks_paths_behind_a_slash() -> None:
    assert laid_out(PLAN, 80).splitlines() == [
        "action  what                                                     owner",
        "create  host-file dijon-app-1:/etc/systemd/system/               imagerie-beaune",
        "          hosting-volume-data.service",
        "delete  policy hosting-gone                                      platform",
    ]


def test_a_word_is_broken_only_where_no_other_column_can_give() -> None:
    table = Table("", ("application", "when", "why"), (("imagerie-beaune", "2026-11-22 09:23", "as it was " * 4),))
    assert laid_out(table, 46).splitlines()[1].startswith("imagerie-beaune  ")
    assert "imagerie-beaune" not in laid_out(table, 34)


def test_a_title_stands_above() -> None:
    assert laid_out(Table("How long", ("time", "stage"), (("1 s", "up"),)), 80) == "How long\ntime  stage\n1 s   up\n"


def test_a_table_without_rows_says_nothing() -> None:
    assert laid_out(Table("", ("a", "b"), ()), 80) == ""


cells = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"], include_characters=" /"), max_size=70)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5), st.integers(46, 130))
def test_no_line_is_wider_than_the_terminal_and_no_letter_is_lost(rows: list[tuple[str, str, str]], width: int) -> None:
    table = Table("", ("first", "second", "third"), tuple(rows))
    lines = laid_out(table, width).splitlines()
    assert max(map(len, lines), default=0) <= width
    assert letters("".join(lines[1:])) == letters("".join(cell for row in rows for cell in row))


def letters(words: str) -> list[str]:
    return sorted(re.sub(r"\s", "", words))


# -- colours ------------------------------------------------------------------------------------------------------


def test_a_terminal_gets_colours_for_what_has_a_meaning() -> None:
    stream = Terminal()
    show(Result("plan", {}, (PLAN,)), "people", stream=stream)
    assert "\x1b[32mcreate\x1b[0m" in stream.getvalue()
    assert "\x1b[31mdelete\x1b[0m" in stream.getvalue()


def test_colours_do_not_move_columns() -> None:
    plain, coloured = (render(PLAN, width=80, colours=colours) for colours in (False, True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("why", ["a pipe", "NO_COLOR"])
def test_no_colours(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO() if why == "a pipe" else Terminal()
    if why == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    show(Result("plan", {}, (PLAN,)), "people", stream=stream)
    show_error(DOWN, stream=stream)
    assert "\x1b" not in stream.getvalue()


# -- results ------------------------------------------------------------------------------------------------------


def test_blocks_are_set_apart_and_errors_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show(Result("plan", {}, (text("one"), text("two")), ExitStatus.UNKNOWN, (DOWN,)), "people")
    printed = capsys.readouterr()
    assert printed.out == "one\n\ntwo\n"
    assert printed.err.startswith("error: host dijon-app-1: ")


def test_programs_get_one_document_with_errors_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show(Result("plan", {"région": "Franche-Comté"}, (text("one"),), ExitStatus.UNKNOWN, (DOWN,)), "json")
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["version"], document["command"], document["exit_status"]) == (1, "plan", 4)
    assert document["errors"][0]["subject"] == "host dijon-app-1"
    assert "Franche-Comté" in printed.out
    assert printed.err == ""


def test_an_error_says_what_happened_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(DOWN)
    assert capsys.readouterr().err == (
        "error: host dijon-app-1: 127.0.0.1:40022 cannot be reached.\n       See whether the host is up.\n"
    )


def test_a_long_error_is_wrapped_and_what_one_copies_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    path = "transit/keys/hosting-imagerie-beaune-objects"
    show_error(EngineError("vault https://127.0.0.1:8200", f"it refused POST {path}: 400 " + "word " * 20, "Look."))
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(console.INDENT) for line in lines[1:])
    assert any(path in line for line in lines)


@pytest.mark.parametrize("columns", ["1", "20", "300"])
def test_any_width_of_a_terminal_will_do(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show(Result("plan", {}, (PLAN,), ExitStatus.UNKNOWN, (DOWN,)), "people")
    printed = capsys.readouterr()
    assert "create" in printed.out
    assert "host is up." in " ".join(printed.err.split())


# -- progress -----------------------------------------------------------------------------------------------------


def test_a_stage_says_that_it_began_and_how_long_it_took() -> None:
    stream = StringIO()
    progress = Progress(stream=stream)
    with progress.stage("reading"):
        pass
    assert re.fullmatch(r"  reading\n  reading: done in 0\.\d s\n", stream.getvalue())
    ((name, seconds),) = progress.stages
    assert (name, seconds >= 0) == ("reading", True)


def test_a_silent_stage_beats_at_least_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert console.HEARTBEAT_SECONDS + console.LOOK_SECONDS <= 2
    monkeypatch.setattr(console, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(console, "LOOK_SECONDS", 0.01)
    stream = StringIO()
    with Progress(stream=stream).stage("reading"):
        deadline = time.monotonic() + 20
        while stream.getvalue().count("reading …") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert stream.getvalue().count("reading …") >= 2


def test_a_stage_that_talks_does_not_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LOOK_SECONDS", 0.01)
    stream = StringIO()
    progress = Progress(stream=stream)
    with progress.stage("applying"):
        progress("create policy hosting-x")
    assert "…" not in stream.getvalue()


def test_a_stage_that_fails_is_recorded_and_not_said_to_be_done() -> None:
    stream = StringIO()
    progress = Progress(stream=stream)
    with pytest.raises(UnreadableError), progress.stage("reading"):
        raise DOWN
    assert [name for name, _ in progress.stages] == ["reading"]
    assert "done" not in stream.getvalue()


def test_progress_goes_to_standard_error_so_that_results_can_be_piped(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(stream=sys.stderr)("working")
    assert capsys.readouterr() == ("", "  working\n")
