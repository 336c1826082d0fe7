"""One lab's directory: what is written where, who may read it, and what is never touched.  Nothing is started here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fake_doors import FakeVault
from sample import FOLDER, GATEWAY, HOST, region

from hosting_cli.commands.lab import Fault
from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import faults, laboratory, machines, records, removal
from hosting_cli.lab.laboratory import Lab, begin, place, specification, write_environment
from hosting_cli.lab.machines import RunningMachine
from hosting_cli.lab.processes import Process
from hosting_cli.lab.removal import down
from hosting_cli.lab.specification import Link
from hosting_cli.memory_file import memory_file
from hosting_cli.secret import Secret
from inventory.load import load_environment
from vault_policies import render


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Give a lab that has begun, and nothing more."""
    lab = Lab(tmp_path / "lab", tmp_path / "cache")
    begin(lab, FOLDER)
    return lab


def silent(_line: str) -> None:
    """Say nothing."""


# -- where --------------------------------------------------------------------------------------------------------


def test_the_lab_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOSTING_LAB", str(tmp_path / "mine"))
    monkeypatch.setenv("HOSTING_CACHE", "relative")
    monkeypatch.chdir(tmp_path)
    assert place() == Lab(tmp_path / "mine", tmp_path / "relative")


def test_the_lab_is_otherwise_in_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOSTING_LAB", raising=False)
    monkeypatch.delenv("HOSTING_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place() == Lab(tmp_path / ".local/state/hosting/lab", tmp_path / ".cache/hosting")


# -- beginning ----------------------------------------------------------------------------------------------------


def test_a_lab_begins_with_ports_of_its_own_and_says_that_it_is_one(lab: Lab) -> None:
    ports = [*lab.record["vault_ports"], *lab.record["store_ports"]]
    assert len(ports) == len(set(ports))
    assert lab.record["mark"] == laboratory.MARK
    assert lab.record["region"] == str(FOLDER)
    assert lab.directory.stat().st_mode & 0o777 == 0o700


def test_a_lab_that_began_keeps_what_it_chose(lab: Lab, tmp_path: Path) -> None:
    before = records.read(lab.directory / "lab.json")
    begin(lab, tmp_path)
    assert records.read(lab.directory / "lab.json") == before


def test_two_labs_choose_different_ports(lab: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other", tmp_path / "cache")
    begin(other, FOLDER)
    assert other.vault.address != lab.vault.address


def test_there_is_no_lab_before_it_began(tmp_path: Path) -> None:
    nowhere = Lab(tmp_path / "lab", tmp_path / "cache")
    assert not nowhere.exists
    with pytest.raises(UsageError, match="Run `hosting lab up`"):
        _ = nowhere.record


# -- what is somebody else's --------------------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path: Path) -> Lab:
    """Give a directory that holds virtual machines which are none of a lab."""
    (tmp_path / "mine/vms/precious").mkdir(parents=True)
    (tmp_path / "mine/vms/precious/disk.img").write_text("data")
    return Lab(tmp_path / "mine", tmp_path / "cache")


@pytest.mark.parametrize(
    "act", [lambda lab: begin(lab, FOLDER), lambda lab: list(down(lab, silent))], ids=["up", "down"]
)
def test_a_directory_that_holds_something_else_is_left_alone(foreign: Lab, act: Callable[[Lab], object]) -> None:
    with pytest.raises(UsageError, match="holds files that are not a lab"):
        act(foreign)
    assert (foreign.directory / "vms/precious/disk.img").read_text() == "data"
    assert not (foreign.directory / "lab.json").exists()


def test_down_leaves_nothing_behind_and_says_what_it_removed(lab: Lab) -> None:
    laboratory.write_secret(lab.token_file("operations-engineer"), Secret("s.token"))
    assert list(down(lab, silent)) == [str(lab.directory)]
    assert not lab.directory.exists()


def test_whatever_somebody_else_removes_meanwhile_ends_no_removal(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.directory / "vms/unfinished").mkdir(parents=True)
    (lab.directory / "journal.jsonl").touch()
    remove, unlink = shutil.rmtree, Path.unlink

    def second(call: Callable[..., None]) -> Callable[..., None]:
        def called(path: Path, **options: bool) -> None:
            call(path, **options)
            call(path, **options)  # which finds nothing any more

        return called

    monkeypatch.setattr(shutil, "rmtree", second(remove))
    monkeypatch.setattr(Path, "unlink", second(unlink))
    list(down(lab, silent))
    assert not lab.directory.exists()


def test_a_lab_of_a_version_that_watched_none_is_told_and_can_be_removed(lab: Lab) -> None:
    record = {name: value for name, value in lab.record.items() if name != "monitoring_ports"}
    records.write(lab.record_file, record)
    older = Lab(lab.directory, lab.cache_directory)
    with pytest.raises(EngineError, match=r"another version of hosting made it.*hosting lab down"):
        _ = older.monitoring
    assert list(down(older, silent)) == [str(lab.directory)]


def test_down_of_nothing_is_nothing(tmp_path: Path) -> None:
    assert list(down(Lab(tmp_path / "lab", tmp_path / "cache"), silent)) == []


def test_the_cache_is_forgotten_only_when_asked(lab: Lab) -> None:
    lab.cache_directory.mkdir()
    list(down(lab, silent))
    assert lab.cache_directory.exists()
    removal.forget_cache(lab)
    removal.forget_cache(lab)
    assert not lab.cache_directory.exists()


# -- killed -------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stand in for SIGKILL: nothing catches it."""


WRITES = ("mkdir", "open", "fsync", "replace", "rename", "unlink", "rmdir")
"""What changes a file system, among the functions of ``os``."""


def killed_after(steps: int, patched: pytest.MonkeyPatch, act: Callable[[], object]) -> bool:
    """Do *act*, and die before the change after *steps* changes of the file system; tell whether it came to that."""
    left = [steps]

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return function(*arguments, **options)

        return call

    with patched.context() as context:
        for name in WRITES:
            context.setattr(os, name, counted(getattr(os, name)))
        try:
            act()
        except Killed:
            return True
    return False


def test_a_beginning_that_is_killed_anywhere_can_be_gone_on_with_or_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    for steps in range(100):
        lab = Lab(tmp_path / f"lab{steps}", tmp_path / "cache")
        if not killed_after(steps, monkeypatch, lambda lab=lab: begin(lab, FOLDER)):  # type: ignore[misc]
            break
        again = Lab(lab.directory, lab.cache_directory)
        if steps % 2:
            begin(again, FOLDER)
            assert again.exists
        list(down(again, silent))
        assert not lab.directory.exists()
    assert steps >= 4


def test_a_removal_that_is_killed_anywhere_can_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    for steps in range(100):
        lab = Lab(tmp_path / f"lab{steps}", tmp_path / "cache")
        begin(lab, FOLDER)
        (lab.directory / "vms/unfinished").mkdir(parents=True)
        (lab.directory / "vms/unfinished/disk.qcow2").touch()
        laboratory.write_secret(lab.token_file("operations-engineer"), Secret("s.token"))
        (lab.directory / "journal.jsonl").touch()
        is_killed = killed_after(steps, monkeypatch, lambda lab=lab: list(down(lab, silent)))  # type: ignore[misc]
        list(down(Lab(lab.directory, lab.cache_directory), silent))
        assert not lab.directory.exists()
        if not is_killed:
            break
    assert steps >= 6


# -- secrets ------------------------------------------------------------------------------------------------------


def test_a_secret_is_written_for_its_owner_alone_and_in_one_step(tmp_path: Path) -> None:
    file = tmp_path / "tokens/root.token"
    laboratory.write_secret(file, Secret("first"))
    laboratory.write_secret(file, Secret("second"))
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("second", 0o600)
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_the_root_token_is_lent_and_taken_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.vault), "root_token", lambda _: Secret("s.root"))
    with pytest.raises(KeyboardInterrupt), laboratory.root_token(lab) as file:
        assert (file.read_text(), file.stat().st_mode & 0o777) == ("s.root", 0o600)
        raise KeyboardInterrupt
    assert not file.exists()


def test_a_private_key_is_lent_to_another_process_and_lies_on_no_disk() -> None:
    program = "import os, sys; print(open(sys.argv[1]).read(), oct(os.stat(sys.argv[1]).st_mode & 0o777))"
    with memory_file("PRIVATE KEY") as descriptor:
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
        found = subprocess.run([sys.executable, "-I", "-c", program, path], capture_output=True, text=True, check=True)
        assert found.stdout == "PRIVATE KEY 0o600\n"
        assert Path(path).readlink().name.startswith("memfd:")
    assert not Path(path).exists()


def test_everybody_gets_a_token_of_their_own_once(lab: Lab) -> None:
    class Vault(FakeVault):
        def issue_token(self, name: str, policies: tuple[str, ...], *, period_seconds: int) -> Secret:
            self.calls.append(f"{name} {policies[0]} {period_seconds > 0}")
            return Secret(f"s.{name}")

    vault = Vault()
    for _ in range(2):
        laboratory.admit_people(lab, vault)  # type: ignore[arg-type]
    assert vault.calls == [
        "operations-engineer people-operations True",
        "security-officer people-approver True",
        "auditor people-auditor True",
    ]
    assert {policy.split()[1] for policy in vault.calls} <= render.people().keys()
    assert lab.token_file("security-officer").read_text() == "s.security-officer"


# -- machines -----------------------------------------------------------------------------------------------------


def test_a_machine_is_made_for_each_host_as_the_region_says(lab: Lab) -> None:
    sample = region()
    app, gateway = (specification(lab, sample, host, ordinal) for ordinal, host in enumerate(sample.hosts, start=1))
    assert app.links == (Link("dijon.vlans", "10.21.10.11/24", untagged=110),)
    assert gateway.links == (
        Link("dijon.vlans", tagged=(100, 110)),
        Link("lab_outside", "198.51.100.10/24"),
    ), "what the tunnel comes out of is no card; what carries it is"
    assert app.shape == gateway.shape, "one template serves both"
    assert app.data_disk_gib == 4


def test_machines_reach_the_vault_and_the_store_and_nothing_else_of_this_machine(lab: Lab) -> None:
    spec = specification(lab, region(), region().hosts[0], 1)
    assert [(item.guest_address, item.guest_port, item.controller_port) for item in spec.forwards] == [
        ("10.0.2.100", 8200, lab.record["vault_ports"][0]),
        ("10.0.2.101", 8333, int(lab.store.endpoint.rpartition(":")[2])),
    ]


def machine(lab: Lab, name: str, number: int) -> RunningMachine:
    key = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'AB'[number]}=="
    seen = f"127.0.1.{11 + number}/32"
    return RunningMachine(
        name, 40_000 + number, 41_000 + number, key, lab.directory / "bootstrap_key", seen, lab.directory
    )


def test_the_environment_is_one_that_fits_the_region_and_holds_no_secret(lab: Lab) -> None:
    started = tuple(machine(lab, name, number) for number, name in enumerate((HOST, GATEWAY)))
    write_environment(lab, region(), started)
    environment = load_environment(lab.environment_file, region())
    assert environment.hosts[HOST].port == 40_000
    assert str(environment.hosts[GATEWAY].vault_sees) == "127.0.1.12/32"
    assert (environment.journal, environment.vault.address) == (lab.journal, lab.vault.address)
    assert environment.vault.certificate_authority == lab.certificates.authority
    text = lab.environment_file.read_text()
    assert text.startswith("# Written by `hosting lab up`")
    assert "PRIVATE" not in text
    assert yaml.safe_load(text)["luks_profile"] == "lab"


def test_an_engine_runs_only_while_its_recorded_process_does(lab: Lab) -> None:
    assert laboratory.running(lab, "openbao") is None
    (lab.directory / "openbao").mkdir()
    gone = Process("openbao", pid=2**22 - 1, started=1)
    records.write(lab.directory / "openbao/process.json", vars(gone))
    assert laboratory.running(lab, "openbao") is None
    laboratory.stop_engine(lab, "openbao")


# -- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["host-down", "link-cut", "disk-full"])
def test_a_fault_on_a_machine_that_is_not_there_is_refused(lab: Lab, fault: str) -> None:
    with pytest.raises(UsageError, match=r"machine frob: is not in this lab\. There are: none\."):
        faults.inject(lab, fault, "frob")
    with pytest.raises(UsageError, match="machine frob"):
        faults.mend(lab, fault, "frob", silent)


def test_every_fault_can_be_mended_and_is_offered_by_the_command_line() -> None:
    offered = {fault.value for fault in Fault}
    assert offered == faults._INJECT.keys() == faults._MEND.keys()


def test_there_are_no_machines_before_any_was_started(lab: Lab) -> None:
    assert machines.names(lab.directory) == ()
