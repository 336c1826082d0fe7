"""What bad luck gets: one clear error per subject, the documented exit status, and the rest unharmed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import HOSTS, SAMPLE, LabRunner, wait_until

pytestmark = pytest.mark.timeout(1800)


@contextmanager
def broken(lab: LabRunner, fault: str, *on: str) -> Iterator[None]:
    """Inject a fault for as long as the block lasts."""
    options = ("--on", *on) if on else ()
    assert lab.run("lab", "break", fault, *options).status == 0
    try:
        yield
    finally:
        assert lab.run("lab", "mend", fault, *options).status == 0


def unknown(plan: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {finding["subject"]: finding["reason"] for finding in plan["unknown"]}


def test_a_sealed_vault_is_unknown_and_says_how_to_unseal(provisioned: LabRunner) -> None:
    with broken(provisioned, "vault-sealed"):
        ran = provisioned.run("drift")
        assert ran.status == 4
        words = " ".join(unknown(ran.data["plan"]).values())
        assert "sealed" in words
        assert "unseal" in words
        assert ran.data["plan"]["changes"] == []
    assert provisioned.run("drift").status == 0


def test_a_vault_that_is_down_is_unknown(provisioned: LabRunner) -> None:
    with broken(provisioned, "vault-down"):
        ran = provisioned.run("drift")
        assert ran.status == 4
        assert "does not answer" in unknown(ran.data["plan"])["vault"]


def test_a_store_that_is_down_hides_nothing_else(provisioned: LabRunner) -> None:
    with broken(provisioned, "store-down"):
        ran = provisioned.run("drift")
        assert ran.status == 4
        assert list(unknown(ran.data["plan"])) == ["header-copies of dijon-app-1", "object-store dijon-objects"]
        assert ran.data["plan"]["changes"] == []
        assert ran.data["plan"]["in_order"] > 70
    assert provisioned.run("drift").status == 0


def test_a_host_that_is_down_hides_nothing_else_and_changes_nothing(provisioned: LabRunner) -> None:
    with broken(provisioned, "host-down", "dijon-gateway-1"):
        ran = provisioned.run("drift")
        assert ran.status == 4
        assert list(unknown(ran.data["plan"])) == ["host dijon-gateway-1"]
        assert ran.data["plan"]["changes"] == []
        shown = provisioned.run("lab", "status")
        stopped = [part["part"] for part in shown.data["parts"] if part["state"] != "running"]
        assert (shown.status, stopped) == (1, ["machine dijon-gateway-1"])
    # Its daemon of tunnels is among the last that a boot starts.
    wait_until(lambda: provisioned.run("drift").status == 0, seconds=180)


def test_a_full_disk_fails_what_needs_room_and_nothing_else(provisioned: LabRunner) -> None:
    """Fill a host's root file system, ask for a change on both hosts: one fails with its reason, the other is made."""
    for host in HOSTS:
        provisioned.on_machine(host, "sh", "-c", "echo '# by hand' >> /etc/chrony/chrony.conf")
    _, digest = provisioned.plan()
    assert provisioned.run("approve", digest, person="security-officer").status == 0
    with broken(provisioned, "disk-full", "dijon-app-1"):
        ran = provisioned.run("apply", digest)
        assert ran.status == 1
        steps = {outcome["name"]: outcome["step"] for outcome in ran.data["outcomes"]}
        assert [steps[f"{host}:/etc/chrony/chrony.conf"] for host in HOSTS] == ["failed", "done"]
        assert "No space left on device" in " ".join(problem["what"] for problem in ran.problems)
    assert provisioned.run("apply", digest).status == 0
    assert provisioned.run("drift").status == 0


def test_a_disk_smaller_than_declared_is_a_conflict_for_which_the_volume_waits(lab: LabRunner, tmp_path: Path) -> None:
    region = tmp_path / "region"
    shutil.copytree(SAMPLE, region)
    file = region / "hosts/dijon-app-1.yaml"
    file.write_text(file.read_text().replace("size_gib: 4", "size_gib: 8"))
    ran = lab.run("plan", "--region", str(region))
    assert ran.status == 3
    plan = ran.data["plan"]
    (conflict,) = plan["conflicts"]
    assert conflict["subject"] == "host-storage dijon-app-1:hosting"
    assert "has 4 GiB where 8 are declared" in conflict["reason"]
    waiting = [finding["subject"] for finding in plan["blocked"]]
    assert "host-volume dijon-app-1:imagerie-beaune/data" in waiting
    assert not any("host-volume" in str(change["subject"]) for change in plan["changes"])


DISK = "/dev/disk/by-id/virtio-data"
EDGES = f"sync; dd if={DISK} bs=1M count=8 status=none | sha256sum; tail -c 1048576 {DISK} | sha256sum"
WIPE = f"wipefs -q -a {DISK}; dd if=/dev/zero of={DISK} bs=1M count=8 status=none; blkdiscard -q -z {DISK}; sync"


def test_a_disk_that_carries_data_is_a_conflict_and_left_as_it_is(lab: LabRunner) -> None:
    lab.on_machine("dijon-app-1", "mkfs.ext4", "-q", "-F", DISK)
    before = lab.on_machine("dijon-app-1", "sh", "-c", EDGES)
    try:
        ran = lab.run("plan")
        assert lab.on_machine("dijon-app-1", "sh", "-c", EDGES) == before
    finally:
        lab.on_machine("dijon-app-1", "sh", "-c", WIPE)
    assert ran.status == 3
    (conflict,) = ran.data["plan"]["conflicts"]
    assert "carries ext4" in conflict["reason"]
    waiting = {finding["subject"] for finding in ran.data["plan"]["blocked"]}
    assert {"host-volume dijon-app-1:imagerie-beaune/data", "host-unit dijon-app-1:srv-imagerie.mount"} <= waiting


def test_a_wrong_certificate_authority_is_refused_without_a_way_around(provisioned: LabRunner, tmp_path: Path) -> None:
    other = tmp_path / "other-authority.pem"
    content = yaml.safe_load(provisioned.environment_file.read_text())
    other.write_text(foreign_authority(tmp_path))
    content["vault"]["certificate_authority"] = str(other)
    environment = tmp_path / "environment.yaml"
    environment.write_text(yaml.safe_dump(content))
    ran = provisioned.run("drift", "--environment", str(environment))
    assert ran.status == 4
    assert "is not signed by" in ran.output
    assert "CERTIFICATE_VERIFY" not in ran.output


def foreign_authority(directory: Path) -> str:
    from hosting_cli.lab.tls import certificates

    return certificates(directory / "tls").authority.read_text()
