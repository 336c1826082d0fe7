"""How proofs try: what they send, and that they leave nothing behind, whatever happens on the way."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from fake_doors import SEALED, World
from sample import APPLICATION, GATEWAY, HOST, environment, region

sys.path.append(str(Path(__file__).parents[1] / "network"))
from wires import Send, as_the_files_say, seen_by

from deploys.resources import HostFile
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.network.choosing import NO_RECEIVER, UNLISTED
from hosting_cli.proofs import flows, headers, neighbour, objects, reboot, restore, suite
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.survey import Survey
from inventory import naming
from inventory.resource import Resource, Subject
from vault_policies.paths import too_dangerous_to_try, vault_paths_of

SAMPLE = region().applications[0]
VOLUME = SAMPLE.tiers[0].volumes[0]
DOWN = UnreadableError(f"host {HOST}", "it cannot be reached", "See whether it is up.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# -- flows --------------------------------------------------------------------------------------------------------


def tried(world: World, arrives: Callable[[Send], bool] = as_the_files_say) -> dict[str, Proof]:
    world.hosts.on_meet = lambda requests: seen_by(requests, arrives)
    return {proof.name: proof for proof in flows.prove(world.session, SAMPLE)}


def test_what_is_listed_arrives_and_its_neighbours_do_not(world: World) -> None:
    found = tried(world)
    assert {proof.verdict for proof in found.values()} == {Verdict.HELD}
    assert {proof.subject for proof in found.values()} == {f"host {HOST}", f"host {GATEWAY}"}
    assert [host for _, host, _ in world.hosts.orders] == [GATEWAY, HOST]


@pytest.mark.parametrize(
    ("arrives", "broken", "words"),
    [
        pytest.param(lambda send: False, flows.PASSES, f"(listed) is stopped at {HOST}", id="nothing passes"),
        pytest.param(
            lambda send: as_the_files_say(send) or send["port"] == UNLISTED[0],
            flows.DROPPED,
            f"tcp 10.21.20.1 → 10.21.10.11 port {UNLISTED[0]} (other port) passes",
            id="a port that no row lists passes",
        ),
    ],
)
def test_a_packet_that_does_otherwise_breaks_the_promise_it_is_about(
    world: World, arrives: Callable[[Send], bool], broken: str, words: str
) -> None:
    world.hosts.on_meet = lambda requests: seen_by(requests, arrives)
    found = flows.prove(world.session, SAMPLE)
    assert {proof.name for proof in found if proof.verdict is Verdict.BROKEN} == {broken}
    assert any(words in proof.sentence for proof in found)


def test_of_a_host_that_does_not_answer_nothing_is_known(world: World) -> None:
    world.hosts.on_meet = lambda requests: {**seen_by(requests), HOST: DOWN}
    assert {proof.verdict for proof in flows.prove(world.session, SAMPLE)} == {Verdict.UNKNOWN}


def test_a_row_for_which_nothing_can_be_sent_is_said_not_to_be_proven(world: World) -> None:
    flow = SAMPLE.flows[0].model_copy(update={"source": "tier:app", "destination": "tunnel-beaune"})
    application = SAMPLE.model_copy(update={"flows": (*SAMPLE.flows, flow)})
    vars(world.session)["region"] = region().model_copy(update={"applications": (application,)})
    world.hosts.on_meet = seen_by
    (found,) = [proof for proof in flows.prove(world.session, application) if proof.verdict is Verdict.NOT_PROVEN]
    assert found.sentence == f"of the flow matrix, 1 way was not tried: row 3 ({NO_RECEIVER})"


# -- a neighbour --------------------------------------------------------------------------------------------------

OWN, NEIGHBOUR = naming.host_role(APPLICATION, HOST), naming.NEIGHBOUR_PROBE_POLICY


def test_every_path_is_tried_or_asked_about_in_a_neighbours_name(world: World) -> None:
    asked: list[str] = []

    def answer(policy: str, method: str, path: str) -> int:
        asked.append(f"{policy} {method} {path}")
        return 403 if policy == NEIGHBOUR else 200

    world.vault.answers = answer
    (found,) = neighbour.prove(world.session, SAMPLE)
    assert found.verdict is Verdict.HELD
    attempts = vault_paths_of(region(), SAMPLE)
    assert {f"{NEIGHBOUR} {method} {path}" for method, path, _ in attempts} <= set(asked)
    assert set(too_dangerous_to_try(SAMPLE)).isdisjoint(
        path.split()[2] for path in asked if path.split()[1] == "DELETE"
    )
    assert found.observed["neighbour_rights"] == {path: ["deny"] for path in too_dangerous_to_try(SAMPLE)}
    assert {line.split()[1] for line in asked if line.startswith(f"{OWN} ")} == {"GET", "LIST"}


def test_tokens_of_a_proof_are_revoked_whatever_happens(world: World) -> None:
    def fail(policy: str, _method: str, _path: str) -> int:
        if policy == OWN:
            raise SEALED
        return 403

    world.vault.answers = fail
    with pytest.raises(UnreadableError):
        neighbour.prove(world.session, SAMPLE)
    assert world.vault.tokens == []


def test_a_token_is_revoked_when_the_next_one_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    original = world.vault.token_for

    def refuse(policies: tuple[str, ...], *, ttl_seconds: int) -> object:
        if policies == (OWN,):
            raise EngineError("vault", "there is no such policy", "Apply first.")
        return original(policies, ttl_seconds=ttl_seconds)

    monkeypatch.setattr(world.vault, "token_for", refuse)
    with pytest.raises(EngineError):
        neighbour.prove(world.session, SAMPLE)
    assert world.vault.tokens == []


# -- objects ------------------------------------------------------------------------------------------------------

KEY = naming.transit_key(APPLICATION, "objects")


def prove_objects(world: World, *, disruptive: bool) -> list[Verdict]:
    world.store.encrypted_under = KEY
    return [p.verdict for p in objects.prove(world.session, SAMPLE, SAMPLE.buckets[0], disruptive=disruptive)]


def test_an_object_is_looked_at_without_touching_the_key(world: World) -> None:
    assert prove_objects(world, disruptive=False) == [Verdict.HELD, Verdict.NOT_PROVEN]
    assert (world.calls, world.store.objects) == (["get object"], {})


def test_the_key_is_disabled_for_one_reading_only(world: World) -> None:
    world.store.readable = lambda: not world.vault.disabled
    assert prove_objects(world, disruptive=True) == [Verdict.HELD, Verdict.HELD]
    assert world.calls == ["get object", f"disable {KEY}", "get object", f"enable {KEY}", "get object"]
    assert world.store.objects == {}


def test_an_object_that_is_read_without_its_key_is_a_broken_promise(world: World) -> None:
    assert prove_objects(world, disruptive=True) == [Verdict.HELD, Verdict.BROKEN]


def test_the_key_is_enabled_again_whatever_happens(world: World) -> None:
    def down() -> bool:
        if world.vault.disabled:
            raise UnreadableError("object store", "does not answer", "Start it.")
        return True

    world.store.readable = down
    with pytest.raises(UnreadableError):
        prove_objects(world, disruptive=True)
    assert (world.vault.disabled, world.store.objects) == (set(), {})


# -- backups ------------------------------------------------------------------------------------------------------


class Files:
    """The files of a host whose backups work, but for what ``tamper`` does to what is restored."""

    def __init__(self, world: World, *, tamper: str = "") -> None:
        self.files: dict[str, str] = {}
        self.saved: dict[str, str] = {}
        self.tamper = tamper
        self.running_for: dict[str, str] | None = None
        """What the files were when a backup began that still goes on, and that whoever starts another waits for."""
        world.hosts.on_run = self.run

    def run(self, _host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        match list(argv):
            case ["tee", "--", path]:
                self.files[path] = stdin or ""
            case ["systemctl", "start", unit] if unit == f"hosting-backup-{APPLICATION}.service":
                self.saved, self.running_for = dict(self.running_for or self.files), None
            case ["systemctl", "show", "--property=ActiveState", "--value", unit]:
                return Completed(0, "inactive\n" if self.running_for is None else "activating\n", "")
            case ["rm", "--", path]:
                del self.files[path]
            case ["hosting-agent", "restore", application, "latest", path, target] if application == APPLICATION:
                self.files[f"{target}{path}"] = self.saved[path] + self.tamper
            case ["rm", "-rf", "--", *places]:
                gone = [file for file in self.files if file.startswith(tuple(places))]
                self.files = {path: text for path, text in self.files.items() if path not in gone}
            case ["sha256sum", "--", path] if path in self.files:
                return Completed(0, f"{hash(self.files[path])}  {path}\n", "")
            case _:
                return Completed(1, "", f"{argv} was not expected")
        return Completed(0, "", "")


@pytest.mark.parametrize(("tamper", "verdict"), [("", Verdict.HELD), ("x", Verdict.BROKEN)], ids=["whole", "tampered"])
def test_a_deleted_file_is_restored_from_its_backup(world: World, tamper: str, verdict: Verdict) -> None:
    host = Files(world, tamper=tamper)
    (found,) = restore.prove(world.session, SAMPLE, HOST, VOLUME)
    assert (found.verdict, host.files) == (verdict, {})


def test_a_backup_that_began_before_the_file_was_there_is_not_taken_for_one_of_it(world: World) -> None:
    host = Files(world)
    host.running_for = {"/srv/imagerie/older": "study"}
    (found,) = restore.prove(world.session, SAMPLE, HOST, VOLUME)
    assert found.verdict is Verdict.HELD


def test_a_backup_that_fails_leaves_nothing_behind_and_names_the_command(world: World) -> None:
    host = Files(world)
    monkey = host.run

    def fail(name: str, argv: Sequence[str], stdin: str | None) -> Completed:
        return Completed(3, "", "no route to host") if argv[0] == "systemctl" else monkey(name, argv, stdin)

    world.hosts.on_run = fail
    with pytest.raises(EngineError, match=r"`systemctl show .*` failed \(3\): no route to host"):
        restore.prove(world.session, SAMPLE, HOST, VOLUME)
    assert host.files == {}


# -- restarts -----------------------------------------------------------------------------------------------------


class Rebooting:
    """A host that goes down when told to, is away for some questions, and comes back with another boot id."""

    def __init__(self, world: World, *, away: int) -> None:
        self.boot, self.left, self.away, self.waited = "first", 0, away, False
        self.cut = False
        self.world = world
        world.hosts.on_run = self.run

    def run(self, _host: str, argv: Sequence[str], _stdin: str | None) -> Completed:
        if argv[0] == "systemd-run":
            self.boot, self.left = "second", self.away
            return Completed(0, "", "")
        if self.left:
            self.left -= 1
            if self.cut:
                return Completed(255, "", "")
            raise DOWN
        if argv[0] == "systemctl":
            self.waited = True
        return Completed(0, self.boot if argv[0] == "cat" else "digest  file", "")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Let time pass only when somebody sleeps."""
    passed = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: passed[0])
    monkeypatch.setattr("time.sleep", lambda seconds: passed.__setitem__(0, passed[0] + seconds))
    yield passed


def wanted_file(path: str = "/etc/hosting/engines.json") -> HostFile:
    return HostFile(host=HOST, name=f"{HOST}:{path}", owner="platform", path=path, sha256="a" * 64)


def reboot_of(world: World, *, held: bool = True) -> Proof:
    file = wanted_file()
    found = {"sha256": file.sha256, "user": "root", "group": "root", "mode": "0644"} if held else None
    empty: dict[str, object] = {
        "interfaces": {"value": {"kernel": {}, "kept": []}},
        "manifest": {"value": None},
        "identities": {"value": {}},
        "wireguard": {"value": {}},
    }
    world.hosts.answers[HOST] = {**empty, "files": {"value": {file.path: found}}}
    wanted: dict[Subject, Resource] = {file.subject: file}
    (proof,) = reboot.prove(world.session, Survey(wanted, ()), HOST, [VOLUME])
    return proof


def test_a_host_is_waited_for_until_all_is_there_again(world: World, clock: list[float]) -> None:
    host = Rebooting(world, away=3)
    assert reboot_of(world).verdict is Verdict.HELD
    assert host.waited
    assert clock[0] == 4 * reboot.PAUSE_SECONDS
    assert world.hosts.commands[-1][:3] == (HOST, "rm", "--")


def test_a_session_that_the_shutdown_cuts_is_no_broken_promise(world: World, clock: list[float]) -> None:
    Rebooting(world, away=1).cut = True
    assert reboot_of(world).verdict is Verdict.HELD
    assert clock[0] == 2 * reboot.PAUSE_SECONDS


def test_a_host_that_stays_away_has_broken_the_promise(world: World, clock: list[float]) -> None:
    Rebooting(world, away=1_000_000)
    proof = reboot_of(world)
    assert proof.verdict is Verdict.BROKEN
    assert "it cannot be reached" in proof.sentence
    assert clock[0] >= reboot.BACK_SECONDS


def test_a_host_that_comes_back_without_something_has_broken_the_promise(world: World, clock: list[float]) -> None:
    Rebooting(world, away=1)
    proof = reboot_of(world, held=False)
    assert proof.verdict is Verdict.BROKEN
    assert f"host-file {HOST}:/etc/hosting/engines.json" in proof.sentence


# -- all of them --------------------------------------------------------------------------------------------------


def test_an_application_is_owed_a_proof_of_every_promise(world: World) -> None:
    Files(world)
    found = list(suite.run(world.session, Survey({}, ()), SAMPLE, disruptive=False))
    promises = {neighbour.NAME, objects.ENCRYPTED, flows.PASSES, headers.NAME, restore.NAME, reboot.NAME}
    assert promises <= {proof.name for proof in found}
    assert {proof.verdict for proof in found if proof.name == reboot.NAME} == {Verdict.NOT_PROVEN}


def test_what_goes_wrong_in_one_proof_does_not_end_the_others(world: World) -> None:
    world.vault.sealed = True
    Files(world)
    found = {proof.name: proof.verdict for proof in suite.run(world.session, Survey({}, ()), SAMPLE, disruptive=False)}
    assert (found[neighbour.NAME], found[restore.NAME]) == (Verdict.UNKNOWN, Verdict.HELD)


def test_the_environment_of_the_sample_reaches_all_its_hosts() -> None:
    """What the tests above stand on."""
    assert environment().hosts.keys() == {HOST, GATEWAY}
