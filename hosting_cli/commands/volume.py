"""Encrypted volumes: which slots open them, and the copies of their headers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hosting_cli.commands.headers import VolumeArgument, header
from hosting_cli.commands.plan import ApplicationOption
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from datetime import datetime

    from hosting_cli.volumes.places import VolumePlace
    from hosting_cli.volumes.standing import Standing

__all__ = ["header", "list_", "show"]


def list_(session: Session, application: ApplicationOption = None) -> Result:
    """List volumes: what opens each, and the copies of its header.

    Each host is asked once.  A header is lost with a few KiB and all data with it, so there are two copies: one on the
    host, which backups take along, and a sealed one in the platform's evidence, locked.  A copy that is of an earlier
    header is stale: rotations renew both, `hosting volume header save` does it by hand.  Exit status 0 when all is in
    order, 3 when something is stale or lost, 4 when something is unknown: fit for a timer.
    """
    from hosting_cli.volumes.places import places

    chosen = {item.id for item in session.chosen(application)}
    wanted = [place for place in places(session.region, session.environment) if place.volume.application in chosen]
    found = _standings(session, wanted)
    rows = tuple(_row(item) for item in found)
    columns = ("state", "volume", "size", "slots", "copy on host", "copy in evidence", "last opened")
    block = Table("", columns, rows) if rows else text("No file asks for a volume.")
    reasons = tuple(f"{item.seen.place.name}: {reason}" for item in found for reason in item.reasons)
    return Result(
        "volume list",
        {"volumes": [item.to_json() for item in found]},
        (block, *([text(*reasons)] if reasons else [])),
        _status(found),
    )


def show(session: Session, name: VolumeArgument) -> Result:
    """Show a volume's slots, what each costs to try, and its copies.

    Read from the header itself.  The cost is Argon2id's: memory, iterations and lanes, as they were given when the
    slot was made; a slot that nobody needs is named as such.
    """
    from hosting_cli.volumes.places import place_named, places

    place = place_named(name, places(session.region, session.environment))
    (found,) = _standings(session, [place])
    seen = found.seen.header
    facts = [("state", found.state.value), ("volume", place.name), ("label", place.volume.label)]
    if seen is not None:
        facts += [("size", _size(found)), ("uuid", seen.uuid), ("checksum", seen.checksum)]
    facts += [("last opened", _day(found.tested))]
    blocks = [Table("", ("what", "value"), tuple(facts))]
    if seen is not None:
        blocks.append(_slots(seen.slots))
    if found.copies:
        current = seen.checksum if seen else None
        rows = tuple(
            ("this header" if copy.checksum == current else "an earlier one", _day(copy.stored), copy.name)
            for copy in reversed(found.copies)
        )
        blocks.append(Table("copies in the evidence", ("of", "since", "name"), rows))
    said = [text(*found.reasons)] if found.reasons else []
    return Result("volume show", found.to_json(), (*blocks, *said), _status([found]))


def _standings(session: Session, wanted: "Sequence[VolumePlace]") -> "list[Standing]":
    from hosting_cli.volumes.copies import standings

    with session.progress.stage("asking the hosts of volumes, and the evidence"):
        return standings(session, wanted)


def _status(found: "Sequence[Standing]") -> ExitStatus:
    from hosting_cli.volumes.standing import HeaderState

    states = {item.state for item in found}
    if HeaderState.UNKNOWN in states:
        return ExitStatus.UNKNOWN
    return ExitStatus.DONE if states <= {HeaderState.IN_ORDER} else ExitStatus.PENDING


def _row(found: "Standing") -> tuple[str, ...]:
    header, last = found.seen.header, found.last
    return (
        found.state.value,
        found.seen.place.name,
        _size(found),
        ", ".join(f"{number} {_held(number, header.slots)}" for number in sorted(header.slots, key=int))
        if header
        else "",
        ("same" if header.is_saved else "of another header") if header else "",
        "none" if last is None else f"{_day(last.stored)}" + _difference(found),
        _day(found.tested),
    )


def _difference(found: "Standing") -> str:
    header, last = found.seen.header, found.last
    if header is None or last is None:
        return ""
    return ", same" if last.checksum == header.checksum else ", of an earlier header"


def _slots(slots: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            number,
            _held(number, slots),
            str(slot["type"]),
            str(slot["memory"]),
            str(slot["time"]),
            str(slot["cpus"]),
            str(slot["key_bits"]),
        )
        for number, slot in sorted(slots.items(), key=lambda item: int(item[0]))
    )
    return Table("slots", ("slot", "opened by", "derivation", "KiB", "iterations", "lanes", "key bits"), rows)


def _held(number: str, slots: Iterable[str]) -> str:
    """Say whose a slot is; of two that one passphrase might be in, a header does not tell which it is."""
    from deploys.slots import HOMES

    for name, homes in HOMES.items():
        if number in homes:
            return name if not set(homes) <= set(slots) else f"{name}?"
    return "nobody"


def _size(found: "Standing") -> str:
    return "" if found.seen.size_gib is None else f"{found.seen.size_gib} GiB"


def _day(moment: "datetime | None") -> str:
    return "never" if moment is None else moment.strftime("%Y-%m-%d %H:%M")
