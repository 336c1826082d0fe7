"""Backups: whether the store that takes them answers, and whether the newest are as young as was promised."""

from hosting_cli.backups.opened import places_of, standing_of
from hosting_cli.backups.places import Place
from hosting_cli.backups.standing import Rpo
from hosting_cli.errors import UsageError
from hosting_cli.runbooks.action import Look, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.resource import Json
from runbooks.actions.stores import readable

_TAKES = {"application": Kind.APPLICATION, "host": Kind.HOST}


def _place(session: Session, values: Values) -> Place:
    application = session.application(values["application"])
    found = next((place for place in places_of(session, application) if place.host == values["host"]), None)
    if found is None:
        what = f"backs nothing of {application.id} up"
        raise UsageError(f"host {values['host']}", what, "See `hosting backup list`.")
    return found


def store_answers(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the object store that takes the backups can be read."""
    return readable(session, _place(session, values).store)


def is_recent(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether no more would be lost now than the class allows, by the object store's own clock.

    Raise what kept the repository from being read: unknown is not late.
    """
    standing = standing_of(session, session.application(values["application"]), _place(session, values))
    if standing.error is not None:
        raise standing.error
    last = standing.last.isoformat(timespec="seconds") if standing.last else None
    promised = standing.promise.rpo_minutes
    return Seen(standing.rpo is Rpo.MET, {"last_backup": last, "promised_minutes": promised, "rpo": standing.rpo.value})


def are_recent(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether no application that is backed up to a store would lose more now than its class allows.

    Raise what kept a repository from being read, as for one.
    """
    late: list[Json] = []
    for application in session.region.applications:
        for place in places_of(session, application):
            if place.store == values["store"]:
                standing = standing_of(session, application, place)
                if standing.error is not None:
                    raise standing.error
                late += [place.name] if standing.rpo is not Rpo.MET else []
    return Seen(not late, {"late": late})


ACTIONS = (
    Look(
        "backup.store-answers",
        "The object store of the backups can be read.",
        _TAKES,
        lambda values: (f"hosting backup list --application {values['application']}",),
        store_answers,
    ),
    Look(
        "backup.is-recent",
        "The newest backup is as young as the continuity class promises.",
        _TAKES,
        lambda values: (f"hosting backup list --application {values['application']}",),
        is_recent,
    ),
    Look(
        "backup.are-recent",
        "The newest backup of every application to a store is as young as its class promises.",
        {"store": Kind.STORE},
        lambda _: ("hosting backup list",),
        are_recent,
    ),
)
