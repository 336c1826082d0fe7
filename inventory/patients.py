"""Find and mask numbers that identify a patient: no patient identifier enters the inventory, a log or a document.

A NIR (social security number, and the INS that is made of it) has 13 characters and a key of two digits:
97 less the remainder of the 13 by 97, with 19 for Corsica's 2A and 18 for 2B.
"""

import re
from collections.abc import Iterator

SEPARATOR = "[ \u00a0\u202f._/-]?"

# Sex, year, month, department, commune, order, key; people put a space, a dot or a hyphen between them.
NIR = re.compile(
    SEPARATOR.join(
        [
            # Looking back after the first digit, not before it, lets the search leap from digit to digit.
            r"(?P<sex>[1-8])(?<![0-9][1-8])",
            r"(?P<year>[0-9]{2})",
            r"(?P<month>[0-9]{2})",
            r"(?P<department>[0-9]{2}|2[ABab])",
            r"(?P<commune>[0-9]{3})",
            r"(?P<order>[0-9]{3})",
            r"(?P<key>[0-9]{2})",
        ]
    )
    + r"(?![0-9])"
)

SHORTEST = 15
"""Characters of a NIR without separators: a shorter text needs no look."""


def nir_key(thirteen: str) -> str:
    """Give the two digits that must follow the first *thirteen* characters of a NIR."""
    number = int(thirteen.upper().replace("2A", "19").replace("2B", "18"))
    return f"{97 - number % 97:02d}"


def has_valid_key(candidate: re.Match[str]) -> bool:
    """Tell whether the last two digits fit the first thirteen; one in 97 other numbers does too."""
    *parts, key = candidate.groups()
    return nir_key("".join(parts)) == key


def find_nirs(text: str) -> Iterator[re.Match[str]]:
    """Find what is shaped like a NIR and has a valid key, from left to right, without overlaps."""
    if len(text) < SHORTEST:
        return
    candidate = NIR.search(text)
    while candidate is not None:
        found = has_valid_key(candidate)
        if found:
            yield candidate
        candidate = NIR.search(text, candidate.end() if found else candidate.start() + 1)


def masked(text: str) -> str:
    """Give *text* with every such number hidden but for its first digit and its key."""
    for match in reversed(list(find_nirs(text))):
        text = f"{text[: match.start()]}{match['sex']}…{match['key']}{text[match.end() :]}"
    return text
