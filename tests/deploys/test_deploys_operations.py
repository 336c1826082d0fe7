"""What each operation emits for a host in a given state: nothing if it is right, else only what is missing."""

import copy
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.context import ctx_host
from sample import GATEWAY, HOST
from test_deploys_reading import DATA, DEVICE, GIB, changed, desired, right_answer
from with_tunnels import with_tunnel

from deploys import concerns, flows, handed_over, names, tunnels
from deploys import wireguard as wireguard_terms
from deploys.desired_wireguard import interface
from deploys.devices import physical_volume_uuid
from deploys.facts.host import Run
from deploys.operations import (
    files,
    firewall,
    identity,
    interfaces,
    login,
    manifest,
    packages,
    storage,
    units,
    volume,
    wireguard,
)
from deploys.reading import actual
from deploys.resources import HostInterface, HostResource
from inventory.tunnels import TunnelKind

PATH = "/dev/disk/by-id/virtio-data"
OPERATIONS: dict[str, Any] = {
    "host-packages": packages.packages,
    "host-file": files.files,
    "host-unit": units.units,
    "host-login": login.login,
    "host-firewall": firewall.firewall,
    "host-identity": identity.identity,
    "host-storage": storage.volume_group,
    "host-volume": volume.volume,
    "host-manifest": manifest.manifest,
}
ACTIVE, RECOVERY = (f"imagerie-beaune/volumes/dijon-app-1/data/{slot}" for slot in ("active", "recovery"))
ROLE = "hosting-imagerie-beaune-dijon-app-1"
SECRETS = {ACTIVE: "canary-active", RECOVERY: "canary-recovery", ROLE: "canary-token"}


class FakeHost(SimpleNamespace):
    """As much of pyinfra's host as operations touch; remembers what they said instead of doing anything."""

    def noop(self, text: str) -> None:
        self.said.append(text)


@contextmanager
def on_host(
    answer: dict[str, Any], secrets: dict[str, str] | None = None, *, wanted: Sequence[HostResource] | None = None
) -> Iterator[FakeHost]:
    """Stand on a host that gave *answer*, and of which *wanted* is asked, or what is asked of the sample's."""
    run = Run(answer, actual(HOST, answer, desired() if wanted is None else wanted))
    host = FakeHost(name=HOST, connector_data={"hosting": run}, said=[])
    handed_over.SECRETS[HOST] = secrets if secrets is not None else SECRETS
    ctx_host.set(host)
    try:
        yield host
    finally:
        ctx_host.reset()
        del handed_over.SECRETS[HOST]


def resource(name: str) -> HostResource:
    (found,) = (item for item in desired() if f"{item.kind} {item.thing}" == name)
    return found


def emitted(name: str, answer: dict[str, Any], secrets: dict[str, str] | None = None) -> list[StringCommand]:
    wanted = resource(name)
    with on_host(answer, secrets):
        return list(OPERATIONS[wanted.kind]._inner(wanted))


def words(commands: list[StringCommand]) -> list[str]:
    return [command.get_raw_value() for command in commands]


def stdin(command: StringCommand) -> str:
    return str(command.connector_arguments["_stdin"])


def request(command: StringCommand) -> Any:
    """Take the request out of a program that is sent to a host."""
    call = stdin(command).rstrip().rsplit("\n", 1)[1]
    assert call.startswith("main(")
    return json.loads(json.loads(call.removeprefix("main(").removesuffix(")")))


EVERYTHING = [f"{item.kind} {item.thing}" for item in desired()]


@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_is_emitted_for_what_is_right_and_it_is_said_aloud(name: str) -> None:
    wanted = resource(name)
    with on_host(right_answer(), secrets={}) as host:
        assert list(OPERATIONS[wanted.kind]._inner(wanted)) == []
        assert len(host.said) == 1


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name.split()[0] in {"host-volume", "host-identity"}])
def test_without_the_secrets_nothing_is_done(name: str) -> None:
    answer = right_answer()
    answer["storage"]["value"]["volumes"] = {}
    answer["identities"]["value"] = {}
    with pytest.raises(OperationError, match="only `hosting apply` can do that"):
        emitted(name, answer, secrets={})


def test_no_secret_is_ever_part_of_a_command() -> None:
    answer = right_answer()
    answer["storage"]["value"]["volumes"] = {}
    answer["identities"]["value"] = {}
    commands = [command for name in EVERYTHING for command in emitted_or_not(name, answer)]
    assert not [text for text in words(commands) if "canary" in text]
    assert [stdin(command) for command in commands if "canary" in stdin(command)]


def emitted_or_not(name: str, answer: dict[str, Any]) -> list[StringCommand]:
    if name.startswith(("host-login", "host-firewall")):
        return []  # they log in anew halfway: tested below
    return emitted(name, answer)


# -- packages, files, units -------------------------------------------------------------------------------------------


def test_only_missing_packages_are_installed() -> None:
    installed = [p for p in right_answer()["packages"]["value"] if p not in {"restic", "lvm2"}]
    (text,) = words(emitted("host-packages packages", changed("packages", "value", to=installed)))
    assert text.endswith("install --yes --no-install-recommends lvm2 restic")


def test_only_wrong_files_are_written_and_their_units_noted() -> None:
    wanted = [item for item in desired() if item.kind == "host-file"]
    answer = changed("files", "value", "/etc/chrony/chrony.conf", "mode", to="0666")
    with on_host(answer):
        (command,) = files.files._inner(*wanted)
    assert command.get_raw_value() == "/usr/bin/python3 -I -S -"
    (entry,) = request(command)["files"]
    assert (entry["path"], entry["mode"], entry["notifies"]) == ("/etc/chrony/chrony.conf", "0644", ["chrony.service"])


def test_a_unit_restarts_in_the_run_that_changed_its_file() -> None:
    wanted = resource("host-unit chrony.service")
    with on_host(changed("files", "value", "/etc/chrony/chrony.conf", to=None)):
        list(files.files._inner(resource("host-file /etc/chrony/chrony.conf")))
        (command,) = units.units._inner(wanted)
    assert request(command)["verbs"] == {"restart": ["chrony.service"]}


TIMER, VOLUME_UNIT = "hosting-backup-imagerie-beaune.timer", "hosting-volume-imagerie-beaune-data.service"


@pytest.mark.parametrize(
    ("unit", "path", "to", "prepared", "verb"),
    [
        pytest.param(TIMER, ("ActiveState",), "inactive", None, "start", id="stopped"),
        pytest.param(TIMER, ("UnitFileState",), "disabled", [TIMER], "start", id="disabled"),
        pytest.param(TIMER, ("NeedDaemonReload",), "yes", [], "restart", id="an older text is loaded"),
        pytest.param(TIMER, ("LoadState",), "not-found", [TIMER], "start", id="absent"),
        pytest.param(VOLUME_UNIT, ("NeedDaemonReload",), "yes", [], "start", id="a volume is not taken away"),
    ],
)
def test_a_unit_gets_what_it_lacks(
    unit: str, path: tuple[str, ...], to: str, prepared: list[str] | None, verb: str
) -> None:
    wanted = resource(f"host-unit {unit}")
    with on_host(changed("units", "value", unit, *path, to=to)):
        at_boot = [request(command) for command in units.enabled._inner(wanted)]
        (now,) = units.units._inner(wanted)
    assert at_boot == ([] if prepared is None else [apply(enable=prepared, reload=True)])
    assert request(now) == apply(verbs={verb: [unit]})


def apply(**asked: Any) -> dict[str, Any]:
    return {"pending": names.PENDING_DIRECTORY, "reload": False, "enable": [], "verbs": {}, **asked}


def test_everything_is_enabled_and_systemd_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = changed("units", "value", TIMER, "UnitFileState", to="disabled")
    answer["units"]["value"]["nftables.service"]["UnitFileState"] = "disabled"
    steps = Steps(monkeypatch)
    with on_host(answer):
        wanted = [item for item in desired() if item.kind in {"host-unit", "host-firewall"}]
        (command,) = units.enabled._inner(*wanted)
        assert list(firewall.firewall._inner(resource("host-firewall firewall"))) == []
    assert request(command) == apply(enable=["nftables.service", TIMER], reload=True)
    assert steps.taken == []


def test_a_unit_that_a_killed_run_did_not_tell_is_told() -> None:
    (command,) = emitted("host-unit chrony.service", changed("pending", "value", to=["chrony.service"]))
    assert request(command)["verbs"] == {"restart": ["chrony.service"]}


# -- storage ----------------------------------------------------------------------------------------------------------


def blank(**found: Any) -> dict[str, Any]:
    nothing = {"present": True, "volume_group": None, "member_uuid": None, "size_bytes": 4 * GIB, "holders": []}
    more = {"partitions": [], "mounts": [], "signatures": [], "edges_zero": True}
    answer = changed(*DEVICE, to={**nothing, **more, **found})
    answer["storage"]["value"]["volumes"] = {}
    return answer


def test_a_blank_device_is_taken_without_ever_telling_lvm_to_go_ahead() -> None:
    commands = words(emitted("host-storage hosting", blank()))
    uuid = physical_volume_uuid(HOST, PATH)
    assert commands == [f"pvcreate --uuid {uuid} --norestorefile {PATH}", f"vgcreate hosting {PATH}"]
    assert not [text for text in commands if "--yes" in text or "-y" in text.split() or "force" in text]


def test_a_device_that_a_killed_run_marked_goes_on_from_there() -> None:
    uuid = physical_volume_uuid(HOST, PATH)
    answer = blank(member_uuid=uuid, signatures=["LVM2_member"], edges_zero=False)
    assert words(emitted("host-storage hosting", answer)) == [f"vgcreate hosting {PATH}"]


@pytest.mark.parametrize(
    "found",
    [
        {"signatures": ["ext4"]},
        {"edges_zero": False},
        {"unreadable": "OSError"},
        {"size_bytes": GIB},
        {"mounts": ["/mnt"]},
        {"volume_group": "other"},
        {"present": False},
    ],
    ids=str,
)
def test_a_device_with_anything_on_it_is_left_alone(found: dict[str, Any]) -> None:
    with pytest.raises(OperationError, match=f"nothing was done: {PATH}"):
        emitted("host-storage hosting", blank(**found))


VOLUME = "host-volume imagerie-beaune/data"
START = "systemctl start hosting-volume-imagerie-beaune-data.service srv-imagerie.mount"


def test_a_volume_is_carved_marked_blank_made_and_started() -> None:
    answer = right_answer()
    answer["storage"]["value"]["volumes"] = {}
    carve, prepare, start = emitted(VOLUME, answer)
    assert carve.get_raw_value() == (
        "lvcreate --yes --wipesignatures=y --name=imagerie-beaune-data --size=1g --addtag=hosting-blank"
        " --addtag=hosting-owner=imagerie-beaune --addtag=hosting-volume=data hosting"
    )
    assert prepare.get_raw_value() == "/usr/local/sbin/hosting-agent prepare-volume"
    order = json.loads(stdin(prepare))
    assert (order["active"], order["recovery"]) == ("canary-active", "canary-recovery")
    assert start.get_raw_value() == START


def test_a_volume_that_a_killed_run_left_blank_is_made() -> None:
    volume_found = {"size_bytes": GIB, "tags": [names.BLANK_TAG], "mounts": [], "luks": None, "signatures": []}
    assert words(emitted(VOLUME, changed(*DATA, to=volume_found))) == [
        "/usr/local/sbin/hosting-agent prepare-volume",
        START,
    ]


def test_a_volume_that_is_only_closed_needs_no_passphrase() -> None:
    answer = changed(*DATA, "mapper", to=None)
    answer["storage"]["value"]["volumes"]["imagerie-beaune-data"]["mounts"] = []
    assert words(emitted(VOLUME, answer, secrets={})) == [START]


@pytest.mark.parametrize(
    ("path", "to"), [("size_bytes", GIB // 2), ("filesystem_bytes", GIB // 2)], ids=["too small", "half grown"]
)
def test_a_volume_that_is_to_be_larger_grows_when_it_is_mounted(path: str, to: int) -> None:
    start, grow = emitted(VOLUME, changed(*DATA, path, to=to))
    assert (start.get_raw_value(), grow.get_raw_value()) == (START, "/usr/local/sbin/hosting-agent grow-volume")
    order = json.loads(stdin(grow))
    assert (order["size_gib"], order["active"]) == (1, "canary-active")
    assert "recovery" not in order


@pytest.mark.parametrize(
    ("path", "to", "complaint"),
    [
        (("luks", "label"), "theirs", "label is theirs where hosting-imagerie-beaune-data is asked for"),
        (("luks", "ciphers"), ["aes-cbc"], "cipher is aes-cbc where aes-xts-plain64 is asked for"),
        (("luks", "flags"), ["allow-discards"], r"flags is \['allow-discards'\] where \[\] is asked for"),
        (("luks",), None, "header is lost, and ext4 in its place"),
        (("size_bytes",), 2 * GIB, "size_gib is 2 where 1 is asked for"),  # it would have to become smaller
        (("filesystem",), "xfs", "filesystem is xfs where ext4 is asked for"),
    ],
)
def test_a_volume_that_is_another_is_left_alone(path: tuple[str, ...], to: Any, complaint: str) -> None:
    answer = changed(*DATA, *path, to=to)
    answer["storage"]["value"]["volumes"]["imagerie-beaune-data"]["signatures"] = ["ext4"]
    with pytest.raises(OperationError, match=f"nothing was done: {complaint}"):
        emitted(VOLUME, answer)


# -- identity, manifest -----------------------------------------------------------------------------------------------


def test_a_wrapping_token_goes_to_the_agent_over_standard_input() -> None:
    (command,) = emitted("host-identity imagerie-beaune", changed("identities", "value", to={}))
    assert command.get_raw_value() == "/usr/local/sbin/hosting-agent receive-identity imagerie-beaune"
    assert stdin(command) == "canary-token"


def test_an_identity_that_only_the_vault_misses_is_replaced_too() -> None:
    assert len(emitted("host-identity imagerie-beaune", right_answer())) == 1
    assert emitted("host-identity imagerie-beaune", right_answer(), secrets={}) == []


def test_the_agent_raises_wireguard_and_is_handed_no_key() -> None:
    places = flows.topology(with_tunnel(TunnelKind.WIREGUARD))
    (link,) = tunnels.links(places, with_tunnel(TunnelKind.WIREGUARD))
    (end,) = wireguard_terms.of_gateway(places, link, GATEWAY)
    wanted = interface(HOST, end)
    with on_host(right_answer(), wanted=[wanted]):
        (command,) = wireguard.wireguard._inner(wanted)
    assert (command.get_raw_value(), stdin(command)) == (f"{names.AGENT} keep-wireguard", "")

    held = {"public_key": None, "port": 1, "peers": {}, "up": True, "alias": "", "addresses": [], "routes": []}
    with on_host(changed("wireguard", "value", to={"wg1": held}), wanted=[]) as host:
        (command,) = wireguard.no_wireguard._inner(wanted)
        assert command.get_raw_value() == f"{names.AGENT} end-wireguard wg1"
    with on_host(right_answer(), wanted=[]) as host:
        assert list(wireguard.no_wireguard._inner(wanted)) == []
        assert host.said == ["wg1 is gone"]


def test_what_will_be_ours_is_claimed_before_and_what_is_left_stays_claimed() -> None:
    wanted = resource("host-manifest manifest")
    answer = right_answer()
    answer["manifest"]["value"]["resources"] = [["host-file", "/etc/old", "gone"]]
    with on_host(answer):
        (claim,) = manifest.claim._inner(wanted)
        (settle,) = manifest.manifest._inner(wanted)
    claimed = json.loads(request(claim)["files"][0]["content"])["resources"]
    assert ["host-file", "/etc/old", "gone"] in claimed
    assert ["host-file", names.ENGINES, "platform"] in claimed
    assert request(settle)["files"][0]["content"] == wanted.content  # type: ignore[attr-defined]


def test_a_claim_that_is_final_is_not_written_twice() -> None:
    wanted = resource("host-manifest manifest")
    with on_host(changed("manifest", "value", to=None)) as host:
        assert len(list(manifest.claim._inner(wanted))) == 1
        assert list(manifest.manifest._inner(wanted)) == []
        assert host.said == ["the list of what is ours is right"]


# -- what left --------------------------------------------------------------------------------------------------------


def test_what_left_is_removed_and_what_is_gone_is_left_alone() -> None:
    answer = right_answer()
    left = copy.deepcopy(resource(f"host-file {names.ENGINES}"))
    never = replace(left, name=f"{HOST}:/none", path="/none")
    with on_host(answer):
        (command,) = files.no_files._inner(left, never)
        (stop,) = units.no_unit._inner(resource(f"host-unit {TIMER}"))
        (forget,) = identity.no_identity._inner(resource("host-identity imagerie-beaune"))
    assert [(e["path"], e["content"]) for e in request(command)["files"]] == [(names.ENGINES, None)]
    assert stop.get_raw_value() == f"systemctl disable --now --quiet {TIMER}"
    assert forget.get_raw_value() == (
        "rm -f /etc/hosting/identities/imagerie-beaune.json && rm -f /etc/credstore.encrypted/hosting-imagerie-beaune"
    )


# -- login and firewall: the order of the steps is the safety ---------------------------------------------------------


class Steps:
    """Notes commands and logins in the order in which they happen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusals: tuple[bool, ...] = ()) -> None:
        self.taken: list[str] = []
        self._refusals = iter(refusals)
        for module in (login, firewall, interfaces):
            monkeypatch.setattr(module, "prove_login", self._prove)

    def _prove(self, *, certificate_only: bool = False) -> None:
        self.taken.append("login by certificate" if certificate_only else "login")
        if next(self._refusals, False):
            raise OperationError("a new login failed")

    def take(self, name: str, answer: dict[str, Any]) -> list[StringCommand]:
        wanted = resource(name)
        commands = []
        with on_host(answer):
            for command in OPERATIONS[wanted.kind]._inner(wanted):
                self.taken.append(self._short(command))
                commands.append(command)
        return commands

    def _short(self, command: StringCommand) -> str:
        text = command.get_raw_value()
        if not text.startswith("/usr/bin/python3"):
            return text
        asked = request(command)
        if "timer" in asked:
            return f"keep {asked['file']['path'].rsplit('/', 1)[1]} unless {asked['timer']} is over"
        entries = asked["files"]
        done = [f"{'remove' if e['content'] is None else 'write'} {e['path'].rsplit('/', 1)[1]}" for e in entries]
        return ", ".join(done) + text.removeprefix("/usr/bin/python3 -I -S -")


RELOAD = " && /usr/sbin/sshd -t && systemctl reload ssh.service"
FRESH_LOGIN = "write user-authority.pub, write root, write 00-hosting-probation.conf" + RELOAD
CLOSE = "write user-authority.pub, write root, write 00-hosting.conf, remove 00-hosting-probation.conf" + RELOAD


def keys_lie_about() -> dict[str, Any]:
    answer = changed("presence", "value", to=["/root/.ssh/authorized_keys"])
    answer["files"]["value"][names.SSH_CONFIGURATION] = None
    return answer


def test_a_certificate_logs_in_before_any_other_key_is_shut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    steps.take("host-login login", keys_lie_about())
    assert steps.taken == [
        FRESH_LOGIN,
        "login by certificate",
        CLOSE,
        "login by certificate",
        "rm -f /run/hosting/pending/ssh.service /root/.ssh/authorized_keys",
    ]


def test_no_key_is_shut_out_while_no_certificate_logs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, refusals=(True,))
    with pytest.raises(OperationError, match="a new login failed"):
        steps.take("host-login login", keys_lie_about())
    assert steps.taken == [FRESH_LOGIN, "login by certificate"]


def test_a_configuration_that_shuts_us_out_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, refusals=(False, True))
    with pytest.raises(OperationError, match="a new login failed"):
        steps.take("host-login login", keys_lie_about())
    assert steps.taken[-1] == (
        "write user-authority.pub, write root, remove 00-hosting.conf, write 00-hosting-probation.conf" + RELOAD
    )


def trusted(command: StringCommand) -> list[str]:
    """Name the authorities that a command has the host trust."""
    (entry,) = (entry for entry in request(command)["files"] if entry["path"] == names.SSH_AUTHORITY)
    return [line.split()[1] for line in entry["content"].splitlines()]


HELD, WANTED = "ssh-ed25519 HELD before", "ssh-ed25519 WANTED"


@pytest.mark.parametrize(("refusals", "last"), [((), ["WANTED"]), ((False, True), ["HELD", "WANTED"])])
def test_an_authority_that_opens_the_host_goes_only_when_the_other_was_seen_to(
    monkeypatch: pytest.MonkeyPatch, refusals: tuple[bool, ...], last: list[str]
) -> None:
    steps, commands = Steps(monkeypatch, refusals), []
    wanted = replace(resource("host-login login"), authority_keys=(WANTED,))  # type: ignore[call-arg]
    with on_host(changed("texts", "value", names.SSH_AUTHORITY, to=f"{HELD}\n")), suppress(OperationError):
        for command in login.login._inner(wanted):
            commands.append(command)
    assert [trusted(command) for command in commands if command.get_raw_value().startswith("/usr")] == [
        ["HELD", "WANTED"],
        ["WANTED"],
        *([last] if refusals else []),
    ]
    assert steps.taken == ["login by certificate"] * 2


def test_logins_are_not_touched_before_the_vault_has_an_authority() -> None:
    wanted = replace(resource("host-login login"), authority_keys=())  # type: ignore[call-arg]
    with on_host(keys_lie_about()), pytest.raises(OperationError, match="no SSH authority yet"):
        list(login.login._inner(wanted))


def test_the_firewall_is_confirmed_over_a_new_connection_before_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    commands = steps.take("host-firewall firewall", changed("firewall", "value", to=None))
    load, proof, keep, boot = steps.taken
    assert [part.split()[0] for part in load.split(" && ")[1:3]] == ["nft", "mkdir"]
    assert load.index("nft --check") < load.index("systemd-run") < load.index("nft --file /run/hosting/firewall/wanted")
    assert "--on-active=60" in load
    assert "/usr/sbin/nft --file /run/hosting/firewall/previous.nft" in load
    assert proof == "login"
    assert keep == "keep firewall.nft unless hosting-firewall-restore.timer is over"
    assert boot == "systemctl enable --quiet nftables.service"
    assert request(commands[1])["text"] == resource("host-firewall firewall").rules  # type: ignore[attr-defined]


def test_rules_that_cut_us_off_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, refusals=(True,))
    with pytest.raises(OperationError, match="a new login failed"):
        steps.take("host-firewall firewall", changed("firewall", "value", to=None))
    assert steps.taken[-1] == "login"  # nothing is confirmed and nothing kept: the host's timer restores the former


def test_rules_that_are_loaded_are_only_enabled_for_the_next_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    steps.take("host-firewall firewall", changed("units", "value", "nftables.service", "UnitFileState", to="disabled"))
    assert steps.taken == ["systemctl enable --quiet nftables.service"]


# -- interfaces: tried, confirmed, kept -------------------------------------------------------------------------------

VLAN = ("interfaces", "value", "kernel", "eth1.110")


@contextmanager
def on_gateway(answer: dict[str, Any]) -> Iterator[tuple[FakeHost, list[HostInterface]]]:
    """Stand on the gateway; what is on its trunk and nobody asks for is to be removed."""
    wanted = desired(GATEWAY)
    seen = actual(GATEWAY, answer, wanted)
    asked = {item.subject for item in wanted}
    removed = [item for subject, item in seen.resources.items() if subject not in asked]
    gone = [item for item in removed if isinstance(item, HostInterface)]
    host = FakeHost(
        name=GATEWAY, connector_data={"hosting": Run(answer, seen)}, said=[], data=SimpleNamespace(removed=removed)
    )
    ctx_host.set(host)
    try:
        yield host, [*(item for item in wanted if isinstance(item, HostInterface)), *gone]
    finally:
        ctx_host.reset()


def asked_for(answer: dict[str, Any], proofs: list[int]) -> list[dict[str, Any]]:
    """Give what the host is asked for; ``proofs`` gets how often it was by each new login."""
    asked: list[dict[str, Any]] = []
    with on_gateway(answer) as (_, found), pytest.MonkeyPatch.context() as patch:
        patch.setattr(interfaces, "prove_login", lambda: proofs.append(len(asked)))
        for command in interfaces.interfaces._inner(*found):
            asked.append(request(command))
    return asked


def test_interfaces_that_are_right_are_left_alone() -> None:
    with on_gateway(right_answer(GATEWAY)) as (host, found):
        assert list(interfaces.interfaces._inner(*found)) == []
        assert host.said == ["the kernel has the interfaces"]


def test_interfaces_are_confirmed_over_a_new_connection_before_they_are_kept() -> None:
    proofs: list[int] = []
    tried, kept = asked_for(changed(*VLAN, "vlan", to=111, host=GATEWAY), proofs)
    assert (tried["do"], kept["do"], proofs) == ("try", "keep", [1])
    assert tried["files"].keys() == {
        "eth1.network", "eth1.100.netdev", "eth1.100.network", "eth1.110.netdev", "eth1.110.network"
    }  # fmt: skip
    assert tried["trial"] == {"directory": "/run/systemd/network", "prefix": "04-hosting-"}
    assert [file["path"] for file in kept["files"]] == [
        f"/etc/systemd/network/05-hosting-{name}" for name in tried["files"]
    ]
    assert tried["wanted"] == kept["wanted"]
    assert tried["wanted"]["eth1.110"] == {
        "form": "vlan", "parent": "eth1", "vlan": 110, "addresses": ["10.21.10.1/24"], "up": True
    }  # fmt: skip
    assert "Id=110" in tried["files"]["eth1.110.netdev"]
    assert "VLAN=eth1.100\nVLAN=eth1.110\n" in tried["files"]["eth1.network"]
    assert "Address=" not in tried["files"]["eth1.network"]


def test_interfaces_that_cut_us_off_are_not_kept() -> None:
    asked = []

    def refuse() -> None:
        raise OperationError("a new login failed")

    with on_gateway(changed(*VLAN, to=..., host=GATEWAY)) as (_, found), pytest.MonkeyPatch.context() as patch:
        patch.setattr(interfaces, "prove_login", refuse)
        with pytest.raises(OperationError, match="a new login failed"):
            for command in interfaces.interfaces._inner(*found):
                asked.append(request(command)["do"])
    assert asked == ["try"]  # nothing is confirmed and nothing kept: the host's timer restores the former


def test_a_vlan_that_nobody_asks_for_goes_with_its_files_in_the_same_try() -> None:
    other = {"form": "vlan", "parent": "eth1", "vlan": 120, "addresses": [], "up": True}
    tried, kept = asked_for(changed("interfaces", "value", "kernel", "eth1.120", to=other, host=GATEWAY), [])
    assert tried["remove"] == ["eth1.120"]
    assert [file["path"] for file in kept["files"] if file["content"] is None] == [
        "/etc/systemd/network/05-hosting-eth1.120.network",
        "/etc/systemd/network/05-hosting-eth1.120.netdev",
    ]


# -- the order --------------------------------------------------------------------------------------------------------


def test_what_a_package_requires_is_written_before_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [replace(item, requires=()) for item in desired() if item.kind in {"host-packages", "host-file"}]
    (packages_of,) = (item for item in wanted if item.kind == "host-packages")
    first, *others = (item for item in wanted if item.kind == "host-file")
    resources = [replace(packages_of, requires=(first.subject,)), first, *others]
    done: list[str] = []
    monkeypatch.setattr(concerns, "_of", lambda kind: [item for item in resources if isinstance(item, kind)])
    monkeypatch.setattr(concerns, "carry_out", lambda operation, item: done.append(item.thing))
    together = lambda operation, items, key: done.extend(item.thing for item in items)  # noqa: E731
    monkeypatch.setattr(concerns, "carry_out_together", together)
    monkeypatch.setattr(concerns, "prepare_together", lambda operation, items, key: None)
    concerns.base._inner()
    assert done == [first.thing, "packages", *(item.thing for item in others)]
