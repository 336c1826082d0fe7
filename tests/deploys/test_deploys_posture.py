"""What checks look at on a host, by programs that say what the real ones were seen to say."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploys.programs import INTERPRETER, program

SSHD = """\
port 22
permitrootlogin without-password
passwordauthentication no
authenticationmethods publickey
trustedusercakeys /etc/ssh/hosting/user-authority.pub
authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
hostkey /etc/ssh/ssh_host_rsa_key
hostkey /etc/ssh/ssh_host_ed25519_key
"""
"""Of OpenSSH 9.2, `sshd -T`."""

FOLLOWING = "0A150101,10.21.1.1,3,1795801600.18,0.000012,-0.000003,0.000008,-1.2,0.0,0.02,0.001,0.0005,64.2,Normal"
NOT_FOLLOWING = (
    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,"
    "Not synchronised"
)
"""Of chrony 4.3, `chronyc -c tracking`."""

APT = """\
NOTE: This is only a simulation!
Reading package lists...
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst liblzma-dev [5.4.1-1] (5.4.1-1+deb12u2 Debian-Security:12/oldstable-security [amd64]) []
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Conf libgcrypt20 (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
"""
"""Of apt 2.6, `apt-get --simulate dist-upgrade`."""


def posture(folder: Path, suite: str = "bookworm-security", **said: str) -> Any:
    """Run the program with tools that say what they are told; it gives its own the PATH of a host."""
    for tool, text in said.items():
        script = folder / tool.replace("_", "-")
        script.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n" if text != "fails" else "#!/bin/sh\nexit 7\n")
        script.chmod(0o755)
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    (lists / f"deb.debian.org_dists_{suite}_InRelease").touch()
    text = program("read_posture", {"timeout_seconds": 30}).replace("/var/lib/apt/lists", str(lists))
    text = text.replace('"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"', f'"PATH": "{folder}:/usr/bin:/bin"')
    done = subprocess.run(INTERPRETER, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_parameter_of_sshd_is_read_and_of_several_values_all(tmp_path: Path) -> None:
    found = posture(tmp_path, sshd=SSHD.strip(), chronyc=FOLLOWING, apt_get=APT)["sshd"]["value"]
    assert found["permitrootlogin"] == "without-password"
    assert found["authorizedkeysfile"] == ".ssh/authorized_keys .ssh/authorized_keys2"
    assert found["hostkey"] == "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ed25519_key"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (FOLLOWING, {"reference": "10.21.1.1", "stratum": 3, "offset_seconds": 0.000012, "leap": "Normal"}),
        (
            NOT_FOLLOWING,
            {"reference": "00000000", "stratum": 0, "offset_seconds": 0.0, "leap": "Not synchronised"},
        ),
    ],
    ids=["one that follows a source", "one that follows none"],
)
def test_a_clock_is_read(line: str, found: dict[str, Any], tmp_path: Path) -> None:
    assert posture(tmp_path, sshd=SSHD, chronyc=line, apt_get=APT)["clock"] == {"value": found}


def test_updates_for_security_are_told_from_others(tmp_path: Path) -> None:
    found = posture(tmp_path, sshd=SSHD, chronyc=FOLLOWING, apt_get=APT)["patches"]["value"]
    assert found["pending"] == ["base-files", "libgcrypt20", "liblzma-dev"]
    assert found["security"] == ["libgcrypt20", "liblzma-dev"]
    assert found["listed_at"] == (tmp_path / "lists" / "partial").stat().st_mtime


def test_without_a_suite_of_security_updates_nobody_can_tell_that_none_waits(tmp_path: Path) -> None:
    found = posture(tmp_path, "bookworm", sshd=SSHD, chronyc=FOLLOWING, apt_get="Reading package lists...")["patches"]
    assert found == {"value": {"pending": [], "security": [], "listed_at": None}}


def test_what_a_tool_does_not_say_is_unknown_and_hides_nothing_else(tmp_path: Path) -> None:
    found = posture(tmp_path, sshd="fails", chronyc="506 Cannot talk to daemon", apt_get=APT)
    assert found["sshd"] == {"unknown": "ValueError: sshd -T failed (7): "}
    assert "unknown" in found["clock"]
    assert "value" in found["patches"]
