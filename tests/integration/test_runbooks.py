"""Four runbooks on real engines: a fault, the run that mends it, and what the journal says of it afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alerting import Figure, Reason, figures, must_have
from identities_lab import APPLICATION, HOST, HostedLab
from lab_commands import ENGINEER, OFFICER, begun, run, run_until_killed, session_of

from hosting_cli.backups.places import places
from hosting_cli.console import Progress
from hosting_cli.errors import EngineError
from hosting_cli.lab import faults
from hosting_cli.lab.laboratory import Lab
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from vault_policies.render import OPERATIONS_POLICY

STORE = "dijon-objects"
COLLEAGUE = "colleague"
UNIT = f"hosting-backup-{APPLICATION}.service"
LATE = ("runbook", "run", "backup-too-old", "--set", f"application={APPLICATION}", "--set", f"host={HOST}")
UNREACHABLE = ("runbook", "run", "store-unreachable", "--set", f"store={STORE}")
CREDENTIAL = naming.credentials_secret(APPLICATION, naming.data_user(APPLICATION))
LEAKED = (
    *("runbook", "run", "credential-leaked"),
    *("--set", f"application={APPLICATION}", "--set", f"credential={CREDENTIAL}"),
)


@pytest.fixture(scope="module")
def lab(hosted: HostedLab) -> Lab:
    """Give the lab, in which a second engineer works too."""
    body: dict[str, Any] = {"policies": [OPERATIONS_POLICY], "display_name": COLLEAGUE, "period": "1h"}
    token = hosted.lab.vault.write("auth/token/create", body)["auth"]["client_token"]
    file = hosted.lab.token_file(COLLEAGUE)
    file.write_text(token)
    file.chmod(0o600)
    return hosted.lab


@contextmanager
def broken(lab: Lab, fault: str) -> Iterator[None]:
    """Break the lab; whatever the test comes to, it is whole again afterwards."""
    faults.inject(lab, fault, "")
    try:
        yield
    finally:
        faults.mend(lab, fault, "", Progress(quiet=True))


def entries(lab: Lab, digest: str) -> list[tuple[str, str]]:
    """Give who wrote which kinds of entries of a run."""
    status, told = run(lab, "runbook", "history", digest)
    assert status == 0
    return [(entry["kind"], entry["who"]) for entry in told["data"]["entries"]]


def last_run(lab: Lab) -> str:
    digest: str = run(lab, "runbook", "history")[1]["data"]["runs"][-1]["run"]
    return digest


def of_engines(lab: Lab) -> list[Figure]:
    """Have the controller read the figures that alerts about engines are worked out from."""
    return figures(run(lab, "metrics", "show", "--only", "engines")[1]["data"]["samples"])


# -- the vault is sealed ------------------------------------------------------------------------------------------


def test_a_sealed_vault_is_opened_by_holders_while_nobody_can_be_attested(lab: Lab, tmp_path: Path) -> None:
    share = json.loads((lab.directory / "unseal.json").read_text())["keys"][0]
    with broken(lab, "vault-sealed"):
        must_have("HostingVaultSealed", of_engines(lab), Reason(1, {}), folder=tmp_path)
        assert run(lab, "runbook", "run", "vault-sealed", "--confirm", "vault", typed="")[0] == 3
        digest = last_run(lab)
        assert run(lab, "runbook", "resume", digest, typed="bm9ib2R5J3Mgc2hhcmUgYXQgYWxsLCBvZiAzMiBieXRlcyE=\n")[0] == 1
        refused = run(lab, "runbook", "resume", digest, typed=f"{share}\n")
        assert (refused[0], "--reason" in str(refused[1]["errors"])) == (1, True)
        status, said = run(lab, "runbook", "resume", digest, "--reason", "the right share now", typed=f"{share}\n")
        assert status == 0, said
        assert lab.vault.health()["sealed"] is False
        must_have("HostingVaultSealed", of_engines(lab), folder=tmp_path)
    told = entries(lab, digest)
    assert told[0] == ("request", "unattested: root")
    assert told[-1] == ("completed", f"token-{ENGINEER}")
    assert [kind for kind, _ in told].count("waiting") == 1
    for secret in (share, "bm9ib2R5"):
        assert secret not in lab.journal.read_text() + json.dumps(said)


# -- a backup is late ---------------------------------------------------------------------------------------------


@pytest.fixture
def backing_up(lab: Lab, hosted: HostedLab) -> Iterator[None]:
    """Have the host's unit take a real backup; what stands in for it is systemd and nothing else."""
    session = session_of(lab)
    (place,) = places(session.region, session.application(APPLICATION))
    store, pair = session.environment.object_stores[place.store], json.loads(reveal(session, place.reader))
    host = hosted.hosts[HOST]
    host.write("/etc/ssl/store.pem", store.certificate_authority.read_text())
    host.write(
        "/run/restic",
        f"export RESTIC_REPOSITORY=s3:{store.endpoint}/{place.bucket}/{place.host}\n"
        f"export RESTIC_PASSWORD={reveal(session, place.password)} AWS_DEFAULT_REGION=lab\n"
        f"export AWS_ACCESS_KEY_ID={pair['access_key_id']} AWS_SECRET_ACCESS_KEY={pair['secret_access_key']}\n",
        0o600,
    )
    host.replace_tool(
        "systemctl",
        f'#!/bin/sh\n[ "$2" = {UNIT} ] || exit 4\n[ "$1" = start ] || exit 0\n. /run/restic\n'
        "flags='--quiet --no-cache --cacert=/etc/ssl/store.pem'\n"
        "echo started >> /run/started\n"
        "restic $flags cat config >/dev/null 2>&1 || restic $flags init || exit 1\n"
        f"exec restic $flags backup --host={HOST} --tag=hosting /etc/hostname\n",
    )
    yield
    host.restore_tool("systemctl")
    host.path("/run/restic").unlink()


def reveal(session: Session, entry: Any) -> str:
    return session.vault.reveal_secret(entry).reveal()


def test_a_late_backup_is_taken_once_its_store_answers_again(lab: Lab, hosted: HostedLab, backing_up: None) -> None:
    status, dry = run(lab, *LATE)
    assert (status, dry["data"]["plan"]["target"]) == (3, f"{APPLICATION}/{HOST}")
    assert f"on {HOST}: systemctl start {UNIT}" in str(dry["data"]["plan"]["steps"])
    with broken(lab, "store-down"):
        status, stopped = run(lab, *LATE, "--confirm", f"{APPLICATION}/{HOST}")
        assert status in {1, 4}
        assert [step["state"] for step in stopped["data"]["steps"]] == ["failed", "not begun"]
    digest = stopped["data"]["procedure"]
    assert run(lab, *LATE, "--confirm", f"{APPLICATION}/{HOST}")[0] == 1  # it is open: resumed, and not begun twice
    status, done = run(lab, "runbook", "resume", digest, "--reason", "the store runs again", person=COLLEAGUE)
    assert (status, [step["state"] for step in done["data"]["steps"]]) == (0, ["done", "done"]), done
    assert run(lab, "backup", "list", "--application", APPLICATION)[1]["data"]["backups"][0]["rpo"] == "met"
    assert ("retried", f"token-{COLLEAGUE}") in entries(lab, digest)
    # Once more: there is nothing left to do, and nothing is done.
    status, again = run(lab, *LATE, "--confirm", f"{APPLICATION}/{HOST}")
    assert (status, [step["state"] for step in again["data"]["steps"]]) == (0, ["done", "in order"])
    assert hosted.hosts[HOST].path("/run/started").read_text() == "started\n"


# -- an object store is unreachable -----------------------------------------------------------------------------------


def test_a_store_that_is_away_is_waited_for_and_proven_to_be_back_as_a_whole(
    lab: Lab, backing_up: None, tmp_path: Path
) -> None:
    assert run(lab, *LATE, "--confirm", f"{APPLICATION}/{HOST}")[0] == 0  # so that there is a backup to be young
    with broken(lab, "store-down"):
        must_have("HostingStoreUnreachable", of_engines(lab), Reason(0, {"store": STORE}), folder=tmp_path)
        status, waiting = run(lab, *UNREACHABLE, "--confirm", STORE)
        states = [step["state"] for step in waiting["data"]["steps"]]
        assert (status, states) == (3, ["done", "waiting", "not begun", "not begun"]), waiting
        digest = waiting["data"]["procedure"]
        assert run(lab, "runbook", "resume", digest)[0] == 3
    status, done = run(lab, "runbook", "resume", digest, person=COLLEAGUE)
    states = [step["state"] for step in done["data"]["steps"]]
    assert (status, states) == (0, ["done", "in order", "done", "done"]), done
    must_have("HostingStoreUnreachable", of_engines(lab), folder=tmp_path)
    told = entries(lab, digest)
    assert [kind for kind, _ in told].count("waiting") == 2
    assert told[-1] == ("completed", f"token-{COLLEAGUE}")


# -- a credential has leaked --------------------------------------------------------------------------------------


def test_a_leaked_credential_ends_by_two_people_although_the_first_is_killed(lab: Lab) -> None:
    session = session_of(lab)
    bucket = naming.bucket(session.region, APPLICATION, session.application(APPLICATION).buckets[0].id)
    leaked = json.loads(stored(session))
    use(session, bucket, leaked)
    assert leaked["access_key_id"] in str(run(lab, *LEAKED)[1]["data"]["plan"]["steps"])
    status, waiting = run(lab, *LEAKED, "--confirm", CREDENTIAL)
    digest = waiting["data"]["procedure"]
    assert (status, [step["state"] for step in waiting["data"]["steps"]]) == (3, ["done", "not begun", "not begun"])
    assert run(lab, "approve", digest)[0] == 1
    assert run(lab, "approve", digest, person=OFFICER)[0] == 0
    assert run_until_killed(lab, ("runbook", "resume", digest), set(begun(lab)), 0.05) is None
    status, held = run(lab, "runbook", "resume", digest, person=COLLEAGUE)
    assert (status, f"token-{ENGINEER}" in str(held["errors"])) == (1, True), held
    over = ("runbook", "resume", digest, "--take-over", "--reason", "their machine died")
    status, done = run(lab, *over, person=COLLEAGUE)
    assert (status, {step["state"] for step in done["data"]["steps"]} <= {"done", "in order"}) == (0, True), done
    with pytest.raises(EngineError):
        use(session_of(lab), bucket, leaked)
    use(session_of(lab), bucket, json.loads(stored(session_of(lab))))
    told = entries(lab, digest)
    assert [kind for kind, _ in told][-1] == "completed"
    assert ("taken-over", f"token-{COLLEAGUE}") in told
    assert leaked["secret_access_key"] not in lab.journal.read_text()
    assert run(lab, "journal", "verify")[0] == 0


def stored(session: Session) -> str:
    reading = session.vault.read()
    assert reading.resources is not None
    (entry,) = (item for item in reading.resources.values() if item.subject.name == CREDENTIAL)
    return reveal(session, entry)


def use(session: Session, bucket: str, pair: dict[str, str]) -> None:
    secret = Secret(pair["secret_access_key"])
    session.stores[STORE].try_access_key(bucket, pair["access_key_id"], secret)
