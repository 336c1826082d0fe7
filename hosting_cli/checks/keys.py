"""Checks of keys and secrets: their age, and that the vault never gives one away.  Pure."""

from collections.abc import Iterator

from hosting_cli.checks.check import Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.surveyed import each
from hosting_cli.keys.judgement import KeyState
from hosting_cli.resources import TransitKey
from inventory.key_policy import KeyKind
from inventory.resource import Json

OLD_ENOUGH = frozenset({KeyState.IN_ORDER, KeyState.DUE})
"""A key that is due has its limit before it: it is announced, and no deviation yet."""

IN_FRENCH = {KeyState.OVERDUE: "à remplacer sans délai", KeyState.DISABLED: "désactivée"}
"""How else a key may stand."""


def age(facts: Facts) -> Iterator[Finding]:
    """Hold the age of every key against the operator's limit for its kind."""
    seen = facts.keys
    if seen.value is None:
        yield unknown("keys", seen.raw)
        return
    for kind, reason in seen.value.unread.items():
        yield unknown(f"keys {KeyKind(kind).value}", seen.raw, reason)
    for item in seen.value.judged:
        subject, said = f"{item.key.kind.value} {item.key.name}", item.reason or item.state.value
        if item.state is KeyState.UNKNOWN:
            yield unknown(subject, seen.raw, said)
            continue
        observed: dict[str, Json] = {"age_days": item.age_days, "limit_days": item.limit.days, "state": item.state}
        yield decided(
            subject,
            item.state in OLD_ENOUGH,
            observed,
            (
                f"a {item.age_days} jours, pour {item.limit.days} au plus",
                f"is {item.age_days} days old, of {item.limit.days} at most",
            ),
            (
                f"a {item.age_days} jours, pour {item.limit.days} au plus : {IN_FRENCH.get(item.state, said)}",
                f"is {item.age_days} days old, of {item.limit.days} at most: {said}",
            ),
            reading=seen.raw,
        )


def kept_in(facts: Facts) -> Iterator[Finding]:
    """Find transit keys that could be exported or deleted."""

    def judge(wanted: TransitKey, found: TransitKey, raw: RawReading) -> Finding:
        names = ("type", "exportable", "deletion_allowed", "deviations")
        observed: dict[str, Json] = {
            "type": found.type,
            "exportable": found.exportable,
            "deletion_allowed": found.deletion_allowed,
            "deviations": list[Json](found.deviations),
        }
        said = ", ".join(f"{name}={value}" for name, value in observed.items() if value)
        return decided(
            str(found.subject),
            all(getattr(found, name) == getattr(wanted, name) for name in names),
            observed,
            ("ne peut ni sortir du coffre ni y être supprimée", "can neither leave the vault nor be deleted in it"),
            (f"n'est pas réglée comme demandé : {said}", f"is not set as asked for: {said}"),
            reading=raw,
        )

    return each(facts, TransitKey, judge)
