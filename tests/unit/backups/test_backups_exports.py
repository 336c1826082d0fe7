"""Exports: a folder that is one repository's, whole or gone on with, and held against its manifest."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from repositories import NOW, nightly

from hosting_cli.backups.copying import FOLDERS, Listed
from hosting_cli.backups.copying_steps import bring_up, compared
from hosting_cli.backups.exporting import BEGUN, MANIFEST, Held, findings, held_by, manifest, taken
from hosting_cli.commands.backup_export import verify
from hosting_cli.console import Progress
from hosting_cli.doors.exports import Export, FolderWay
from hosting_cli.errors import EngineError, RefusedError, UnreadableError, UsageError
from hosting_cli.result import ExitStatus
from hosting_cli.session import Session
from inventory.resource import Json, Subject

IDENTITY: dict[str, Json] = {"export": 1, "application": "imagerie", "host": "dijon-app-1", "as_of": None}
SUBJECT = Subject("repository", "imagerie/dijon-app-1")


def named(folder: str, body: bytes) -> str:
    return f"{folder}{sha256(body).hexdigest()}"


STORED = {
    **{named("data/aa/", body): body for body in (b"pack 1", b"pack 2")},
    named("index/", b"index"): b"index",
    named("keys/", b"key"): b"key",
    "config": b"config",
    named("snapshots/", b"first"): b"first",
    named("snapshots/", b"second"): b"second",
}
SNAPSHOTS = [name.removeprefix("snapshots/") for name in STORED if name.startswith("snapshots/")]


def silent(_line: str) -> None:
    """Say nothing."""


def way_to(export: Export, stored: dict[str, bytes], chosen: list[str] | None = None) -> FolderWay:
    def listed(folders: tuple[str, ...] = FOLDERS) -> tuple[Listed, ...]:
        return tuple(Listed(name, len(body)) for name, body in stored.items() if name.startswith(tuple(folders)))

    return FolderWay(export, listed, stored.__getitem__, SNAPSHOTS if chosen is None else chosen)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Give a whole export of everything that is stored."""
    made = Export(tmp_path / "medium" / "export")
    made.begin(IDENTITY)
    bring_up(SUBJECT, "the store", way_to(made, STORED), silent)
    document = manifest(IDENTITY, nightly(2), made.held(silent), at=NOW, restic="restic 0.18.0", password="a/b")
    made.finish(document)
    return made


def checked(folder: Path) -> tuple[ExitStatus, str]:
    result = verify(Session(None, None, None, doors=None, progress=Progress(quiet=True)), folder)  # type: ignore[arg-type]
    return result.status, " ".join(str(item) for item in result.data["findings"])  # type: ignore[union-attr]


# -- what is in it ----------------------------------------------------------------------------------------------------


def test_it_is_a_repository_as_restic_opens_one(export: Export) -> None:
    top = export.folder / "repository"
    files = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert files == STORED
    assert {path.name for path in top.iterdir()} == {"config", "data", "index", "keys", "locks", "snapshots"}
    assert not (export.folder / ".parts").exists()
    assert {path.stat().st_mode & 0o077 for path in export.folder.rglob("*")} == {0}, "nobody else's business"


def test_only_what_the_store_had_then_is_taken() -> None:
    nights = nightly(3)
    assert taken(nights, None) == nights
    assert taken(nights, NOW - timedelta(days=1)) == nights[:2]
    assert taken(nights, NOW - timedelta(days=9)) == ()


def test_a_snapshot_that_is_not_chosen_stays_out(tmp_path: Path) -> None:
    made = Export(tmp_path)
    made.begin(IDENTITY)
    bring_up(SUBJECT, "the store", way_to(made, STORED, SNAPSHOTS[:1]), silent)
    assert [item.name for item in made.listed(("snapshots/",))] == [f"snapshots/{SNAPSHOTS[0]}"]


def test_the_manifest_says_how_it_is_opened_and_tells_no_secret(export: Export) -> None:
    document, digest = export.manifest()
    assert digest == sha256((export.folder / MANIFEST).read_bytes()).hexdigest()
    assert "hosting key recovery join a/b" in document["how_to_open"][-1]
    assert held_by(document)["repository/config"] == Held(sha256(b"config").hexdigest(), 6)


# -- whose it is ------------------------------------------------------------------------------------------------------


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(RefusedError, match="holds something that is no export of ours"):
        Export(tmp_path).begin(IDENTITY)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_another_export_is_refused(export: Export) -> None:
    with pytest.raises(RefusedError, match="holds another export: imagerie on dijon-app-1"):
        export.begin({**IDENTITY, "host": "dijon-app-2"})


def test_another_repository_is_refused(export: Export) -> None:
    with pytest.raises(RefusedError, match="there is another repository in its place"):
        bring_up(SUBJECT, "the store", way_to(export, {**STORED, "config": b"foreign"}), silent)


def test_an_unreadable_beginning_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / BEGUN).write_text("{")
    with pytest.raises(UnreadableError, match=r"export\.json cannot be read"):
        Export(tmp_path).begin(IDENTITY)


# -- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(STORED)))
def test_killed_anywhere_it_is_gone_on_with(tmp_path: Path, number: int) -> None:
    """Whatever is there has its whole content, and there is no manifest before everything is."""
    made, reads = Export(tmp_path / "export"), 0
    made.begin(IDENTITY)

    def dying(name: str) -> bytes:
        nonlocal reads
        reads += 1
        if reads > number:
            raise KeyboardInterrupt
        return STORED[name]

    way = way_to(made, STORED)
    way._get = dying
    with pytest.raises(KeyboardInterrupt):
        bring_up(SUBJECT, "the store", way, silent)
    for item in made.listed(FOLDERS):
        assert made.content(item.name) == STORED[item.name]
    with pytest.raises(UsageError, match="has no manifest"):
        made.manifest()
    made.begin(IDENTITY)
    bring_up(SUBJECT, "the store", way_to(made, STORED), silent)
    assert compared(way_to(made, STORED)).lacking_objects == 0


def test_an_object_that_somebody_wrote_over_is_refused(tmp_path: Path) -> None:
    made = Export(tmp_path / "export")
    made.begin(IDENTITY)
    pack = next(iter(STORED))
    with pytest.raises(EngineError, match=f"{pack}: its content has not the digest"):
        bring_up(SUBJECT, "the store", way_to(made, {**STORED, pack: b"pack X"}), silent)
    assert made.listed(("index/", "snapshots/")) == ()


# -- wherever it is ---------------------------------------------------------------------------------------------------


def test_it_is_verified_without_anything_else(export: Export) -> None:
    assert checked(export.folder) == (ExitStatus.DONE, "")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(b"pack !"), "1 files are changed: repository/data/"),
        (lambda path: path.unlink(), "1 files are lacking: repository/data/"),
        (lambda path: (path.parent / "more").touch(), "1 files are not in the manifest: repository/data/aa/more"),
    ],
    ids=["changed", "lacking", "foreign"],
)
def test_what_happened_to_it_is_named(export: Export, spoil: object, why: str) -> None:
    spoil(export.folder / "repository" / next(iter(STORED)))  # type: ignore[operator]
    status, found = checked(export.folder)
    assert status is ExitStatus.PENDING
    assert found.startswith(why)


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no manifest"):
        checked(tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        checked(tmp_path / "nowhere")


def test_a_finding_names_a_few_files_and_counts_the_rest() -> None:
    promised = {f"f{number}": Held("0", 1) for number in range(9)}
    assert findings(promised, {}) == ("9 files are lacking: f0, f1, f2, f3, f4 and 4 more",)
