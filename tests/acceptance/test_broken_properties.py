"""Ten properties that checks look at are broken past everything of ours, one at a time, in a lab with real hosts.

Each time evidence is collected and a report is made of it: it names the break, and nothing else has changed since the
report before, in which what was broken before this is as it should be again.  The alert has its reason where there is
one, and what the runbook says mends it.  How long either took stands in docs/evidence.md.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from alerting import by_controller, gives, labelled
from conftest import SAMPLE, LabRunner

from hosting_cli.app import LazyDoors
from hosting_cli.console import Progress
from hosting_cli.lab.laboratory import Lab
from hosting_cli.session import Session
from inventory import naming
from inventory.control_catalogue import load_controls

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION = "dijon-app-1", "imagerie-beaune"
STORE, IMAGES, LOGS = "dijon-objects", "bfc-imagerie-beaune-images", "bfc-platform-logs"
KEY, ROLE = naming.transit_key(APPLICATION, "objects"), naming.host_role(APPLICATION, APP)

Named = frozenset[tuple[str, str]]
"""What a report says is not as it should be, or cannot be told: checks with their subjects."""


@dataclass(frozen=True)
class Engines:
    """The engines of a lab, past everything of ours: as those who hold their first credentials."""

    lab: LabRunner

    def vault(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        vault = Lab(self.lab.directory, self.lab.directory).vault
        return vault._request(method, path, body, token=vault.root_token())

    @property
    def s3(self) -> Any:
        token = self.lab.token_file("operations-engineer")
        session = Session(SAMPLE, self.lab.environment_file, token, LazyDoors(), Progress(quiet=True))
        return session.stores[STORE]._client.s3


@dataclass
class Reports:
    """The reports of a lab, one after the other, each of all that was seen just before it."""

    lab: LabRunner
    folder: Path
    last: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """How long it took from each break until a report named it, and from its mending until it was mended."""

    def make(self) -> Named:
        """See everything, record it, and give what the report of it names."""
        collected = self.lab.run("evidence", "collect")
        assert collected.status == 0, collected.output
        self.last = self.lab.run("report", "compliance", str(self.folder / "report.html"), "--force").data
        assert self.last["record"] == collected.data["digest"]
        return frozenset(
            (seen["check"], seen["subject"]) for item in self.last["open"] for seen in item["observations"]
        )

    def verdicts(self, check: str) -> set[str]:
        """Give the verdicts, as of the last report, of all controls that rest on *check*."""
        of_check = {control.id for control in load_controls().values() if check in control.checks}
        return {item["verdict"] for item in self.last["open"] if item["control"] in of_check}

    def turns(self, check: str) -> set[tuple[str, ...]]:
        """Give how the controls that rest on *check* went in the period, as the history shows it."""
        of_check = {control.id for control in load_controls().values() if check in control.checks}
        return {
            tuple(change["after"] for change in self.last["changes"] if change["control"] == control)
            for control in of_check
        }


@pytest.fixture(scope="module")
def reports(provisioned: LabRunner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    yield Reports(provisioned, tmp_path_factory.mktemp("reports"))
    assert provisioned.run("drift").status == 0


@pytest.fixture(scope="module")
def before(reports: Reports) -> Named:
    """Give what is open while nothing is broken: a lab keeps its root token, and nobody restores much in it."""
    return reports.make()


# -- what is broken, and what mends it ------------------------------------------------------------------------------


def deletable_key(lab: LabRunner) -> None:
    Engines(lab).vault("POST", f"{naming.TRANSIT_MOUNT}/keys/{KEY}/config", {"deletion_allowed": True})


def identity_from_anywhere(lab: LabRunner) -> None:
    anywhere: dict[str, Any] = {"secret_id_bound_cidrs": [], "token_bound_cidrs": []}
    Engines(lab).vault("POST", f"auth/approle/role/{ROLE}", anywhere)


def another_key_for_a_bucket(lab: LabRunner) -> None:
    s3 = Engines(lab).s3
    held = s3.get_bucket_encryption(Bucket=IMAGES)["ServerSideEncryptionConfiguration"]
    other = json.loads(json.dumps(held).replace(KEY, naming.transit_key(APPLICATION, "backups")))
    assert other != held
    s3.put_bucket_encryption(Bucket=IMAGES, ServerSideEncryptionConfiguration=other)


def no_policy(lab: LabRunner) -> None:
    Engines(lab).s3.delete_bucket_policy(Bucket=IMAGES)


def shorter_logs(lab: LabRunner) -> None:
    s3 = Engines(lab).s3
    held = s3.get_object_lock_configuration(Bucket=LOGS)["ObjectLockConfiguration"]
    held["Rule"]["DefaultRetention"]["Days"] = 7
    s3.put_object_lock_configuration(Bucket=LOGS, ObjectLockConfiguration=held)


def on_host(command: str) -> Callable[[LabRunner], None]:
    def run(lab: LabRunner) -> None:
        lab.on_machine(APP, "sh", "-e", "-c", command)

    return run


def by_a_plan(lab: LabRunner) -> None:
    assert lab.converge().status == 0


def by_the_runbook_of_firewalls(lab: LabRunner) -> None:
    """Run it until it waits for a second person, have them approve, and go on."""
    asked = lab.run("runbook", "run", "firewall-drift", "--set", f"host={APP}", "--confirm", APP)
    assert (asked.status, [step["state"] for step in asked.data["steps"]]) == (3, ["not begun"]), asked.output
    run = asked.data["procedure"]
    assert lab.run("approve", run, person="security-officer").status == 0
    done = lab.run("runbook", "resume", run)
    assert (done.status, [step["state"] for step in done.data["steps"]]) == (0, ["done"]), done.output
    (request,) = [entry for entry in lab.entries() if entry["kind"] == "request" and "port 445" in str(entry)]
    assert "too much" in str(request)  # what was ended stays on record


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert, which of the controller's figures it is worked out from, and what it says."""

    name: str
    part: str
    labels: dict[str, str]

    def has_a_reason(self, lab: LabRunner, folder: Path) -> None:
        gives(folder, self.name, by_controller(lab, self.part), {"labels": labelled(self.labels), "value": 0})

    def has_none(self, lab: LabRunner, folder: Path) -> None:
        gives(folder, self.name, by_controller(lab, self.part))


@dataclass(frozen=True, kw_only=True)
class Break:
    """What is broken, the check that names it with its subject, and the source on which it is drift besides."""

    by: Callable[[LabRunner], None]
    check: str
    subject: str
    drifted: str
    besides: Named = frozenset()
    """What else cannot be as it should be then."""
    alert: Alert | None = None
    mended: Callable[[LabRunner], None] = by_a_plan

    @property
    def named(self) -> Named:
        return self.besides | {(self.check, self.subject), ("configuration.drift", self.drifted)}


IN_VAULT, IN_STORE, ON_HOST = "vault", f"object-store {STORE}", f"host {APP}"
VOLUME = f"{APP}:{APPLICATION}/data"

BREAKS = {
    "a key that could be deleted": Break(
        by=deletable_key, check="key.kept-in-vault", subject=f"transit-key {KEY}", drifted=IN_VAULT
    ),
    "an identity that works from anywhere": Break(
        by=identity_from_anywhere, check="vault.identities-bound", subject=f"app-role {ROLE}", drifted=IN_VAULT
    ),
    "a bucket under another key": Break(
        by=another_key_for_a_bucket, check="bucket.encrypted", subject=f"bucket {IMAGES}", drifted=IN_STORE
    ),
    "a bucket that takes plain requests": Break(
        by=no_policy, check="bucket.private", subject=f"bucket {IMAGES}", drifted=IN_STORE
    ),
    "logs that are locked for a week": Break(
        by=shorter_logs, check="logs.retention", subject=f"bucket {LOGS}", drifted=IN_STORE
    ),
    "a rule that no file asks for": Break(
        by=on_host("nft insert rule inet hosting input tcp dport 445 accept"),
        check="firewall.as-declared",
        subject=f"host {APP}",
        drifted=ON_HOST,
        alert=Alert(name="HostingFirewallDrift", part="firewalls", labels={"host": APP}),
        mended=by_the_runbook_of_firewalls,
    ),
    "a firewall that the next boot lacks": Break(
        by=on_host("systemctl disable nftables.service"),
        check="firewall.at-boot",
        subject=f"host-firewall {APP}:firewall",
        drifted=ON_HOST,
    ),
    "a volume that has lost a slot": Break(
        by=on_host(f"cryptsetup luksKillSlot --batch-mode /dev/hosting/{APPLICATION}-data 1"),
        check="volume.slots",
        subject=f"host-volume {VOLUME}",
        drifted=ON_HOST,
        besides=frozenset({("volume.header-copies", f"header-copy {VOLUME}")}),
        alert=Alert(
            name="HostingVolumeHeaderUnsaved",
            part="volumes",
            labels={"application": APPLICATION, "host": APP, "volume": "data"},
        ),
    ),
    "a host that takes passwords": Break(
        by=on_host(
            "sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' /etc/ssh/sshd_config.d/00-hosting.conf;"
            " systemctl reload ssh.service"
        ),
        check="ssh.certificates-only",
        subject=f"host {APP}",
        drifted=ON_HOST,
    ),
    "somebody else who may log in": Break(
        by=on_host("echo auditor >> /etc/ssh/hosting/principals/root"),
        check="ssh.logins",
        subject=f"host-login {APP}:login",
        drifted=ON_HOST,
    ),
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_what_is_broken_is_named_alone_and_is_mended(
    reports: Reports, before: Named, broken: Break, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lab, began = reports.lab, time.monotonic()
    try:
        broken.by(lab)
        named = reports.make()
        detected = time.monotonic() - began
        assert named ^ before == broken.named
        assert "non-conforming" in reports.verdicts(broken.check)
        if broken.alert:
            broken.alert.has_a_reason(lab, tmp_path)
        began = time.monotonic()
        broken.mended(lab)
        reports.seconds[request.node.callspec.id] = (detected, time.monotonic() - began)
        if broken.alert:
            broken.alert.has_none(lab, tmp_path)
    except BaseException:
        lab.converge()
        raise


def test_the_report_is_as_before_and_its_history_shows_every_break_and_every_mending(
    reports: Reports, before: Named
) -> None:
    assert reports.make() == before
    for broken in BREAKS.values():
        assert any(turns[-2:] == ("non-conforming", "conforming") for turns in reports.turns(broken.check)), broken
    print("\n".join(f"{name}: {found:.0f} s, {mended:.0f} s" for name, (found, mended) in reports.seconds.items()))
    assert reports.seconds.keys() == BREAKS.keys()
