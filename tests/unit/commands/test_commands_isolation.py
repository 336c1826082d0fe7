"""A segment is cut off and let back: on the hosts that it concerns, on record, and shown wherever drift is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import GATEWAY, HOST, region

from deploys import flows, names
from deploys.resources import HostFirewall
from hosting_cli.commands.isolation import isolate, release
from hosting_cli.commands.plan import shown
from hosting_cli.console import render
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.isolation import isolations
from hosting_cli.plan import Plan
from hosting_cli.result import ExitStatus
from inventory.resource import Json

SEGMENT = "tunnel-beaune"
NETWORKS: list[Json] = ["10.21.20.0/24", "172.20.21.0/24"]
"""Its own, and what is behind it."""

WHY = {"reason": "ransom note on 1 85 05 78 006 084 91", "ticket": "INC-7"}
GROUNDS = {**WHY, "confirm": SEGMENT}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.hosts.on_ask = obedient
    return made


def obedient(program: str, host: str, request: Any) -> Json:
    assert program == "isolation"
    isolating = request["file"]["content"] is not None
    return {"isolated": NETWORKS if isolating else [], "kept": isolating}


def test_every_host_that_it_concerns_gets_the_order_and_the_journal_says_so_before_and_after(world: World) -> None:
    result = isolate(world.session, SEGMENT, **GROUNDS)
    assert result.status is ExitStatus.DONE
    assert {host for _, host, _ in world.hosts.orders} == {HOST, GATEWAY}
    intent, done = world.session.journal.entries()
    assert (intent.kind, done.kind) == ("intent", "done")
    assert "INC-7" in str(intent.data["sentence"])
    assert done.data["observed"] == {"hosts": [HOST, GATEWAY], "isolated": NETWORKS, "kept": True}


def test_no_number_of_a_patient_is_written_into_the_journal(world: World) -> None:
    isolate(world.session, SEGMENT, **GROUNDS)
    assert "006" not in world.session.environment.journal.read_text()


def test_the_order_keeps_the_network_in_a_file_of_its_own_and_a_release_removes_it(world: World) -> None:
    isolate(world.session, SEGMENT, **GROUNDS)
    release(world.session, SEGMENT, **GROUNDS)
    files = [request["file"] for _, host, request in world.hosts.orders if host == GATEWAY]
    assert [file["path"] for file in files] == [names.isolation_file(SEGMENT)] * 2
    assert [file["content"] for file in files] == [
        "add element inet hosting isolated "
        f'{{ {NETWORKS[0]} comment "{SEGMENT}", {NETWORKS[1]} comment "{SEGMENT}" }}\n',
        None,
    ]


@pytest.mark.parametrize("order", [isolate, release], ids=["isolate", "release"])
def test_it_can_be_said_twice(world: World, order: Callable[..., Any]) -> None:
    assert [order(world.session, SEGMENT, **GROUNDS).status for _ in range(2)] == [ExitStatus.DONE] * 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (UnreadableError(f"host {HOST}", "did not answer in time", "See."), f"{HOST}: did not answer in time"),
        ({"isolated": [], "kept": True}, "the kernel isolates nothing for it, kept for the next boot"),
        ({"isolated": NETWORKS[:1], "kept": True}, "the kernel isolates 10.21.20.0/24 for it, kept"),
        ({"isolated": NETWORKS, "kept": False}, "10.21.20.0/24, 172.20.21.0/24 for it, not kept for the next boot"),
    ],
    ids=["out of reach", "not in the kernel", "a part of it", "not for the next boot"],
)
def test_a_host_that_is_not_as_it_was_told_is_named_and_the_others_are_done(
    world: World, answer: Any, why: str
) -> None:
    world.hosts.on_ask = lambda program, host, request: answer if host == HOST else obedient(program, host, request)
    result = isolate(world.session, SEGMENT, **GROUNDS)
    assert result.status is ExitStatus.FAILED
    assert why in str(result.errors[0])
    assert "1 of 2 hosts carried it out" in str(result.errors[0])
    assert world.session.journal.entries()[-1].kind == "failed"


@pytest.mark.parametrize(
    ("segment", "options", "why"),
    [
        (SEGMENT, WHY, "in production, and nobody confirmed"),
        (SEGMENT, {**WHY, "confirm": "dijon-imagerie"}, "is not dijon-imagerie"),
        ("frob", {**WHY, "confirm": "frob"}, "not in the region"),
        (SEGMENT, {**GROUNDS, "reason": " "}, "--reason: says nothing"),
        (SEGMENT, {**GROUNDS, "ticket": ""}, "--ticket: says nothing"),
    ],
    ids=["not confirmed", "another one", "no such segment", "no reason", "no ticket"],
)
@pytest.mark.parametrize("order", [isolate, release], ids=["isolate", "release"])
def test_nothing_is_cut_off_by_mistake(
    world: World, order: Callable[..., Any], segment: str, options: dict[str, str], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        order(world.session, segment, **options)
    assert world.hosts.orders == []


def test_a_segment_concerns_its_hosts_and_those_with_flows_to_it() -> None:
    places = flows.topology(region())
    assert flows.concerned(places, "dijon-imagerie") == (HOST, GATEWAY)
    without_flows = region().model_copy(
        update={"applications": (region().applications[0].model_copy(update={"flows": ()}),)}
    )
    assert flows.concerned(flows.topology(without_flows), SEGMENT) == (GATEWAY,)


# -- drift ------------------------------------------------------------------------------------------------------------


def firewall(host: str, isolated: tuple[str, ...], kept: tuple[str, ...]) -> HostFirewall:
    return HostFirewall(
        host=host, name=f"{host}:firewall", owner="platform", rules="1", isolated=isolated, isolated_at_boot=kept
    )


def test_what_is_isolated_is_no_difference() -> None:
    assert firewall(HOST, (SEGMENT,), (SEGMENT,)) == firewall(HOST, (), ())
    assert firewall(HOST, (SEGMENT,), (SEGMENT,)).state() == firewall(HOST, (), ()).state()


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        ([firewall(HOST, (), ())], []),
        ([firewall(HOST, (SEGMENT,), (SEGMENT,))], [f"on {HOST}"]),
        (
            [firewall(HOST, (SEGMENT,), ()), firewall(GATEWAY, (SEGMENT,), (SEGMENT,))],
            [f"on {HOST}, {GATEWAY}; until a reboot changes that on {HOST}"],
        ),
        (
            [firewall(HOST, (), ()), firewall(GATEWAY, (SEGMENT,), (SEGMENT,))],
            [f"on {GATEWAY}; not on {HOST}"],
        ),
        (
            [firewall(HOST, (), (SEGMENT,))],
            [f"on no host yet; not on {HOST}; until a reboot changes that on {HOST}"],
        ),
        ([firewall(HOST, ("10.0.0.0/8",), ())], [f"on {HOST}; until a reboot changes that on {HOST}"]),
    ],
    ids=[
        "nothing",
        "a segment",
        "until a reboot",
        "where a host was out of reach",
        "from a reboot on",
        "what somebody isolated by hand",
    ],
)
def test_drift_says_what_is_isolated_and_where(seen: list[HostFirewall], where: list[str]) -> None:
    found = isolations(region(), seen)
    assert [item.where for item in found] == where
    plan = Plan("r", "e", "region", production=True, changes=(), in_order=1)
    result = shown(plan, "drift", isolated=found)
    assert result.status is ExitStatus.DONE
    data: Any = result.data
    assert [item["segment"] for item in data["isolated"]] == [item.segment for item in found]
    printed = "\n".join(render(block, width=200, colours=False) for block in result.blocks)
    assert all(line in printed for line in where)
