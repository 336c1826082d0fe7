"""Make of a runbook and its parameters what would be done: every command spelt out, nothing left open.  Pure.

The resolved plan is what is shown, asked for, approved and carried out; it is the goal of a request, whose digest
covers all of it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hosting_cli.errors import UsageError
from hosting_cli.request import Request
from hosting_cli.runbooks.action import Catalogue, Pinned, Values
from hosting_cli.runbooks.judging import PLACEHOLDER
from hosting_cli.runbooks.runbook import Runbook
from hosting_cli.runbooks.sheet import Call, Kind, StepSheet
from inventory.models import Region
from inventory.resource import PLATFORM, Json, Subject

RUNBOOK = "runbook"
"""What requests of runs are called."""

SNAPSHOT = re.compile(r"[0-9a-f]{8,64}")
"""What identifies a snapshot of a repository, or the beginning of it."""


@dataclass(frozen=True)
class Resolved:
    """A call with its arguments, and what people would type for the same."""

    use: str
    values: Values
    commands: tuple[str, ...]

    def body(self) -> dict[str, Json]:
        """Give the plain form."""
        return {"use": self.use, "arguments": dict(self.values), "commands": list(self.commands)}


@dataclass(frozen=True)
class ResolvedStep:
    """A step of one run."""

    id: str
    says: str
    before: tuple[Resolved, ...]
    do: Resolved | None
    verify: Resolved | None
    prove: Resolved | None
    timeout_seconds: int
    needs_approval: bool
    may_skip: bool
    pinned: Pinned = field(default_factory=dict)

    def body(self) -> dict[str, Json]:
        """Give the plain form, without what the step does not have."""
        calls = {"do": self.do, "verify": self.verify, "prove": self.prove}
        return {
            "id": self.id,
            "says": self.says,
            **({"before": [call.body() for call in self.before]} if self.before else {}),
            **{name: call.body() for name, call in calls.items() if call is not None},
            "timeout_seconds": self.timeout_seconds,
            "needs_approval": self.needs_approval,
            "may_skip": self.may_skip,
            **({"pinned": dict(self.pinned)} if self.pinned else {}),
        }


@dataclass(frozen=True)
class RunPlan:
    """What one run of a runbook would do."""

    runbook: str
    text: str
    target: str
    parameters: Values
    steps: tuple[ResolvedStep, ...]

    @property
    def needs_approval(self) -> bool:
        """Tell whether a second person must approve a part of it."""
        return any(step.needs_approval for step in self.steps)

    def body(self) -> dict[str, Json]:
        """Give the plain form that the digest of a request covers."""
        return {
            "runbook": self.runbook,
            "text": self.text,
            "target": self.target,
            "parameters": dict(self.parameters),
            "steps": [step.body() for step in self.steps],
        }

    def request(self, *, environment: str, occasion: str) -> Request:
        """Ask for the run; *occasion* makes it another one each time, for its goal is reached once (decision 9)."""
        goal = {"occasion": occasion, **self.body()}
        subject = Subject(RUNBOOK, f"{self.runbook} {self.target}")
        return Request(RUNBOOK, subject, PLATFORM, environment, goal, self.needs_approval)


def values_of(runbook: Runbook, given: Mapping[str, str], region: Region) -> Values:
    """Hold what was *given* against the parameters; raise ``UsageError`` with everything that is wrong."""
    wanted = runbook.sheet.parameters
    wrong = [f"{name} is missing: {wanted[name].says}" for name in wanted if name not in given]
    wrong += [f"{name} is no parameter of it" for name in given if name not in wanted]
    wrong += [
        f"{name} is {given[name]}: {why}"
        for name, parameter in wanted.items()
        if name in given and (why := _refusal(parameter.kind, given[name], region))
    ]
    if wrong:
        remedy = f"Give {' '.join(f'--set {name}=…' for name in wanted) or 'none'}."
        raise UsageError(f"runbook {runbook.id}", "; ".join(wrong), remedy)
    return {name: given[name] for name in wanted}


def _refusal(kind: Kind, value: str, region: Region) -> str | None:
    """Say why *value* names nothing of *kind*; what the files do not know is judged by who uses it."""
    match kind:
        case Kind.KEY | Kind.UNIT:
            allowed = value.isascii() and value.isprintable() and not set(value) & set(" {}'\"\\$`;|&<>")
            return None if allowed and not value.startswith("-") else "it has signs that no such name has"
        case Kind.SNAPSHOT:
            return None if SNAPSHOT.fullmatch(value) else "it is no snapshot's identifier, nor 8 digits that begin one"
    known = _known(kind, region)
    return None if value in known else f"the region has {', '.join(sorted(known)) or 'none'}"


def _known(kind: Kind, region: Region) -> set[str]:
    """Give everything of *kind* that the region's files name."""
    volumes = [volume for item in region.applications for tier in item.tiers for volume in tier.volumes]
    known: dict[Kind, Iterable[str]] = {
        Kind.APPLICATION: (application.id for application in region.applications),
        Kind.HOST: (host.id for host in region.hosts),
        Kind.STORE: (store.id for store in region.stores),
        Kind.VOLUME: (volume.id for volume in volumes),
        Kind.MOUNT_POINT: (volume.mount_point for volume in volumes),
    }
    return set(known[kind])


def plan(runbook: Runbook, values: Values, actions: Catalogue, pins: Mapping[str, Pinned]) -> RunPlan:
    """Resolve every step; *pins* says by a step's id what it is pinned to."""
    steps = tuple(_step(block, values, actions, pins.get(block.id, {})) for block in runbook.steps)
    target = _filled(runbook.sheet.target or "", values)
    return RunPlan(runbook.id, runbook.digest, target, values, steps)


def pins_of(goal: Mapping[str, Any]) -> dict[str, Pinned]:
    """Read back from a request's goal what its steps are pinned to."""
    return {str(step["id"]): step.get("pinned", {}) for step in goal["steps"]}


def _step(block: StepSheet, values: Values, actions: Catalogue, pinned: Pinned) -> ResolvedStep:
    def resolved(call: Call | None) -> Resolved | None:
        return None if call is None else _resolved(call, values, actions)

    return ResolvedStep(
        block.id,
        block.says,
        tuple(_resolved(call, values, actions) for call in block.before),
        resolved(block.do),
        resolved(block.verify),
        resolved(block.prove),
        block.timeout_seconds,
        block.needs_approval,
        block.may_skip,
        pinned,
    )


def _resolved(call: Call, values: Values, actions: Catalogue) -> Resolved:
    arguments = {name: _filled(text, values) for name, text in call.arguments.items()}
    return Resolved(call.use, arguments, actions[call.use].commands(arguments))


def _filled(text: str, values: Values) -> str:
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)


def shown(steps: Iterable[ResolvedStep]) -> tuple[tuple[str, str, str, str], ...]:
    """Lay steps out for people: what each is, what it says, and the commands that it stands for."""
    rows: list[tuple[str, str, str, str]] = []
    for step in steps:
        calls = [("before", call) for call in step.before]
        calls += [
            (name, call)
            for name, call in (("do", step.do), ("verify", step.verify), ("prove", step.prove))
            if call is not None
        ]
        marks = [f"{step.timeout_seconds} s", *(["needs approval"] if step.needs_approval else [])]
        head = (step.id, f"{step.says} ({', '.join(marks)})")
        for word, call in calls:
            for command in call.commands:
                rows.append((*head, word, command))
                head = ("", "")
    return tuple(rows)
