"""What a check is, and how what it finds becomes observations.  Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import Observation, Outcome, RawReading, Sentence
from inventory.resource import Json

NOTHING = "–"
"""What stands in a sentence of either language where a value is missing."""


@dataclass(frozen=True)
class Finding:
    """What a check found of one subject, and the raw reading that it found it in."""

    subject: str
    outcome: Outcome
    observed: Json
    sentence: Sentence
    reading: RawReading


Judge = Callable[[Facts], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """One question to what was read.

    ``command`` is what somebody runs to see the same for themselves.  ``when_none`` justifies that a check of which the
    region has no subject does not apply; a check without it is unknown then, never met.
    """

    id: str
    title: Sentence
    command: str
    maximum_age: timedelta
    judge: Judge
    when_none: Sentence | None = None


def met(subject: str, observed: Json, fr: str, en: str, reading: RawReading) -> Finding:
    """Say that what is asked for was seen."""
    return Finding(subject, Outcome.MET, observed, Sentence(fr, en), reading)


def unmet(subject: str, observed: Json, fr: str, en: str, reading: RawReading) -> Finding:
    """Say that something else was seen."""
    return Finding(subject, Outcome.UNMET, observed, Sentence(fr, en), reading)


def unknown(subject: str, reading: RawReading, reason: Sentence | str | None = None) -> Finding:
    """Say that nobody could see, and why: what a host or an engine says is in its own language."""
    given = reason or reading.reason or Sentence("aucune raison n'a été donnée", "no reason was given")
    why = given if isinstance(given, Sentence) else Sentence(given, given)
    said = Sentence(f"n'a pas pu être lu : {why.fr}", f"could not be read: {why.en}")
    return Finding(subject, Outcome.UNKNOWN, None, said, reading)


def decided(
    subject: str, holds: bool, observed: Json, yes: tuple[str, str], no: tuple[str, str], *, reading: RawReading
) -> Finding:
    """Say *yes* or *no*, each in French and English."""
    return (met if holds else unmet)(subject, observed, *(yes if holds else no), reading)


def observe(check: Check, facts: Facts) -> Iterator[tuple[Observation, RawReading]]:
    """Put a check to *facts*: one observation for each subject, in the order of their names."""
    found = sorted(check.judge(facts), key=lambda finding: finding.subject)
    for finding in found or [_of_none(check, facts)]:
        yield (
            Observation(
                check=check.id,
                subject=finding.subject,
                outcome=finding.outcome,
                observed=finding.observed,
                sentence=finding.sentence,
                source=finding.reading.source,
                command=check.command,
                read_at=finding.reading.read_at,
                maximum_age=check.maximum_age,
                reading=finding.reading.digest,
            ),
            finding.reading,
        )


def _of_none(check: Check, facts: Facts) -> Finding:
    """Say what a check says that finds no subject: the files justify it, or nobody knows."""
    subject = f"region {facts.region.id}"
    if check.when_none is None:
        nobody = Sentence("rien n'a été trouvé à interroger", "nothing was found that it could be asked of")
        return unknown(subject, facts.files, nobody)
    return Finding(subject, Outcome.NOT_APPLICABLE, None, check.when_none, facts.files)
