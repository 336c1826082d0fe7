"""Figures and rules for Prometheus: what is told, what is left out, and where it goes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_doors import World
from prometheus_client.parser import text_string_to_metric_families
from sample import APPLICATION, GATEWAY, HOST, NOW, region
from test_commands_backup import FakeRepositories, changed, door, printed
from with_pairs import with_pair
from with_tunnels import SECOND

from hosting_cli.checks.seen import Endpoint, ServedCertificate
from hosting_cli.commands import backup
from hosting_cli.commands.metrics import configure, serve, show
from hosting_cli.errors import EngineError, HostingError, UnreadableError, UsageError
from hosting_cli.exporter.parts import Part
from hosting_cli.figures import HELP
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.result import ExitStatus
from inventory.backups import longest_age_minutes
from inventory.environment import MonitoringAccess
from inventory.key_policy import KeyKind
from monitoring.render import rules

LABELS = {"application": APPLICATION, "host": HOST}
WITHOUT_FIREWALLS = [Part.BACKUPS, Part.KEYS, Part.VOLUMES]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    key = Key(kind=KeyKind.TRANSIT_KEY, name="hosting-x", owner=APPLICATION, made_at=NOW - timedelta(days=10))
    sealing = Key(kind=KeyKind.TRANSIT_KEY, name=f"hosting-{APPLICATION}-volumes", owner=APPLICATION, made_at=None)
    world.vault.known_keys = KeysSeen((key, sealing), {})
    header = {"label": "l", "uuid": "u", "checksum": "now", "saved_checksum": "now", "slots": {"0": {}, "1": {}}}
    volume = {"size_bytes": 1 << 30, "luks": header}
    world.hosts.answers = {HOST: {"storage": {"value": {"volumes": {f"{APPLICATION}-data": volume}}}}}
    return world


def figures(text: str) -> dict[str, float]:
    """Read what was printed as Prometheus does; each figure here is of one thing."""
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def test_figures_say_what_the_store_the_vault_and_the_journal_say(world: World) -> None:
    backup.check(world.session, APPLICATION)
    result = show(world.session, WITHOUT_FIREWALLS)
    found = figures(printed(result))
    assert result.status is ExitStatus.DONE
    assert found["hosting_stored_backup_timestamp_seconds"] == (NOW - timedelta(minutes=20)).timestamp()
    assert found["hosting_stored_backup_rpo_met"] == 1
    assert found["hosting_stored_check_success"] == 1
    assert found["hosting_drill_last_success_timestamp_seconds"] == 0  # there never was one
    assert found["hosting_key_age_seconds"] == 10 * 24 * 3600
    assert found["hosting_volume_header_saved"] == 0  # the evidence holds no copy
    assert set(found) <= set(HELP)
    labels = [item["labels"] for item in result.data["samples"] if item["name"] == "hosting_repository_readable"]
    assert labels == [LABELS]


def test_what_cannot_be_read_is_left_out_and_told(world: World) -> None:
    door(world).error = UnreadableError("object store", "it does not answer", "Is it running?")
    result = show(world.session, WITHOUT_FIREWALLS)
    found = figures(printed(result))
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
    assert found["hosting_repository_readable"] == 0
    assert not {name for name in found if name.startswith("hosting_stored")}
    assert found["hosting_key_age_seconds"] > 0


def test_whoever_may_see_ages_alone_asks_for_keys_alone(world: World) -> None:
    found = figures(printed(show(world.session, [Part.KEYS])))
    assert set(found) == {"hosting_key_age_seconds", "hosting_key_limit_seconds"}
    assert door(world).calls == []


@pytest.fixture
def watched(world: World) -> World:
    """Give a region whose environment says where the monitoring is."""
    monitoring = MonitoringAccess(
        prometheus="https://prometheus.example:9090",
        alertmanager="https://alertmanager.example:9093",
        certificate_authority="/none/ca.pem",
    )
    environment = world.session.environment.model_copy(update={"monitoring": monitoring})
    vars(world.session)["environment"] = environment
    return world


def test_prometheus_is_told_whom_to_ask(watched: World) -> None:
    told = yaml.safe_load(configure(watched.session).data["files"]["prometheus.yaml"])
    assert told["alerting"]["alertmanagers"] == [
        {
            "scheme": "https",
            "tls_config": {"ca_file": "/none/ca.pem"},
            "static_configs": [{"targets": ["alertmanager.example:9093"]}],
        }
    ]
    jobs = {job.pop("job_name"): job for job in told["scrape_configs"]}
    assert jobs["hosting-controller"] == {"scheme": "http", "static_configs": [{"targets": ["127.0.0.1:9750"]}]}
    assert jobs["hosting-hosts"]["static_configs"] == [
        {"targets": ["127.0.0.1:9100"], "labels": {"host": host.id, "site": host.site}} for host in region().hosts
    ]


def test_what_both_are_told_goes_into_a_folder(watched: World, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("old")
    configure(watched.session, into=tmp_path)
    shown = configure(watched.session)
    names = ("prometheus.yaml", "rules.yaml", "alertmanager.yaml")
    assert {name: (tmp_path / name).read_text() for name in names} == shown.data["files"]
    assert "job_name: hosting-hosts" in printed(shown)
    with pytest.raises(EngineError, match="cannot be written"):
        configure(watched.session, into=tmp_path / "nowhere")


def test_an_environment_without_monitoring_is_told_what_to_say(world: World) -> None:
    with pytest.raises(UsageError, match="names none"):
        configure(world.session)


UNREADABLE = UnreadableError("endpoint", "does not answer", "Is it running?")
ENDS = NOW + timedelta(days=20)
SHOWN = Endpoint("a", {}, (), ServedCertificate("s", "i", (), "EC", 384, "sha384", NOW, ENDS, "0"))


@pytest.mark.parametrize(
    ("sealed", "shown", "expected", "unread"),
    [
        pytest.param(
            False,
            (403, SHOWN),
            {"vault_reachable": 1, "vault_sealed": 0, "store_reachable": 1, "certificate_end": ENDS.timestamp()},
            0,
            id="a store that refuses strangers answers, and shows until when its certificate is valid",
        ),
        pytest.param(
            True,
            (503, UNREADABLE),
            {"vault_reachable": 1, "vault_sealed": 1, "store_reachable": 0},
            0,
            id="a sealed vault answers, and a store that says that it is broken does not count",
        ),
        pytest.param(
            False,
            (UNREADABLE, UNREADABLE),
            {"vault_reachable": 1, "vault_sealed": 0, "store_reachable": 0},
            1,
            id="a store that does not answer is a figure, and told once",
        ),
    ],
)
def test_engines_are_asked_whether_they_serve(
    world: World, sealed: bool, shown: tuple[Any, Any], expected: dict[str, float], unread: int
) -> None:
    world.vault.sealed, (world.endpoints.status, world.endpoints.shown) = sealed, shown
    result = show(world.session, [Part.ENGINES])
    found = {
        name.removeprefix("hosting_").removesuffix("_timestamp_seconds"): v
        for name, v in figures(printed(result)).items()
    }
    assert (found, len(result.errors)) == (expected, unread)


def test_a_vault_that_does_not_answer_is_a_figure_and_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def seal_state() -> None:
        raise UNREADABLE

    monkeypatch.setattr(world.vault, "seal_state", seal_state)
    result = show(world.session, [Part.ENGINES])
    assert figures(printed(result))["hosting_vault_reachable"] == 0
    assert "hosting_vault_sealed" not in figures(printed(result))
    assert (result.status, result.errors) == (ExitStatus.UNKNOWN, (UNREADABLE,))


def test_hosts_that_cannot_be_read_have_no_figure_of_their_firewall_and_are_told(world: World) -> None:
    world.hosts.locked_out = UNREADABLE
    result = show(world.session, [Part.FIREWALLS])
    assert (figures(printed(result)), result.errors) == ({}, (UNREADABLE,))


def test_a_region_whose_evidence_holds_no_record_has_the_figure_of_none(world: World) -> None:
    result = show(world.session, [Part.EVIDENCE])
    assert figures(printed(result)) == {"hosting_evidence_last_record_timestamp_seconds": 0}
    world.evidence.error = UNREADABLE
    assert show(world.session, [Part.EVIDENCE]).errors == (UNREADABLE,)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param({"address": "0.0.0.0"}, "would show in clear", id="every interface in clear"),  # noqa: S104
        pytest.param({"address": "controller"}, "is no address", id="a name"),
        pytest.param({"certificate": Path("c.pem")}, "takes a certificate and its key", id="a certificate alone"),
        pytest.param({"client_authority": Path("c.pem")}, "takes a certificate", id="clients' certificates in clear"),
        pytest.param({"every": ["keys"]}, "no whole number", id="a part without a distance"),
        pytest.param({"every": ["keys=0"]}, "no whole number", id="no distance at all"),
        pytest.param({"every": ["hosts=5"]}, "names no part", id="a distance of no part"),
        pytest.param(
            {"certificate": Path("/none/c.pem"), "key": Path("/none/k.pem")},
            "cannot be used",
            id="files that are not there",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_read(
    world: World, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(HostingError, match=why):
        serve(world.session, port=9, **options)


def test_rules_say_what_the_files_promise() -> None:
    groups = {group["name"]: group["rules"] for group in yaml.safe_load(rules(region()))["groups"]}
    of_hosts = [rule["labels"] for rule in groups["hosting-promises"] if rule["record"] == "hosting:promised_host:info"]
    assert of_hosts == [{"host": host.id, "site": host.site} for host in region().hosts]
    promised = {
        rule["record"]: (rule["expr"], rule["labels"])
        for rule in groups["hosting-promises"]
        if not rule["record"].endswith(":info")
    }
    labels = {**LABELS, "continuity": "C2"}
    assert promised == {
        "hosting:promised_rpo:seconds": ("vector(3600)", labels),
        "hosting:promised_backup_age:seconds": ("vector(3600)", labels),
        "hosting:promised_check_interval:seconds": ("vector(86400)", labels),
        "hosting:promised_drill_interval:seconds": ("vector(7948800)", labels),
    }
    assert "hosting-backups" in groups


@pytest.mark.parametrize(("continuity", "minutes"), [("C0", 15), ("C1", 15), ("C2", 60), ("C3", 1440)], ids=str)
def test_nobody_is_woken_for_what_backups_cannot_keep(world: World, continuity: str, minutes: int) -> None:
    """C0 promises a minute, by replication; its backups come every ten."""
    (application,) = region().applications
    assert longest_age_minutes(region(), application.model_copy(update={"continuity": continuity})) == minutes


def test_nobody_is_woken_for_what_somebody_gave_a_reason_for(world: World) -> None:
    (application,) = region().applications
    assert application.backup
    policy = application.backup.model_copy(update={"schedule": "daily", "laxer_because": "It is sent again."})
    changed(world, backup=policy)
    assert longest_age_minutes(world.session.region, world.session.application(APPLICATION)) == 36 * 60


def test_a_header_that_nobody_can_tell_of_has_no_figure_and_is_told(world: World) -> None:
    unreadable = UnreadableError("object store", "it does not answer", "Is it running?")
    world.evidence.error = unreadable
    result = show(world.session, [Part.VOLUMES])
    assert figures(printed(result)) == {}
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
    world.evidence.error, world.hosts.locked_out = None, unreadable
    assert show(world.session, [Part.VOLUMES]).errors == (unreadable,)


def test_of_each_address_that_gateways_share_it_counts_who_holds_it(world: World) -> None:
    world.session.__dict__["region"] = with_pair()
    both = {"shared": {"value": [["eth1.100", "10.21.0.254/24"], ["eth1.110", "10.21.10.254/24"]]}}
    world.hosts.answers = {GATEWAY: both, SECOND: {"shared": {"value": [["eth1.110", "10.21.10.254/24"]]}}}
    result = show(world.session, [Part.GATEWAYS])
    counted = {item["labels"]["segment"]: item["value"] for item in result.data["samples"] if len(item["labels"]) > 1}
    assert counted == {"dijon-administration": 1.0, "dijon-imagerie": 2.0}
    assert result.status is ExitStatus.DONE

    world.hosts.answers[SECOND] = {"shared": {"unknown": "ip is not there"}}
    result = show(world.session, [Part.GATEWAYS])
    assert figures(printed(result)) == {}
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
