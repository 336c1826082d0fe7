"""Shares as people write them down and type them in: numbered, told apart, and with a check that catches every slip.

A share is base32 (no 0, 1, 8 or 9) in groups of five: a version, how many are needed, which set it belongs to, its
number, its part of the secret, and four bytes of SHA-256 over all of that.  Case, spaces and hyphens do not matter.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hosting_cli.errors import UsageError
from hosting_cli.keys import shamir
from hosting_cli.secret import Secret

VERSION = 1
SET_BYTES = 4
CHECK_BYTES = 4
GROUP = 5
_HEAD_BYTES = 2 + SET_BYTES + 1


@dataclass(frozen=True)
class Share:
    """One holder's part; ``part`` is masked wherever it might be printed."""

    set_id: str
    needed: int
    number: int
    part: Secret

    def written(self) -> Secret:
        """Give the share as its holder writes it down."""
        head = bytes([VERSION, self.needed]) + bytes.fromhex(self.set_id) + bytes([self.number])
        body = head + bytes.fromhex(self.part.reveal())
        letters = base64.b32encode(body + _check(body)).decode().rstrip("=")
        return Secret("-".join(re.findall(f".{{1,{GROUP}}}", letters)))


def make(secret: Secret, *, shares: int, needed: int, random_bytes: Callable[[int], bytes]) -> tuple[Share, ...]:
    """Share *secret*; raise ``UsageError`` for numbers that make no sense."""
    try:
        parts = shamir.split(secret.reveal().encode(), shares=shares, needed=needed, random_bytes=random_bytes)
    except ValueError as error:
        raise UsageError("shares", str(error), "Choose others, such as 3 of 5.") from None
    set_id = random_bytes(SET_BYTES).hex()
    return tuple(Share(set_id, needed, number, Secret(part.hex())) for number, part in parts.items())


def read(lines: Iterable[str]) -> tuple[Share, ...]:
    """Read shares as their holders type them; raise ``UsageError`` with all that is wrong, never with a share."""
    shares, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            shares.append(_read(line))
        except ValueError as error:
            problems.append(f"line {number} {error}")
    problems += _together(shares) if not problems else []
    if problems:
        raise UsageError("shares", "; ".join(problems), "Have the holders read theirs out again.")
    return tuple(shares)


def secret_of(shares: Iterable[Share]) -> Secret:
    """Join *shares*; what comes of a wrong one is no text at all, or another text."""
    joined = shamir.join({share.number: bytes.fromhex(share.part.reveal()) for share in shares})
    return Secret(joined.decode(errors="replace"))


def _read(line: str) -> Share:
    letters = re.sub(r"[\s-]", "", line).upper()
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except binascii.Error:
        raise ValueError("holds a letter that no share has, or lacks one") from None
    if base64.b32encode(raw).decode().rstrip("=") != letters:
        raise ValueError("was not written down or typed as it was shown")
    body, check = raw[:-CHECK_BYTES], raw[-CHECK_BYTES:]
    if len(body) <= _HEAD_BYTES or check != _check(body):
        raise ValueError("was not written down or typed as it was shown")
    if body[0] != VERSION:
        raise ValueError("is of a kind that this version does not know")
    set_id, number = body[2 : 2 + SET_BYTES].hex(), body[2 + SET_BYTES]
    return Share(set_id, body[1], number, Secret(body[_HEAD_BYTES:].hex()))


def _together(shares: list[Share]) -> list[str]:
    """Say why *shares*, each of them right, do not join."""
    if len({(share.set_id, share.needed) for share in shares}) > 1:
        return ["they belong to different sets: one was made again since"]
    if len({share.number for share in shares}) < len(shares):
        return ["two of them are the same"]
    if not shares or len(shares) < shares[0].needed:
        return [f"{len(shares)} of them are too few" + (f", {shares[0].needed} are needed" if shares else "")]
    return []


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:CHECK_BYTES]
