"""What a host's answer means: everything right, every way of being otherwise, and what it could not tell."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import tunnel_answers
from sample import APPLICATION, GATEWAY, HOST, PUBLISHED, environment, region

from deploys import names
from deploys.desired import host_resources
from deploys.reading import actual, reading, request
from deploys.resources import (
    HostFile,
    HostFirewall,
    HostInterface,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostStorage,
    HostUnit,
    HostVolume,
)
from deploys.view import digest
from hosting_cli.plan import Finding, compare
from inventory.resource import PLATFORM, Subject

GIB = 1 << 30
NOW = datetime(2026, 11, 22, tzinfo=UTC)
UUID = "11111111-2222-3333-4444-555555555555"


def desired(host: str = HOST) -> tuple[HostResource, ...]:
    return host_resources(region(), environment(), host, PUBLISHED)


def right_answer(host: str = HOST) -> dict[str, Any]:
    """Give what a host answers that is exactly as it should be."""
    found = desired(host)
    (login,) = (r for r in found if isinstance(r, HostLogin))
    (firewall,) = (r for r in found if isinstance(r, HostFirewall))
    (manifest,) = (r for r in found if isinstance(r, HostManifest))
    files = {r.path: {**_file(r.sha256), "mode": r.mode} for r in found if isinstance(r, HostFile)}
    units = [r.unit for r in found if isinstance(r, HostUnit)] + ["nftables.service"]
    parts: dict[str, Any] = {
        "files": {
            **files,
            names.SSH_CONFIGURATION: _file(login.configuration or ""),
            names.FIREWALL_RULES: _file(firewall.rules),
        },
        "texts": {
            names.SSH_AUTHORITY: "".join(f"{key}\n" for key in login.authority_keys),
            f"{names.SSH_PRINCIPALS}/root": "hosting-operations\n",
            names.FIREWALL_LOADED: json.dumps({"text": firewall.rules, "kernel": "as loaded"}),
        },
        "presence": [],
        "manifest": {"sha256": manifest.sha256, **json.loads(manifest.content or ""), "files": {}},
        "pending": [],
        "identities": {},
        "packages": next(list(r.packages) for r in found if isinstance(r, HostPackages)),
        "units": {unit: _unit() for unit in units},
        "firewall": {"kernel": "as loaded", "isolated": [], "kept": []},
        "interfaces": {"kernel": {}, "kept": []},
        "wireguard": {},
    }
    for made in (r for r in found if isinstance(r, HostInterface)):
        parts["interfaces"]["kernel"][made.interface] = _interface(made)
        parts["interfaces"]["kept"].append(made.interface)
        parts["files"] |= {path: _file(digest(content)) for path, content in made.files}
    if host == GATEWAY:
        parts["tunnels"] = tunnel_answers.answer()["tunnels"]["value"]
        parts["identities"] = {PLATFORM: {**_identity(), "role": "hosting-platform-dijon-gateway-1"}}
    if host == HOST:
        parts["identities"] = {APPLICATION: _identity()}
        parts["storage"] = {
            "groups": ["hosting"],
            "devices": {"/dev/disk/by-id/virtio-data": {"present": True, "volume_group": "hosting"}},
            "volumes": {"imagerie-beaune-data": _volume()},
        }
    return {name: {"value": value} for name, value in parts.items()}


def _file(sha256: str) -> dict[str, str]:
    return {"sha256": sha256, "user": "root", "group": "root", "mode": "0644"}


def _interface(made: HostInterface) -> dict[str, Any]:
    state = made.state()
    return {key: state[key] for key in ("form", "parent", "vlan", "addresses", "up")}


def _unit() -> dict[str, str]:
    return {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}


def _identity() -> dict[str, Any]:
    return {"role": "hosting-imagerie-beaune-dijon-app-1", "accessor": "one", "has_credential": True}


def _volume() -> dict[str, Any]:
    slot = {"key_bits": 512, "type": "argon2id", "memory": 1048576, "time": 4, "cpus": 4}
    return {
        "size_bytes": GIB,
        "tags": ["hosting-owner=imagerie-beaune", "hosting-volume=data"],
        "mounts": [["/srv/imagerie", "ext4"]],
        "luks": {
            "label": "hosting-imagerie-beaune-data",
            "uuid": UUID,
            "checksum": "c",
            "saved_checksum": "c",
            "ciphers": ["aes-xts-plain64"],
            "flags": [],
            "slots": {"0": dict(slot), "1": dict(slot)},
        },
        "mapper": "hosting-imagerie-beaune-data",
        "filesystem": "ext4",
        "filesystem_bytes": GIB - (16 << 20),
    }


def differing(answer: dict[str, Any], host: str = HOST) -> dict[str, Any]:
    """Give what differs from what should be: ``kind thing`` → ``None`` if absent, else the attributes as they are."""
    seen = actual(host, answer, desired(host))
    assert seen.unknown == {}
    found: dict[str, Any] = {}
    for resource in desired(host):
        have = seen.resources.get(resource.subject)
        if have is None:
            found[f"{resource.kind} {resource.thing}"] = None
        elif have.state() != resource.state():
            before, after = have.state(), resource.state()
            found[f"{resource.kind} {resource.thing}"] = {k: v for k, v in before.items() if after[k] != v}
    return found


def changed(*path: str, to: Any, host: str = HOST) -> dict[str, Any]:
    """Give the right answer with one value changed; ``...`` removes it."""
    answer = copy.deepcopy(right_answer(host))
    place = answer
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return answer


TRUNK, VLAN = "host-interface eth1", "host-interface eth1.110"
HELD = ("interfaces", "value", "kernel", "eth1.110")


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        pytest.param(
            HELD,
            ...,
            {VLAN: {"form": "absent", "parent": None, "vlan": None, "addresses": [], "up": False}},
            id="a VLAN that somebody deleted",
        ),
        pytest.param((*HELD, "vlan"), 111, {VLAN: {"vlan": 111}}, id="one under another number"),
        pytest.param((*HELD, "parent"), "eth2", {VLAN: {"parent": "eth2"}}, id="one on another card"),
        pytest.param((*HELD, "form"), "macvlan", {VLAN: {"form": "macvlan"}}, id="something else of that name"),
        pytest.param((*HELD, "up"), False, {VLAN: {"up": False}}, id="one that was shut down"),
        pytest.param(
            (*HELD, "addresses"),
            ["10.21.10.1/24", "10.99.0.1/24"],
            {VLAN: {"addresses": ["10.21.10.1/24", "10.99.0.1/24"]}},
            id="one with an address more",
        ),
        pytest.param(
            ("interfaces", "value", "kernel", "eth1", "addresses"),
            ["10.21.10.1/24"],
            {TRUNK: {"addresses": ["10.21.10.1/24"]}},
            id="a trunk with an address",
        ),
        pytest.param(
            ("files", "value", names.device_file("eth1.110"), "sha256"),
            "other",
            {VLAN: {"at_boot": "changed"}},
            id="a file that somebody changed for the next boot",
        ),
        pytest.param(
            ("files", "value", names.network_file("eth1")), None, {TRUNK: {"at_boot": "missing"}}, id="one that is gone"
        ),
    ],
)
def test_an_interface_is_read_as_the_kernel_has_it(path: tuple[str, ...], to: Any, expected: dict[str, Any]) -> None:
    assert differing(changed(*path, to=to, host=GATEWAY), GATEWAY) == expected


def test_a_vlan_that_nobody_asks_for_is_found_on_a_trunk_and_elsewhere_by_our_files() -> None:
    answer = right_answer(GATEWAY)
    other = {"form": "vlan", "parent": "eth1", "vlan": 120, "addresses": ["10.21.20.66/24"], "up": True}
    answer["interfaces"]["value"]["kernel"]["eth1.120"] = other
    answer["interfaces"]["value"]["kept"].append("eth3")
    seen = actual(GATEWAY, answer, desired(GATEWAY)).resources
    wanted = {resource.subject for resource in desired(GATEWAY)}
    left = [found for subject, found in seen.items() if subject not in wanted]
    assert [(found.thing, found.state()["at_boot"]) for found in left if isinstance(found, HostInterface)] == [
        ("eth1.120", "missing"),
        ("eth3", "as written before"),
    ]


def test_interfaces_that_could_not_be_read_are_unknown() -> None:
    answer = right_answer(GATEWAY)
    answer["interfaces"] = {"unknown": "ValueError: ip failed"}
    unknown = actual(GATEWAY, answer, desired(GATEWAY)).unknown
    assert {subject.name for subject in unknown} == {
        f"{GATEWAY}:{name}" for name in ("eth1", "eth1.100", "eth1.110", "*")
    }


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_a_host_that_is_right_has_nothing_to_change(host: str) -> None:
    assert differing(right_answer(host), host) == {}


LOGIN, FIREWALL = "host-login login", "host-firewall firewall"
STORAGE, VOLUME = "host-storage hosting", "host-volume imagerie-beaune/data"
IDENTITY, TIMER = "host-identity imagerie-beaune", "hosting-backup-imagerie-beaune.timer"
DEVICE = ("storage", "value", "devices", "/dev/disk/by-id/virtio-data")
DATA = ("storage", "value", "volumes", "imagerie-beaune-data")
LUKS = (*DATA, "luks")


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (("packages", "value"), ["chrony"], {"host-packages packages": {"packages": ["chrony"]}}),
        (("files", "value", names.ENGINES), None, {f"host-file {names.ENGINES}": None}),
        (("files", "value", names.ENGINES, "mode"), "0666", {f"host-file {names.ENGINES}": {"mode": "0666"}}),
        (("files", "value", names.ENGINES, "user"), "bin", {f"host-file {names.ENGINES}": {"user": "bin"}}),
        (("units", "value", TIMER, "ActiveState"), "failed", {f"host-unit {TIMER}": {"active": False}}),
        (("units", "value", TIMER, "UnitFileState"), "disabled", {f"host-unit {TIMER}": {"enabled": False}}),
        (("units", "value", TIMER, "NeedDaemonReload"), "yes", {f"host-unit {TIMER}": {"settled": False}}),
        (("units", "value", TIMER, "LoadState"), "not-found", {f"host-unit {TIMER}": None}),
        (("pending", "value"), [TIMER], {f"host-unit {TIMER}": {"settled": False}}),
        (("pending", "value"), ["ssh.service"], {LOGIN: {"settled": False}}),
        (("presence", "value"), ["/root/.ssh/x"], {LOGIN: {"stray_keys": ["/root/.ssh/x"]}}),
        (("texts", "value", names.SSH_AUTHORITY), "ssh-ed25519 BBBB", {LOGIN: {"authority": "another"}}),
        (
            ("texts", "value", names.SSH_AUTHORITY),
            "ssh-ed25519 AAAA\nssh-ed25519 BBBB\n",
            {LOGIN: {"authority": "of the vault, and another"}},
        ),
        (("texts", "value", f"{names.SSH_PRINCIPALS}/root"), "you me", {LOGIN: {"principals": ["you", "me"]}}),
        (("texts", "value", f"{names.SSH_PRINCIPALS}/root"), None, {LOGIN: {"principals": None}}),
        (("files", "value", names.SSH_CONFIGURATION), None, {LOGIN: {"configuration": None}}),
        (("firewall", "value"), None, {FIREWALL: None}),
        (("firewall", "value", "kernel"), "other", {FIREWALL: {"rules": "changed in the kernel"}}),
        (("files", "value", names.FIREWALL_RULES, "sha256"), "other", {FIREWALL: {"rules": "changed on disk"}}),
        (("texts", "value", names.FIREWALL_LOADED), None, {FIREWALL: {"rules": "not recorded"}}),
        (
            ("units", "value", "nftables.service", "UnitFileState"),
            "disabled",
            {FIREWALL: {"starts_at_boot": False}},
        ),
        (("identities", "value"), {}, {IDENTITY: None}),
        (
            ("identities", "value", APPLICATION, "has_credential"),
            False,
            {IDENTITY: {"condition": "without its credential"}},
        ),
        (("manifest", "value"), None, {"host-manifest manifest": None}),
        (("manifest", "value", "sha256"), "other", {"host-manifest manifest": {"sha256": "other"}}),
        ((*DEVICE, "volume_group"), "data", {STORAGE: {"condition": f"{DEVICE[-1]} belongs to the volume group data"}}),
        (DEVICE, {"present": False}, {STORAGE: {"condition": f"{DEVICE[-1]} does not exist"}}),
        (DATA, ..., {VOLUME: None}),
        ((*DATA, "size_bytes"), 2 * GIB, {VOLUME: {"size_gib": 2, "filled": False}}),
        ((*DATA, "filesystem_bytes"), GIB // 2, {VOLUME: {"filled": False}}),
        ((*DATA, "filesystem"), "xfs", {VOLUME: {"filesystem": "xfs"}}),
        ((*DATA, "mounts"), [], {VOLUME: {"mounted": False}}),
        ((*DATA, "mounts"), [["/mnt", "ext4"]], {VOLUME: {"mounted": False, "mount_point": "/mnt"}}),
        ((*LUKS, "label"), "theirs", {VOLUME: {"label": "theirs"}}),
        ((*LUKS, "ciphers"), ["aes-cbc-plain"], {VOLUME: {"cipher": "aes-cbc-plain"}}),
        ((*LUKS, "flags"), ["allow-discards"], {VOLUME: {"flags": ["allow-discards"]}}),
        ((*LUKS, "slots", "1"), ..., {VOLUME: {"slots": ["active"]}}),
        ((*LUKS, "slots", "1", "type"), "pbkdf2", {VOLUME: {"pbkdf": None}}),
        ((*LUKS, "slots", "0", "memory"), 1, {VOLUME: {"memory_kib": None}}),
        ((*LUKS, "saved_checksum"), None, {VOLUME: {"header_saved": False}}),
        ((*LUKS, "saved_checksum"), "older", {VOLUME: {"header_saved": False}}),
    ],
)
def test_each_way_of_being_otherwise_is_seen_and_no_other(path: tuple[str, ...], to: Any, expected: Any) -> None:
    assert differing(changed(*path, to=to)) == expected


def test_a_third_passphrase_is_seen() -> None:
    answer = right_answer()
    slots = answer["storage"]["value"]["volumes"]["imagerie-beaune-data"]["luks"]["slots"]
    slots |= {"2": slots["0"], "7": slots["0"]}
    assert differing(answer) == {VOLUME: {"stray_slots": ["slot 2 beside slot 0", "slot 7"]}}


def test_it_does_not_matter_in_which_of_its_slots_a_passphrase_is() -> None:
    answer = right_answer()
    luks = answer["storage"]["value"]["volumes"]["imagerie-beaune-data"]["luks"]
    luks["slots"] = {"2": luks["slots"]["0"], "3": luks["slots"]["1"]}
    assert differing(answer) == {}


def test_blank_devices_are_absent_storage() -> None:
    blank = {"present": True, "volume_group": None, "member_uuid": None, "size_bytes": 4 * GIB, "holders": []}
    answer = changed(*DEVICE, to={**blank, "partitions": [], "mounts": [], "signatures": [], "edges_zero": True})
    assert differing(answer) == {STORAGE: None}


def test_a_closed_volume_is_neither_open_nor_mounted() -> None:
    closed = {"mapper": None, "filesystem": None, "filesystem_bytes": None, "mounts": []}
    answer = changed(*DATA, to={**_volume(), **closed})
    assert differing(answer) == {VOLUME: {"opened": False, "mounted": False}}


@pytest.mark.parametrize("header", [None, _volume()["luks"]], ids=["no header", "a header"])
def test_a_volume_that_a_killed_run_left_is_made_from_the_start(header: Any) -> None:
    volume = {"size_bytes": GIB, "tags": ["hosting-blank"], "mounts": [], "luks": header, "signatures": []}
    unmade = {"slots": [], "complete": False, "opened": False, "mounted": False, "header_saved": False}
    assert differing(changed(*DATA, to=volume)) == {VOLUME: unmade}


def test_a_volume_without_header_and_tag_is_never_taken_for_blank() -> None:
    assert "header" in HostVolume.immutable  # so a plan reports a conflict and no operation touches it
    for lost, said in LOST:
        volume = {"size_bytes": GIB, "tags": [], "mounts": [], "luks": None, **lost}
        assert differing(changed(*DATA, to=volume))[VOLUME]["header"] == said


LOST: tuple[tuple[dict[str, Any], str], ...] = (
    ({"signatures": []}, "lost"),
    ({"signatures": ["ext4"]}, "lost, and ext4 in its place"),
    ({"damage": "the LUKS header does not match its checksum"}, "damaged: the LUKS header does not match its checksum"),
)


def test_a_plan_says_how_a_lost_header_comes_back() -> None:
    (wanted,) = (resource for resource in desired() if isinstance(resource, HostVolume))
    finding = compare(wanted, replace(wanted, header="lost", stray_slots=("slot 7",)))
    assert isinstance(finding, Finding)
    assert finding.reason.startswith("header is lost where whole is asked for, stray_slots is slot 7 where none")
    assert "`hosting volume header restore`; rotate the active passphrase with `hosting key rotate`" in finding.reason


def test_data_on_a_device_is_a_conflict_for_the_plan() -> None:
    assert HostStorage.data_bearing
    assert "condition" in HostStorage.immutable


# -- what could not be told -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", sorted(right_answer()))
def test_a_part_that_could_not_be_read_makes_the_host_unknown(part: str) -> None:
    answer = changed(part, to={"unknown": "OSError: [Errno 5] Input/output error"})
    seen = actual(HOST, answer, desired())
    assert seen.unknown
    found = reading(HOST, answer, desired(), NOW)
    assert found.resources is None
    assert f"{part}: OSError" in (found.reason or "")


@pytest.mark.parametrize("part", sorted(right_answer()))
def test_a_part_that_is_missing_is_unknown_too(part: str) -> None:
    answer = right_answer()
    del answer[part]
    assert reading(HOST, answer, desired(), NOW).resources is None


def test_one_volume_that_cannot_be_read_is_unknown() -> None:
    answer = changed(*DATA, "unreadable", to="ValueError: the LUKS header does not match its checksum")
    seen = actual(HOST, answer, desired())
    assert list(seen.unknown) == [Subject("host-volume", f"{HOST}:imagerie-beaune/data")]


# -- what was left behind ---------------------------------------------------------------------------------------------


def test_what_no_file_asks_for_any_more_is_found_with_its_owner() -> None:
    answer = right_answer()
    manifest = answer["manifest"]["value"]
    manifest["resources"] += [["host-file", "/etc/old", "gone"], ["host-unit", "old.timer", "gone"]]
    manifest["files"] = {"/etc/old": _file("abc")}
    answer["units"]["value"]["old.timer"] = _unit()
    answer["identities"]["value"]["gone"] = _identity()
    answer["storage"]["value"]["volumes"]["gone-data"] = {
        **_volume(),
        "tags": ["hosting-owner=gone", "hosting-volume=data"],
    }
    seen = actual(HOST, answer, desired())
    wanted = {resource.subject for resource in desired()}
    left = {str(subject): resource.owner for subject, resource in seen.resources.items() if subject not in wanted}
    assert left == {
        f"host-file {HOST}:/etc/old": "gone",
        f"host-unit {HOST}:old.timer": "gone",
        f"host-identity {HOST}:gone": "gone",
        f"host-volume {HOST}:gone/data": "gone",
    }


def test_what_was_left_behind_and_is_gone_is_not_found() -> None:
    answer = right_answer()
    answer["manifest"]["value"]["resources"] += [["host-file", "/etc/old", "x"], ["host-unit", "old.timer", "x"]]
    answer["manifest"]["value"]["files"] = {"/etc/old": None}
    answer["units"]["value"]["old.timer"] = {**_unit(), "LoadState": "not-found"}
    assert differing(answer) == {}


# -- the request ------------------------------------------------------------------------------------------------------


def test_only_what_is_needed_is_asked_for() -> None:
    assert "storage" not in request(desired(GATEWAY))
    assert "observations" not in request(desired())
    assert request(desired(), observe=True)["observations"] == {
        "mount_points": ["/", "/srv/imagerie"],
        "backups": {"imagerie-beaune": "/var/lib/hosting/backup/imagerie-beaune.json"},
    }


def test_a_few_resources_ask_for_little() -> None:
    files = [resource for resource in desired() if isinstance(resource, HostFile)][:2]
    asked = request(files)
    assert asked["files"] == [file.path for file in files]
    assert "firewall" not in asked
    assert asked["texts"] == []


# -- tunnels ----------------------------------------------------------------------------------------------------------

DAEMON = ("tunnels", "value", "daemon")
LOADED = (*DAEMON, "connections")
OTHERWISE: dict[str, Any] = {
    "nothing": [],
    "one more": [{"beaune": tunnel_answers.connection()}, {"dole": tunnel_answers.connection()}],
    "an older protocol": [{"beaune": {**tunnel_answers.connection(), "version": "IKEv1"}}],
    "a second round of authentication": [{"beaune": {**tunnel_answers.connection(), "remote-2": {"class": "any"}}}],
    "a peer that need not be on no list": [
        {
            "beaune": {
                **tunnel_answers.connection(),
                "remote-1": {**tunnel_answers.connection()["remote-1"], "revocation": "SKIPPED"},
            }
        }
    ],
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_a_daemon_that_has_loaded_something_else_is_not_settled(case: str) -> None:
    found = differing(changed(*LOADED, to=OTHERWISE[case], host=GATEWAY), GATEWAY)
    assert found == {"host-unit strongswan.service": {"settled": False}}


def test_a_daemon_that_does_not_run_waits_for_its_start_alone() -> None:
    assert differing(changed(*DAEMON, to=None, host=GATEWAY), GATEWAY) == {}


@pytest.mark.parametrize("loaded", [None, [{"beaune": {}}], [{"beaune": None}], ["beaune"]])
def test_what_a_daemon_says_and_is_not_understood_is_unknown(loaded: Any) -> None:
    seen = actual(GATEWAY, changed(*LOADED, to=loaded, host=GATEWAY), desired(GATEWAY))
    assert [subject.name for subject in seen.unknown] == ["dijon-gateway-1:strongswan.service"]


def test_a_host_that_ends_no_tunnel_is_not_asked_about_any() -> None:
    assert "tunnels" in request(desired(GATEWAY)) and "tunnels" not in request(desired(HOST))
