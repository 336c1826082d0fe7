"""How a volume's header stands, and what that calls for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sample import HOST, environment, region

from hosting_cli.journal import Journal
from hosting_cli.volumes.places import Held, place_named, places
from hosting_cli.volumes.reading import Header, Seen
from hosting_cli.volumes.standing import HeaderState, SealedCopy, Standing, last_opened

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAME = f"{HOST}:imagerie-beaune/data"
PLACE = place_named(NAME, places(region(), environment()))
HEADER = Header("hosting-imagerie-beaune-data", "uuid", "now", "now", {"0": {}, "1": {}})
OTHER = Header("hosting-imagerie-beaune-data", "uuid", "now", "before", {"0": {}, "1": {}})
LOST, UNKNOWN = Seen(PLACE, 4, lost="its header is lost"), Seen(PLACE, unknown="host is down")
COPY, EARLIER = SealedCopy("headers/x/now.json", "now", NOW), SealedCopy("headers/x/before.json", "before", NOW)


@pytest.mark.parametrize(
    ("seen", "copies", "unknown", "state", "said"),
    [
        (Seen(PLACE, 4, HEADER), (EARLIER, COPY), None, HeaderState.IN_ORDER, ()),
        (Seen(PLACE, 4, HEADER), (), None, HeaderState.STALE, ("holds no copy: hosting volume header save",)),
        (Seen(PLACE, 4, HEADER), (EARLIER,), None, HeaderState.STALE, ("of an earlier header: hosting volume",)),
        (Seen(PLACE, 4, OTHER), (COPY,), None, HeaderState.STALE, ("copy on the host is not of this header",)),
        (LOST, (COPY,), None, HeaderState.LOST, (f"lost: hosting volume header restore {NAME}",)),
        (UNKNOWN, (COPY,), None, HeaderState.UNKNOWN, ("host is down",)),
        (Seen(PLACE, 4, HEADER), (), "the store is down", HeaderState.UNKNOWN, ("the store is down",)),
    ],
    ids=["as it should be", "no copy", "an old copy", "an old copy on the host", "lost", "host down", "store down"],
)
def test_a_header_stands_as_its_copies_do(
    seen: Seen, copies: tuple[SealedCopy, ...], unknown: str | None, state: HeaderState, said: tuple[str, ...]
) -> None:
    standing = Standing(seen, copies, None, unknown)
    assert standing.state is state
    assert len(standing.reasons) == len(said)
    assert all(part in reason for part, reason in zip(said, standing.reasons, strict=True))
    assert standing.to_json()["state"] == state.value


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
