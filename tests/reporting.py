"""Reports of a lab, one after the other: what is broken in between is named alone, and the history keeps it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inventory.control_catalogue import load_controls

Named = frozenset[tuple[str, str]]
"""What a report says is not as it should be, or cannot be told: checks with their subjects."""

BROKEN = "non-conforming"


@dataclass(frozen=True, kw_only=True)
class Property:
    """Something that a check looks at on a subject; where it is broken, ``drifted`` has moved away from the files."""

    check: str
    subject: str
    drifted: tuple[str, ...]
    besides: Named = frozenset()
    """What else cannot be as it should be then."""

    @property
    def named(self) -> Named:
        """Give all that a report names while it is broken."""
        return self.besides | {
            (self.check, self.subject),
            *(("configuration.drift", source) for source in self.drifted),
        }

    @property
    def controls(self) -> frozenset[str]:
        """Name the controls that rest on the check."""
        return frozenset(control.id for control in load_controls().values() if self.check in control.checks)


@dataclass
class Reports:
    """The reports of a lab, each of all that was seen just before it; made by ``run``, which gives status and data."""

    run: Callable[..., tuple[int, dict[str, Any]]]
    folder: Path
    before: Named = frozenset()
    last: dict[str, Any] = field(default_factory=dict)
    broken: list[Property] = field(default_factory=list)
    named_after: dict[str, float] = field(default_factory=dict)
    mended_in: dict[str, float] = field(default_factory=dict)
    """By check, in seconds: from the break of what it looks at until a report named it, and how long mending took."""

    def __post_init__(self) -> None:
        """See how everything is while nothing is broken: some of it is open in any lab."""
        self.before = self.make()

    def make(self) -> Named:
        """See everything, record it, and give what the report of it names."""
        status, collected = self.run("evidence", "collect")
        assert status == 0
        _, self.last = self.run("report", "compliance", str(self.folder / "report.html"), "--force")
        assert self.last["record"] == collected["digest"]
        return frozenset(
            (seen["check"], seen["subject"]) for item in self.last["open"] for seen in item["observations"]
        )

    def must_name(self, broken: Property, by: Callable[[], object]) -> None:
        """Break a property: the report names it and nothing else, so what was broken before it is mended."""
        began = time.monotonic()
        by()
        assert self.make() ^ self.before == broken.named
        self.named_after[broken.check] = time.monotonic() - began
        assert BROKEN in {item["verdict"] for item in self.last["open"] if item["control"] in broken.controls}
        self.broken.append(broken)

    def mend(self, broken: Property, by: Callable[[], object]) -> None:
        """Mend it; the next report must show that."""
        began = time.monotonic()
        by()
        self.mended_in[broken.check] = time.monotonic() - began

    def must_be_as_before(self) -> None:
        """See that nothing is broken any more, and that the history shows each break and each mending."""
        assert self.make() == self.before
        for broken in self.broken:
            assert any(map(self._was_broken_and_mended, broken.controls)), broken
        for check, seconds in self.named_after.items():
            print(f"{check}: named after {seconds:.0f} s, mended in {self.mended_in[check]:.0f} s")

    def _was_broken_and_mended(self, control: str) -> bool:
        turns = [(turn["before"], turn["after"]) for turn in self.last["changes"] if turn["control"] == control]
        return any((earlier, BROKEN) in turns and (BROKEN, earlier) in turns for earlier, _ in turns)
