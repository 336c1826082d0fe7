"""Steps as they are carried out: what must hold before, how long an end is waited for, what is masked; and leases."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from runbook_world import FRONT, Switches, proof, step
from sample import NOW, region

from hosting_cli.errors import EngineError, UnreadableError, UsageError
from hosting_cli.runbooks.carrying import Carrier, Pace, masking
from hosting_cli.runbooks.leases import SPARE, Lease, name_of, next_lease
from hosting_cli.runbooks.load import read
from hosting_cli.runbooks.resolving import ResolvedStep, plan, shown, values_of
from hosting_cli.runbooks.runbook import Runbook
from hosting_cli.session import Session

HOST = "dijon-app-1"


def runbook_of(text: str, switches: Switches) -> Runbook:
    found = read("runbooks/switches.md", (FRONT + text).encode(), switches.actions)
    assert found.runbook is not None, found.problems
    return found.runbook


def steps_of(text: str, switches: Switches) -> tuple[ResolvedStep, ...]:
    return plan(runbook_of(text, switches), {"host": HOST}, switches.actions, {}).steps


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.now, self.sleep)


def carrier(switches: Switches, clock: Clock) -> Carrier:
    session = cast("Session", SimpleNamespace(progress=lambda line: None))
    return Carrier(session, switches.actions, "run", lambda kind, data: None, clock.pace)


def test_an_end_that_takes_its_time_is_waited_for() -> None:
    switches, clock = Switches(slow={"lamp": 3}), Clock()
    (one,) = steps_of(step("lamp"), switches)
    assert carrier(switches, clock).step(one).do() == {"commands": ["turn lamp"], "said": ""}
    assert len(clock.slept) == 3


def test_an_end_that_does_not_come_within_its_time_is_an_error() -> None:
    switches, clock = Switches(slow={"lamp": 1000}), Clock()
    (one,) = steps_of(step("lamp"), switches)
    with pytest.raises(EngineError, match="not verified after 10 s"):
        carrier(switches, clock).step(one).do()
    assert sum(clock.slept) == 10


def test_what_cannot_be_seen_is_not_done_and_not_undone() -> None:
    switches = Switches(blind=True)
    (one,) = steps_of(step("lamp"), switches)
    made = carrier(switches, Clock()).step(one)
    assert made.is_done is not None
    with pytest.raises(UnreadableError):
        made.is_done()


def test_what_must_hold_before_stops_a_step_that_has_not_begun() -> None:
    switches = Switches()
    text = step("lamp").replace("do:", "before: [{use: switch.is-on, arguments: {name: main}}]\ndo:")
    (one,) = steps_of(text, switches)
    with pytest.raises(EngineError, match=r"before it may begin, switch\.is-on does not hold: on False"):
        carrier(switches, Clock()).step(one).do()
    assert switches.turned == []
    switches.on.add("main")
    carrier(switches, Clock()).step(one).do()
    assert switches.turned == ["lamp"]


def test_a_proof_is_made_by_every_run_and_stops_it_when_it_does_not_hold() -> None:
    switches = Switches()
    (one,) = steps_of(proof("lamp"), switches)
    made = carrier(switches, Clock()).step(one)
    assert made.is_done is None
    with pytest.raises(EngineError, match="it is not so"):
        made.do()
    switches.on.add("lamp")
    assert made.do() == {"commands": ["look at lamp"], "on": True}


def test_no_secret_and_no_patients_number_is_recorded_however_deep_it_stands() -> None:
    written: list[Any] = []
    record = masking(lambda kind, data: written.append(data))
    token, number = "hvs.CAESIJ0123456789", "255081416802538"
    record(
        "done", {"reason": f"with {token}", "observed": {"said": [f"patient {number}", {"inner": token}], "count": 3}}
    )
    assert token not in str(written) and number not in str(written)
    assert written[0]["observed"]["count"] == 3


def test_every_command_is_spelt_out_before_anything_is_done() -> None:
    switches = Switches()
    rows = shown(steps_of(step("lamp", needs_approval=True), switches))
    assert rows == (
        ("lamp", "Turn lamp on. (10 s, needs approval)", "do", "turn lamp"),
        ("", "", "verify", "look at lamp"),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "host is missing: Whose switches."),
        ({"host": "nowhere"}, "host is nowhere: the region has"),
        ({"host": HOST, "lamp": "1"}, "lamp is no parameter of it"),
    ],
    ids=["one is missing", "one names nothing", "one is too many"],
)
def test_parameters_are_held_against_the_region(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        values_of(runbook_of(step("lamp"), Switches()), given, region())


@pytest.mark.parametrize(
    ("kind", "good", "bad", "said"),
    [
        ("application", "imagerie-beaune", "imagerie", "the region has imagerie-beaune"),
        ("store", "dijon-objects", "dijon", "the region has dijon-objects"),
        ("volume", "data", "dijon-app-1:imagerie-beaune/data", "the region has data"),
        ("mount-point", "/srv/imagerie", "/srv/imagerie/", "the region has /srv/imagerie"),
        ("snapshot", "1f0c9a7b", "1f0c9a7", "it is no snapshot's identifier"),
        ("snapshot", "f" * 64, "f" * 65, "it is no snapshot's identifier"),
        ("snapshot", "0" * 8, "latest", "it is no snapshot's identifier"),
    ],
)
def test_a_parameter_names_something_of_its_kind(kind: str, good: str, bad: str, said: str) -> None:
    text = FRONT.replace("kind: host", f"kind: {kind}") + step("lamp")
    found = read("runbooks/switches.md", text.encode(), Switches().actions).runbook
    assert found is not None
    assert values_of(found, {"host": good}, region()) == {"host": good}
    with pytest.raises(UsageError, match=said):
        values_of(found, {"host": bad}, region())


@pytest.mark.parametrize("value", ["a b", "a;b", "$(a)", "-a", "a'b", "{host}", "é"])
def test_a_name_has_no_sign_that_could_mean_something_else(value: str) -> None:
    text = FRONT.replace("kind: host", "kind: unit") + step("lamp")
    found = read("runbooks/switches.md", text.encode(), Switches().actions).runbook
    assert found is not None
    with pytest.raises(UsageError, match="it has signs that no such name has"):
        values_of(found, {"host": value}, region())


# -- leases -------------------------------------------------------------------------------------------------------

HELD = Lease("token-a", "run", NOW + timedelta(minutes=5), 7)
OVER = Lease("token-a", "run", NOW - timedelta(seconds=1), 7)


@pytest.mark.parametrize(
    ("found", "holder", "take_over", "version"),
    [
        (None, "token-b", False, 0),
        (OVER, "token-b", False, 7),
        (HELD, "token-a", False, 7),
        (HELD, "token-b", True, 7),
        (HELD, "token-b", False, None),
    ],
    ids=[
        "what nobody ever took is free",
        "what has ended is free",
        "its holder goes on",
        "a colleague takes over on purpose",
        "a colleague waits",
    ],
)
def test_who_may_take_a_lease(found: Lease | None, holder: str, take_over: bool, version: int | None) -> None:
    made = next_lease(found, holder=holder, run="run", seconds=30, now=NOW, take_over=take_over)
    wanted = None if version is None else Lease(holder, "run", NOW + timedelta(seconds=30) + SPARE, version)
    assert made == wanted


def test_a_lease_is_for_a_runbook_and_a_target() -> None:
    names = {name_of(*of) for of in (("a", "x"), ("a", "y"), ("b", "x"))}
    assert len(names) == 3
    assert all("/" not in name for name in names)
