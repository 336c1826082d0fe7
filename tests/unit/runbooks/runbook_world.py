"""A runbook whose actions turn switches: what there is to decide about, without any engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.runbooks.action import Act, Catalogue, Look, Occasion, Pinned, Seen, Values, catalogue
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.resource import Json

FRONT = """\
---
id: switches
alerts: []
severity: warning
role: on-call
expected_minutes: 5
target: "{host}"
parameters:
  host: {kind: host, says: Whose switches.}
---

# Switches

## Meaning

A switch is not as it should be.

## Impact

What hangs on the switch is off.

## Diagnosis

Look at the switch, and at what hangs on it.

## Mitigation

Turn it, and look at it again.
"""
"""Thirty lines, below which steps are written."""

STEP = """
```step
id: {name}
says: Turn {name} on.
do: {{use: switch.turn, arguments: {{name: {name}}}}}
verify: {{use: switch.is-on, arguments: {{name: {name}}}}}
timeout_seconds: 10
needs_approval: {needs_approval}
may_skip: {may_skip}
```
"""

PROOF = """
```step
id: {name}
says: See that {name} is on.
prove: {{use: switch.is-on, arguments: {{name: {name}}}}}
timeout_seconds: 10
```
"""


class Died(BaseException):
    """Stand in for SIGKILL: nothing catches it."""


@dataclass
class Switches:
    """Which are on, what happened to them, and which fail."""

    on: set[str] = field(default_factory=set)
    turned: list[str] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)
    slow: dict[str, int] = field(default_factory=dict)
    """After how many looks a switch that was turned shows it."""
    blind: bool = False
    said: str = ""

    def look(self, _session: Session, values: Values, _pinned: Pinned) -> Seen:
        if self.blind:
            raise UnreadableError("switches", "cannot be seen", "Make light.")
        name = values["name"]
        if name in self.turned and self.slow.get(name, 0) > 0:
            self.slow[name] -= 1
            return Seen(False, {"on": False})
        return Seen(name in self.on, {"on": name in self.on})

    def turn(self, _session: Session, values: Values, _occasion: Occasion) -> Mapping[str, Json]:
        name = values["name"]
        if name in self.stuck:
            raise EngineError(f"switch {name}", "it is stuck", "Oil it.")
        self.turned.append(name)
        self.on.add(name)
        return {"said": self.said}

    @property
    def actions(self) -> Catalogue:
        takes = {"name": Kind.UNIT}
        return catalogue(
            Act("switch.turn", "Turn a switch.", takes, lambda values: (f"turn {values['name']}",), self.turn),
            Look("switch.is-on", "It is on.", takes, lambda values: (f"look at {values['name']}",), self.look),
            Look("lamp.burns", "It burns.", {"host": Kind.HOST}, lambda _: ("look up",), self.look),
        )


def step(name: str, *, needs_approval: bool = False, may_skip: bool = False) -> str:
    return STEP.format(name=name, needs_approval=str(needs_approval).lower(), may_skip=str(may_skip).lower())


def proof(name: str) -> str:
    return PROOF.format(name=name)
