"""Steps of runbooks on hosts, by fabric, against a real SSH server: what is run, and every way in which it fails."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import asyncssh
import pytest
import sample
from ssh_server import Host, host

from deploys import flows, nftables
from deploys.desired_network import rule_set
from deploys.view import digest
from hosting_cli.doors.operator_key import make_operator_key
from hosting_cli.errors import EngineError, HostingError, LoginRefusedError, RefusedError, UnreadableError
from hosting_cli.runbooks.action import Occasion
from hosting_cli.session import Session
from inventory.environment import HostAccess
from runbooks.actions import firewalls
from runbooks.actions.hosts import knows_unit, start_unit
from runbooks.actions.volumes import is_open

UNIT = "hosting-backup-imagerie-beaune.service"
VALUES = {"host": "a", "unit": UNIT}


class Systemd:
    """Answers as systemctl, journalctl and what only reads would."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.said: dict[str, str] = {}
        self.asked: list[list[str]] = []
        self.is_done = Event()
        self.is_done.set()

    def answer(self, command: str, text: str) -> tuple[int, str]:
        words = shlex.split(command)
        self.asked.append(words)
        if words[0] == "journalctl":
            return 0, "Starting backup\nthe repository is locked\n"
        self.is_done.wait(timeout=60)
        return self.statuses.get(words[1], 0), self.said.get(words[0], "")


@pytest.fixture
def systemd() -> Systemd:
    return Systemd()


@pytest.fixture
def server(tmp_path: Path, systemd: Systemd) -> Iterator[Host]:
    with host(tmp_path, systemd.answer) as running:
        yield running


def session(access: HostAccess, certify: Callable[[str], str | None]) -> Session:
    """Give what of a session the actions need: where hosts are, and a key that is certified."""
    found = SimpleNamespace(environment=SimpleNamespace(hosts={"a": access}), operator_key=make_operator_key(certify))
    return cast("Session", found)


def occasion(seconds: int = 20, **pinned: Any) -> Occasion:
    return Occasion("run", pinned, seconds, lambda kind, data: None, lambda line: None)


def test_a_unit_is_looked_at_and_started_by_a_certified_key(server: Host, systemd: Systemd) -> None:
    where = session(server.access, server.certify)
    assert knows_unit(where, VALUES, {}).holds
    assert start_unit(where, VALUES, occasion()) == {"status": 0}
    assert systemd.asked == [["systemctl", "cat", UNIT], ["systemctl", "start", UNIT]]


def test_a_unit_that_there_is_not_does_not_hold(server: Host, systemd: Systemd) -> None:
    systemd.statuses["cat"] = 1
    seen = knows_unit(session(server.access, server.certify), VALUES, {})
    assert (seen.holds, seen.observed) == (False, {"status": 1})


def test_a_unit_that_fails_is_told_with_the_end_of_its_journal(server: Host, systemd: Systemd) -> None:
    systemd.statuses["start"] = 3
    with pytest.raises(EngineError) as raised:
        start_unit(session(server.access, server.certify), VALUES, occasion())
    assert raised.value.what.endswith("(3), and its journal ends with: Starting backup | the repository is locked")


def test_a_unit_that_takes_too_long_is_let_go_on_and_told(server: Host, systemd: Systemd) -> None:
    systemd.is_done.clear()
    with pytest.raises(EngineError, match="still runs after 1 s"):
        start_unit(session(server.access, server.certify), VALUES, occasion(1))
    systemd.is_done.set()


def test_a_shell_reads_no_sign_of_a_unit_as_its_own(server: Host, systemd: Systemd) -> None:
    start_unit(session(server.access, server.certify), {"host": "a", "unit": "a; rm -rf $HOME"}, occasion())
    assert systemd.asked == [["systemctl", "start", "a; rm -rf $HOME"]]


def other_host_key(server: Host) -> Session:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    return session(server.access.model_copy(update={"host_key": other}), server.certify)


def stranger(server: Host) -> Session:
    return session(server.access, lambda key: server.certify(key, ("nobody",)))


def away(server: Host) -> Session:
    return session(server.access.model_copy(update={"port": 9}), server.certify)


def uncertified(server: Host) -> Session:
    return session(server.access, lambda _: None)


def unknown(server: Host) -> Session:
    found: Any = session(server.access, server.certify)
    found.environment.hosts.clear()
    return cast("Session", found)


@pytest.mark.parametrize(
    ("of", "kind", "said"),
    [
        (other_host_key, UnreadableError, "shows another host key"),
        (stranger, LoginRefusedError, "refused the operator's key"),
        (away, UnreadableError, "cannot be reached"),
        (uncertified, UnreadableError, "is not certified"),
        (unknown, UnreadableError, "does not say where it is"),
    ],
    ids=["another host key", "a certificate for somebody else", "no host", "no certificate", "no address"],
)
def test_who_is_not_let_in_runs_nothing(
    server: Host, systemd: Systemd, of: Callable[[Host], Session], kind: type[HostingError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        start_unit(of(server), VALUES, occasion())
    assert systemd.asked == []


# -- volumes ----------------------------------------------------------------------------------------------------------

VOLUME = {"application": "imagerie-beaune", "host": "a", "volume": "data"}
FIND = ["findmnt", "--noheadings", "--output=TARGET", "--source=/dev/mapper/hosting-imagerie-beaune-data"]


@pytest.mark.parametrize(
    ("status", "said", "mounted_at"), [(0, "/srv/imagerie\n", "/srv/imagerie"), (1, "", None)], ids=["open", "closed"]
)
def test_a_volume_is_open_when_its_opened_device_is_mounted(
    server: Host, systemd: Systemd, status: int, said: str, mounted_at: str | None
) -> None:
    systemd.statuses["--noheadings"], systemd.said["findmnt"] = status, said
    seen = is_open(session(server.access, server.certify), VOLUME, {})
    assert (seen.holds, seen.observed, systemd.asked) == (status == 0, {"mounted_at": mounted_at}, [FIND])


# -- firewalls --------------------------------------------------------------------------------------------------------

FIREWALL = {"host": sample.HOST}
RELOAD = ["systemctl", "restart", "nftables.service"]


@pytest.fixture
def filtering(server: Host) -> Session:
    """Give the sample, one host of which is the server, and whose kernel has lost all of its rules."""
    access = sample.environment().hosts[sample.HOST].model_copy(update=reached(server.access))
    environment = sample.environment().model_copy(update={"hosts": {sample.HOST: access}})
    nothing = {"network": {"value": {"rules": {"nftables": []}, "addresses": []}}}
    found = SimpleNamespace(
        region=sample.region(),
        environment=environment,
        operator_key=make_operator_key(server.certify),
        hosts=SimpleNamespace(read=lambda requests: dict.fromkeys(requests, nothing)),
        clock=lambda: sample.NOW,
        progress=lambda line: None,
    )
    return cast("Session", found)


def reached(access: HostAccess) -> dict[str, Any]:
    return {name: getattr(access, name) for name in ("address", "port", "host_key")}


def test_a_host_loads_its_rules_again_to_end_what_the_run_was_asked_for(filtering: Session, systemd: Systemd) -> None:
    pinned = firewalls.pin(filtering, FIREWALL)
    assert any("too much: " in str(each) for each in cast("list[str]", pinned["differs_by"]))
    assert firewalls.load(filtering, FIREWALL, occasion(**pinned)) == {"status": 0}
    assert systemd.asked == [RELOAD]


def test_a_firewall_that_moved_on_since_is_left_as_it_is(filtering: Session, systemd: Systemd) -> None:
    with pytest.raises(RefusedError, match="differs in another way"):
        firewalls.load(filtering, FIREWALL, occasion(differs_by=["too much: tcp"]))
    assert systemd.asked == []


def test_rules_that_do_not_load_are_told_with_what_nft_said(filtering: Session, systemd: Systemd) -> None:
    systemd.statuses["restart"] = 1
    with pytest.raises(EngineError, match=r"nftables\.service failed \(1\)"):
        firewalls.load(filtering, FIREWALL, occasion(**firewalls.pin(filtering, FIREWALL)))


@pytest.mark.parametrize("kept", ["ours", "another's", "none"])
def test_what_is_loaded_must_be_what_the_files_ask_for(filtering: Session, systemd: Systemd, kept: str) -> None:
    places = flows.topology(sample.region())
    ours = digest(nftables.render(rule_set(places, filtering.environment, places.hosts[sample.HOST])))
    systemd.said["sha256sum"] = f"{ours if kept == 'ours' else '0' * 64}  /etc/hosting/firewall.nft\n"
    systemd.statuses["--"] = int(kept == "none")
    seen = firewalls.is_kept(filtering, FIREWALL, {})
    assert seen.holds is (kept == "ours")
    assert systemd.asked == [["sha256sum", "--", "/etc/hosting/firewall.nft"]]
