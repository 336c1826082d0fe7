"""What a host should be, from the sample region."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from sample import APPLICATION, GATEWAY, HOST, PUBLISHED, environment, region

from deploys import flows, names
from deploys.codec import decode, encode
from deploys.desired import host_resources, region_resources, secrets_of
from deploys.resources import (
    HostFile,
    HostFirewall,
    HostIdentity,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostStorage,
    HostUnit,
    HostVolume,
)
from deploys.templates import render
from inventory.environment import LuksProfile
from inventory.models import Database, DatabaseEngine, RestoredCheck
from inventory.resource import PLATFORM

Kind = TypeVar("Kind", bound=HostResource)


def resources(host: str = HOST) -> tuple[HostResource, ...]:
    return host_resources(region(), environment(), host, PUBLISHED)


def one(kind: type[Kind], host: str = HOST) -> Kind:
    (found,) = (resource for resource in resources(host) if isinstance(resource, kind))
    return found


def file(path: str, host: str = HOST) -> str:
    (found,) = (r.content for r in resources(host) if isinstance(r, HostFile) and r.path == path)
    assert found is not None
    return found


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_every_resource_has_a_name_of_its_own_below_its_host(host: str) -> None:
    found = resources(host)
    assert max(Counter(resource.subject for resource in found).values()) == 1
    assert all(resource.name.startswith(f"{host}:") and resource.source == f"host {host}" for resource in found)


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_prerequisites_on_the_host_exist(host: str) -> None:
    subjects = {resource.subject for resource in resources(host)}
    required = {required for resource in resources(host) for required in resource.requires}
    assert {subject for subject in required if subject.kind.startswith("host-")} <= subjects


def test_prerequisites_elsewhere_are_named_as_the_engines_name_them() -> None:
    required = {required for resource in resources() for required in resource.requires}
    assert {str(subject) for subject in required if not subject.kind.startswith("host-")} == {
        "ssh-authority ssh",
        "app-role hosting-imagerie-beaune-dijon-app-1",
        "secret imagerie-beaune/volumes/dijon-app-1/data/active",
        "secret imagerie-beaune/volumes/dijon-app-1/data/recovery",
        "secret imagerie-beaune/backups/dijon-app-1/repository",
        "secret imagerie-beaune/object-store/hosting-imagerie-beaune-backup",
        "bucket bfc-imagerie-beaune-backup",
    }


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_resources_survive_the_way_to_the_child_process(host: str) -> None:
    for resource in resources(host):
        back = decode(json.loads(json.dumps(encode(resource))))
        assert encode(back) == encode(resource)
        assert type(back) is type(resource)


def test_a_plan_made_before_the_vault_has_an_authority_stays_true() -> None:
    before = host_resources(region(), environment(), HOST, replace(PUBLISHED, ssh_authority_keys=()))
    assert [resource.state() for resource in before] == [resource.state() for resource in resources()]


def test_many_hosts_are_what_each_is_alone() -> None:
    assert region_resources(region(), environment(), PUBLISHED) == (*resources(HOST), *resources(GATEWAY))


def test_the_secrets_that_must_be_handed_over_are_named() -> None:
    wanted = {name for resource in resources() for name in secrets_of(resource)}
    assert wanted == {
        "imagerie-beaune/volumes/dijon-app-1/data/active",
        "imagerie-beaune/volumes/dijon-app-1/data/recovery",
        "hosting-imagerie-beaune-dijon-app-1",
    }


def test_what_an_application_causes_has_it_as_owner() -> None:
    owned = {resource.thing for resource in resources() if resource.owner == APPLICATION}
    assert owned == {
        "/etc/hosting/applications/imagerie-beaune.json",
        "imagerie-beaune",
        "imagerie-beaune/data",
        *(f"/etc/systemd/system/{unit}" for unit in UNITS_OF_THE_APPLICATION),
        *(unit for unit in UNITS_OF_THE_APPLICATION if unit not in STARTED_BY_TIMERS),
    }


UNITS_OF_THE_APPLICATION = {
    "hosting-volume-imagerie-beaune-data.service",
    "srv-imagerie.mount",
    "hosting-backup-imagerie-beaune.service",
    "hosting-backup-imagerie-beaune.timer",
    "hosting-check-imagerie-beaune.service",
    "hosting-check-imagerie-beaune.timer",
}
STARTED_BY_TIMERS = {"hosting-backup-imagerie-beaune.service", "hosting-check-imagerie-beaune.service"}


def test_a_gateway_has_no_storage_and_no_identity_but_the_platforms() -> None:
    kinds = {type(resource) for resource in resources(GATEWAY)}
    assert not kinds & {HostStorage, HostVolume}
    assert [item.thing for item in resources(GATEWAY) if isinstance(item, HostIdentity)] == [PLATFORM]


def test_the_manifest_lists_what_can_be_pruned() -> None:
    listed = json.loads(one(HostManifest).content or "")["resources"]
    assert ["host-unit", "hosting-backup-imagerie-beaune.timer", APPLICATION] in listed
    assert ["host-identity", APPLICATION, APPLICATION] in listed
    assert {kind for kind, _, _ in listed} == {"host-file", "host-unit", "host-identity"}


def test_packages_follow_what_runs_on_the_host() -> None:
    assert set(one(HostPackages).packages) - set(one(HostPackages, GATEWAY).packages) == {
        "cryptsetup-bin",
        "e2fsprogs",
        "lvm2",
        "restic",
        "xfsprogs",
    }


@pytest.mark.parametrize(
    ("profile", "cost"), [(LuksProfile.LAB, (1024, 4, 1)), (LuksProfile.PRODUCTION, (1048576, 4, 4))]
)
def test_the_cost_of_a_passphrase_is_explicit(profile: LuksProfile, cost: tuple[int, int, int]) -> None:
    chosen = environment().model_copy(update={"luks_profile": profile})
    (volume,) = (r for r in host_resources(region(), chosen, HOST, PUBLISHED) if isinstance(r, HostVolume))
    assert (volume.memory_kib, volume.iterations, volume.lanes) == cost
    assert (volume.cipher, volume.key_bits, volume.pbkdf) == ("aes-xts-plain64", 512, "argon2id")


def test_the_agent_is_told_names_and_never_a_secret() -> None:
    told = json.loads(file(names.application_file(APPLICATION)))
    assert told["volumes"]["data"] == {
        "device": "/dev/hosting/imagerie-beaune-data",
        "label": "hosting-imagerie-beaune-data",
        "mount_point": "/srv/imagerie",
        "secret": "imagerie-beaune/volumes/dijon-app-1/data/active",
    }
    assert told["backup"]["repository"] == "s3:https://10.0.2.101:8333/bfc-imagerie-beaune-backup/dijon-app-1"


def with_database() -> tuple[HostResource, ...]:
    (application,) = region().applications
    assert application.backup
    database = Database(engine=DatabaseEngine.POSTGRESQL, name="imagerie", volume="data")
    more = {"databases": (database,), "check": RestoredCheck(program="/usr/bin/true")}
    own = application.model_copy(update={"backup": application.backup.model_copy(update=more)})
    return host_resources(region().model_copy(update={"applications": (own,)}), environment(), HOST, PUBLISHED)


def content_of(path: str, found: tuple[HostResource, ...]) -> str:
    (text,) = (r.content for r in found if isinstance(r, HostFile) and r.path == path and r.content)
    return text


def test_the_server_of_a_database_waits_for_its_encrypted_volume_and_has_no_files_elsewhere() -> None:
    found = with_database()
    (packages,) = (r for r in found if isinstance(r, HostPackages))
    assert "postgresql" in packages.packages
    assert [str(subject) for subject in packages.requires] == [f"host-file {HOST}:{names.NO_CLUSTER_IN_CLEAR}"]
    assert content_of(names.NO_CLUSTER_IN_CLEAR, found) == "create_main_cluster = false\n"
    unit = content_of(names.unit_file("hosting-databases-imagerie-beaune.service"), found).splitlines()
    for key in ("BindsTo", "After", "WantedBy"):
        assert f"{key}=srv-imagerie.mount" in unit
    (running,) = (r for r in found if isinstance(r, HostUnit) and r.unit == "hosting-databases-imagerie-beaune.service")
    assert running.on_change == "nothing"
    assert f"host-volume {HOST}:imagerie-beaune/data" in {str(subject) for subject in running.requires}
    subjects = {resource.subject for resource in found}
    assert {subject for r in found for subject in r.requires if subject.kind.startswith("host-")} <= subjects


def test_the_agent_is_told_of_databases_and_of_the_check_of_what_is_restored() -> None:
    told = json.loads(content_of(names.application_file(APPLICATION), with_database()))["backup"]
    assert told["databases"] == [
        {
            "engine": "postgresql",
            "name": "imagerie",
            "mount_point": "/srv/imagerie",
            "data_directory": "/srv/imagerie/postgresql",
        }
    ]
    assert told["check"] == {"program": "/usr/bin/true", "arguments": [], "timeout_seconds": 600}
    assert (told["check_days"], told["check_parts"]) == (1, 28)


def test_the_host_that_is_not_reached_has_no_resources() -> None:
    nowhere = environment().model_copy(update={"hosts": {}})
    assert region_resources(region(), nowhere, PUBLISHED) == ()
    with pytest.raises(KeyError):
        host_resources(region(), nowhere, HOST, PUBLISHED)


def test_an_engine_that_is_not_named_by_address_is_refused() -> None:
    access = environment().hosts[HOST].model_copy(update={"vault_address": "https://vault.example:8200"})
    elsewhere = environment().model_copy(update={"hosts": {HOST: access}})
    with pytest.raises(ValueError, match="vault"):
        host_resources(region(), elsewhere, HOST, PUBLISHED)


# -- logins, time, routes -------------------------------------------------------------------------------------------


def test_only_certificates_log_in() -> None:
    configuration = (one(HostLogin).content or "").splitlines()
    assert {"AuthorizedKeysFile none", "PasswordAuthentication no", "KbdInteractiveAuthentication no"} <= set(
        configuration
    )
    assert "TrustedUserCAKeys /etc/ssh/hosting/user-authority.pub" in configuration


def test_hosts_take_the_time_from_their_gateway_unless_servers_are_named() -> None:
    assert "server 10.21.10.1 iburst" in file("/etc/chrony/chrony.conf")
    gateway = file("/etc/chrony/chrony.conf", GATEWAY)
    assert "local stratum 8" in gateway
    assert "allow 10.21.10.0/24" in gateway
    assert "10.21.20.0/24" not in gateway  # an establishment's tunnel is not ours to serve


def test_a_host_reaches_the_tunnel_through_the_gateway_of_both_segments() -> None:
    assert flows.routes(flows.topology(region()), region().hosts[0]) != ()
    assert file(f"{names.DIRECTORY}/routes.batch").splitlines() == [
        "route flush proto 104",
        "route replace 10.21.20.0/24 via 10.21.10.1 dev eth1 onlink proto 104",
        "route replace 172.20.21.0/24 via 10.21.10.1 dev eth1 onlink proto 104",
    ]


def test_the_firewall_is_compared_by_its_text() -> None:
    assert one(HostFirewall).rules != one(HostFirewall, GATEWAY).rules
    assert "content" not in one(HostFirewall).state()


# -- units ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/srv/imagerie", "srv-imagerie.mount"),
        ("/srv/imagerie/data-1", "srv-imagerie-data\\x2d1.mount"),
        ("//srv//imagerie/", "srv-imagerie.mount"),
        ("/srv/é", "srv-\\xc3\\xa9.mount"),
        ("/.hidden", "\\x2ehidden.mount"),
        ("/", "-.mount"),
    ],
)
def test_mount_units_are_named_as_systemd_insists(path: str, unit: str) -> None:
    assert names.mount_unit(path) == unit


def test_the_mount_depends_on_the_opened_volume_and_on_nothing_else() -> None:
    mount = file(names.unit_file("srv-imagerie.mount")).splitlines()
    assert "What=/dev/mapper/hosting-imagerie-beaune-data" in mount
    assert "BindsTo=hosting-volume-imagerie-beaune-data.service" in mount
    assert "DefaultDependencies=no" in mount


def test_a_command_names_the_mount_unit_as_systemd_reads_commands_and_an_ordering_as_it_reads_names() -> None:
    """In a command a backslash begins an escape (systemd.service(5), "Command lines"), in a name it is one."""
    unit = names.mount_unit("/srv/imagerie-index")
    others = dict.fromkeys(("application", "agent", "volume", "credential", "label"), "x")
    text = render("volume.service", mount_unit=unit, **others)
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert lines["ExecStartPost"].encode().decode("unicode_escape").split()[-1] == unit
    assert lines["Before"] == unit


def test_units_that_keep_a_volume_are_not_restarted_for_a_new_text() -> None:
    kept = {
        resource.unit for resource in resources() if isinstance(resource, HostUnit) and resource.on_change == "nothing"
    }
    assert kept == {"hosting-volume-imagerie-beaune-data.service", "srv-imagerie.mount"}


def test_backups_follow_the_class_unless_the_application_says_otherwise() -> None:
    timer = names.unit_file("hosting-backup-imagerie-beaune.timer")
    assert "OnCalendar=*-*-* *:00/30" in file(timer).splitlines()
    (application,) = region().applications
    assert application.backup
    policy = application.backup.model_copy(update={"schedule": "hourly"})
    own = region().model_copy(update={"applications": (application.model_copy(update={"backup": policy}),)})
    (text,) = (
        r.content
        for r in host_resources(own, environment(), HOST, PUBLISHED)
        if isinstance(r, HostFile) and r.path == timer
    )
    assert "OnCalendar=hourly" in (text or "").splitlines()


def test_a_value_cannot_break_out_of_its_line() -> None:
    with pytest.raises(ValueError, match="cannot stand in a configuration file"):
        render("backup.timer", application=APPLICATION, schedule="daily\nOnBootSec=1")


def test_the_agent_is_installed_whole() -> None:
    modules = {path.name for path in (Path(names.__file__).parent / "agent").glob("*.py")}
    installed = {
        r.path for r in resources() if isinstance(r, HostFile) and ("/agent/" in r.path or r.path == names.AGENT)
    }
    assert installed == {*(f"{names.AGENT_DIRECTORY}/{name}" for name in modules), names.AGENT}
