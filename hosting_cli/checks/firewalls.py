"""Checks of what kernels let through: nothing by default, exactly the flows of the files, from boot on.  Pure."""

from collections.abc import Iterator, Mapping

from deploys.resources import HostFirewall
from hosting_cli.checks.check import NOTHING, Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.surveyed import each
from hosting_cli.network.comparison import Difference, Judgement
from hosting_cli.network.proving import Standing
from inventory.resource import Json

TABLE = "hosting"
HOOKS = ("forward", "input", "output")
IN_FRENCH = {Difference.TOO_MUCH: "passe en trop :", Difference.TOO_LITTLE: "est arrêté à tort :"}
IN_ENGLISH = {Difference.TOO_MUCH: "passes and should not:", Difference.TOO_LITTLE: "is stopped and should pass:"}


def default_drop(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose own table does not drop at the end of each hook."""
    for host, seen in facts.network.items():
        subject = f"host {host}"
        if seen.value is None:
            yield unknown(subject, seen.raw)
            continue
        policies = _policies(seen.value.reading.rules)
        said = ", ".join(f"{hook} {policies.get(hook, NOTHING)}" for hook in HOOKS)
        yield decided(
            subject,
            all(policies.get(hook) == "drop" for hook in HOOKS),
            dict[str, Json](policies),
            (f"rejette par défaut : {said}", f"drops by default: {said}"),
            (f"ne rejette pas par défaut : {said}", f"does not drop by default: {said}"),
            reading=seen.raw,
        )


def _policies(rules: object) -> dict[str, str]:
    """Give the policy of each base chain of our table, by its hook."""
    entries = rules.get("nftables", []) if isinstance(rules, dict) else []
    chains = [entry["chain"] for entry in entries if "chain" in entry]
    return {
        str(chain["hook"]): str(chain.get("policy", "accept"))
        for chain in chains
        if chain.get("table") == TABLE and "hook" in chain and chain.get("type") == "filter"
    }


def as_declared(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose kernels let through more or less than the flow matrix and the platform's own needs."""
    for host, seen in facts.network.items():
        subject = f"host {host}"
        if seen.value is None:
            yield unknown(subject, seen.raw)
            continue
        proof = seen.value.proof
        judgement = proof.judgement
        if proof.standing is Standing.UNKNOWN:
            yield unknown(subject, seen.raw, "; ".join(map(str, judgement.not_understood)) or str(proof.unread))
            continue
        found = [f"{item.difference.name.lower()}: {item.packet}" for item in judgement.findings]
        fr, en = (_said(judgement, words) for words in (IN_FRENCH, IN_ENGLISH))
        yield decided(
            subject,
            proof.standing is Standing.PROVEN,
            {"differences": list[Json](found), "misplaced": list[Json](judgement.misplaced)},
            ("laisse passer exactement ce que disent les fichiers", "lets through exactly what the files say"),
            (f"diffère des fichiers : {fr}", f"differs from the files: {en}"),
            reading=seen.raw,
        )


def _said(judgement: Judgement, words: Mapping[Difference, str]) -> str:
    """Name the first differences, each with an example packet."""
    found = (f"{words[item.difference]} {item.packet}" for item in judgement.findings)
    return "; ".join([*found, *judgement.misplaced][:3])


def at_boot(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose rule set would not be there when they start."""

    def judge(wanted: HostFirewall, found: HostFirewall, raw: RawReading) -> Finding:
        return decided(
            str(found.subject),
            found.starts_at_boot,
            {"starts_at_boot": found.starts_at_boot},
            ("est chargé dès le démarrage", "is loaded from boot on"),
            ("n'est pas chargé au démarrage", "is not loaded at boot"),
            reading=raw,
        )

    return each(facts, HostFirewall, judge)
