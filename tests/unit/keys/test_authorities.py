"""Which SSH authorities hosts must trust, at every moment of a rotation: always one that signs, never a former one."""

from datetime import UTC, datetime

import pytest

from hosting_cli.keys.authorities import SshAuthorityKey, is_of, made_at, next_name, present_name, trusted

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DIGEST = "a" * 64
NEXT = next_name(DIGEST, NOW)


def authority(name: str, *, signs: bool = False) -> SshAuthorityKey:
    return SshAuthorityKey(f"id of {name}", name, f"key of {name}", signs)


@pytest.mark.parametrize(
    ("authorities", "expected"),
    [
        ([], []),
        ([authority("", signs=True)], [""]),
        ([authority("", signs=True), authority(NEXT)], ["", NEXT]),
        ([authority("former-1", signs=True), authority(NEXT)], ["former-1", NEXT]),
        ([authority("former-1"), authority(NEXT, signs=True)], [NEXT]),
        ([authority("former-1"), authority(present_name(NEXT), signs=True)], [present_name(NEXT)]),
        ([authority("", signs=True), authority("somebody's")], [""]),
    ],
    ids=["none yet", "one", "the next is made", "renamed", "the next signs", "the next is named", "a foreign one"],
)
def test_hosts_trust_what_signs_and_what_is_about_to(authorities: list[SshAuthorityKey], expected: list[str]) -> None:
    assert trusted(authorities) == tuple(sorted(f"key of {name}" for name in expected))


def test_a_name_tells_whose_it_is_and_when_it_was_made() -> None:
    for name in (NEXT, present_name(NEXT)):
        assert is_of(name, DIGEST)
        assert not is_of(name, "b" * 64)
        assert made_at(name) == NOW


@pytest.mark.parametrize("name", ["", "former-4aa5b1f2-12", "somebody's-12", "next-", "hosting-abc"])
def test_of_any_other_name_nobody_can_tell(name: str) -> None:
    assert made_at(name) is None
    assert not is_of(name, DIGEST)
