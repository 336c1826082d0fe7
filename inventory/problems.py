"""What is wrong with a file of the operator: where, what, why, and what to do about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import NamedTuple

from inventory.patients import masked

LONGEST_QUOTE = 60
SPACES = "\u00a0\u202f"
"""The no-break spaces of French text: harmless, although Python does not call them printable."""


SECRETS = re.compile(
    r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY.*"
    r"|\b(?:hv[sbr]|s)\.[A-Za-z0-9_-]{8,}",
    re.DOTALL,
)
"""What somebody may have put into a file by mistake: passwords in addresses, private keys, tokens of a vault."""


class Words(NamedTuple):
    """What is wrong, why it is, and how to mend it: three clauses that make one sentence."""

    what: str
    why: str
    remedy: str


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend in one place; lines and columns count from 1, as editors do.

    No part of it can carry a patient's number, a password or a control character, whatever the file held.
    """

    file: str
    line: int
    column: int
    what: str
    why: str
    remedy: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                object.__setattr__(self, field.name, printable(without_secrets(value)))

    def __str__(self) -> str:
        """Give the form that editors and terminals can open: ``file:line:column: what, why, remedy``."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}, {self.why}, {self.remedy}"

    def as_json(self) -> dict[str, str | int]:
        """Give the plain form, one key per part."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class InventoryError(Exception):
    """The operator's files cannot be used; carries every problem found, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def without_secrets(text: str) -> str:
    """Give *text* without what must never leave the file it stands in."""
    return masked(SECRETS.sub("…", text))


def printable(text: str) -> str:
    """Give *text* on one line, with what no terminal should receive written out."""
    return "".join(
        char if char.isprintable() or char in SPACES else char.encode("unicode_escape").decode() for char in text
    )


def quoted(value: object) -> str:
    """Give *value* as a message quotes it: in double quotes, cut when long."""
    text = without_secrets(str(value))
    return f'"{text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"}"'
