"""Read the catalogue of controls: three files that an auditor can read, one for each layer.

Apart from what regions are loaded with, since only what speaks of controls needs it.
"""

from collections.abc import Mapping
from functools import cache

from inventory.controls import Control, ControlSheet, Layer
from inventory.folder import CATALOGUE, Found
from inventory.problems import InventoryError
from inventory.reader import Reader

FOLDER = "controls"


@cache
def load_sheets() -> tuple[ControlSheet, ...]:
    """Read every file of it, in the order of the layers; it is part of this package and does not change."""
    reader = Reader()
    found = [Found(FOLDER, path) for path in sorted((CATALOGUE / FOLDER).glob("*.yaml"))]
    places = reader.folder(found, FOLDER, ControlSheet)
    if reader.problems:
        raise InventoryError(reader.problems)
    return tuple(sorted((place.value for place in places), key=lambda sheet: tuple(Layer).index(sheet.layer)))


@cache
def load_controls() -> Mapping[str, Control]:
    """Give every control by its id, in the order of the catalogue."""
    return {control.id: control for sheet in load_sheets() for control in sheet.entries}
