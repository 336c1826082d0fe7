"""The lab's monitoring: real servers ask the real exporter, and an alert comes and goes with what it is about."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from engines_lab import SAMPLE, STORE, bring_up_engines

from hosting_cli.alerts import Alert
from hosting_cli.app import LazyDoors
from hosting_cli.commands.status import status
from hosting_cli.console import Progress
from hosting_cli.errors import UnreadableError
from hosting_cli.lab import laboratory, removal
from hosting_cli.lab import monitoring as of_lab
from hosting_cli.lab.laboratory import Lab
from hosting_cli.session import Session
from inventory.load import load_region
from monitoring import configuration

WITHIN_SECONDS = 240  # on a machine that is busy with everything else


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Give a session of a lab without machines, whose monitoring looks more often than others."""
    folder = tmp_path_factory.mktemp("watched")
    lab = Lab(folder / "lab", folder / "cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "EVERY_SECONDS", 1)
        patch.setattr(of_lab, "READ_ENGINES_SECONDS", 2)
        try:
            bring_up_engines(lab)
            session = Session(SAMPLE, lab.environment_file, lab.token_file("operations-engineer"), LazyDoors())
            laboratory.start_monitoring(lab, load_region(SAMPLE), session.environment)
            patch.setenv("HOSTING_LAB", str(lab.directory))
            yield session
        finally:
            list(removal.down(lab, Progress(quiet=True)))


def read(session: Session) -> tuple[Alert, ...] | None:
    try:
        return session.monitoring.alerts()
    except UnreadableError:
        return None


def waited(session: Session, holds: Callable[[dict[str, Alert]], bool]) -> dict[str, Alert]:
    """Ask until what there is *holds*; give it by name, the last one of each."""
    deadline = time.monotonic() + WITHIN_SECONDS
    found: dict[str, Alert] = {}
    while time.monotonic() < deadline:
        if (alerts := read(session)) is not None:
            found = {alert.name: alert for alert in alerts}
            if holds(found):
                return found
        time.sleep(0.5)
    raise AssertionError(f"within {WITHIN_SECONDS} s there was: {found}")


def test_an_alert_comes_with_a_sealed_vault_may_be_silenced_and_goes_with_it(session: Session) -> None:
    lab = laboratory.place()
    # Nobody answers where the hosts are said to be, so this one is always there; and the vault is well.
    waited(session, lambda found: "HostingHostDown" in found and "HostingVaultSealed" not in found)
    lab.vault.seal()
    try:
        sealed = waited(session, lambda found: is_firing(found, "HostingVaultSealed"))["HostingVaultSealed"]
        assert (sealed.severity, sealed.runbook) == ("critical", "runbooks/vault-sealed.md")
        assert (sealed.summary, sealed.labels, sealed.muted) == ("The vault is sealed", {}, None)
        shown = status(session)
        words = {engine["name"]: engine["state"] for engine in shown.data["engines"]}
        assert (words["vault"], words[f"store {STORE}"], words["hosts"]) == ("sealed", "answers", "away")
        assert "HostingVaultSealed" in [item["name"] for item in shown.data["alerts"]]
        amtool(lab, "silence", "add", "--author=a", "--comment=c", "--duration=1h", "alertname=HostingVaultSealed")
        found = waited(session, lambda found: found["HostingVaultSealed"].muted is not None)
        assert (found["HostingVaultSealed"].muted, found["HostingHostDown"].muted) == ("silenced", None)
    finally:
        laboratory.start_vault(lab)
    waited(session, lambda found: "HostingVaultSealed" not in found)


def is_firing(found: dict[str, Alert], name: str) -> bool:
    return name in found and found[name].is_firing


def amtool(lab: Lab, *words: str) -> None:
    client = lab.directory / "client.yaml"
    client.write_text(f"tls_config:\n  ca_file: {lab.certificates.authority}\n")
    address = f"--alertmanager.url={lab.monitoring.address('alertmanager')}"
    argv = ["amtool", address, f"--http.config.file={client}", *words]
    subprocess.run(argv, check=True, capture_output=True)


def test_a_prometheus_that_is_gone_is_unknown_and_never_no_alert(session: Session) -> None:
    lab = laboratory.place()
    laboratory.stop_engine(lab, "prometheus")
    try:
        with pytest.raises(UnreadableError, match="cannot be asked"):
            session.monitoring.alerts()
        rules = lab.directory / "prometheus/rules.yaml"
        whole = rules.read_text()
        rules.write_text("groups: []\n")
        lab.monitoring.start(SAMPLE, lab.environment_file)
        with pytest.raises(UnreadableError, match="has no rules of ours"):
            session.monitoring.alerts()
        rules.write_text(whole)
    finally:
        lab.monitoring.start(SAMPLE, lab.environment_file)
