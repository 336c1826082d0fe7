"""The child process: a job in, events out, against a real SSH server; and what happens when either end breaks."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ssh_server import Host, host, run_here

from deploys.resources import HostFile, HostVolume
from deploys.view import digest
from hosting_cli.doors.engine import Engine, document, parse
from hosting_cli.doors.operator_key import make_operator_key
from hosting_cli.errors import EngineError
from hosting_cli.jobs import Event, EventKind, HostJob, Job, OperatorKey, Outcome
from hosting_cli.secret import Secret
from inventory.resource import Subject


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[Host]:
    with host(tmp_path) as running:
        yield running


def certified(server: Host) -> OperatorKey:
    return make_operator_key(server.certify)


def wanted(path: Path, content: str = "content\n", name: str = "a") -> HostFile:
    return HostFile(
        host=name,
        name=f"{name}:{path}",
        owner="platform",
        path=str(path),
        sha256=digest(content),
        content=content,
        mode="0640",
    )


def converge(job: Job) -> tuple[list[Event], Outcome]:
    events: list[Event] = []
    outcome = Engine().converge(job, events.append)
    return events, outcome


def told(events: list[Event], name: str = "a") -> list[str]:
    """Give what was told of a host, less pyinfra's own words."""
    of_host = (event for event in events if event.host == name and event.kind is not EventKind.OUTPUT)
    return [f"{event.kind} {event.subject or ''}".strip() for event in of_host]


def test_a_file_is_written_once_and_then_left_alone(server: Host, tmp_path: Path) -> None:
    file = wanted(tmp_path / "deep" / "file")
    job = Job({"a": HostJob(server.access, (file,))}, certified(server))
    events, _ = converge(job)
    assert told(events) == ["connected", f"start {file.subject}", f"done {file.subject}", "result"]
    assert (tmp_path / "deep" / "file").read_text() == "content\n"
    assert (tmp_path / "deep" / "file").stat().st_mode & 0o777 == 0o640
    events, outcome = converge(job)
    assert told(events) == ["connected", f"done {file.subject}", "result"]
    assert outcome.is_complete and outcome.changed == ()


def test_many_files_are_one_exec(server: Host, tmp_path: Path) -> None:
    files = tuple(wanted(tmp_path / f"file{number}") for number in range(20))
    converge(Job({"a": HostJob(server.access, files)}, certified(server)))
    assert len(server.commands) == 2  # the reading, and the writing


def test_the_file_that_fails_fails_alone(server: Host, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a directory is needed")
    good, bad = wanted(tmp_path / "good"), wanted(tmp_path / "taken" / "file")
    after = replace(wanted(tmp_path / "after"), requires=(bad.subject,))
    _, outcome = converge(Job({"a": HostJob(server.access, (bad, good, after))}, certified(server)))
    assert set(outcome.failed) == {bad.subject}
    assert "Not a directory" in str(outcome.failed[bad.subject]) or "File exists" in str(outcome.failed[bad.subject])
    assert (tmp_path / "good").exists()


def test_what_requires_a_failure_is_left_alone(server: Host, tmp_path: Path) -> None:
    missing = Subject("host-identity", "a:x")
    volume = HostVolume(
        host="a",
        name="a:x/data",
        owner="x",
        volume_group="hosting",
        logical_volume="x-data",
        size_gib=1,
        filesystem="ext4",
        mount_point="/srv/x",
        label="hosting-x-data",
        memory_kib=1,
        iterations=4,
        lanes=1,
        requires=(missing,),
    )
    _, outcome = converge(Job({"a": HostJob(server.access, (volume,))}, certified(server)))
    # The reading was not asked about storage, so the volume is unknown: never absent, hence nothing is done.
    assert "storage: the host was not asked" in str(outcome.failed[volume.subject])
    assert len(server.commands) == 1


def test_a_file_that_left_is_removed(server: Host, tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_text("x")
    gone = wanted(file)
    job = Job({"a": HostJob(server.access, (wanted(tmp_path / "new"),), removed=(gone,))}, certified(server))
    _, outcome = converge(job)
    assert outcome.is_complete
    # Our mark did not list it on this host, so it is not ours to remove.
    assert file.exists()


def test_a_host_that_cannot_be_reached_does_not_disturb_the_others(server: Host, tmp_path: Path) -> None:
    away = server.access.model_copy(update={"host_key": server.authority.export_public_key().decode().strip()})
    jobs = {
        "a": HostJob(server.access, (wanted(tmp_path / "file"),)),
        "b": HostJob(away, (wanted(tmp_path / "other", name="b"),)),
    }
    events, outcome = converge(Job(jobs, certified(server)))
    assert set(outcome.lost_hosts) == {"b"}
    assert "host b" in str(outcome.lost_hosts["b"])
    assert (tmp_path / "file").exists()
    assert not (tmp_path / "other").exists()
    assert told(events, "b") == ["host_failed", "result"]


def test_a_refused_key_loses_the_host(server: Host, tmp_path: Path) -> None:
    access = server.access.model_copy(update={"bootstrap_key": None})
    other = make_operator_key(lambda public: server.certify(public, principals=("nobody",)))
    _, outcome = converge(Job({"a": HostJob(access, (wanted(tmp_path / "file"),))}, other))
    assert "refused the operator's key" in str(outcome.lost_hosts["a"])


def test_a_certificate_that_is_refused_falls_back_to_the_bootstrap_key_on_the_same_connection(
    server: Host, tmp_path: Path
) -> None:
    other = make_operator_key(lambda public: server.certify(public, principals=("nobody",)))
    _, outcome = converge(Job({"a": HostJob(server.access, (wanted(tmp_path / "file"),))}, other))
    assert outcome.is_complete


def test_a_host_that_cannot_be_read_is_lost(tmp_path: Path) -> None:
    with host(tmp_path, lambda command, text: (1, "")) as server:
        job = Job({"a": HostJob(server.access, (wanted(tmp_path / "file"),))}, certified(server))
        _, outcome = converge(job)
    assert "could not be read" in str(outcome.lost_hosts["a"])


def test_no_host_means_no_process(server: Host) -> None:
    assert Engine(("/none",)).converge(Job({}, certified(server)), lambda event: None).is_complete


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_in_the_job_and_in_nothing_else(server: Host, tmp_path: Path) -> None:
    job = Job({"a": HostJob(server.access, (), secrets={"x/active": Secret("canary-7731")})}, certified(server))
    assert "canary-7731" in json.dumps(document(job))
    assert "canary-7731" not in repr(job)
    assert job.key.private_key.reveal() not in repr(job)


def test_a_job_that_cannot_be_read_is_not_quoted() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploys.child"], input='{"canary-7731"', capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "canary" not in done.stdout + done.stderr
    assert "JSONDecodeError" in done.stderr


# -- beginning ---------------------------------------------------------------------------------------------------------

BEGIN = """
import runpy, sys
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        seen.append(name)
sys.meta_path.insert(0, Watch())
try:
    runpy.run_module("deploys.child", run_name="__main__")
except SystemExit as end:
    from gevent import monkey
    print(end.code, monkey.is_module_patched("socket"), seen.index("gevent.monkey") < seen.index("deploys.worker"))
"""


def test_gevent_patches_before_anything_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", BEGIN], input="{}", capture_output=True, text=True, check=True)
    assert done.stdout == "3 True True\n"
    assert "MonkeyPatchWarning" not in done.stderr


# -- breaking off -----------------------------------------------------------------------------------------------------


def test_the_child_ends_when_it_is_killed_and_the_door_says_so(tmp_path: Path) -> None:
    engine = Engine()

    def answer(command: str, text: str) -> tuple[int, str]:
        if engine.child_pid is not None:
            os.kill(engine.child_pid, signal.SIGKILL)
        return run_here(command, text)

    with host(tmp_path, answer) as server:
        job = Job({"a": HostJob(server.access, (wanted(tmp_path / "file"),))}, certified(server))
        with pytest.raises(EngineError, match="ended with -9"):
            engine.converge(job, lambda event: None)
    assert engine.child_pid is None


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    with host(tmp_path, lambda command, text: (time.sleep(5), (0, "{}"))[1]) as server:
        job = json.dumps(document(Job({"a": HostJob(server.access, (wanted(tmp_path / "file"),))}, certified(server))))
        parent = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import subprocess, sys\n"
                "child = subprocess.Popen([sys.executable, '-m', 'deploys.child'], stdin=subprocess.PIPE, text=True)\n"
                "child.stdin.write(sys.stdin.read()); child.stdin.close()\n"
                "print(child.pid, flush=True); child.wait()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert parent.stdin is not None and parent.stdout is not None
        with parent:
            parent.stdin.write(job)
            parent.stdin.close()
            child = int(parent.stdout.readline())
            _wait(lambda: bool(server.commands), "the child never reached the host")
            parent.kill()
        _wait(lambda: not Path(f"/proc/{child}/exe").exists(), "the child outlived its parent")


def _wait(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def test_a_child_that_says_something_else_is_an_error() -> None:
    with pytest.raises(EngineError, match="is no event"):
        parse("Traceback (most recent call last):")


def test_a_child_that_cannot_work_gives_its_last_words(server: Host, tmp_path: Path) -> None:
    broken = Engine((sys.executable, "-c", "import sys; sys.exit('no such module')"))
    job = Job({"a": HostJob(server.access, (wanted(tmp_path / "file"),))}, certified(server))
    with pytest.raises(EngineError, match="ended with 1: no such module"):
        broken.converge(job, lambda event: None)
