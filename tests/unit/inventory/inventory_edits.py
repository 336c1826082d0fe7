"""Make the small changes that the tables of cases ask for, and say what the loader says about the result."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import yaml

import inventory
from inventory.documents import LOADER
from inventory.load import load_environment, load_region
from inventory.problems import InventoryError

SAMPLE = Path(inventory.__file__).parent / "regions" / "bourgogne-franche-comte"
HERE = Path(__file__).parent
TODAY = date(2026, 11, 22)


def apply_edits(folder: Path, edits: list[dict[str, Any]]) -> None:
    for edit in edits:
        _apply(folder / edit["file"], edit)


def _apply(path: Path, edit: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match edit:
        case {"old": old, "new": new}:
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        case {"append": lines}:
            path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")
        case {"text": text}:
            path.write_text(text, encoding="utf-8")
        case {"hex": digits}:
            path.write_bytes(bytes.fromhex(digits))
        case {"remove": True}:
            path.unlink()
        case {"rename": name}:
            path.rename(path.parents[len(Path(edit["file"]).parents) - 1] / name)
        case {"link": target}:
            path.symlink_to(target)
        case {"fifo": True}:
            os.mkfifo(path)
        case _:
            raise AssertionError(f"no such edit: {edit}")


def problems_of(folder: Path, today: date | None = None) -> list[str]:
    """Give what the loader says of the region, one text a problem, with files named from the region's folder."""
    try:
        load_region(folder, today or TODAY)
    except InventoryError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def read_cases(name: str) -> list[dict[str, Any]]:
    """Read a table of cases; with PyYAML's own loader, in C, so that ours is not judged by itself."""
    table: list[dict[str, Any]] = yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506
    return table


def problems_of_environment(folder: Path) -> list[str]:
    """Give what the loader says of the environment in *folder*, for the sample region."""
    region = load_region(SAMPLE, TODAY)
    try:
        load_environment(folder / "environment.yaml", region)
    except InventoryError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
