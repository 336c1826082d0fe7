import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hosting_cli.errors import EngineError
from hosting_cli.lab import processes


def wait_for(path: Path) -> str:
    for _ in range(500):
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


def test_a_process_has_a_session_of_its_own_and_its_output_in_a_private_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.start("echo", ["sh", "-c", "echo $PWD $SECRET; exec sleep 60"], log=log, directory=tmp_path)
    assert wait_for(log) == f"{tmp_path}\n"
    assert os.getsid(process.pid) == process.pid
    assert log.stat().st_mode & 0o777 == 0o600
    assert processes.is_alive(process)
    processes.stop(process, grace_seconds=5)
    assert not processes.is_alive(process)


def test_no_token_of_the_caller_reaches_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "canary")
    log = tmp_path / "log"
    process = processes.start("env", ["sh", "-c", "env; echo end"], log=log, directory=tmp_path)
    while "end" not in wait_for(log):
        time.sleep(0.01)
    processes.stop(process)
    assert "canary" not in log.read_text()


def test_stop_also_ends_children_and_whoever_ignores_the_polite_signal(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = "trap '' TERM; sleep 61 & echo $!; while :; do sleep 0.1; done"
    process = processes.start("stubborn", ["sh", "-c", stubborn], log=log, directory=tmp_path)
    child = int(wait_for(log))
    processes.stop(process, grace_seconds=0.2)
    assert not processes.is_alive(process)
    assert not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()


def test_stop_ends_children_that_survived_their_parent(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.start("parent", ["sh", "-c", "sleep 62 & echo $!"], log=log, directory=tmp_path)
    child = int(wait_for(log))
    while processes.is_alive(process):
        time.sleep(0.01)
    processes.stop(process, grace_seconds=5)
    assert not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()


def test_a_process_with_the_same_pid_and_another_start_is_left_alone(tmp_path: Path) -> None:
    process = processes.start("sleep", ["sleep", "63"], log=tmp_path / "log", directory=tmp_path)
    stranger = processes.Process("sleep", process.pid, process.started - 1)
    assert not processes.is_alive(stranger)
    processes.stop(stranger)
    assert processes.is_alive(process)
    processes.stop(process)
    processes.stop(process)


def test_the_program_does_not_run_when_its_pid_could_not_be_recorded(tmp_path: Path) -> None:
    started: list[processes.Process] = []

    def record(process: processes.Process) -> None:
        started.append(process)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        processes.start("touch", ["touch", "ran"], log=tmp_path / "log", directory=tmp_path, record=record)
    while processes.is_alive(started[0]):
        time.sleep(0.01)
    assert not (tmp_path / "ran").exists()


def test_the_program_does_not_run_when_its_starter_is_killed_before_the_pid_is_on_record(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys\n"
        "from hosting_cli.lab import processes\n"
        "def record(process):\n"
        "    pathlib.Path('pid').write_text(f'{process.pid}\\n')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "here = pathlib.Path()\n"
        "processes.start('touch', ['touch', 'ran'], log=here / 'log', directory=here, record=record)\n"
    )
    environment = {"PYTHONPATH": str(Path.cwd()), "PATH": os.environ["PATH"]}
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    pid = int(wait_for(tmp_path / "pid"))
    for _ in range(500):
        if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
            break
        time.sleep(0.01)
    else:
        raise AssertionError("the held process outlived its starter")
    assert not (tmp_path / "ran").exists()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no program no-such-program"):
        processes.start("x", ["no-such-program"], log=tmp_path / "log", directory=tmp_path)


def test_a_port_that_somebody_listens_on_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(processes, "_PORTS", range(port, port + 1))
        with pytest.raises(EngineError, match="no 1 free ports"):
            processes.free_port()


def test_a_port_that_somebody_has_chosen_is_chosen_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    first = processes.free_port()
    monkeypatch.setattr(processes, "_PORTS", range(first, first + 1))
    choose = f"from hosting_cli.lab import processes as p; p._PORTS = range({first}, {first + 1}); print(p.free_port())"
    argv = [sys.executable, "-c", choose]
    refused = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "no 1 free ports" in refused.stderr
    with pytest.raises(EngineError, match="no 1 free ports"):
        processes.free_port()
    monkeypatch.setattr(processes, "_KEPT_SECONDS", -1)
    assert processes.free_port() == first


def test_several_free_ports_are_different() -> None:
    assert len(set(processes.free_ports(12))) == 12
