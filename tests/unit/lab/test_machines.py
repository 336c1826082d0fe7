"""The records of machines, and what is told of one without starting it."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import accelerator, breakage, console, keys, machines, network, processes, qemu, recorded, records
from hosting_cli.lab.image import Image
from hosting_cli.lab.machines import Record, State
from hosting_cli.lab.processes import Process
from hosting_cli.lab.progress import Narrator
from hosting_cli.lab.specification import Link, MachineSpec

SPEC = MachineSpec("dijon-app-1", 1, links=(Link("application", "10.21.10.11/24"),))
LONG_GONE = Process("machine dijon-app-1", 4_000_000, 1)


def keep(lab: Path, *, identified: bool) -> None:
    machines.directory(lab, SPEC.name).mkdir(parents=True)
    files = (Path("/c/vmlinuz"), Path("/c/initramfs"))
    record = Record(SPEC, 20022, 20023, "ssh-ed25519 AAAA", *files, kvm=False, identified=identified, process=LONG_GONE)
    machines.write(lab, record)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    record = machines.read(tmp_path, SPEC.name)
    assert record is not None
    assert (record.spec, record.process, record.ssh_port) == (SPEC, LONG_GONE, 20022)
    file = machines.directory(tmp_path, SPEC.name) / "machine.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_ssh_knows_the_host_key_in_advance(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    known = machines.directory(tmp_path, SPEC.name) / "known_hosts"
    assert known.read_text() == "[127.0.0.1]:20022 ssh-ed25519 AAAA\n"


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        pytest.param(lambda lab: None, State.ABSENT, id="nothing there"),
        pytest.param(
            lambda lab: machines.directory(lab, SPEC.name).mkdir(parents=True), State.UNFINISHED, id="no record yet"
        ),
        pytest.param(lambda lab: keep(lab, identified=False), State.UNFINISHED, id="killed before it had a name"),
        pytest.param(lambda lab: keep(lab, identified=True), State.STOPPED, id="its process is gone"),
    ],
)
def test_status(tmp_path: Path, prepare: object, expected: State) -> None:
    assert callable(prepare)
    prepare(tmp_path)
    assert machines.status(tmp_path, SPEC.name) is expected


def test_a_machine_of_another_making_is_not_taken_for_this_one(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    other = MachineSpec(SPEC.name, 1)
    template = machines.Template("key", Path("/c"), kvm=False)
    with pytest.raises(UsageError, match="made otherwise"):
        machines.start(other, tmp_path, Image("key", Path("/c")), template, print)


def test_an_unknown_machine_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    with pytest.raises(UsageError, match="There are: dijon-app-1"):
        machines.reached(tmp_path, "dijon-app-2")


def test_removing_is_idempotent_and_takes_the_sockets_along(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    segment = tmp_path / "network/application"
    segment.mkdir(parents=True)
    (segment / "dijon-app-1.sock").touch()
    (segment / "dijon-app-10.sock").touch()
    for _ in range(2):
        machines.remove(tmp_path, SPEC.name)
    assert machines.names(tmp_path) == ()
    assert [path.name for path in segment.iterdir()] == ["dijon-app-10.sock"]


def test_what_another_version_has_recorded_can_be_removed_and_else_says_so(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    file = machines.directory(tmp_path, SPEC.name) / "machine.json"
    running = processes.start("machine", ["sleep", "600"], log=tmp_path / "log", directory=tmp_path)
    records.write(file, {**json.loads(file.read_text()), "spec": {"links": "of old"}, "process": asdict(running)})
    with pytest.raises(EngineError, match="another version of hosting made it"):
        machines.status(tmp_path, SPEC.name)
    machines.remove(tmp_path, SPEC.name)
    assert (processes.is_alive(running), machines.names(tmp_path)) == (False, ())


def test_only_a_link_that_exists_can_be_cut(tmp_path: Path) -> None:
    keep(tmp_path, identified=True)
    with pytest.raises(UsageError, match="It has: application"):
        breakage.cut_link(tmp_path, SPEC.name, "tunnel")
    with pytest.raises(UsageError, match="has no link there"):
        network.block(tmp_path, "tunnel", SPEC.name, blocked=True)


def test_the_bootstrap_key_is_made_once_by_however_many(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: keys.obtain_bootstrap_key(tmp_path).public, range(8)))
    assert len(made) == 1
    assert os.listdir(tmp_path) == ["bootstrap_key"]  # noqa: PTH208 (hidden files count)
    assert stat.S_IMODE((tmp_path / "bootstrap_key").stat().st_mode) == 0o600


def test_keys_are_in_opensshs_formats_and_not_printed() -> None:
    pair = keys.generate()
    load_ssh_private_key(pair.private, password=None)
    load_ssh_public_key(pair.public.encode())
    assert "PRIVATE" not in repr(pair)


def test_a_boot_is_heard_on_the_console_after_where_it_began(tmp_path: Path) -> None:
    (tmp_path / qemu.CONSOLE).write_text("LAB-READY 11111111-1111-1111-1111-111111111111\n")
    since = console.position(tmp_path)
    with (tmp_path / qemu.CONSOLE).open("a") as stream:
        stream.write("\x1b[?7hLAB-READY 22222222-2222-2222-2222-222222222222\r\n")
    narrator = Narrator(print, "booting")
    boot = console.wait_until_ready(tmp_path, LONG_GONE, since=since, narrator=narrator, timeout_seconds=1)
    assert boot == "22222222-2222-2222-2222-222222222222"


def test_a_machine_that_ends_before_it_is_ready_has_its_last_words_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "qemu.log").write_text("Could not set up host forwarding rule\n")
    with pytest.raises(machines.UnreadableError, match="host forwarding rule"):
        console.wait_until_ready(tmp_path, LONG_GONE, since=0, narrator=Narrator(print, "x"), timeout_seconds=1)


@pytest.mark.parametrize(
    ("console_text", "log", "kvm", "reason"),
    [
        ("Run /init\nLAB-TRIED\n", "", True, "works"),
        ("", "KVM internal error. Suberror: 1\nEAX=0\nCode=05\n", False, "KVM internal error. Suberror: 1"),
        ("", "Could not access KVM kernel module: Permission denied\n", False, "Permission denied"),
        ("", "", False, "no kernel came up"),
    ],
)
def test_kvm_is_judged_by_a_kernel_that_ran(console_text: str, log: str, kvm: bool, reason: str) -> None:
    found = accelerator.judge(console_text, log)
    assert found.kvm is kvm
    assert reason in found.reason


@pytest.mark.parametrize(
    ("qemu_does", "kvm"),
    [
        pytest.param('for last; do :; done; echo LAB-TRIED > "${last#file:}"', True, id="a kernel runs and ends"),
        pytest.param("echo KVM internal error; exec sleep 300", False, id="it stays where it failed"),
    ],
)
def test_kvm_is_tried_once_and_nothing_of_the_trial_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qemu_does: str, kvm: bool
) -> None:
    program, tried = tmp_path / "qemu", tmp_path / "tried"
    program.write_text(f"#!/bin/sh\necho $$ >> {tried}\n{qemu_does}\n")
    program.chmod(0o755)
    monkeypatch.setattr(qemu, "PROGRAM", str(program))
    monkeypatch.setattr(accelerator, "_DEVICE", program)
    image = Image("key", tmp_path / "image")
    for _ in range(2):
        assert accelerator.find(tmp_path / "cache", image, "QEMU 10", print).kvm is kvm
    (pid,) = tried.read_text().split()
    assert processes._started(int(pid)) is None
    (folder,) = (path for path in (tmp_path / "cache/accelerators").iterdir() if path.is_dir())
    assert recorded.find(folder) is None


def test_a_record_is_whole_at_any_moment(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    assert records.read(file) is None
    records.write(file, {"pid": 1})
    records.write(file, {"pid": 2})
    assert records.read(file) == {"pid": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
