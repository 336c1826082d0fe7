"""What hosts promise, tried: no data is formatted away, nobody locks us out, a boot waits for the vault."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from conftest import HOSTS, SAMPLE, LabRunner, wait_until

from deploys import names, nftables, reading
from deploys.desired import Published, host_resources
from deploys.devices import physical_volume_uuid
from deploys.programs import INTERPRETER, program
from deploys.resources import HostFirewall, HostResource, HostStorage, HostVolume
from deploys.view import digest
from hosting_cli.doors.engine import Engine
from hosting_cli.doors.hosts import HostsDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.operator_key import make_operator_key
from hosting_cli.errors import UnreadableError
from hosting_cli.jobs import HostJob, Job, OperatorKey, Outcome
from hosting_cli.lab import channels, machines
from inventory import naming
from inventory.load import load_environment, load_region

pytestmark = pytest.mark.timeout(1800)

APP, GATEWAY = HOSTS
GATEWAY_ADDRESS = "10.21.10.1"
DEVICE = "/dev/disk/by-id/virtio-data"


@dataclass(frozen=True)
class Hosts:
    """The lab's hosts, through our own doors and past them."""

    lab: LabRunner

    @cached_property
    def region(self) -> Any:
        return load_region(SAMPLE)

    @cached_property
    def environment(self) -> Any:
        return load_environment(self.lab.environment_file, self.region)

    @cached_property
    def vault(self) -> OpenBao:
        return OpenBao(self.environment.vault, region=self.region.id)

    @cached_property
    def key(self) -> OperatorKey:
        role = naming.SSH_OPERATIONS_ROLE
        return make_operator_key(lambda public: self.vault.sign_ssh_key(public, role=role, ttl_seconds=1800))

    @cached_property
    def door(self) -> HostsDoor:
        return HostsDoor(self.environment.hosts, lambda: self.key)

    def desired(self, host: str) -> tuple[HostResource, ...]:
        authority = Path(self.environment.vault.certificate_authority).read_text()
        published = Published(self.vault.trusted_ssh_keys(), authority)
        return host_resources(self.region, self.environment, host, published)

    def converge(self, host: str, *resources: HostResource) -> Outcome:
        """Carry *resources* out as `hosting apply` would."""
        job = HostJob(self.environment.hosts[host], resources)
        return Engine().converge(Job({host: job}, self.key), lambda event: None)

    def past(self, host: str, script: str) -> str:
        """Run a script on the host past everything of ours: through the lab's own channel."""
        ran = channels.run(machines.directory(self.lab.directory, host), ["sh", "-c", script])
        assert ran.status == 0, ran
        return ran.output

    def seen(self, host: str, *resources: HostResource) -> reading.Seen:
        """Read the host through the lab's own channel: also when SSH does not let us in."""
        text = program("read_host", reading.request(resources))
        ran = channels.run(machines.directory(self.lab.directory, host), INTERPRETER, standard_input=text.encode())
        assert ran.status == 0, ran
        return reading.actual(host, json.loads(ran.output), resources)


@pytest.fixture(scope="module", name="hosts")
def _hosts(provisioned: LabRunner) -> Hosts:
    return Hosts(provisioned)


# -- no data is formatted away ----------------------------------------------------------------------------------------

STORAGE = HostStorage(
    host=GATEWAY,
    name=f"{GATEWAY}:{names.VOLUME_GROUP}",
    owner="platform",
    volume_group=names.VOLUME_GROUP,
    devices=(DEVICE,),
    sizes_gib=(4,),
)
"""What the gateway is never asked to have: its disk is blank, and ours to put things on."""

CONTENTS = {
    "carries ext4": f"mkfs.ext4 -q -F {DEVICE}",
    "carries xfs": f"mkfs.xfs -q -f {DEVICE}",
    "carries swap": f"mkswap -q {DEVICE}",
    "belongs to the volume group theirs": f"vgcreate -q -y theirs {DEVICE}",
    "carries crypto_LUKS": (
        f"echo x | cryptsetup luksFormat -q --type=luks2 --pbkdf=pbkdf2 --pbkdf-force-iterations=1000 {DEVICE} -"
    ),
    "has data in its first or last MiB": f"printf data | dd of={DEVICE} bs=1 seek=5000 status=none",
    "is mounted on /mnt": f"mkfs.ext4 -q -F {DEVICE} && mount {DEVICE} /mnt",
}
WIPE = (
    f"umount -q /mnt; vgremove -q -y theirs 2>/dev/null; wipefs -q -a {DEVICE};"
    f" dd if=/dev/zero of={DEVICE} bs=1M count=20 status=none; blkdiscard -q -z {DEVICE} 2>/dev/null; true"
)
EDGES = f"sync; dd if={DEVICE} bs=1M count=8 status=none | sha256sum; tail -c 1048576 {DEVICE} | sha256sum"


@pytest.fixture(name="disk")
def _disk(hosts: Hosts) -> Any:
    yield hosts
    hosts.past(GATEWAY, WIPE)


@pytest.mark.parametrize("reason", CONTENTS)
def test_whatever_is_on_a_device_is_seen(disk: Hosts, reason: str) -> None:
    disk.past(GATEWAY, CONTENTS[reason])
    found = disk.seen(GATEWAY, STORAGE).resources[STORAGE.subject]
    assert isinstance(found, HostStorage)
    assert reason in found.condition


def test_a_device_that_carries_data_is_left_as_it_is(disk: Hosts) -> None:
    disk.past(GATEWAY, f"mkfs.ext4 -q -F {DEVICE}")
    before = disk.past(GATEWAY, EDGES)
    outcome = disk.converge(GATEWAY, STORAGE)
    assert "nothing was done" in str(outcome.failed[STORAGE.subject])
    assert "carries ext4" in str(outcome.failed[STORAGE.subject])
    assert disk.past(GATEWAY, EDGES) == before


def test_data_that_appears_after_the_reading_is_not_overwritten_either(disk: Hosts) -> None:
    """The operation's own command, on a device that was blank when the host was read and no longer is."""
    disk.past(GATEWAY, f"mkfs.ext4 -q -F {DEVICE}")
    before = disk.past(GATEWAY, EDGES)
    uuid = physical_volume_uuid(GATEWAY, DEVICE)
    tried = disk.past(GATEWAY, f"pvcreate --uuid {uuid} --norestorefile {DEVICE} </dev/null 2>&1; echo status $?")
    assert "status 5" in tried
    assert disk.past(GATEWAY, EDGES) == before


def test_a_blank_device_is_taken_also_by_a_run_that_follows_a_killed_one(disk: Hosts) -> None:
    uuid = physical_volume_uuid(GATEWAY, DEVICE)
    disk.past(GATEWAY, f"{WIPE} && pvcreate -q --uuid {uuid} --norestorefile {DEVICE} </dev/null")
    try:
        outcome = disk.converge(GATEWAY, STORAGE)
        assert outcome.is_complete, outcome
        found = disk.seen(GATEWAY, STORAGE).resources[STORAGE.subject]
        assert found.state() == STORAGE.state()
    finally:
        disk.past(GATEWAY, "vgremove -q -y hosting; pvremove -q -y " + DEVICE)


# -- nobody locks us out ----------------------------------------------------------------------------------------------


def firewall(hosts: Hosts, host: str) -> HostFirewall:
    (found,) = (resource for resource in hosts.desired(host) if isinstance(resource, HostFirewall))
    return found


def rules_seen(hosts: Hosts, host: str) -> str:
    wanted = firewall(hosts, host)
    found = hosts.seen(host, wanted).resources[wanted.subject]
    assert isinstance(found, HostFirewall)
    return found.rules


def test_rules_that_cut_us_off_undo_themselves(hosts: Hosts) -> None:
    wanted = firewall(hosts, GATEWAY)
    nothing = nftables.render(nftables.RuleSet(administration=(), behind={}))
    outcome = hosts.converge(GATEWAY, replace(wanted, rules=digest(nothing), content=nothing))
    assert "a new login failed" in str(outcome.failed[wanted.subject])
    wait_until(lambda: rules_seen(hosts, GATEWAY) == wanted.rules, seconds=300)
    with hosts.door.shell(GATEWAY) as shell:
        assert shell.run(["true"]).status == 0


def test_a_rule_that_somebody_adds_is_seen_and_taken_out(hosts: Hosts) -> None:
    wanted = firewall(hosts, GATEWAY)
    hosts.past(GATEWAY, "nft add rule inet hosting input tcp dport 12345 accept")
    assert rules_seen(hosts, GATEWAY) == "changed in the kernel"
    assert hosts.converge(GATEWAY, wanted).changed == (wanted.subject,)
    assert rules_seen(hosts, GATEWAY) == wanted.rules
    assert "12345" not in hosts.past(GATEWAY, "nft list table inet hosting")


def test_stopping_the_firewalls_unit_opens_nothing(hosts: Hosts) -> None:
    hosts.past(GATEWAY, "systemctl start nftables; systemctl stop nftables")
    assert "policy drop" in hosts.past(GATEWAY, "nft list table inet hosting")


# -- a boot waits for the vault ---------------------------------------------------------------------------------------


def test_a_host_that_boots_without_the_vault_writes_nothing_in_clear_waits_and_opens_later(hosts: Hosts) -> None:
    lab = hosts.lab
    hosts.past(APP, "echo kept > /srv/imagerie/kept && sync")
    assert lab.run("lab", "break", "vault-sealed").status == 0
    try:
        machines.reboot(lab.directory, APP, lambda text: None)
        assert "policy drop" in hosts.past(APP, "nft list table inet hosting")
        assert mounted(hosts) == ""
        assert "status 1" in hosts.past(APP, "touch /srv/imagerie/in-clear 2>/dev/null; echo status $?")
        assert "activ" in hosts.past(APP, f"systemctl show --property=ActiveState {VOLUME_UNIT}")
        wait_until(lambda: waits_because(hosts, "vault-sealed"), seconds=120)
        hosts.past(APP, f"systemctl start --no-block {BACKUP_UNIT}")
        assert lab.run("lab", "break", "vault-down").status == 0
        wait_until(lambda: waits_because(hosts, "vault-unreachable"), seconds=180)
        assert hosts.past(APP, f"systemctl show --property=ActiveState {BACKUP_UNIT}") == "ActiveState=inactive\n"
        assert BACKUP_UNIT in hosts.past(APP, "systemctl list-jobs --no-legend")
        assert_tries_ever_more_slowly(hosts)
    finally:
        assert lab.run("lab", "mend", "vault-down").status == 0
        assert lab.run("lab", "mend", "vault-sealed").status == 0
    wait_until(lambda: "hosting-imagerie-beaune-data" in mounted(hosts), seconds=300)
    assert hosts.past(APP, "cat /srv/imagerie/kept") == "kept\n"
    wait_until(lambda: everything_is_right(hosts), seconds=120)
    assert told_of_volume(hosts) == [
        'hosting_volume_opened{application="imagerie-beaune",host="dijon-app-1",volume="data"} 1'
    ]
    wait_until(lambda: "ActiveState=inactive" in hosts.past(APP, f"systemctl show {BACKUP_UNIT}"), seconds=300)
    assert "Result=success" in hosts.past(APP, f"systemctl show {BACKUP_UNIT}")
    assert hosts.past(APP, f"systemctl show --property=ExecMainStartTimestamp --value {BACKUP_UNIT}") != "\n"


def waits_because(hosts: Hosts, reason: str) -> bool:
    return any(f'reason="{reason}"' in line for line in told_of_volume(hosts))


def assert_tries_ever_more_slowly(hosts: Hosts) -> None:
    """Ask systemd how long it will wait before the next start of the volume's unit, and how long before the first."""
    shown = hosts.past(APP, f"systemctl show --property=NRestarts,RestartUSec,RestartUSecNext {VOLUME_UNIT}")
    found = dict(line.split("=", 1) for line in shown.splitlines())
    assert int(found["NRestarts"]) >= 1
    assert (found["RestartUSec"], found["RestartUSecNext"] != found["RestartUSec"]) == ("2s", True)


BACKUP_UNIT = "hosting-backup-imagerie-beaune.service"
VOLUME_UNIT = "hosting-volume-imagerie-beaune-data.service"


def told_of_volume(hosts: Hosts) -> list[str]:
    """Give what the node exporter says of the volume."""
    shown = hosts.past(APP, "curl --silent http://127.0.0.1:9100/metrics").splitlines()
    return [line for line in shown if line.startswith("hosting_volume_")]


def mounted(hosts: Hosts) -> str:
    return hosts.past(APP, "findmnt --noheadings --output SOURCE /srv/imagerie || true")


def everything_is_right(hosts: Hosts) -> bool:
    desired = hosts.desired(APP)
    seen = hosts.seen(APP, *desired)
    assert seen.unknown == {}
    return all(is_as_wanted(resource, seen.resources.get) for resource in desired)


def is_as_wanted(resource: HostResource, look: Callable[..., Any]) -> bool:
    found = look(resource.subject)
    return found is not None and found.state() == resource.state()


# -- a volume grows ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scratch:
    """A volume on the application's host that no file asks for: made, opened and mounted by hand."""

    hosts: Hosts
    filesystem: str
    wanted: HostVolume

    @property
    def order(self) -> dict[str, Any]:
        derivation = {"pbkdf": "argon2id", "memory_kib": 1024, "iterations": 4, "lanes": 1}
        cipher = {"cipher": "aes-xts-plain64", "key_bits": 512, **derivation}
        secrets = {"active": "scratch-active", "recovery": "scratch-recovery"}
        return {**self.place, **cipher, **secrets}

    @property
    def place(self) -> dict[str, Any]:
        names = ("volume_group", "logical_volume", "filesystem", "mount_point", "label")
        return {name: getattr(self.wanted, name) for name in names}

    @property
    def ending(self) -> dict[str, Any]:
        """Name the volume three times over, with what opens it."""
        place = {name: getattr(self.wanted, name) for name in ("volume_group", "logical_volume", "label")}
        passphrases = {"active": "scratch-active", "recovery": "scratch-recovery"}
        return {**place, "application": "test", "volume": "scratch", "passphrases": passphrases}

    def agent(self, command: str, order: dict[str, Any]) -> Any:
        """Have the agent carry *order* out; give its answer, if it has one."""
        place = machines.directory(self.hosts.lab.directory, APP)
        ran = channels.run(place, ["hosting-agent", command], standard_input=json.dumps(order).encode())
        assert ran.status == 0, ran
        return json.loads(ran.output or "null")

    def seen(self) -> HostVolume:
        groups = (resource for resource in self.hosts.desired(APP) if isinstance(resource, HostStorage))
        found = self.hosts.seen(APP, *groups, self.wanted).resources[self.wanted.subject]
        assert isinstance(found, HostVolume)
        return found


TAGS = " ".join(
    f"--addtag={tag}" for tag in (names.BLANK_TAG, f"{names.OWNER_TAG}=test", f"{names.VOLUME_TAG}=scratch")
)


@pytest.fixture(name="scratch", params=["ext4", "xfs"])
def _scratch(hosts: Hosts, request: pytest.FixtureRequest) -> Iterator[Scratch]:
    (own,) = (resource for resource in hosts.desired(APP) if isinstance(resource, HostVolume))
    label = "hosting-test-scratch"
    renamed = replace(
        own, name=f"{APP}:test/scratch", logical_volume="test-scratch", mount_point="/mnt/scratch", label=label
    )
    scratch = Scratch(hosts, request.param, replace(renamed, size_gib=2, filesystem=request.param))
    hosts.past(APP, f"lvcreate -q -y --wipesignatures=y -n test-scratch -L 1g {TAGS} hosting")
    scratch.agent("prepare-volume", scratch.order)
    hosts.past(APP, f"printf scratch-active | cryptsetup open --key-file=- /dev/hosting/test-scratch {label}")
    hosts.past(APP, f"mount /dev/mapper/{label} /mnt/scratch && echo kept > /mnt/scratch/kept")
    yield scratch
    hosts.past(APP, f"umount /mnt/scratch; cryptsetup close {label}; lvremove -q -y hosting/test-scratch")
    hosts.past(APP, f"chattr -i /mnt/scratch; rmdir /mnt/scratch; rm -f {names.HEADERS}/{label}.luks")


def test_a_volume_grows_while_it_is_in_use_and_ends_for_good(scratch: Scratch) -> None:
    assert (scratch.seen().size_gib, scratch.seen().filled) == (1, True)
    growth = {**scratch.place, "size_gib": 2, "active": "scratch-active"}
    scratch.hosts.past(APP, "lvextend -q --size=2g hosting/test-scratch")  # and killed
    assert (scratch.seen().size_gib, scratch.seen().filled) == (2, False)
    scratch.agent("grow-volume", growth)
    assert (scratch.seen().size_gib, scratch.seen().filled) == (2, True)
    room = scratch.hosts.past(APP, "df --output=size --block-size=1M /mnt/scratch").split()[-1]
    assert 1800 < int(room) <= 2048
    assert scratch.hosts.past(APP, "cat /mnt/scratch/kept") == "kept\n"
    ended = scratch.agent("erase-volume", scratch.ending)
    assert (ended["opened_before"], ended["slots"]) == ({"active": "0", "recovery": "1"}, [])
    opened = f"/dev/mapper/{scratch.wanted.label}"
    assert scratch.hosts.past(APP, f"findmnt /mnt/scratch; ls {opened} 2>/dev/null; true") == ""
    tried = scratch.agent("try-erased", scratch.ending)
    assert tried == {"tried": ["active", "recovery"], "opening": [], "slots": [], "open_as": [], "copies": []}


# -- one exec ---------------------------------------------------------------------------------------------------------


def test_a_reading_is_one_exec_for_each_host_and_none_for_one_that_is_not_there(hosts: Hosts) -> None:
    door = HostsDoor(hosts.environment.hosts, lambda: hosts.key)
    requests = {host: reading.request(hosts.desired(host), observe=True) for host in (APP, GATEWAY)}
    answers = door.read({**requests, "nowhere": requests[APP]})
    assert door.executions == {APP: 1, GATEWAY: 1}
    assert isinstance(answers["nowhere"], UnreadableError)
    observations = answers[APP]["observations"]["value"]
    assert observations["boot_id"]
    assert observations["disks"]["value"]["/srv/imagerie"]["size_bytes"] > 1 << 29


def test_a_hosts_clock_follows_the_gateway_through_the_firewall(hosts: Hosts) -> None:
    hosts.past(APP, "chronyc -a burst 2/4 >/dev/null; true")
    wait_until(lambda: hosts.past(APP, "chronyc -c tracking").split(",")[1] == GATEWAY_ADDRESS, seconds=180)
