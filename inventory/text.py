"""The bytes of a file as text that an editor and a parser see alike: UTF-8, no tabs, nothing invisible."""

import re
from collections.abc import Iterator

from inventory.patients import find_nirs
from inventory.problems import Problem, Words

LARGEST_BYTES = 8 << 20
BYTE_ORDER_MARK = "\ufeff"

# Line ends that only some readers count make every line number after them wrong; characters without width, and those
# that turn the direction of writing, make a text look like another.
INVISIBLE = re.compile(
    "[^\\t\\n\\r\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|[\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069]"
    "|\r(?!\n)"
)
TAB_INDENTED = re.compile(r"^ *\t", re.MULTILINE)


def at_offset(file: str, text: str, offset: int, words: Words) -> Problem:
    """Build the problem of the character at *offset* of *text*."""
    start_of_line = text.rfind("\n", 0, offset) + 1
    return Problem(file, text.count("\n", 0, offset) + 1, offset - start_of_line + 1, *words)


def decode(file: str, content: bytes) -> tuple[str | None, list[Problem]]:
    """Read the bytes of a file as UTF-8; ``None`` when they are something else."""
    if len(content) > LARGEST_BYTES:
        limit = f"{LARGEST_BYTES >> 20} MiB is the most that is read"
        return None, [Problem(file, 1, 1, f"the file has {len(content)} bytes", limit, "split it")]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        words = Words(f"byte 0x{content[error.start]:02x} is not UTF-8", "files here are UTF-8", "save it as UTF-8")
        return None, [at_offset(file, before, len(before), words)]
    if text.startswith(BYTE_ORDER_MARK):
        words = Words("the file starts with a byte order mark", "it is invisible", "save it as UTF-8 without the mark")
        return text[1:], [Problem(file, 1, 1, *words)]
    return text, []


def check_characters(file: str, text: str) -> Iterator[Problem]:
    """Find the first tab, and the first character that cannot be seen or ends a line for some readers only."""
    if tabs := text.count("\t"):
        what = "a tab stands here" + (f" (and {tabs - 1} more in the file)" if tabs > 1 else "")
        words = Words(what, "YAML counts columns and a tab has no width", "write spaces instead")
        yield at_offset(file, text, text.index("\t"), words)
    if match := INVISIBLE.search(text):
        words = Words(f"the character U+{ord(match[0]):04X} stands here", "no editor shows it", "remove it")
        yield at_offset(file, text, match.start(), words)


def check_patients(file: str, text: str) -> Iterator[Problem]:
    """Find numbers shaped like a NIR anywhere: values, keys, comments."""
    for match in find_nirs(text):
        yield at_offset(file, text, match.start(), nir_found(match[0]))


def nir_found(number: str) -> Words:
    """Say that *number* must not be here; a problem masks it by itself."""
    return Words(
        f"{number} has the shape and the key of a NIR",
        "a patient's number never enters the inventory",
        "remove it, from the repository's history too if it is a real one",
    )


def is_parsable(text: str) -> bool:
    """Tell whether parsing *text* can say more than its characters already do."""
    return INVISIBLE.search(text) is None and TAB_INDENTED.search(text) is None
