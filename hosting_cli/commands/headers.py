"""Copies of LUKS headers: made and sealed, opened to see that they work, and written back when a header is lost."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.result import ExitStatus, Result, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.request import Asked
    from hosting_cli.volumes.places import VolumePlace


class Action(StrEnum):
    """What is done with the copies of a header."""

    SAVE = "save"
    TEST = "test"
    RESTORE = "restore"


ActionArgument = Annotated[
    Action, typer.Argument(metavar="save|test|restore", help="Renew the copies, open one, or write one back.")
]
VolumeArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The volume, as `hosting volume list` shows it: HOST:APPLICATION/VOLUME.")
]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="The volume's name once more, to write a copy back.")
]


def header(session: Session, action: ActionArgument, name: VolumeArgument, confirm: ConfirmOption = None) -> Result:
    """Renew, open or write back the copies of a volume's header.

    A header holds the volume's key behind its passphrases: a few KiB, and all data is lost with them.  `save` copies
    it on its host, seals that copy under the application's transit key, adds it to the platform's evidence, where
    nobody can remove it, brings it back and opens it with both passphrases.  `test` does the last of these: do it every
    year.  `restore` is for the day when a plan says that a header is lost: it writes the last copy back, only over a
    header that no longer opens, and only a copy of that very volume which opens with what the vault keeps.  It asks
    first; in production somebody else approves; then repeat the volume's name as --confirm.
    """
    from hosting_cli.volumes.places import place_named, places

    place = place_named(name, places(session.region, session.environment))
    with session.hosts.keeping_connections():
        match action:
            case Action.SAVE:
                return _save(session, place)
            case Action.TEST:
                return _test(session, place)
        return _restore(session, place, confirm)


def _save(session: Session, place: "VolumePlace") -> Result:
    from deploys import slots
    from hosting_cli.canonical import digest
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.errors import RefusedError
    from hosting_cli.procedure import carry_out
    from hosting_cli.volumes.copies import Copies
    from hosting_cli.volumes.reading import header_of

    name, copies = digest({"header": "save", "volume": place.name}), Copies(session, place)
    _ = session.evidence  # a region that keeps none is told so before anything is done
    strays = slots.stray(header_of(session, place).slots)
    if strays:
        remedy = f"Rotate the active passphrase, which ends it: hosting key rotate {place.volume.active_secret}"
        raise RefusedError(f"volume {place.name}", f"nobody needs {' and '.join(strays)}: no copy is kept", remedy)
    with session.progress.stage(f"copying the header of {place.name}"):
        steps = tuple(copies.renewal(copies.passphrases))
        outcomes = carry_out(steps, digest=name, record=session.journal.append, tell=session.progress)
    return outcome_result("volume header", name, outcomes, f"The header of {place.name} is kept twice, and opens.")


def _test(session: Session, place: "VolumePlace") -> Result:
    from hosting_cli.volumes.copies import Copies

    with session.progress.stage(f"opening the last copy of the header of {place.name}"):
        made = Copies(session, place).tried()
    return Result("volume header", made.to_json(), (text(f"{place.name}: {made.sentence}."),))


def _restore(session: Session, place: "VolumePlace", confirm: str | None) -> Result:
    from hosting_cli.commands.procedures import ask, go_on, waiting
    from hosting_cli.errors import UsageError
    from hosting_cli.request import asked, open_request
    from hosting_cli.volumes import restoring

    if confirm not in {None, place.name}:
        raise UsageError("--confirm", f"is not {place.name}", "Repeat the volume's name, to be sure which it is.")
    requests = asked(session.journal.entries())
    known = open_request(restoring.RESTORE_HEADER, place.volume.subject, requests)
    known = known or ask(session, restoring.request(session, place))
    if not known.is_approved:
        return waiting("volume header", known)
    if confirm is None:
        return _unconfirmed(place, known)
    goal = known.request.goal
    work = restoring.Restoring(session, place, str(goal["copy"]), str(goal["checksum"]))
    closing = "Its header is back. A volume that was closed is opened by its unit within a minute."
    return go_on(session, "volume header", known, work.steps, closing)


def _unconfirmed(place: "VolumePlace", known: "Asked") -> Result:
    lines = text(
        f"Asked for: {known.request}",
        f"Next: hosting volume header restore {place.name} --confirm {place.name}",
        f"Call it off: hosting key withdraw {known.request.digest[:12]}",
    )
    data = {"procedure": known.request.digest, "request": known.request.body()}
    return Result("volume header", data, (lines,), ExitStatus.PENDING)
