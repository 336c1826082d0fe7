"""Sharing a secret: enough shares give it back, whichever they are; fewer say nothing; every slip is caught."""

import secrets
from itertools import combinations, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.errors import UsageError
from hosting_cli.keys import shamir, shares
from hosting_cli.secret import Secret

PASSPHRASE = Secret("ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2-34567-89ABC-DEFGH")


@pytest.mark.parametrize(
    ("one", "other", "product"),
    [(0x57, 0x83, 0xC1), (0x57, 0x13, 0xFE), (0x57, 0x02, 0xAE), (0x57, 0x10, 0x07), (3, 7, 9), (3, 0, 0)],
    ids=lambda number: f"{number:02x}",
)
def test_multiplication_is_that_of_fips_197_and_of_vault(one: int, other: int, product: int) -> None:
    assert shamir.multiply(one, other) == shamir.multiply(other, one) == product


def test_every_number_has_its_inverse() -> None:
    assert [shamir.multiply(number, shamir.inverse(number)) for number in range(1, 256)] == [1] * 255


def test_a_line_through_two_points_is_joined_as_by_hand() -> None:
    # f(x) = 0x2a + 0x07·x: f(1) = 0x2d, f(2) = 0x2a ^ 0x0e = 0x24, f(3) = 0x2a ^ 0x09 = 0x23.
    made = shamir.split(b"\x2a", shares=3, needed=2, random_bytes=lambda size: b"\x07" * size)
    assert made == {1: b"\x2d", 2: b"\x24", 3: b"\x23"}
    assert {shamir.join(dict(pair)) for pair in combinations(made.items(), 2)} == {b"\x2a"}


@given(st.binary(min_size=1, max_size=40), st.integers(2, 5), st.integers(0, 4), st.randoms(use_true_random=False))
def test_any_that_are_enough_give_it_back(secret: bytes, needed: int, more: int, random: "object") -> None:
    made = shamir.split(secret, shares=needed + more, needed=needed, random_bytes=secrets.token_bytes)
    chosen = random.sample(sorted(made), needed)  # type: ignore[attr-defined]
    assert shamir.join({number: made[number] for number in chosen}) == secret


def test_too_few_say_nothing() -> None:
    """Whatever the secret's byte is, one share of two takes every value equally often over the random ones."""
    for byte in (0, 1, 0xFF):
        found = {
            shamir.split(bytes([byte]), shares=2, needed=2, random_bytes=lambda size, it=value: bytes([it] * size))[1]  # type: ignore[misc]
            for value in range(256)
        }
        assert len(found) == 256


@pytest.mark.parametrize(("count_of_all", "needed"), [(1, 1), (5, 1), (2, 3), (256, 3)])
def test_numbers_that_make_no_sense_are_refused(count_of_all: int, needed: int) -> None:
    with pytest.raises(UsageError, match="2 to 255"):
        shares.make(PASSPHRASE, shares=count_of_all, needed=needed, random_bytes=secrets.token_bytes)


# -- as people write them -----------------------------------------------------------------------------------------


def made(seed: int = 0) -> tuple[shares.Share, ...]:
    """Share the passphrase 3 of 5, the same each time."""
    numbers = count(seed)
    return shares.make(
        PASSPHRASE,
        shares=5,
        needed=3,
        random_bytes=lambda size: bytes((next(numbers) * 37 + 11) % 256 for _ in range(size)),
    )


LINES = [share.written().reveal() for share in made()]


@pytest.mark.parametrize("chosen", list(combinations(range(5), 3)))
def test_any_three_holders_are_enough(chosen: tuple[int, ...]) -> None:
    assert shares.secret_of(shares.read(LINES[it] for it in chosen)) == PASSPHRASE


def test_it_does_not_matter_how_they_are_typed() -> None:
    typed = [LINES[0].lower(), LINES[1].replace("-", " "), f"  {LINES[2].replace('-', '')} "]
    assert shares.secret_of(shares.read(typed)) == PASSPHRASE


def test_a_share_is_shown_by_nothing_but_its_own_name() -> None:
    (share, *_) = made()
    assert share.written().reveal() not in f"{share!r} {share.written()!r}"
    assert share.part.reveal() not in repr(share)


@given(st.integers(0, len(LINES[0]) - 1), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_every_letter_that_is_wrong_is_caught(place: int, letter: str) -> None:
    line = LINES[0]
    if line[place] == "-" or line[place] == letter:
        return
    with pytest.raises(UsageError, match="line 1"):
        shares.read([line[:place] + letter + line[place + 1 :], *LINES[1:3]])


def test_everything_that_is_wrong_is_told_at_once_and_never_a_share() -> None:
    with pytest.raises(UsageError) as told:
        shares.read([LINES[0][:-1], "1111", LINES[2]])
    assert "line 1" in str(told.value)
    assert "line 2" in str(told.value)
    assert LINES[0][:10] not in str(told.value)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (LINES[:2], "2 of them are too few, 3 are needed"),
        ([], "0 of them are too few"),
        ([LINES[0], LINES[0], LINES[1]], "two of them are the same"),
        ([*LINES[:2], made(7)[2].written().reveal()], "different sets"),
    ],
    ids=["too few", "none", "one twice", "of another set"],
)
def test_shares_that_do_not_go_together_say_why(lines: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        shares.read(lines)
