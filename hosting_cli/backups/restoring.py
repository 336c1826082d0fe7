"""Have a host restore, from its own repository or from one that is granted to it, and measure it."""

import json
import time
from collections.abc import Callable
from pathlib import PurePosixPath

from hosting_cli.backups.choice import IN_PLACE
from hosting_cli.errors import RefusedError
from hosting_cli.proofs.on_host import Hand
from hosting_cli.secret import Secret

RESTORE_SECONDS = 12 * 3600


def restored(
    hand: Hand,
    argv: list[str],
    *,
    needed_bytes: int | None,
    token: Secret | None = None,
    tell: Callable[[str], None] | None = None,
) -> float:
    """Have the host restore it; give the seconds that it took.

    Raise ``RefusedError`` where it is known that there is no room: a full volume would stop the application.
    """
    began = time.monotonic()
    if needed_bytes is not None:
        *_, path, target = argv
        folder = path if target == IN_PLACE else str(PurePosixPath(target).parent)
        free_bytes = int(hand.run(["df", "--output=avail", "--block-size=1", "--", folder]).split()[-1])
        if free_bytes < needed_bytes:
            what = f"{folder} has {free_bytes >> 20} MiB left, and {needed_bytes >> 20} MiB would be restored"
            raise RefusedError(f"host {hand.host}", what, "Make room, or restore a part of it.")
    say = _telling(tell) if tell is not None else None
    hand.run(argv, stdin=token, timeout_seconds=RESTORE_SECONDS, on_line=say)
    return time.monotonic() - began


def _telling(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Turn the host's lines about how far it is into words; other lines are none of them."""

    def say(line: str) -> None:
        if line.startswith('{"bytes": '):
            seen = json.loads(line)
            percent = 100 * seen["bytes"] // seen["of"]
            tell(f"{percent} %: {seen['bytes'] >> 20} of {seen['of'] >> 20} MiB")

    return say


def removed(hand: Hand, folder: str) -> None:
    """Remove a folder of restored files, if it is there."""
    hand.run(["rm", "-rf", "--", folder])
