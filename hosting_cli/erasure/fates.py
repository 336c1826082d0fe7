"""What a host shows of a volume that is to end: whether there is something to end, or why nothing may be done.  Pure.

What is not provably the application's is left alone: the tags of the logical volume must say so, and the label of the
header.  A host that does not answer is no volume that is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploys import names
from deploys.answers import UnknownError, part
from deploys.reading_storage import loss
from hosting_cli.destruction import LostVolume
from hosting_cli.errors import HostingError


class Fate(StrEnum):
    """What is to be done about a volume."""

    STANDS = "stands"
    ENDED = "ended"
    LEFT_ALONE = "left alone"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class FoundVolume:
    """A volume as its host shows it, and why it is left alone or was not reached."""

    volume: LostVolume
    fate: Fate
    reason: str | None = None

    @property
    def limit(self) -> str | None:
        """Say what stays as it is because of that, for the record; ``None`` where nothing does."""
        match self.fate:
            case Fate.NOT_REACHED:
                return (
                    f"volume {self.volume.name} was not reached ({self.reason}): its header is as it was, and a "
                    f"recovery passphrase, or enough shares of it, still opens it there"
                )
            case Fate.LEFT_ALONE:
                return f"volume {self.volume.name} was left alone: {self.reason}"
        return None


def fate_of(volume: LostVolume, answer: Mapping[str, Any] | HostingError) -> FoundVolume:
    """Judge *volume* by what its host answered, or by why it did not."""
    if isinstance(answer, HostingError):
        return FoundVolume(volume, Fate.NOT_REACHED, answer.what)
    try:
        found = part(answer, "storage")["volumes"].get(volume.logical_volume)
    except UnknownError as error:
        return FoundVolume(volume, Fate.NOT_REACHED, str(error))
    if found is None:
        return FoundVolume(volume, Fate.LEFT_ALONE, "its host has no such logical volume any more")
    if "unreadable" in found:
        return FoundVolume(volume, Fate.NOT_REACHED, str(found["unreadable"]))
    doubt = _doubt(volume, found)
    if doubt is not None:
        return FoundVolume(volume, Fate.LEFT_ALONE, doubt)
    header = found["luks"]
    is_closed = not header["slots"] and header["saved_checksum"] is None and not found.get("mapper")
    return FoundVolume(volume, Fate.ENDED if is_closed and not found["mounts"] else Fate.STANDS)


def _doubt(volume: LostVolume, found: Mapping[str, Any]) -> str | None:
    """Say why it is not sure that the header there is the volume's."""
    wanted = {f"{names.OWNER_TAG}={volume.application}", f"{names.VOLUME_TAG}={volume.volume}"}
    if missing := wanted - set(found["tags"]):
        return f"its logical volume is not tagged {', '.join(sorted(missing))}"
    if found["luks"] is None:
        # LUKS2 keeps its header twice: the second one may be whole although nothing says any more whose it is.
        return f"its header is {loss(found)}, and nothing else says whose it is: wipe the logical volume by hand"
    if found["luks"]["label"] != volume.label:
        return f"its header is labelled {found['luks']['label']!r}, not {volume.label!r}"
    return None
