"""`hosting network matrix` and `graph`: what they write where, and what it refuses to write over."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from test_commands_backup import printed

from hosting_cli.commands.network import graph, matrix
from hosting_cli.documents.language import Language
from hosting_cli.errors import EngineError, RefusedError, UsageError
from hosting_cli.result import ExitStatus


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_one_matrix_is_written_in_every_form_that_is_asked_for(world: World, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("m.html", "m.PDF", "m.csv")]
    found = matrix(world.session, files, establishment="210987657")
    assert [file.read_bytes()[:5] for file in files] == [b"<!DOC", b"%PDF-", "\ufeffLi".encode()]
    assert found.status is ExitStatus.DONE
    assert (found.data["flows"], found.data["expired"], found.data["to_be_renewed"]) == (2, 0, 0)
    assert found.data["files"] == [str(file) for file in files]
    assert "Hospices civils de Beaune, Beaune (FINESS 210987657): 2 flows" in printed(found)
    assert sorted(path.name for path in tmp_path.glob("*m.*")) == ["m.PDF", "m.csv", "m.html"]


def test_another_day_and_language_can_be_asked_for(world: World, tmp_path: Path) -> None:
    found = matrix(world.session, [tmp_path / "m.html"], lang=Language.ENGLISH, day=datetime(2029, 1, 1))
    assert (found.data["expired"], found.data["day"]) == (2, "2029-01-01")
    assert '<html lang="en">' in (tmp_path / "m.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"application": "none"}, "application none: is not in the region"),
        ({"establishment": "210987658"}, "Did you mean 210987657"),
        ({"establishment": "x"}, "in its member's file"),
    ],
)
def test_whom_the_region_does_not_have_is_told(
    world: World, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        matrix(world.session, [tmp_path / "m.html"], **options)
    assert not (tmp_path / "m.html").exists()


def test_a_file_must_say_what_it_is_to_be(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.html, \.pdf, \.csv"):
        matrix(world.session, [tmp_path / "m.html", tmp_path / "m.doc"])
    assert not (tmp_path / "m.html").exists()


@pytest.mark.parametrize("name", ["m.html", "m.pdf", "m.csv"])
def test_a_file_of_somebody_else_is_left_alone_unless_forced(world: World, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("somebody's")
    with pytest.raises(RefusedError, match="--force"):
        matrix(world.session, [tmp_path / "fresh.html", file])
    assert file.read_text() == "somebody's"
    assert not (tmp_path / "fresh.html").exists()
    matrix(world.session, [file], force=True)
    written = file.read_bytes()
    matrix(world.session, [file], lang=Language.ENGLISH)
    assert file.read_bytes() != written


def test_what_cannot_be_written_is_told(world: World, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be written"):
        matrix(world.session, [tmp_path / "no such folder" / "m.html"])
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(RefusedError, match="cannot be read"):
        matrix(world.session, [tmp_path / "folder.html"])


# -- the picture ------------------------------------------------------------------------------------------------------


def test_a_picture_is_written_and_said_in_words(world: World, tmp_path: Path) -> None:
    found = graph(world.session, tmp_path / "g.svg", establishment="210987657", lang=Language.ENGLISH)
    assert (tmp_path / "g.svg").read_text().startswith("<svg ")
    assert (found.data["boxes"], found.data["arrows"], found.status) == (2, 1, ExitStatus.DONE)
    assert "From Hospices civils de Beaune to imagerie-beaune, app: F-DCMT, F-HTTPS" in printed(found)
    graph(world.session, tmp_path / "g.svg")
    assert 'lang="fr"' in (tmp_path / "g.svg").read_text()


def test_a_picture_is_an_svg_and_takes_no_place_of_another_file(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.svg"):
        graph(world.session, tmp_path / "g.png")
    (tmp_path / "g.svg").write_text("<svg/>")
    with pytest.raises(RefusedError, match="--force"):
        graph(world.session, tmp_path / "g.svg")
    graph(world.session, tmp_path / "g.svg", force=True)
    assert len((tmp_path / "g.svg").read_text()) > 100
