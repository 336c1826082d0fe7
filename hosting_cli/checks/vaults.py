"""Checks of the vault: that every request leaves a trace, and who could do what.  Pure."""

from collections.abc import Callable, Iterator

from hosting_cli.checks.check import NOTHING, Finding, decided, met, unknown, unmet
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, Sentence, written
from hosting_cli.checks.seen import AuditDevice, Part, Token, Value, VaultPosture
from hosting_cli.checks.surveyed import each
from hosting_cli.resources import AppRole
from inventory import naming
from inventory.resource import Json

ROOT = "root"
ANYWHERE = "0.0.0.0/0"
PEOPLE = "people-"
"""How the policies of people begin; those of hosts and engines begin with ours."""

NO_TOKEN = Sentence(
    "il ne montre aucun jeton, pas même celui qui demande", "it lists no token, not even the one that asks"
)


def _each(
    facts: Facts,
    part: Callable[[VaultPosture], Part[Value]],
    judge: Callable[[Value, RawReading], Iterator[Finding]],
) -> Iterator[Finding]:
    seen = facts.vault
    found = None if seen.value is None else part(seen.value)
    if found is None or found.value is None:
        yield unknown("vault", seen.raw, found.unknown if found else None)
    else:
        yield from judge(found.value, seen.raw)


def audited(facts: Facts) -> Iterator[Finding]:
    """Ask for an audit device, none of which writes secrets as they are."""

    def judge(devices: tuple[AuditDevice, ...], raw: RawReading) -> Iterator[Finding]:
        observed: list[Json] = [{"path": item.path, "type": item.type, "raw": item.raw} for item in devices]
        said = ", ".join(f"{item.path} ({item.type})" for item in devices) or NOTHING
        yield decided(
            "vault",
            bool(devices) and not any(item.raw for item in devices),
            observed,
            (f"journalise chaque requête : {said}", f"audits every request: {said}"),
            (f"n'est pas audité comme demandé : {said}", f"is not audited as asked for: {said}"),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.audit, judge)


def without_root(facts: Facts) -> Iterator[Finding]:
    """Find root tokens: a vault in service has none, and whoever needs one has key holders make it."""

    def judge(tokens: tuple[Token, ...], raw: RawReading) -> Iterator[Finding]:
        if not tokens:
            yield unknown("vault", raw, NO_TOKEN)
            return
        roots = [token.name for token in tokens if ROOT in token.policies]
        yield decided(
            "vault",
            not roots,
            {"root_tokens": len(roots), "tokens": len(tokens)},
            ("aucun jeton racine n'existe", "there is no root token"),
            (f"jetons racine existants : {len(roots)}", f"root tokens that exist: {len(roots)}"),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.tokens, judge)


def privileged(facts: Facts) -> Iterator[Finding]:
    """Find people's tokens that never end, or that join the rights of several people in one."""

    def judge(tokens: tuple[Token, ...], raw: RawReading) -> Iterator[Finding]:
        for token in tokens:
            rights = [name for name in token.policies if name.startswith(PEOPLE)]
            if rights:
                yield _privilege(token, rights, raw)

    return _each(facts, lambda posture: posture.tokens, judge)


def _privilege(token: Token, rights: list[str], raw: RawReading) -> Finding:
    subject, said = f"identity {token.name}", ", ".join(rights)
    observed: dict[str, Json] = {
        "policies": list[Json](token.policies),
        "ends": None if token.ends is None else written(token.ends),
    }
    if token.ends is None:
        return unmet(subject, observed, f"{said} : ne finit jamais", f"{said}: never ends", raw)
    if naming.OPERATIONS_POLICY in rights and naming.APPROVER_POLICY in rights:
        return unmet(subject, observed, f"{said} : demande et approuve", f"{said}: asks and approves", raw)
    end = token.ends.date()
    return met(subject, observed, f"{said}, jusqu'au {end}", f"{said}, until {end}", reading=raw)


def bound(facts: Facts) -> Iterator[Finding]:
    """Find identities of hosts and engines that could be used from elsewhere, or with other rights."""

    def judge(wanted: AppRole, found: AppRole, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {
            "policies": list[Json](found.policies),
            "bound_cidrs": list[Json](found.bound_cidrs),
            "deviations": list[Json](found.deviations),
        }
        said = f"{', '.join(found.policies)} @ {', '.join(found.bound_cidrs) or ANYWHERE}"
        asked = (wanted.policies, wanted.bound_cidrs, ())
        return decided(
            str(found.subject),
            (found.policies, found.bound_cidrs, found.deviations) == asked and bool(found.bound_cidrs),
            observed,
            (f"est liée à son adresse et à ses droits : {said}", f"is bound to its address and rights: {said}"),
            (f"n'est pas liée comme demandé : {said}", f"is not bound as asked for: {said}"),
            reading=raw,
        )

    return each(facts, AppRole, judge)
