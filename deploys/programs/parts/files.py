"""What is in a file, and what it is: read without a process."""

from __future__ import annotations

import grp
import os
import pwd

try:
    from _sha2 import sha256  # type: ignore[import-not-found]  # loads ten times faster than OpenSSL does
except ImportError:
    from hashlib import sha256

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def sha256_of(content: bytes) -> str:
    """Give the digest of *content* in hexadecimal digits."""
    return str(sha256(content).hexdigest())


def content_of(path: str) -> bytes:
    """Give the bytes of a file."""
    with open(path, "rb") as stream:
        return stream.read()


def text_or_none(path: str) -> str | None:
    """Give the text of a file; ``None`` if there is none."""
    try:
        return content_of(path).decode()
    except FileNotFoundError:
        return None


def described(path: str) -> dict[str, str] | None:
    """Describe a file by its digest and by who may do what; ``None`` if there is none."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if (status.st_mode & 0o170000) != 0o100000:
        return {"sha256": "not a file", "user": "", "group": "", "mode": oct(status.st_mode)}
    return {
        "sha256": sha256_of(content_of(path)),
        "user": _name_of(pwd.getpwuid, status.st_uid),
        "group": _name_of(grp.getgrgid, status.st_gid),
        "mode": f"{status.st_mode & 0o7777:04o}",
    }


def _name_of(look_up: Callable[[int], Any], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)
