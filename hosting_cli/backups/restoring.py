"""Have a host restore, from its own repository or from one that is granted to it, and measure it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hosting_cli.backups.choice import IN_PLACE, volume_with
from hosting_cli.backups.granting import granted
from hosting_cli.backups.places import Place
from hosting_cli.backups.repository import Snapshot
from hosting_cli.errors import RefusedError
from hosting_cli.procedure import Observed
from hosting_cli.proofs.on_host import Hand, hand_on
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory.resource import Json, Subject

RESTORE_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Wanted:
    """What is to be restored, from where and to where."""

    place: Place
    snapshot: Snapshot
    path: str
    to: str
    target: str

    @property
    def subject(self) -> Subject:
        """Name the repository."""
        return Subject("repository", self.place.name)

    @property
    def sentence(self) -> str:
        """Say what happens."""
        where = "where it was" if self.target == IN_PLACE else f"into {self.target}"
        whose = f" on {self.to}" if self.to != self.place.host else ""
        return f"restore {self.path} of snapshot {self.snapshot.short_id} {where}{whose}"

    @property
    def closing(self) -> str:
        """Say what to do with it."""
        if self.target == IN_PLACE:
            return f"On {self.to}: {self.path} is as it was. Start what uses it, and look."
        return f"On {self.to}: {self.target}{self.path}. Take from there what is needed, and remove the folder."

    def goal(self) -> dict[str, Json]:
        """Give what a request names."""
        return {"snapshot": self.snapshot.id, "path": self.path, "target": self.target, "to": self.to}


def bring_back(session: Session, wanted: Wanted, *, timeout_seconds: float = RESTORE_SECONDS) -> Observed:
    """Have the host restore it; what it may not read by itself is granted to it for this once."""
    place, path = wanted.place, wanted.path
    needed = session.repositories.bytes_below(place, wanted.snapshot.id, (path,))[path]
    where = path if wanted.target == IN_PLACE else wanted.target
    room = Room(volume_with(session.application(place.application), wanted.to, where), needed)
    what = [place.application, wanted.snapshot.id, path, wanted.target]
    is_own = wanted.to == place.host and not place.is_second
    have = partial(restored, room=room, tell=session.progress, timeout_seconds=timeout_seconds)
    with hand_on(session, wanted.to) as hand:
        if is_own:
            seconds = have(hand, ["hosting-agent", "restore", *what])
        else:
            with granted(session, place, wanted.to) as token:
                seconds = have(hand, ["hosting-agent", "restore-granted", *what], token=token)
    return {**wanted.goal(), "store": place.store, "seconds": round(seconds, 1)}


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
    timeout_seconds: float = RESTORE_SECONDS,
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
    hand.run(argv, stdin=token, timeout_seconds=timeout_seconds, on_line=say)
    return time.monotonic() - began


def telling(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Turn the host's lines about how far it is into words; other lines are none of them."""

    def say(line: str) -> None:
        if line.startswith('{"bytes": '):
            seen = json.loads(line)
            percent = 100 * seen["bytes"] // seen["of"]
            tell(f"{percent} %: {seen['bytes'] >> 20} of {seen['of'] >> 20} MiB")

    return say
