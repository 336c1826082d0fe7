"""Object stores: whether one serves strangers and can be read, and having whoever runs it bring it back."""

from collections.abc import Mapping

from hosting_cli.errors import UnreadableError, WaitingError
from hosting_cli.reachability import serves
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.resource import Json

_TAKES = {"store": Kind.STORE}


def serving(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether a store serves, as the alert asks it: who does not answer, does not."""
    try:
        holds = serves(session, values["store"])
    except UnreadableError as error:
        return Seen(False, {"store": values["store"], "why": error.what})
    return Seen(holds, {"store": values["store"], **({} if holds else {"why": "it says that it is broken"})})


def bring_back(session: Session, values: Values, _occasion: Occasion) -> Mapping[str, Json]:
    """Leave it to whoever runs the store; raise ``WaitingError`` with what it lacks, unless it has come back by now."""
    seen = serving(session, values, {})
    if not seen.holds:
        remedy = "Whoever runs it brings it back, as the runbook says; then resume this run."
        raise WaitingError(f"object store {values['store']}", f"does not serve: {seen.observed['why']}", remedy)
    return seen.observed


def readable(session: Session, store: str) -> Seen:
    """Tell whether everything of ours in *store* can be read, with our own rights."""
    reading = session.stores[store].read()
    seen = {"store": store, **({"why": reading.reason} if reading.resources is None else {})}
    return Seen(reading.resources is not None, seen)


ACTIONS = (
    Look(
        "store.serves",
        "The object store answers, and not that it is broken.",
        _TAKES,
        lambda _: ("hosting metrics show --only engines",),
        serving,
    ),
    Act(
        "store.bring-back",
        "Whoever runs the object store brings it back.",
        _TAKES,
        lambda values: (f"at {values['store']}, or with its provider: see Mitigation",),
        bring_back,
    ),
    Look(
        "store.is-readable",
        "What is ours in the object store can be read.",
        _TAKES,
        lambda _: ("hosting drift",),
        lambda session, values, _: readable(session, values["store"]),
    ),
)
