"""How a volume's header stands, and what that calls for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sample import HOST, environment, region

from hosting_cli.doors.evidence import Kept
from hosting_cli.figures import of_volumes
from hosting_cli.journal import Journal
from hosting_cli.proofs.proof import Verdict
from hosting_cli.volumes.places import Held, place_named, places
from hosting_cli.volumes.reading import Header, Seen
from hosting_cli.volumes.standing import (
    HeaderState,
    SealedCopy,
    Standing,
    judge_saved,
    last_opened,
    name_of,
    sealed_copies,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAME = f"{HOST}:imagerie-beaune/data"
PLACE = place_named(NAME, places(region(), environment()))
HEADER = Header("hosting-imagerie-beaune-data", "uuid", "now", "now", {"0": {}, "1": {}})
OTHER = Header("hosting-imagerie-beaune-data", "uuid", "now", "before", {"0": {}, "1": {}})
LOST, UNKNOWN = Seen(PLACE, 4, lost="its header is lost"), Seen(PLACE, unknown="host is down")
STRAY = Header("hosting-imagerie-beaune-data", "uuid", "now", "now", {"0": {}, "1": {}, "6": {}})
KEPT = Kept("headers/x/now.json", "1", NOW, 10)
COPY, RETIRED, EARLIER = SealedCopy(KEPT, "now", 2), SealedCopy(KEPT, "now", 1), SealedCopy(KEPT, "before", 2)


@pytest.mark.parametrize(
    ("seen", "copies", "unknown", "state", "said"),
    [
        (Seen(PLACE, 4, HEADER), (EARLIER, COPY), None, HeaderState.IN_ORDER, ()),
        (Seen(PLACE, 4, HEADER), (COPY, EARLIER), None, HeaderState.IN_ORDER, ()),
        (Seen(PLACE, 4, HEADER), (), None, HeaderState.STALE, ("holds no copy: hosting volume header save",)),
        (Seen(PLACE, 4, HEADER), (EARLIER,), None, HeaderState.STALE, ("of an earlier header: hosting volume",)),
        (Seen(PLACE, 4, HEADER), (RETIRED,), None, HeaderState.STALE, ("key that is retired: hosting volume header",)),
        (Seen(PLACE, 4, STRAY), (COPY,), None, HeaderState.STRAY, ("slot 6: nobody needs it",)),
        (Seen(PLACE, 4, OTHER), (COPY,), None, HeaderState.STALE, ("copy on the host is not of this header",)),
        (LOST, (COPY,), None, HeaderState.LOST, (f"lost: hosting volume header restore {NAME}",)),
        (UNKNOWN, (COPY,), None, HeaderState.UNKNOWN, ("host is down",)),
        (Seen(PLACE, 4, HEADER), (), "the store is down", HeaderState.UNKNOWN, ("the store is down",)),
    ],
    ids=[
        "as it should be",
        "an old one put back",
        "no copy",
        "an old copy",
        "a retired one",
        "a way in",
        "an old copy on the host",
        "lost",
        "host down",
        "store down",
    ],
)
def test_a_header_stands_as_its_copies_do(
    seen: Seen, copies: tuple[SealedCopy, ...], unknown: str | None, state: HeaderState, said: tuple[str, ...]
) -> None:
    standing = Standing(seen, copies, None, 2, unknown)
    assert standing.state is state
    assert len(standing.reasons) == len(said)
    assert all(part in reason for part, reason in zip(said, standing.reasons, strict=True))
    assert standing.to_json()["state"] == state.value


def test_copies_are_known_by_their_names_and_nothing_else_is_taken_for_one() -> None:
    first, second = "a" * 64, "b" * 64
    names = [name_of(second, 3), name_of(first, 3), "notes.txt", f"{first}.json", name_of(first, 2)]
    kept = [Kept(f"headers/x/{name}", "1", NOW.replace(day=1 + (second in name)), 10) for name in names]
    found = [(copy.checksum, copy.wrapped_version) for copy in sealed_copies(kept)]
    assert found == [(first, 2), (first, 3), (second, 3)]


def test_only_a_copy_that_opened_counts_as_tested(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: NOW, who=lambda: "me")
    for name, verdict in (("opens", "held"), ("opens", "broken"), ("another", "held")):
        subject = f"volume {NAME if verdict == 'held' else 'other'}"
        journal.append("proof", {"proof": name, "subject": subject, "verdict": verdict, "sentence": "", "observed": {}})
    assert last_opened(journal.entries(), "opens") == {NAME: NOW}


def test_entries_of_a_rotation_are_apart_from_those_that_hosts_read() -> None:
    names = [PLACE.entry(held).name for held in Held] + [PLACE.next_entry(held).name for held in Held]
    assert len(set(names)) == 4
    assert [name.rpartition("/")[2] for name in names] == ["active", "recovery", "active-next", "recovery-next"]


WHOLE = Seen(PLACE, 4, HEADER)


@pytest.mark.parametrize(
    ("found", "verdict", "said", "saved"),
    [
        (Standing(WHOLE, (COPY,), NOW, 2), Verdict.HELD, "a copy opened on 2026-11-22", True),
        (Standing(WHOLE, (COPY,), None, 2), Verdict.BROKEN, f"opened: hosting volume header test {NAME}", True),
        (Standing(WHOLE, (), NOW, 2), Verdict.BROKEN, "the evidence holds no copy", False),
        (Standing(WHOLE, (EARLIER,), NOW, 2), Verdict.BROKEN, "of an earlier header", False),
        (Standing(Seen(PLACE, 4, OTHER), (COPY,), NOW, 2), Verdict.BROKEN, "on the host is not of this header", False),
        (Standing(Seen(PLACE, 4, STRAY), (COPY,), NOW, 2), Verdict.BROKEN, "slot 6: nobody needs it", True),
        (Standing(LOST, (COPY,), NOW, 2), Verdict.BROKEN, "its header is lost", None),
        (Standing(UNKNOWN, (COPY,), NOW, 2), Verdict.UNKNOWN, "host is down", None),
    ],
    ids=[
        "kept and opened",
        "never opened",
        "no copy",
        "an old copy",
        "an old copy on the host",
        "a way in",
        "lost",
        "host down",
    ],
)
def test_a_header_is_saved_when_both_copies_are_of_it_and_one_was_opened(
    found: Standing, verdict: Verdict, said: str, saved: bool | None
) -> None:
    proof = judge_saved(found)
    assert (proof.name, proof.subject, proof.verdict) == ("header-saved", f"volume {NAME}", verdict)
    assert said in proof.sentence
    assert found.is_saved is saved


def test_where_nobody_can_tell_there_is_no_figure_and_no_verdict() -> None:
    found = Standing(Seen(PLACE, 4, HEADER), (), NOW, 2, "the store is down")
    assert (found.is_saved, judge_saved(found).verdict) == (None, Verdict.UNKNOWN)
    assert of_volumes([found]) == ()
    (saved,) = of_volumes([Standing(Seen(PLACE, 4, HEADER), (EARLIER,), NOW, 2)])
    assert (saved.value, saved.labels) == (0.0, {"application": "imagerie-beaune", "host": HOST, "volume": "data"})
