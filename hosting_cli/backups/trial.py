"""What a host found when it tried what a drill had restored, and whether that is good.  Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inventory.patients import masked
from inventory.resource import Json

KINDS = ("same", "different", "changed", "gone")
"""What a restored file can be beside the live one."""


@dataclass(frozen=True)
class Trial:
    """Restored files counted by what they are beside the live ones, the databases that were restored, and the check.

    ``different`` files have time and size of the live ones, and other bytes; ``changed`` and ``gone`` ones are live no
    more as they were.
    """

    files: Mapping[str, int]
    databases: tuple[Mapping[str, Any], ...]
    check: Mapping[str, Any] | None

    @property
    def seconds(self) -> float:
        """Say how long bringing the databases back took, which is part of being back."""
        return sum(float(database["seconds"]) for database in self.databases)

    @property
    def reason(self) -> str | None:
        """Say everything that is wrong with what was restored; ``None`` if nothing is."""
        return "; ".join(self._wrong()) or None

    def _wrong(self) -> Iterator[str]:
        if self.files["different"]:
            yield f"{self.files['different']} files have other bytes than the live ones, which have not changed since"
        for database in self.databases:
            if database["reason"] is not None:
                yield f"database {database['database']} did not come back: {database['reason']}"
        if self.check is not None and self.check["status"] != 0:
            yield f"the application's own check failed ({self.check['status']}): {self.check['said']}"

    @property
    def sentence(self) -> str:
        """Say in a few words what was tried."""
        said = [f"{self.files['same']} files are as they are live"]
        moved = self.files["changed"] + self.files["gone"]
        said += [f"{moved} have changed since"] if moved else []
        said += [f"{database['database']}: {_tables(database.get('tables', 0))}" for database in self.databases]
        said += ["the application's own check is content"] if self.check else []
        return ", ".join(said)

    def as_json(self) -> dict[str, Json]:
        """Give it for the journal and for programs."""
        return {
            "files": dict(self.files),
            "databases": [dict(database) for database in self.databases],
            "check": dict(self.check) if self.check else None,
        }


def trial_of(answer: str) -> Trial:
    """Read what the agent on a host answered; raise ``ValueError`` if that is no such answer.

    What a check said is somebody else's text: what looks like a patient's number is masked.
    """
    try:
        found = json.loads(answer)
        check = found["check"]
        if check is not None:
            check = {**check, "said": masked(str(check["said"]))}
        return Trial({kind: int(found["files"][kind]) for kind in KINDS}, tuple(found["databases"]), check)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer lacks something: {error}") from error


def _tables(count: int) -> str:
    return "1 table" if count == 1 else f"{count} tables"
