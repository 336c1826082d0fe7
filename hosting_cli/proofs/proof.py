"""What a proof says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hosting_cli.errors import HostingError, UnreadableError
from inventory.resource import Json


class Verdict(StrEnum):
    """What an attempt showed; what was not tried or could not be seen is never ``held``."""

    HELD = "held"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Proof:
    """One promise, what was done to break it, and what came of it."""

    name: str
    subject: str
    verdict: Verdict
    sentence: str
    observed: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """Give the proof as the journal and programs get it."""
        return {
            "proof": self.name,
            "subject": self.subject,
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "observed": dict(self.observed),
        }


def guarded(name: str, subject: str, work: Callable[[], Iterable[Proof]]) -> Iterator[Proof]:
    """Yield what *work* proves; an error on the way is a proof that is unknown, or broken where an engine failed."""
    try:
        yield from work()
    except HostingError as error:
        verdict = Verdict.UNKNOWN if isinstance(error, UnreadableError) else Verdict.BROKEN
        yield Proof(name, subject, verdict, f"{error.subject}: {error.what}. {error.remedy}", {})


def skipped(name: str, subject: str, promise: str) -> Proof:
    """Say that a proof which interrupts the application was not asked for."""
    return Proof(
        name,
        subject,
        Verdict.NOT_PROVEN,
        f"{promise}: proving it interrupts the application; ask with --disruptive",
        {},
    )
