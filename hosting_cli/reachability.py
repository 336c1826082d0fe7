"""Whether an object store serves, asked as anybody might who has no right to anything."""

from hosting_cli.session import Session

BROKEN = 500
"""From this status on an answer says that whoever answers is broken; a refusal to a stranger is as it should be."""


def serves(session: Session, store: str) -> bool:
    """Tell whether *store* answers, and not that it is broken.

    Raise ``UnreadableError`` when nobody answers, or nobody whom we trust.
    """
    address, authority = session.environment.endpoints[store]
    return session.endpoints.asked(address, authority) < BROKEN
