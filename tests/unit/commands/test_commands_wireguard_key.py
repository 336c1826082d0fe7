"""A gateway's key of WireGuard: made and published in one run, used in another, and never lost in between."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import GATEWAY
from wireguard_gateway import GatewayWithKey, gateway_with_key
from with_tunnels import TUNNEL, with_tunnel

from deploys import flows, tunnels, wireguard
from deploys.agent import wireguard as agent
from hosting_cli.commands import key as commands
from hosting_cli.commands import tunnels as tunnel_commands
from hosting_cli.commands.approve import approve
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import EngineError, RefusedError, UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result
from inventory.tunnels import TunnelKind

NAME = f"{GATEWAY}:wg1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    vars(found.session)["region"] = with_tunnel(TunnelKind.WIREGUARD)
    return found


@pytest.fixture
def gateway(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatewayWithKey:
    """Give the gateway, up with its first key, on which the peer has agreed with it."""
    region = world.session.region
    (link,) = tunnels.links(flows.topology(region), region)
    (end,) = wireguard.of_gateway(flows.topology(region), link, GATEWAY)
    found = gateway_with_key(tmp_path, end, monkeypatch)
    world.hosts.on_run = found.on_run
    world.hosts.answers[GATEWAY] = found.answer()
    return found


def ask(world: World) -> None:
    asked = commands.rotate(world.session, NAME)
    assert asked.status is ExitStatus.PENDING
    for person in ("token-officer", "token-tester"):
        world.vault.person = person
        vars(world.session).pop("identity", None)
        if person == "token-officer":
            approve(world.session, asked.data["procedure"])


def rotate(world: World, *, switch: bool = False) -> Result:
    return commands.rotate(world.session, NAME, switch=switch)


def published(world: World, **options: Any) -> str:
    """Give the key that the peer's file names as ours."""
    peer = tunnel_commands.Action.PEER
    files = tunnel_commands.tunnel(world.session, peer, TUNNEL, **options).data["files"]
    (line,) = (line for line in files[f"wg-{TUNNEL}.conf"].splitlines() if line.startswith("PublicKey"))
    return str(line.partition(" = ")[2])


def test_the_next_key_is_made_and_published_and_used_when_the_word_is_given(
    world: World, gateway: GatewayWithKey
) -> None:
    first = gateway.held
    ask(world)
    for _ in range(2):
        waiting = rotate(world)
        assert (waiting.status, gateway.held) == (ExitStatus.PENDING, first)
        following = published(world, next_key=True)
        assert following != first and following in str(waiting.errors)

    switched = rotate(world, switch=True)
    assert (switched.status, gateway.held) == (ExitStatus.PENDING, following)
    assert "has not agreed on keys with it yet" in str(switched.errors)
    gateway.agree(first)
    assert rotate(world).status is ExitStatus.PENDING, "the peer has the former key still"
    gateway.agree(following)
    assert rotate(world).status is ExitStatus.DONE
    assert sorted(path.name for path in gateway.folder.iterdir()) == ["wg1.key", "wg1.replaced"]
    assert (gateway.folder / "wg1.replaced").read_text().strip() == first
    with pytest.raises(RefusedError, match="there is no next key"):
        published(world, next_key=True)


def test_no_private_key_is_in_what_is_said_or_recorded(world: World, gateway: GatewayWithKey) -> None:
    ask(world)
    said = [str(rotate(world)), str(rotate(world, switch=True))]
    gateway.agree(gateway.held)
    said += [str(rotate(world)), *(str(entry) for entry in world.session.journal.entries()), world.said.getvalue()]
    private = [path.read_text().strip() for path in gateway.folder.glob("*.key")]
    assert private and not [key for key in private for text in said if key in text]


def test_killed_after_each_change_of_the_agent_a_key_is_held_and_the_same_command_goes_on(
    world: World, gateway: GatewayWithKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changes in count(1):
        first = gateway.held
        gateway.kernel.handshakes.clear()
        ask(world)
        died = _rotate_dying(world, gateway, changes, monkeypatch)
        if died:
            agent.keep()  # as the timer does each hour
            assert gateway.held in _public_halves(gateway), "the kernel holds what stands in a file"
            if rotate(world, switch=True).status is not ExitStatus.DONE:
                gateway.agree(gateway.held)
                assert rotate(world).status is ExitStatus.DONE
        assert gateway.held != first
        assert sorted(path.name for path in gateway.folder.iterdir()) == ["wg1.key", "wg1.replaced"]
        if not died:
            break
    assert changes > 6, "every change was followed by a death once"


class _KilledError(BaseException):
    """Stand in for SIGKILL: nothing catches it."""


def _rotate_dying(world: World, gateway: GatewayWithKey, changes: int, patch: pytest.MonkeyPatch) -> bool:
    """Rotate, and die after so many changes of the agent; tell whether it came to that."""
    left = [changes]

    def dying(call: Any, is_change: Any) -> Any:
        def called(*arguments: Any, **options: Any) -> Any:
            found = call(*arguments, **options)
            if is_change(*arguments):
                left[0] -= 1
                if not left[0]:
                    raise _KilledError
            return found

        return called

    def is_kept(path: Path, *_: object) -> bool:
        return path.parent == gateway.folder and not path.name.startswith(".")

    def is_any(*_: object) -> bool:
        return True

    with patch.context() as patched:
        patched.setattr(agent, "write_secret", dying(agent.write_secret, is_any))
        patched.setattr(agent, "write", dying(agent.write, is_any))
        patched.setattr(agent, "run", dying(agent.run, lambda argv, *_: argv[:2] == ["wg", "syncconf"]))
        patched.setattr(Path, "replace", dying(Path.replace, is_kept))
        patched.setattr(Path, "unlink", dying(Path.unlink, is_kept))
        try:
            rotate(world)
            rotate(world, switch=True)
            gateway.agree(gateway.held)
            rotate(world)
        except _KilledError:
            return True
    return False


def _public_halves(gateway: GatewayWithKey) -> set[str]:
    return {gateway.kernel.run(["wg", "pubkey"], path.read_text()).strip() for path in gateway.folder.glob("*.key")}


def test_a_key_that_the_peer_cannot_take_is_taken_back_and_goes_on_being_the_next(
    world: World, gateway: GatewayWithKey
) -> None:
    first = gateway.held
    ask(world)
    rotate(world)
    following = published(world, next_key=True)
    rotate(world, switch=True)
    agent.take_back("wg1")
    assert (gateway.held, published(world, next_key=True)) == (first, following)
    assert rotate(world).status is ExitStatus.PENDING
    rotate(world, switch=True)
    gateway.agree(following)
    assert (rotate(world).status, gateway.held) == (ExitStatus.DONE, following)
    with pytest.raises(agent.AgentError, match="has no former key"):
        agent.take_back("wg1")


def test_an_interface_that_ends_takes_all_its_keys_with_it(world: World, gateway: GatewayWithKey) -> None:
    ask(world)
    rotate(world)
    rotate(world, switch=True)
    agent.end("wg1")
    assert [*gateway.folder.iterdir()] == []


def test_the_list_says_when_the_key_was_made_and_whether_it_took_anothers_place(
    world: World, gateway: GatewayWithKey
) -> None:
    before = commands.show(world.session, NAME).data
    assert (before["kind"], before["rotated_at"], before["expires_at"]) == (
        "wireguard-key",
        None,
        "2027-04-01T00:00:00.000Z",
    )
    ask(world)
    rotate(world)
    rotate(world, switch=True)
    gateway.agree(gateway.held)
    rotate(world)
    world.hosts.answers[GATEWAY] = gateway.answer()
    after = commands.show(world.session, NAME).data
    assert after["rotated_at"] == after["made_at"] is not None


@pytest.mark.parametrize("said", ["{}", "[]", "no JSON"])
def test_what_a_gateway_says_and_nobody_understands_changes_nothing(
    world: World, gateway: GatewayWithKey, said: str
) -> None:
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, said, "")
    with pytest.raises(EngineError, match="is not understood"):
        commands.rotate(world.session, NAME)
    assert [path.name for path in gateway.folder.iterdir()] == ["wg1.key"]


def test_a_gateway_that_is_away_has_a_key_of_which_nothing_is_known(world: World) -> None:
    result = commands.list_(world.session)
    (found,) = result.data["keys"]
    assert (found["name"], found["state"], result.status) == (NAME, "unknown", ExitStatus.UNKNOWN)
    assert f"host {GATEWAY}" not in found["reason"] and "it does not answer" in found["reason"]


def test_where_nobody_can_log_in_the_reason_is_said_of_each_key(world: World, gateway: GatewayWithKey) -> None:
    world.hosts.locked_out = UnreadableError("hosts", "nobody can log in", "Mend that.")
    assert commands.list_(world.session).data["keys"][0]["reason"].endswith("nobody can log in")


def test_only_of_wireguard_is_there_a_next_key(world: World) -> None:
    vars(world.session)["region"] = with_tunnel()
    with pytest.raises(UsageError, match="has no key of WireGuard"):
        published(world, next_key=True)
