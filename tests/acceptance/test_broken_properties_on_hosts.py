"""Five properties of hosts are broken past everything of ours, one at a time: a report names each alone, the alert has
its reason where there is one, what the runbook says mends it, and the history shows both.

Those of engines are broken where there are no hosts: tests/integration/test_broken_properties.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alerting import Reason, figures, must_have
from conftest import LabRunner
from reporting import Property, Reports

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION = "dijon-app-1", "imagerie-beaune"
HOST, VOLUME = (f"host {APP}",), f"{APP}:{APPLICATION}/data"


@pytest.fixture(scope="module")
def reports(provisioned: LabRunner, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    def told(*arguments: str) -> tuple[int, dict[str, Any]]:
        ran = provisioned.run(*arguments)
        return ran.status, ran.data

    return Reports(told, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def guarded(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give the lab, which is as the files say when all is over."""
    yield provisioned
    assert provisioned.run("drift").status == 0


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert, which of the controller's figures it is worked out from, and whom it names."""

    name: str
    part: str
    labels: dict[str, str]

    def must_fire(self, lab: LabRunner, folder: Path) -> None:
        self._must_have(lab, folder, Reason(0, self.labels))

    def must_be_over(self, lab: LabRunner, folder: Path) -> None:
        self._must_have(lab, folder)

    def _must_have(self, lab: LabRunner, folder: Path, *reasons: Reason) -> None:
        samples = lab.run("metrics", "show", "--only", self.part).data["samples"]
        must_have(self.name, figures(samples), *reasons, folder=folder)


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
class Break:
    """What somebody does on a host, which property that breaks, and what comes of it."""

    command: str
    broken: Property
    alert: Alert | None = None
    mended: Callable[[LabRunner], None] = by_a_plan


BREAKS = {
    "a rule that no file asks for": Break(
        command="nft insert rule inet hosting input tcp dport 445 accept",
        broken=Property(check="firewall.as-declared", subject=f"host {APP}", drifted=HOST),
        alert=Alert(name="HostingFirewallDrift", part="firewalls", labels={"host": APP}),
        mended=by_the_runbook_of_firewalls,
    ),
    "a firewall that the next boot lacks": Break(
        command="systemctl disable nftables.service",
        broken=Property(check="firewall.at-boot", subject=f"host-firewall {APP}:firewall", drifted=HOST),
    ),
    "a volume that has lost a slot": Break(
        command=f"cryptsetup luksKillSlot --batch-mode /dev/hosting/{APPLICATION}-data 1",
        broken=Property(
            check="volume.slots",
            subject=f"host-volume {VOLUME}",
            drifted=(*HOST, f"header-copies of {APP}"),
            besides=frozenset({("volume.header-copies", f"header-copy {VOLUME}")}),
        ),
        alert=Alert(
            name="HostingVolumeHeaderUnsaved",
            part="volumes",
            labels={"application": APPLICATION, "host": APP, "volume": "data"},
        ),
    ),
    "a host that takes passwords": Break(
        command="sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/'"
        " /etc/ssh/sshd_config.d/00-hosting.conf; systemctl reload ssh.service",
        broken=Property(check="ssh.certificates-only", subject=f"host {APP}", drifted=HOST),
    ),
    "somebody else who may log in": Break(
        command="echo auditor >> /etc/ssh/hosting/principals/root",
        broken=Property(check="ssh.logins", subject=f"host-login {APP}:login", drifted=HOST),
    ),
}


@pytest.mark.parametrize("case", BREAKS.values(), ids=BREAKS)
def test_what_is_broken_on_a_host_is_named_alone_and_is_mended(
    guarded: LabRunner, reports: Reports, case: Break, tmp_path: Path
) -> None:
    try:
        reports.must_name(case.broken, lambda: guarded.on_machine(APP, "sh", "-e", "-c", case.command))
        if case.alert:
            case.alert.must_fire(guarded, tmp_path)
        reports.mend(case.broken, lambda: case.mended(guarded))
    except BaseException:
        by_a_plan(guarded)
        raise
    if case.alert:
        case.alert.must_be_over(guarded, tmp_path)


def test_what_was_broken_on_hosts_is_whole_and_in_the_history(reports: Reports) -> None:
    reports.must_be_as_before()
    assert len(reports.broken) == len(BREAKS)
