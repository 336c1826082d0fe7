"""The proof of the network as people and programs get it: from hosts or from files, and what its exit status is."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from fake_doors import World
from listed_rules import listed
from sample import GATEWAY, HOST, region

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.commands.proving import prove
from hosting_cli.console import render
from hosting_cli.errors import EngineError, UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result
from inventory.resource import Json
from runbooks.actions import firewalls

ROWS = ["imagerie-beaune flow 1 F-DCMT", "imagerie-beaune flow 2 F-HTTPS"]
"""The flow matrix of the sample."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give the sample, whose hosts hold the rules that are written for them."""
    world = World(tmp_path)
    world.hosts.answers = {host: answer(world, host) for host in (HOST, GATEWAY)}
    return world


def answer(world: World, host: str, *, old: str = "", new: str = "") -> Any:
    """Give what *host* answers, with *old* in its rules replaced."""
    places = flows.topology(region())
    rules = nftables.render(rule_set(places, world.session.environment, places.hosts[host]))
    assert old in rules
    links = [
        {"ifname": leg.name, "addr_info": [{"family": "inet", "local": str(leg.address)}]} for leg in places.legs[host]
    ]
    loopback = {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]}
    return {"network": {"value": {"rules": listed(rules.replace(old, new)), "addresses": [loopback, *links]}}}


def said(result: Result) -> str:
    return "\n".join(render(block, width=240, colours=False) for block in result.blocks)


def rows(result: Result) -> dict[str, str]:
    return {row["row"]: row["standing"] for row in result.data["rows"]}


def test_a_region_whose_kernels_let_through_what_the_files_say_is_proven(world: World) -> None:
    result = prove(world.session)
    assert result.status is ExitStatus.DONE
    assert rows(result) == dict.fromkeys(ROWS, "proven")
    assert said(result).splitlines() == [
        "Hosts: 2 proven.",
        "Rows of the flow matrix, from end to end: 2 proven.",
        "Proven: these kernels let through what the files say, and nothing else.",
    ]


def test_a_row_is_stopped_by_any_host_on_its_way(world: World) -> None:
    world.hosts.answers[GATEWAY] = answer(world, GATEWAY, old=". tcp . 443 ", new=". tcp . 8443 ")
    result = prove(world.session)
    assert result.status is ExitStatus.PENDING
    assert rows(result) == {ROWS[0]: "proven", ROWS[1]: "different"}
    assert [(row["row"], row["at"]) for row in result.data["rows"] if row["at"]] == [(ROWS[1], [GATEWAY])]
    packets = {each["difference"]: each["packet"] for host in result.data["hosts"] for each in host["differences"]}
    assert packets == {
        "too_much": "tcp 172.20.21.0 → 10.21.10.11 port 8443, in by ipsec1, out by eth1.110",
        "too_little": "tcp 10.21.20.3 → 10.21.10.11 port 443, in by ipsec1, out by eth1.110",
    }
    assert f"too little  {GATEWAY}" in said(result)


def test_a_host_that_does_not_answer_leaves_its_rows_unknown(world: World) -> None:
    world.hosts.answers[GATEWAY] = UnreadableError(f"host {GATEWAY}", "it does not answer", "Is it up?")
    result = prove(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert rows(result) == dict.fromkeys(ROWS, "unknown")
    assert [error.what for error in result.errors] == ["it does not answer"]


def test_a_host_without_nft_is_unknown_and_not_open(world: World) -> None:
    world.hosts.answers[HOST] = {"network": {"unknown": "ValueError: nft is not installed"}}
    result = prove(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert result.data["hosts"][0]["differences"] == []
    assert "nft is not installed" in result.errors[0].what


def test_what_is_not_understood_is_shown_and_makes_the_verdict_unknown(world: World) -> None:
    world.hosts.answers[HOST] = answer(world, HOST, old='iifname "lo"', new="meta pkttype host")
    result = prove(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert rows(result) == dict.fromkeys(ROWS, "unknown")
    assert "pkttype" in said(result)
    assert "nothing is proven" in said(result)


def test_an_answer_that_is_no_listing_is_unknown(world: World) -> None:
    world.hosts.answers[HOST] = {"network": {"value": {"rules": {"nftables": [{"rule": {}}]}, "addresses": []}}}
    result = prove(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert "not a listing of nft" in result.errors[0].what


def test_one_host_is_proven_by_itself_and_says_so_of_the_rows(world: World) -> None:
    result = prove(world.session, [HOST])
    assert result.status is ExitStatus.DONE
    assert "none; 2 more go over hosts that were not asked" in said(result)


def test_saved_readings_prove_the_same_without_any_host(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "readings"
    asked = prove(world.session, save=folder)
    world.hosts.answers = {}
    assert sorted(path.name for path in folder.iterdir()) == [f"{HOST}.json", f"{GATEWAY}.json"]
    assert prove(world.session, from_=folder).data == asked.data


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "holds no reading"),
        ("[]", "holds no reading"),
        ("{}", "holds no reading"),
        (json.dumps({"version": 1, "host": GATEWAY, "read_at": "", "rules": {}, "addresses": []}), f"of {GATEWAY}"),
        (json.dumps({"version": 2, "host": HOST, "read_at": "", "rules": {}, "addresses": []}), "of version 2"),
    ],
    ids=["missing", "cut off", "of another kind", "empty", "of another host", "of another version"],
)
def test_a_file_that_holds_no_reading_of_the_host_is_unknown(
    world: World, tmp_path: Path, content: str | None, complaint: str
) -> None:
    prove(world.session, save=tmp_path)
    (tmp_path / f"{HOST}.json").unlink()
    if content is not None:
        (tmp_path / f"{HOST}.json").write_text(content)
    result = prove(world.session, from_=tmp_path)
    assert result.status is ExitStatus.UNKNOWN
    assert complaint in result.errors[0].what
    assert rows(result) == dict.fromkeys(ROWS, "unknown")


def test_readings_go_nowhere_but_into_a_folder(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot be written"):
        prove(world.session, save=tmp_path / "file")


def test_what_does_not_fit_together_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to save"):
        prove(world.session, from_=tmp_path, save=tmp_path)
    with pytest.raises(UsageError, match="not in the region"):
        prove(world.session, ["frob"])


# -- as a runbook sees it ---------------------------------------------------------------------------------------------


def test_a_runbook_ends_what_differs_and_nothing_else(world: World) -> None:
    assert firewalls.as_declared(world.session, {"host": HOST}, {}).holds
    world.hosts.answers[HOST] = answer(world, HOST, old=" 443 ", new=" 8443 ")
    seen = firewalls.as_declared(world.session, {"host": HOST}, {})
    assert (seen.holds, dict(seen.observed)) == (False, dict(firewalls.pin(world.session, {"host": HOST})))
    found = [str(each) for each in cast("list[Json]", seen.observed["differs_by"])]
    assert {each.partition(": ")[0] for each in found} == {"too much", "too little"}
    assert any("port 8443" in each for each in found)


def test_a_runbook_takes_nothing_for_proven_that_is_not(world: World) -> None:
    world.hosts.answers[HOST] = answer(world, HOST, old='iifname "lo"', new="meta pkttype host")
    seen = firewalls.as_declared(world.session, {"host": HOST}, {})
    assert (seen.holds, "not understood" in str(seen.observed)) == (False, True)
    world.hosts.answers[HOST] = UnreadableError(f"host {HOST}", "it does not answer", "Is it up?")
    with pytest.raises(UnreadableError, match="does not answer"):
        firewalls.as_declared(world.session, {"host": HOST}, {})
