"""Checks of resources that plans compare: each that the files ask for, beside what was read of it.  Pure."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from hosting_cli.checks.check import Finding, unknown, unmet
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, Sentence
from inventory.resource import Resource

Kind = TypeVar("Kind", bound=Resource)


def each(
    facts: Facts,
    kind: type[Kind],
    judge: Callable[[Kind, Kind, RawReading], Finding],
    chosen: Callable[[Kind], bool] = lambda wanted: True,
) -> Iterator[Finding]:
    """Put every resource of *kind* that the files ask for to *judge*: as asked for, as read, and the raw reading.

    One of an unread source is unknown; one that was looked for and is not there is unmet.
    """
    for subject, wanted in facts.desired.items():
        if not isinstance(wanted, kind) or not chosen(wanted):
            continue
        seen = facts.surveyed.get(wanted.source)
        if seen is None:
            away = f"l'environnement n'atteint pas {wanted.source}", f"the environment does not reach {wanted.source}"
            yield unknown(str(subject), facts.files, Sentence(*away))
        elif seen.value is None or seen.value.resources is None:
            yield unknown(str(subject), seen.raw)
        elif isinstance(found := seen.value.resources.get(subject), kind):
            yield judge(wanted, found, seen.raw)
        else:
            yield unmet(str(subject), None, "n'existe pas", "does not exist", seen.raw)
