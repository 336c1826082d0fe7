"""What bad luck gets: one clear error per subject, the documented exit status, and the rest unharmed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import LabRunner

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
        assert list(unknown(ran.data["plan"])) == ["object-store dijon-objects"]
        assert ran.data["plan"]["changes"] == []
        assert ran.data["plan"]["in_order"] > 70
    assert provisioned.run("drift").status == 0


def test_a_host_that_is_down_hides_nothing_else_and_changes_nothing(provisioned: LabRunner) -> None:
    with broken(provisioned, "host-down", "dijon-gateway-1"):
        ran = provisioned.run("drift")
        assert ran.status == 4
        assert list(unknown(ran.data["plan"])) == ["host dijon-gateway-1"]
        assert ran.data["plan"]["changes"] == []
    assert provisioned.run("drift").status == 0


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
