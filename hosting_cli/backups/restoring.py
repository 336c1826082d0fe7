"""Have a host restore, from its own repository or from one that is granted to it, and measure it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from hosting_cli.errors import RefusedError
from hosting_cli.proofs.on_host import Hand
from hosting_cli.secret import Secret

RESTORE_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Room:
    """What a restore takes: so many bytes on the volume that is mounted at ``mount_point``."""

    mount_point: str
    needed_bytes: int


def restored(
    hand: Hand,
    argv: list[str],
    *,
    room: Room,
    token: Secret | None = None,
    tell: Callable[[str], None] | None = None,
) -> float:
    """Have the host restore it; give the seconds that it took.

    Raise ``RefusedError`` where there is no room: a full volume would stop the application.
    """
    began = time.monotonic()
    free_bytes = int(hand.run(["df", "--output=avail", "--block-size=1", "--", room.mount_point]).split()[-1])
    if free_bytes < room.needed_bytes:
        amounts = f"{free_bytes >> 20} MiB left, and {room.needed_bytes >> 20} MiB would be restored"
        what = f"{room.mount_point} has {amounts}"
        raise RefusedError(f"host {hand.host}", what, "Make room, or restore a part of it.")
    say = telling(tell) if tell is not None else None
    hand.run(argv, stdin=token, timeout_seconds=RESTORE_SECONDS, on_line=say)
    return time.monotonic() - began


def telling(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Turn the host's lines about how far it is into words; other lines are none of them."""

    def say(line: str) -> None:
        if line.startswith('{"bytes": '):
            seen = json.loads(line)
            percent = 100 * seen["bytes"] // seen["of"]
            tell(f"{percent} %: {seen['bytes'] >> 20} of {seen['of'] >> 20} MiB")

    return say
