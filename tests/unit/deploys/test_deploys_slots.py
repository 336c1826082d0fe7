"""Whose each LUKS slot is, and where a passphrase moves when it is rotated."""

import pytest

from deploys import slots

BOTH = ("active", "recovery")


@pytest.mark.parametrize(
    ("found", "held", "stray"),
    [
        ("01", BOTH, ()),
        ("21", BOTH, ()),
        ("23", BOTH, ()),
        ("0", ("active",), ()),
        ("3", ("recovery",), ()),
        ("", (), ()),
        ("012", BOTH, ("slot 2 beside slot 0",)),
        ("013", BOTH, ("slot 3 beside slot 1",)),
        ("0145", BOTH, ("slot 4", "slot 5")),
    ],
)
def test_each_passphrase_has_two_slots_and_needs_one(found: str, held: tuple[str, ...], stray: tuple[str, ...]) -> None:
    assert (slots.held(found), slots.stray(found)) == (held, stray)


@pytest.mark.parametrize(
    ("name", "present", "after"),
    [("active", "0", "2"), ("active", "2", "0"), ("recovery", "1", "3"), ("recovery", "3", "1"), ("active", "5", "0")],
)
def test_a_passphrase_moves_to_its_other_slot(name: str, present: str, after: str) -> None:
    assert slots.next_home(name, present) == after
