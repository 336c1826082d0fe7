"""Which LUKS slots are whose: a rotation moves each passphrase between two slots of its own.  Pure."""

from collections.abc import Iterable

HOMES = {"active": ("0", "2"), "recovery": ("1", "3")}
"""Where each passphrase may be; while it is rotated, the one before and the one after are in both."""


def held(found: Iterable[str]) -> tuple[str, ...]:
    """Name the passphrases that the slots *found* hold; a header alone does not tell what opens them."""
    slots = set(found)
    return tuple(name for name, homes in HOMES.items() if slots.intersection(homes))


def stray(found: Iterable[str]) -> tuple[str, ...]:
    """Describe the slots that nobody needs: a second one for the same passphrase, or one that is no passphrase's."""
    slots = set(found)
    twice = tuple(f"slot {homes[1]} beside slot {homes[0]}" for homes in HOMES.values() if slots.issuperset(homes))
    known = {slot for homes in HOMES.values() for slot in homes}
    return (*twice, *(f"slot {slot}" for slot in sorted(slots - known, key=int)))


def next_home(name: str, present: str) -> str:
    """Give the slot that the passphrase *name* moves to from *present*."""
    first, second = HOMES[name]
    return second if present == first else first
