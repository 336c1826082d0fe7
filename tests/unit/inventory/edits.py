"""Make the small changes that the tables of cases ask for, and say what the loader says about the result."""

import os
from datetime import date
from pathlib import Path
from typing import Any

from inventory.load import load_region
from inventory.problems import InventoryError

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
