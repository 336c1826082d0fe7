"""What the host's agent makes of restored files: beside the live ones, and under the application's own check."""

import os
from pathlib import Path

import pytest
from agent_machine import Machine

from deploys.agent import trial
from deploys.agent.dumps import FOLDER


@pytest.fixture
def scratch(machine: Machine) -> str:
    return str(machine.root / "scratch")


@pytest.fixture
def restored(machine: Machine, scratch: str) -> Path:
    """Give a volume with four files of which three were restored, one of them twice as large by now."""
    top = machine.root / "srv" / "imagerie"
    copy = Path(f"{scratch}{top}")
    for place in (top, copy):
        (place / "2026").mkdir(parents=True)
        for name in ("same", "changed", "gone"):
            write(place / "2026" / name, b"study")
    write(top / "2026" / "changed", b"study, reported", at=2)
    (top / "2026" / "gone").unlink()
    write(top / "2026" / "new", b"study")
    (copy / FOLDER).mkdir()
    (copy / FOLDER / "x.dump").touch()
    (copy / "link").symlink_to("2026/same")
    (top / "link").symlink_to("2026/same")
    for link in (copy / "link", top / "link"):
        os.utime(link, (1, 1), follow_symlinks=False)
    machine.tell(mount_points=[str(top)])
    return copy


def write(path: Path, content: bytes, *, at: int = 1) -> None:
    path.write_bytes(content)
    os.utime(path, (at, at))


def test_restored_files_are_counted_by_what_they_are_beside_the_live_ones(restored: Path, scratch: str) -> None:
    found = trial.try_restored("imagerie", scratch)
    assert found["files"] == {"same": 2, "different": 0, "changed": 1, "gone": 1}
    assert (found["databases"], found["check"]) == ([], None)


def test_other_bytes_of_the_same_time_and_size_are_seen(restored: Path, scratch: str) -> None:
    write(restored / "2026" / "same", b"stuDy")
    assert trial.try_restored("imagerie", scratch)["files"]["different"] == 1


def test_the_check_sees_restored_files_where_the_live_ones_are_and_reaches_nobody() -> None:
    check = {"program": "/usr/local/bin/verify", "arguments": ["--quick", "a b"], "timeout_seconds": 60}
    argv = trial.sandboxed(check, {"/srv/imagerie": "/run/hosting/drill/imagerie/srv/imagerie"})
    assert argv[-4:] == ["--", "/usr/local/bin/verify", "--quick", "a b"]
    assert {
        "--property=DynamicUser=yes",
        "--property=PrivateNetwork=yes",
        "--property=RestrictAddressFamilies=~AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_VSOCK",
        "--property=TemporaryFileSystem=/srv:ro",
        "--property=BindReadOnlyPaths=/run/hosting/drill/imagerie/srv/imagerie:/srv/imagerie",
        "--property=RuntimeMaxSec=60",
        "--property=InaccessiblePaths=-/etc/credstore.encrypted",
        "--property=InaccessiblePaths=-/run/hosting",
    } <= set(argv)


@pytest.mark.parametrize(("status", "said"), [(0, "3 studies open"), (1, "study 2 is damaged")])
def test_what_the_check_says_is_kept_short(
    machine: Machine, restored: Path, scratch: str, status: int, said: str
) -> None:
    machine.tell(check={"program": "/x", "arguments": [], "timeout_seconds": 60})
    (machine.root / "check_says").write_text(f"{status} {'noise ' * 1000}{said}")
    found = trial.try_restored("imagerie", scratch)["check"]
    assert found["status"] == status
    assert found["said"].endswith(said)
    assert len(found["said"]) <= 200
