"""The journal only grows, and shows it when somebody made it do otherwise."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli import journal as journals
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.journal import Entry, Journal, breaks, parse

NOW = datetime(2026, 11, 22, 3, 0, 0, 123456, tzinfo=UTC)


def journal(path: Path) -> Journal:
    return Journal(path, now=lambda: NOW, who=lambda: "operations-engineer")


def written(path: Path, count: int = 4) -> list[bytes]:
    book = journal(path)
    for number in range(count):
        book.append("done", {"subject": f"bucket é{number}"})
    return book.lines()


def test_an_entry_is_one_canonical_line_that_names_the_one_before(tmp_path: Path) -> None:
    first, second, *_ = written(tmp_path / "journal.jsonl")
    assert first.startswith('{"data":{"subject":"bucket é0"},"kind":"done","previous":"0000'.encode())
    assert parse(second).previous == parse(first).digest
    assert parse(second).time == "2026-11-22T03:00:00.123Z"


def test_an_untouched_journal_holds(tmp_path: Path) -> None:
    assert list(breaks(written(tmp_path / "journal.jsonl"))) == []


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    written(tmp_path / "journal.jsonl")
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        pytest.param(lambda lines: [lines[0].replace(b"done", b"gone"), *lines[1:]], 2, id="an entry was changed"),
        pytest.param(lambda lines: [lines[0], *lines[2:]], 2, id="an entry was removed"),
        pytest.param(lambda lines: lines[1:], 1, id="the first entry was removed"),
        pytest.param(lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2, id="two entries changed places"),
        pytest.param(lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, id="an entry was repeated"),
        pytest.param(lambda lines: [lines[0], b"{}", *lines[1:]], 2, id="something foreign was put in"),
        pytest.param(lambda lines: [lines[0].replace(b":1,", b": 1,"), *lines[1:]], 1, id="spaces were added"),
    ],
)
def test_every_kind_of_tampering_is_located(tmp_path: Path, tamper, line: int) -> None:  # type: ignore[no-untyped-def]
    found = list(breaks(tamper(written(tmp_path / "journal.jsonl"))))
    assert found[0].line == line


def test_cutting_the_end_off_shows_against_a_noted_head(tmp_path: Path) -> None:
    lines = written(tmp_path / "journal.jsonl")
    head = parse(lines[-1]).digest
    assert list(breaks(lines, head=head)) == []
    assert [found.line for found in breaks(lines[:-1], head=head)] == [3]


@pytest.fixture(scope="module")
def three_lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    return tuple(written(tmp_path_factory.mktemp("journal") / "journal.jsonl", 3))


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_single_byte_can_change_unseen(three_lines: tuple[bytes, ...], position: int, byte: int) -> None:
    head = parse(three_lines[-1]).digest
    text = bytearray(b"\n".join(three_lines))
    position %= len(text)
    changed = text[position] != byte
    text[position] = byte
    assert bool(list(breaks(bytes(text).split(b"\n"), head=head))) == changed


def test_a_torn_tail_is_set_aside_in_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, 2)
    with path.open("ab") as file:
        file.write(b'{"data":{"sub')
    journal(path).append("done", {"subject": "bucket"})
    entries = journal(path).entries()
    assert [entry.kind for entry in entries] == ["done", "done", "torn-line", "done"]
    assert entries[2].data == {"base64": "eyJkYXRhIjp7InN1Yg=="}


def test_a_torn_first_line_is_set_aside_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"{")
    journal(path).append("done", {})
    assert [entry.kind for entry in journal(path).entries()] == ["torn-line", "done"]


def test_lines_longer_than_a_block_are_found_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal(path).append("plan", {"text": "x" * 200_000})
    journal(path).append("plan", {"text": "y" * 200_000})
    assert list(breaks(journal(path).lines())) == []


def test_a_broken_chain_is_unreadable_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = written(path)
    path.write_bytes(b"\n".join([lines[0], *lines[2:]]) + b"\n")
    with pytest.raises(UnreadableError, match=r"journal\.jsonl:2: does not follow"):
        journal(path).entries()


def test_who_reads_again_examines_only_what_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[bytes] = []

    def counted(line: bytes) -> Entry:
        examined.append(line)
        return parse(line)

    monkeypatch.setattr(journals, "parse", counted)
    path = tmp_path / "journal.jsonl"
    written(path)
    reader = journal(path)
    before = reader.entries()
    examined.clear()
    assert reader.entries() == before
    assert examined == []
    journal(path).append("done", {"subject": "by somebody else"})
    examined.clear()
    assert reader.entries() == journal(path).entries()
    assert len(examined) == 1 + 5  # the reader's, and all of another's


@pytest.mark.parametrize("line", range(4))
def test_who_reads_again_sees_that_what_it_had_read_was_changed(tmp_path: Path, line: int) -> None:
    path = tmp_path / "journal.jsonl"
    lines = written(path)
    reader = journal(path)
    assert len(reader.entries()) == 4
    changed = [*lines[:line], lines[line].replace("é".encode(), b"e"), *lines[line + 1 :], lines[-1]]
    path.write_bytes(b"\n".join(changed) + b"\n")
    with pytest.raises(UnreadableError, match="does not follow"):
        reader.entries()
    path.write_bytes(b"\n".join(lines[:2]) + b"\n")
    assert len(reader.entries()) == 2, "the end that was cut off is not remembered"


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert journal(tmp_path / "journal.jsonl").entries() == ()


def test_nothing_is_done_when_the_disk_is_full() -> None:
    with pytest.raises(EngineError, match=r"No space left on device"):
        journal(Path("/dev/full")).append("intent", {})
