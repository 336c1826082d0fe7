"""Parts are read again and again, each by itself, never twice at once, until somebody ends it."""

import threading
import time

import pytest

from hosting_cli.errors import UnreadableError
from hosting_cli.exporter.keeping import Read, keep
from hosting_cli.exporter.parts import Part, Rhythm
from hosting_cli.exporter.shelf import Shelf, Told

QUICK = {Part.ENGINES: Rhythm(0.01, 5), Part.KEYS: Rhythm(0.01, 7)}
NOTHING = Told((), 0, 0)


def kept(read: Read, ended: threading.Event) -> tuple[Shelf, list[str]]:
    shelf, said = Shelf(QUICK, time.monotonic()), list[str]()
    keep(QUICK, shelf, read, ended=ended, clock=time.monotonic, tell=said.append, apart_seconds=0)
    return shelf, said


def test_a_part_that_waits_keeps_no_other_waiting_and_is_not_read_twice_at_once() -> None:
    ended, reading, counts = threading.Event(), threading.Lock(), {Part.ENGINES: 0, Part.KEYS: 0}

    def read(part: Part, at_most_seconds: float) -> Told:
        assert at_most_seconds == QUICK[part].at_most_seconds
        counts[part] += 1
        if part is Part.ENGINES:
            assert reading.acquire(blocking=False), "it is being read already"
            ended.wait(10)
            reading.release()
        elif counts[part] == 5:
            ended.set()
        return NOTHING

    kept(read, ended)
    assert counts == {Part.ENGINES: 1, Part.KEYS: 5}


def test_what_cannot_be_read_is_told_and_read_again() -> None:
    ended, asked = threading.Event(), list[Part]()

    def read(part: Part, at_most_seconds: float) -> Told:
        asked.append(part)
        if asked.count(Part.KEYS) == 3:
            ended.set()
        raise UnreadableError("vault", "it is sealed", "Unseal it.")

    shelf, said = kept(read, ended)
    assert "keys: vault: it is sealed" in said
    assert {sample.name for sample in shelf.samples(time.monotonic())} == {
        "hosting_reading_age_seconds",
        "hosting_reading_limit_seconds",
    }


def test_a_fault_of_ours_ends_all_of_it_and_is_raised() -> None:
    def read(part: Part, at_most_seconds: float) -> Told:
        if part is Part.KEYS:
            raise ZeroDivisionError
        return NOTHING

    with pytest.raises(ZeroDivisionError):
        kept(read, threading.Event())
