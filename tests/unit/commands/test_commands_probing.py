"""Probes as people and programs get them: what is shown, recorded, and answered to the shell."""

import sys
from pathlib import Path

import pytest
from fake_doors import World
from sample import GATEWAY, HOST

sys.path.append(str(Path(__file__).parents[1] / "network"))
from wires import as_the_files_say, seen_by

from hosting_cli.commands.probing import probe
from hosting_cli.console import render
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give the sample, between whose hosts packets do what the files say."""
    world = World(tmp_path)
    world.hosts.on_meet = seen_by
    return world


def said(result: Result) -> str:
    return "\n".join(render(block, width=200, colours=False) for block in result.blocks)


def test_packets_that_do_what_the_files_say_are_shown_by_their_kinds_and_recorded(world: World) -> None:
    result = probe(world.session, seed=3)
    assert result.status is ExitStatus.DONE
    words = said(result)
    assert "listed" in words and "be refused" in words
    assert "Ways that rows of the flow matrix open: 2 of 2 probed. Seed 3." in words
    assert "In 2 of them a gateway stood in for an end that is no host of ours" in words
    assert "As the files say" in words
    (entry,) = [each for each in world.session.journal.entries() if each.kind == "network-probe"]
    assert entry.data["asked"] == {"application": None, "establishment": None, "sample": None, "seed": 3}
    assert (entry.data["standing"], entry.data["not_as_they_should_be"]) == ("proven", [])
    assert entry.data["sent"] == len(result.data["probes"])
    assert {program for program, _, _ in world.hosts.orders} == {"probe_network"}
    assert [host for _, host, _ in world.hosts.orders] == [GATEWAY, HOST], "one exec for each host"


def test_a_neighbour_that_passes_is_named_with_its_row(world: World) -> None:
    world.hosts.on_meet = lambda requests: seen_by(
        requests, lambda send: as_the_files_say(send) or send["protocol"] == "udp"
    )
    result = probe(world.session)
    assert result.status is ExitStatus.PENDING
    assert "passes" in said(result) and "(other protocol)" in said(result)
    (entry,) = [each for each in world.session.journal.entries() if each.kind == "network-probe"]
    assert entry.data["different"] == len(entry.data["not_as_they_should_be"]) > 0


def test_a_host_that_does_not_answer_leaves_its_packets_unknown(world: World) -> None:
    away = UnreadableError(f"host {HOST}", "it does not answer", "See whether it is up.")
    world.hosts.on_meet = lambda requests: {**seen_by(requests), HOST: away}
    result = probe(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert f"host {HOST}: it does not answer" in said(result)


def test_a_sample_says_how_many_of_how_many(world: World) -> None:
    result = probe(world.session, sample=1, seed=1)
    assert (result.data["ways"], result.data["ways_taken"]) == (2, 1)
    assert {each["row"] for each in probe(world.session, sample=1, seed=1).data["probes"]} == {
        each["row"] for each in result.data["probes"]
    }


def test_another_seed_is_drawn_unless_one_is_given(world: World) -> None:
    assert probe(world.session).data["seed"] != probe(world.session).data["seed"]


@pytest.mark.parametrize("asked", [{"application": "nobody"}, {"establishment": "999999999"}])
def test_whom_the_region_does_not_have_is_refused_before_any_packet(world: World, asked: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        probe(world.session, **asked)
    assert world.hosts.orders == []
