"""Figures and rules for Prometheus: what is told, what is left out, and where it goes."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from fake_doors import World
from prometheus_client.parser import text_string_to_metric_families
from sample import APPLICATION, GATEWAY, HOST, NOW, region
from test_commands_backup import FakeRepositories, changed, door, printed
from with_pairs import with_pair
from with_tunnels import SECOND

from hosting_cli.commands import backup
from hosting_cli.commands.metrics import Part, metrics
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.figures import HELP
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.result import ExitStatus
from inventory.backups import longest_age_minutes
from inventory.key_policy import KeyKind

LABELS = {"application": APPLICATION, "host": HOST}


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
    result = metrics(world.session)
    found = figures(printed(result))
    assert result.status is ExitStatus.DONE
    assert found["hosting_stored_backup_timestamp_seconds"] == (NOW - timedelta(minutes=20)).timestamp()
    assert found["hosting_stored_backup_rpo_met"] == 1
    assert found["hosting_stored_check_success"] == 1
    assert found["hosting_drill_last_success_timestamp_seconds"] == 0  # there never was one
    assert found["hosting_key_age_seconds"] == 10 * 24 * 3600
    assert found["hosting_volume_header_saved"] == 0  # the evidence holds no copy
    assert found["hosting_controller_run_timestamp_seconds"] == NOW.timestamp()
    assert set(found) <= set(HELP)
    labels = [item["labels"] for item in result.data["samples"] if item["name"] == "hosting_repository_readable"]
    assert labels == [LABELS]


def test_what_cannot_be_read_is_left_out_and_told(world: World) -> None:
    door(world).error = UnreadableError("object store", "it does not answer", "Is it running?")
    result = metrics(world.session)
    found = figures(printed(result))
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
    assert found["hosting_repository_readable"] == 0
    assert not {name for name in found if name.startswith("hosting_stored")}
    assert found["hosting_key_age_seconds"] > 0


def test_whoever_may_see_ages_alone_asks_for_keys_alone(world: World) -> None:
    found = figures(printed(metrics(world.session, only=Part.KEYS)))
    assert set(found) == {
        "hosting_controller_run_timestamp_seconds",
        "hosting_key_age_seconds",
        "hosting_key_limit_seconds",
    }
    assert door(world).calls == []


def test_figures_go_into_a_file_in_one_step(world: World, tmp_path: Path) -> None:
    file = tmp_path / "hosting.prom"
    file.write_text("old")
    assert f"are in {file}" in printed(metrics(world.session, into=file))
    assert "hosting_controller_run_timestamp_seconds" in figures(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o644
    with pytest.raises(EngineError, match="cannot be written"):
        metrics(world.session, into=tmp_path / "nowhere" / "hosting.prom")


def test_rules_take_nothing_but_the_files(world: World) -> None:
    world.vault.sealed = True
    groups = {
        group["name"]: group["rules"] for group in yaml.safe_load(printed(metrics(world.session, rules=True)))["groups"]
    }
    promised = {rule["record"]: (rule["expr"], rule["labels"]) for rule in groups["hosting-promises"]}
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
    result = metrics(world.session, only=Part.VOLUMES)
    assert set(figures(printed(result))) == {"hosting_controller_run_timestamp_seconds"}
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
    world.evidence.error, world.hosts.locked_out = None, unreadable
    assert metrics(world.session, only=Part.VOLUMES).errors == (unreadable,)


def test_of_each_address_that_gateways_share_it_counts_who_holds_it(world: World) -> None:
    world.session.__dict__["region"] = with_pair()
    both = {"shared": {"value": [["eth1.100", "10.21.0.254/24"], ["eth1.110", "10.21.10.254/24"]]}}
    world.hosts.answers = {GATEWAY: both, SECOND: {"shared": {"value": [["eth1.110", "10.21.10.254/24"]]}}}
    result = metrics(world.session, only=Part.GATEWAYS)
    counted = {item["labels"]["segment"]: item["value"] for item in result.data["samples"] if len(item["labels"]) > 1}
    assert counted == {"dijon-administration": 1.0, "dijon-imagerie": 2.0}
    assert result.status is ExitStatus.DONE

    world.hosts.answers[SECOND] = {"shared": {"unknown": "ip is not there"}}
    result = metrics(world.session, only=Part.GATEWAYS)
    assert set(figures(printed(result))) == {"hosting_controller_run_timestamp_seconds"}
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)
