"""What hosts say of the headers of volumes: slots, what trying each costs, and whether the copy is as new."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deploys import names
from deploys.answers import UnknownError, part
from deploys.reading import TIMEOUT_SECONDS
from deploys.reading_storage import loss
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.session import Session
from hosting_cli.volumes.places import VolumePlace
from inventory.resource import Json


@dataclass(frozen=True)
class Header:
    """A LUKS2 header as its device shows it; ``saved_checksum`` is that of the copy on the host, if there is one."""

    label: str
    uuid: str
    checksum: str
    saved_checksum: str | None
    slots: Mapping[str, Mapping[str, Any]]

    @property
    def is_saved(self) -> bool:
        """Tell whether the copy on the host is of this very header."""
        return self.saved_checksum == self.checksum


@dataclass(frozen=True)
class Seen:
    """A volume as its host shows it: its header, or how that is lost, or why nobody could tell."""

    place: VolumePlace
    size_gib: int | None = None
    header: Header | None = None
    lost: str | None = None
    unknown: str | None = None


def read(session: Session, places: Iterable[VolumePlace]) -> tuple[Seen, ...]:
    """Read the headers of volumes, each host in one round trip; what could not be read is unknown, with its reason."""
    wanted = tuple(places)
    request: Json = {
        "timeout_seconds": TIMEOUT_SECONDS,
        "storage": {"volume_group": names.VOLUME_GROUP, "devices": [], "headers": names.HEADERS},
    }
    answers = session.hosts.read(dict.fromkeys(sorted({place.host for place in wanted}), request))
    return tuple(_seen(place, answers[place.host]) for place in wanted)


def _seen(place: VolumePlace, answer: Mapping[str, Any] | UnreadableError) -> Seen:
    if isinstance(answer, UnreadableError):
        return Seen(place, unknown=str(answer))
    try:
        found = part(answer, "storage")["volumes"].get(place.volume.logical_volume)
    except UnknownError as error:
        return Seen(place, unknown=str(error))
    if found is None:
        return Seen(place, lost="there is no such logical volume")
    if "unreadable" in found:
        return Seen(place, unknown=str(found["unreadable"]))
    size_gib = found["size_bytes"] >> 30
    header = found["luks"]
    if header is None:
        return Seen(place, size_gib, lost=f"its header is {loss(found)}")
    known = {name: header[name] for name in ("label", "uuid", "checksum", "saved_checksum", "slots")}
    return Seen(place, size_gib, Header(**known))


def header_of(session: Session, place: VolumePlace) -> Header:
    """Read the header of one volume; raise ``UnreadableError`` if nobody can tell, ``EngineError`` if it is lost."""
    (seen,) = read(session, [place])
    if seen.unknown is not None:
        raise UnreadableError(f"volume {place.name}", seen.unknown, "Mend that first.")
    if seen.header is None:
        remedy = "If it had one: hosting volume header restore."
        raise EngineError(f"volume {place.name}", seen.lost or "it has no header", remedy)
    return seen.header
