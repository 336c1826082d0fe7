"""Turn a fresh set of namespaces into a host: its root over a read-only image, its devices, its address, its sshd.

The first program of each host of the fleet.  It reads what it is to be as JSON from standard input and becomes sshd.
It runs on the machine's own Python, outside the project's environment, so it imports nothing of ours.
"""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

_PLACE = Path("/run/host")
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
_SSHD = """\
ListenAddress {address}
HostKey /etc/bench/host_key
AuthorizedKeysFile none
TrustedUserCAKeys /etc/bench/user_authority.pub
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
PrintMotd no
UseDNS no
Subsystem sftp /usr/lib/openssh/sftp-server
"""


# A network namespace outlives the hosts that live in it one after another.  The table lets everything pass; it is there
# so that connections are tracked from the beginning, as on a host whose firewall was loaded before its sshd.
_FIRST_RULES = """\
flush ruleset
table inet tracking {
    chain input {
        type filter hook input priority 10
        ct state established accept
    }
}
"""


def main() -> None:
    """Build the host, then become its sshd."""
    wanted: dict[str, str] = json.load(sys.stdin)
    root = mount_root(Path(wanted["root"]))
    make_devices(root / "dev")
    configure(root, wanted)
    subprocess.run(["nft", "--file", "-"], input=_FIRST_RULES.encode(), check=True)
    _run("ip", "addr", "replace", wanted["address"], "dev", "eth0")
    for interface in ("lo", "eth0"):
        _run("ip", "link", "set", interface, "up")
    _run("hostname", wanted["name"])
    leave_machine(root)
    os.execv("/usr/sbin/sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/bench/sshd_config"])  # noqa: S606


def mount_root(image: Path) -> Path:
    """Lay a root in memory over *image*, with the kernel's file systems in it."""
    _run("mount", "--make-rprivate", "/")
    _PLACE.mkdir(exist_ok=True)  # the directory is shared with the other hosts, what is mounted on it is not
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "host", str(_PLACE))
    upper, work, root = (_PLACE / name for name in ("upper", "work", "root"))
    for directory in (upper, work, root):
        directory.mkdir()
    _run("mount", "-t", "overlay", "-o", f"lowerdir={image},upperdir={upper},workdir={work}", "host", str(root))
    _run("mount", "-t", "proc", "proc", str(root / "proc"))
    _run("mount", "-t", "sysfs", "-o", "ro", "sysfs", str(root / "sys"))
    for name, mode in (("dev", "755"), ("run", "755"), ("tmp", "1777")):
        _run("mount", "-t", "tmpfs", "-o", f"mode={mode}", name, str(root / name))
    return root


def make_devices(directory: Path) -> None:
    """Make the few devices that every program expects; none of the machine's disks is among them."""
    for name, (major, minor) in _DEVICES.items():
        os.mknod(directory / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        (directory / name).chmod(0o666)
    for name, target in _LINKS.items():
        (directory / name).symlink_to(target)
    (directory / "pts").mkdir()
    options = "newinstance,ptmxmode=0666,mode=620,gid=5"
    _run("mount", "-t", "devpts", "-o", options, "devpts", str(directory / "pts"))


def configure(root: Path, wanted: dict[str, str]) -> None:
    """Write what sshd needs and the host's name."""
    ours = root / "etc" / "bench"
    ours.mkdir(mode=0o755)
    for name, text in (
        ("host_key", wanted["host_key"]),
        ("user_authority.pub", wanted["authority_key"] + "\n"),
        ("sshd_config", _SSHD.format(address=wanted["address"].partition("/")[0])),
    ):
        (ours / name).touch(mode=0o600)
        (ours / name).write_text(text)
    (root / "etc" / "hostname").write_text(wanted["name"] + "\n")
    (root / "run" / "sshd").mkdir()


def leave_machine(root: Path) -> None:
    """Make *root* the root and let go of the machine's."""
    (root / "run" / "machine").mkdir()
    os.chdir(root)
    _run("pivot_root", ".", "run/machine")
    os.chdir("/")
    _run("umount", "--lazy", "/run/machine")
    Path("/run/machine").rmdir()


def _run(*argv: str) -> None:
    subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
