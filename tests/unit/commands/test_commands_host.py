"""A host is lost: its identities end, and what brings it back is said."""

from pathlib import Path

import pytest
from fake_doors import World
from sample import APPLICATION, GATEWAY, HOST, region

from hosting_cli.commands.host import lost
from hosting_cli.console import render
from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import ExitStatus
from hosting_cli.rotations.identities import identity_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_identity_of_the_host_ends_and_the_way_back_is_said(world: World) -> None:
    role = f"hosting-{APPLICATION}-{HOST}"
    world.vault.accessors[role] = ["first", "second"]
    result = lost(world.session, HOST, confirm=HOST)
    assert result.status is ExitStatus.DONE
    assert world.vault.accessors[role] == []
    said = "\n".join(render(block, width=200, colours=False) for block in result.blocks)
    assert f"hosting restore {APPLICATION} /srv/imagerie --host {HOST} --in-place --as-of 2026-11-22T03:00Z" in said
    assert [entry.kind for entry in world.session.journal.entries()] == ["intent", "done"]


def test_it_can_be_said_twice(world: World) -> None:
    assert lost(world.session, HOST, confirm=HOST).status is ExitStatus.DONE
    assert world.session.journal.entries()[-1].kind == "found-done"


def test_a_gateway_that_ends_no_tunnel_has_no_identity_to_end(world: World) -> None:
    vars(world.session)["region"] = region().model_copy(update={"tunnels": ()})
    assert lost(world.session, GATEWAY, confirm=GATEWAY).status is ExitStatus.DONE
    assert world.session.journal.entries() == ()


def test_a_gateway_that_ends_tunnels_is_certified_no_more_and_its_peers_are_to_be_told(world: World) -> None:
    role = f"hosting-platform-{GATEWAY}"
    world.vault.accessors[role] = ["first"]
    result = lost(world.session, GATEWAY, confirm=GATEWAY)
    assert world.vault.accessors[role] == []
    assert "send peers the list" in "\n".join(render(block, width=200, colours=False) for block in result.blocks)


def test_the_identity_of_a_gateway_is_given_a_new_secret_id_as_those_of_applications_are() -> None:
    identity = identity_of(region(), None, f"hosting-platform-{GATEWAY}")
    assert (identity.host, identity.application) == (GATEWAY, "platform")
    with pytest.raises(RefusedError, match="no file of the region asks for its role"):
        identity_of(region(), None, f"hosting-platform-{HOST}")


@pytest.mark.parametrize(
    ("host", "confirm", "why"),
    [
        (HOST, None, "nobody confirmed that"),
        (HOST, GATEWAY, "nobody confirmed that"),
        ("frob", "frob", "not in the region"),
    ],
    ids=["not confirmed", "another one", "no such host"],
)
def test_nothing_is_cut_off_by_mistake(world: World, host: str, confirm: str | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        lost(world.session, host, confirm=confirm)
    assert world.calls == []
