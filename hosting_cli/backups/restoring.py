"""Have a host restore from its own repository, and measure it."""

import time
from pathlib import PurePosixPath

from hosting_cli.errors import RefusedError
from hosting_cli.proofs.on_host import Hand

RESTORE_SECONDS = 12 * 3600


def restored(hand: Hand, argv: list[str], *, needed_bytes: int | None) -> float:
    """Have the host restore it; give the seconds that it took.

    Raise ``RefusedError`` where it is known that there is no room: a full volume would stop the application.
    """
    began = time.monotonic()
    if needed_bytes is not None:
        folder = str(PurePosixPath(argv[-1]).parent)
        free_bytes = int(hand.run(["df", "--output=avail", "--block-size=1", "--", folder]).split()[-1])
        if free_bytes < needed_bytes:
            what = f"{folder} has {free_bytes >> 20} MiB left, and {needed_bytes >> 20} MiB would be restored"
            raise RefusedError(f"host {hand.host}", what, "Make room, or restore a part of it.")
    hand.run(argv, timeout_seconds=RESTORE_SECONDS)
    return time.monotonic() - began


def removed(hand: Hand, folder: str) -> None:
    """Remove a folder of restored files, if it is there."""
    hand.run(["rm", "-rf", "--", folder])
