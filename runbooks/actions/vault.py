"""The vault: whether it answers and is open, and how its holders open it."""

from collections.abc import Mapping

from hosting_cli.console import typed_lines
from hosting_cli.errors import UnreadableError, WaitingError
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory.resource import Json

_STATUS = ("bao status",)


def answers(session: Session, _values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the vault answers at all, sealed or not."""
    try:
        state = session.vault.seal_state()
    except UnreadableError as error:
        return Seen(False, {"why": error.what})
    return Seen(True, {"sealed": state.sealed})


def is_open(session: Session, _values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the vault is unsealed."""
    state = session.vault.seal_state()
    return Seen(not state.sealed, {"sealed": state.sealed, "shares_given": state.given, "shares_needed": state.needed})


def unseal(session: Session, _values: Values, occasion: Occasion) -> Mapping[str, Json]:
    """Take shares from their holders and hand them over, until the vault is open.

    Raise ``WaitingError`` when more are needed than were typed: what was given counts, and the next holder goes on.
    """
    state, given = session.vault.seal_state(), 0
    for line in typed_lines("Share of the unseal key"):
        if not state.sealed:
            break
        state, given = session.vault.unseal(Secret(line.strip())), given + 1
        occasion.tell(f"{state.given if state.sealed else state.needed} of {state.needed} shares are in")
    if state.sealed:
        what = f"{state.given} of {state.needed} shares are in"
        raise WaitingError("vault", what, "The next holder resumes this run, here or at their own desk.")
    return {"shares_given": given, "shares_needed": state.needed}


ACTIONS = (
    Look("vault.answers", "The vault answers, sealed or not.", {}, lambda _: _STATUS, answers),
    Look("vault.is-open", "The vault is unsealed.", {}, lambda _: _STATUS, is_open),
    Act("vault.unseal", "Holders open the vault with their shares.", {}, lambda _: ("bao operator unseal",), unseal),
)
