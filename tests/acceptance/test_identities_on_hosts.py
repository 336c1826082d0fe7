"""Identities on real hosts: a secret-id and the authority of logins are replaced; backups and logins go on."""

import pytest
from conftest import LabRunner

pytestmark = pytest.mark.timeout(1800)

APP, APPLICATION = "dijon-app-1", "imagerie-beaune"
ROLE = f"hosting-{APPLICATION}-{APP}"
CREDENTIAL = f"/etc/credstore.encrypted/hosting-{APPLICATION}"
AUTHORITY = "/etc/ssh/hosting/user-authority.pub"


def rotated(lab: LabRunner, name: str) -> None:
    """Ask for a rotation, have it approved, and carry it out."""
    asked = lab.run("key", "rotate", name)
    assert asked.status == 3, asked.output
    assert lab.run("approve", asked.data["procedure"], person="security-officer").status == 0
    done = lab.run("key", "rotate", name)
    assert done.status == 0, done.output


def test_a_unit_logs_in_with_the_new_secret_id(provisioned: LabRunner) -> None:
    before = provisioned.on_machine(APP, "sha256sum", CREDENTIAL)
    rotated(provisioned, ROLE)
    assert provisioned.on_machine(APP, "sha256sum", CREDENTIAL) != before
    provisioned.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")


def test_every_host_trusts_the_new_authority_alone_and_opens_to_it(provisioned: LabRunner) -> None:
    before = provisioned.on_machine(APP, "cat", AUTHORITY)
    rotated(provisioned, "ssh")
    after = provisioned.on_machine(APP, "cat", AUTHORITY)
    assert len(after.splitlines()) == 1 and after != before
    ran, _ = provisioned.plan()
    assert (ran.status, ran.data["plan"]["changes"]) == (0, [])
