"""Checks of what was done: whether anything moved since, whether the journal is whole, what proofs showed.  Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from hosting_cli.checks.check import Finding, decided, met, unknown, unmet
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, Sentence
from hosting_cli.journal import Entry
from hosting_cli.plan import Plan
from hosting_cli.proofs import neighbour, strangers
from hosting_cli.proofs.proof import Verdict
from hosting_cli.resources import Bucket
from inventory.resource import Json

EMPTY = Sentence("rien n'y a jamais été consigné", "nothing was ever recorded in it")
UNPROVEN = Sentence("aucune preuve n'a été consignée : hosting verify", "no proof was ever recorded: hosting verify")


def drift(facts: Facts) -> Iterator[Finding]:
    """Find sources on which something is otherwise than the files ask for."""
    plan = facts.plan
    if plan.value is None:
        yield unknown("configuration", plan.raw)
        return
    moved = _moved(plan.value, facts)
    for source, seen in facts.surveyed.items():
        if seen.value is None or seen.value.resources is None:
            yield unknown(source, seen.raw)
            continue
        found = moved.get(source, [])
        said = ", ".join(found[:4]) + ("…" if len(found) > 4 else "")
        yield decided(
            source,
            not found,
            {"moved": list[Json](found)},
            ("est tel que le demandent les fichiers", "is as the files ask for"),
            (f"s'est écarté des fichiers : {said}", f"has moved away from the files: {said}"),
            reading=seen.raw,
        )


def _moved(plan: Plan, facts: Facts) -> dict[str, list[str]]:
    moved: dict[str, list[str]] = {}
    for change in plan.changes:
        moved.setdefault(change.source, []).append(str(change.subject))
    sources = {str(subject): resource.source for subject, resource in facts.desired.items()}
    for finding in (*plan.blocked, *plan.conflicts):
        if finding.subject in sources:
            moved.setdefault(sources[finding.subject], []).append(finding.subject)
    return moved


def chain(facts: Facts) -> Iterator[Finding]:
    """Find a journal from which something was removed, or in which something was changed or moved."""
    seen = facts.journal
    if seen.value is None:
        yield unknown("journal", seen.raw)
        return
    breaks = [f"{item.line}: {item.reason}" for item in seen.value.breaks]
    count = len(seen.value.entries)
    if not breaks and not count:
        yield unknown("journal", seen.raw, EMPTY)
        return
    yield decided(
        "journal",
        not breaks,
        {"entries": count, "breaks": list[Json](breaks)},
        (f"ses {count} entrées se suivent sans rupture", f"its {count} entries follow from each other"),
        (f"la chaîne est rompue : {'; '.join(breaks[:3])}", f"the chain is broken: {'; '.join(breaks[:3])}"),
        reading=seen.raw,
    )


def neighbours_refused(facts: Facts) -> Iterator[Finding]:
    """Give what the last proof of each application said: a neighbour's token is refused on all of its paths."""
    subjects = (f"application {item.id}" for item in facts.region.applications)
    return _last_proofs(facts, neighbour.NAME, subjects, ("un voisin est refusé partout", "a neighbour is refused"))


def strangers_refused(facts: Facts) -> Iterator[Finding]:
    """Give what the last proof of each bucket said: whoever has no credentials gets nothing of it."""
    subjects = (str(item.subject) for item in facts.desired.values() if isinstance(item, Bucket))
    return _last_proofs(facts, strangers.NAME, subjects, ("un inconnu n'obtient rien", "a stranger gets nothing"))


def _last_proofs(facts: Facts, name: str, subjects: Iterable[str], held: tuple[str, str]) -> Iterator[Finding]:
    """Give the last proof *name* of each subject, dated when it was made and not today: so it ages."""
    seen = facts.journal
    last: dict[str, Entry] = {}
    for entry in seen.value.entries if seen.value else ():
        if entry.kind == "proof" and entry.data["proof"] == name:
            last[str(entry.data["subject"])] = entry
    for subject in subjects:
        proof = last.get(subject)
        if seen.value is None:
            yield unknown(subject, seen.raw)
        elif proof is None:
            yield unknown(subject, seen.raw, UNPROVEN)
        else:
            yield _of_proof(subject, proof, held, seen.raw)


def _of_proof(subject: str, proof: Entry, held: tuple[str, str], journal: RawReading) -> Finding:
    content: dict[str, Json] = {"entry": proof.sequence, "digest": proof.digest, "data": dict(proof.data)}
    raw = replace(journal, read_at=datetime.fromisoformat(proof.time), content=content)
    said, verdict = str(proof.data["sentence"]), Verdict(str(proof.data["verdict"]))
    match verdict:
        case Verdict.HELD:
            return met(subject, verdict.value, *held, raw)
        case Verdict.BROKEN:
            return unmet(subject, verdict.value, f"la preuve a échoué : {said}", f"the proof failed: {said}", raw)
    return unknown(subject, raw, said)
