"""How verdicts went from record to record: what a period's evidence says that today's does not.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from hosting_cli.checks.observation import written
from hosting_cli.controls.verdict import Verdict
from inventory.resource import Json


@dataclass(frozen=True)
class RecordSeen:
    """A record of the period: its number and digest, when and by whom, and which verdicts stood then, by control."""

    name: str
    digest: str
    time: datetime
    who: str
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A control that one record judged otherwise than the record before it."""

    control: str
    before: Verdict
    after: Verdict
    time: datetime

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "control": self.control,
            "before": self.before.value,
            "after": self.after.value,
            "time": written(self.time),
        }


def changes(records: Sequence[RecordSeen]) -> Iterator[Change]:
    """Find what changed, the oldest first; of a control that a record does not know, nothing is said."""
    for before, after in pairwise(records):
        for control, found in after.verdicts.items():
            earlier = before.verdicts.get(control)
            if earlier is not None and earlier != found:
                yield Change(control, Verdict(earlier), Verdict(found), after.time)
