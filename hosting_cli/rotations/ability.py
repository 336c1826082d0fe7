"""A transit key is made unusable for a while, or usable again: nothing is lost by either."""

from collections.abc import Iterator
from functools import partial

from hosting_cli.keys.values import Key
from hosting_cli.procedure import Step
from hosting_cli.request import Request
from hosting_cli.rotations.kinds import is_production, subject_of
from hosting_cli.session import Session
from inventory.key_policy import KeyKind

DISABLE, ENABLE = "disable", "enable"


def request(session: Session, key: Key, *, enabled: bool) -> Request:
    """Ask that *key* be usable or not; each time anew, so the goal names the entry of the journal that it follows."""
    lines = len(session.journal.lines())
    return Request(
        ENABLE if enabled else DISABLE,
        subject_of(key),
        key.owner,
        session.environment.environment,
        {"after_entry": lines},
        is_production(session, key.owner),
    )


def steps(session: Session, request: Request) -> Iterator[Step]:
    """Give the one step."""
    enabled, name = request.procedure == ENABLE, request.subject.name

    def is_done() -> bool:
        found = [key for key in session.vault.keys().keys if (key.kind, key.name) == (KeyKind.TRANSIT_KEY, name)]
        return bool(found) and found[0].disabled is not enabled

    sentence = "let it be used again" if enabled else "let nothing that it wraps be read, until it is enabled again"
    yield Step(request.subject, sentence, partial(session.vault.set_key_enabled, name, enabled), is_done)
