"""Checks of the vault: that every request leaves a trace, and who could do what.  Pure."""

from collections.abc import Iterator

from hosting_cli.checks.check import Finding, decided, met, unknown, unmet
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, written
from hosting_cli.checks.surveyed import each
from hosting_cli.resources import AppRole
from inventory import naming
from inventory.resource import Json

ROOT = "root"
PEOPLE = "people-"
"""How the policies of people begin; those of hosts and engines begin with ours."""


def audited(facts: Facts) -> Iterator[Finding]:
    """Ask for an audit device, none of which writes secrets as they are."""
    seen = facts.vault
    part = None if seen.value is None else seen.value.audit
    if part is None or part.value is None:
        yield unknown("vault", seen.raw, part.unknown if part else None)
        return
    observed: list[Json] = [{"path": item.path, "type": item.type, "raw": item.raw} for item in part.value]
    said = ", ".join(f"{item.path} ({item.type})" for item in part.value) or "none"
    yield decided(
        "vault",
        bool(part.value) and not any(item.raw for item in part.value),
        observed,
        (f"journalise chaque requête : {said}", f"audits every request: {said}"),
        (f"n'est pas audité comme demandé : {said}", f"is not audited as asked for: {said}"),
        reading=seen.raw,
    )


def without_root(facts: Facts) -> Iterator[Finding]:
    """Find root tokens: a vault in service has none, and whoever needs one has key holders make it."""
    seen = facts.vault
    part = None if seen.value is None else seen.value.tokens
    if part is None or part.value is None:
        yield unknown("vault", seen.raw, part.unknown if part else None)
        return
    if not part.value:
        yield unknown("vault", seen.raw, "it lists no token, not even the one that asks")
        return
    roots = [token.name for token in part.value if ROOT in token.policies]
    yield decided(
        "vault",
        not roots,
        {"root_tokens": len(roots), "tokens": len(part.value)},
        ("aucun jeton racine n'existe", "there is no root token"),
        (f"jetons racine existants : {len(roots)}", f"root tokens that exist: {len(roots)}"),
        reading=seen.raw,
    )


def privileged(facts: Facts) -> Iterator[Finding]:
    """Find people's tokens that never end, or that join the rights of several people in one."""
    seen = facts.vault
    part = None if seen.value is None else seen.value.tokens
    if part is None or part.value is None:
        yield unknown("vault", seen.raw, part.unknown if part else None)
        return
    for token in part.value:
        rights = [name for name in token.policies if name.startswith(PEOPLE)]
        if not rights:
            continue
        subject = f"identity {token.name}"
        observed: dict[str, Json] = {
            "policies": list[Json](token.policies),
            "ends": None if token.ends is None else written(token.ends),
        }
        said = ", ".join(rights)
        if token.ends is None:
            yield unmet(subject, observed, f"{said} : ne finit jamais", f"{said}: never ends", seen.raw)
        elif naming.OPERATIONS_POLICY in rights and naming.APPROVER_POLICY in rights:
            yield unmet(subject, observed, f"{said} : demande et approuve", f"{said}: asks and approves", seen.raw)
        else:
            yield met(
                subject,
                observed,
                f"{said}, jusqu'au {token.ends.date()}",
                f"{said}, until {token.ends.date()}",
                reading=seen.raw,
            )


def bound(facts: Facts) -> Iterator[Finding]:
    """Find identities of hosts and engines that could be used from elsewhere, or with other rights."""

    def judge(wanted: AppRole, found: AppRole, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {
            "policies": list[Json](found.policies),
            "bound_cidrs": list[Json](found.bound_cidrs),
            "deviations": list[Json](found.deviations),
        }
        said = f"{', '.join(found.policies)} @ {', '.join(found.bound_cidrs) or 'anywhere'}"
        same = (found.policies, found.bound_cidrs, ()) == (wanted.policies, wanted.bound_cidrs, found.deviations)
        return decided(
            str(found.subject),
            same and bool(found.bound_cidrs),
            observed,
            (f"est liée à son adresse et à ses droits : {said}", f"is bound to its address and rights: {said}"),
            (f"n'est pas liée comme demandé : {said}", f"is not bound as asked for: {said}"),
            reading=raw,
        )

    return each(facts, AppRole, judge)
