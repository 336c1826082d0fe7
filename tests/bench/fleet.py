"""Throw-away SSH hosts without containers: each has its own namespaces, a root of its own in memory, and an sshd.

Everything lives below one *keeper*, the first process of a PID namespace, which ends when the pipe from us closes.
The kernel then ends every process of the fleet, and with the last of them go its mounts, networks and files, which
are all in memory; so nothing is left behind even when we are killed.  No interface leads out of the keeper's network
namespace: the fleet reaches nothing, and nothing else reaches it.  Needs root.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from tests.bench.measure import BenchmarkError
from tests.bench.processes import CHECKOUT, Run, measured

NETWORK = "10.77.0"
CONTROLLER_ADDRESS = f"{NETWORK}.1"
STATE = "/run/bench"
"""Where the keeper's own /run holds keys and logs; in memory, and seen from inside the namespaces only."""

_HOST_PROGRAM = Path(__file__).with_name("fleet_host.py")
_KEEPER = f"mount -t tmpfs -o mode=755 run /run && mkdir -m 700 {STATE} && echo ready && exec cat"
_START_SECONDS = 30
_POLL_SECONDS = 0.01
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class FleetHost:
    """A host of the fleet; ``host_key`` is its public key, known in advance."""

    name: str
    number: int
    address: str
    host_key: str


class Fleet:
    """The hosts ``host-01``, ``host-02`` … and the controller namespace, the only place that reaches them.

    The operator logs in as root with a short-lived certificate, as in production; its key is in memory only.
    """

    def __init__(self, size: int) -> None:
        if os.geteuid() != 0:
            raise BenchmarkError("hosts made of namespaces need root; run the benchmark as root")
        if not 1 <= size <= 200:
            raise BenchmarkError(f"a fleet has 1 to 200 hosts, not {size}")
        self._root = Path()
        self._keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(size)]
        authority = asyncssh.generate_private_key("ssh-ed25519")
        operator_key = asyncssh.generate_private_key("ssh-ed25519")
        certificate = authority.generate_user_certificate(operator_key, "benchmark", principals=["root"])
        self.authority_key = _public(authority)
        self.operator_key = str(operator_key.export_private_key().decode())
        self.operator_certificate = str(certificate.export_certificate().decode())
        self.hosts = tuple(
            FleetHost(f"host-{number:02}", number, f"{NETWORK}.{number + 10}", _public(key))
            for number, key in enumerate(self._keys, start=1)
        )
        self._keeper: subprocess.Popen[bytes] | None = None
        self.keeper = 0
        """The first process of the fleet, as the machine counts them."""
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # -- life -----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start the keeper and the network."""
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", _KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we end it in order
        )  # fmt: skip
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            raise BenchmarkError("the keeper did not start; its message stands above")
        self.keeper = _only_child(self._keeper.pid)
        self._write("operator_key", self.operator_key)
        self._write("operator_key-cert.pub", self.operator_certificate)
        self._write("known_hosts", self.known_hosts)
        self._inside(["ip", "-batch", "-"], stdin=_network_batch(self.hosts))

    def start_hosts(self, root: Path) -> None:
        """Start every host over the file system in *root*; return when all of them listen."""
        self._root = root
        for host, key in zip(self.hosts, self._keys, strict=True):
            self._running[host.name] = self._start(host, key)
        for host in self.hosts:
            self._wait_until_it_listens(host)

    def reset(self) -> None:
        """Give every host a new, untouched root and an empty rule set."""
        self._stop_all()
        self.start_hosts(self._root)

    def down(self) -> None:
        """End the keeper and with it everything of the fleet.  Idempotent; return when all of it is gone."""
        if self._keeper is None:
            return
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._keeper.kill()  # its child, the first process of the namespace, is killed with it
            self._keeper.wait()
        for process in self._running.values():
            process.wait()
        self._running.clear()
        self._keeper = None

    def _start(self, host: FleetHost, key: asyncssh.SSHKey) -> subprocess.Popen[bytes]:
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        argv = [
            *self._enter(), "nsenter", f"--net=/run/netns/{host.name}",
            "unshare", *namespaces, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
            "python3", "-I", "-S", str(_HOST_PROGRAM),
        ]  # fmt: skip
        specification = {
            "name": host.name,
            "address": f"{host.address}/24",
            "root": str(self._root),
            "host_key": key.export_private_key().decode(),
            "authority_key": self.authority_key,
        }
        with self.state_directory.joinpath(f"{host.name}.log").open("ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(specification).encode())
        process.stdin.close()
        return process

    def _wait_until_it_listens(self, host: FleetHost) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._running[host.name].poll() is not None:
                break
            with suppress(FileNotFoundError, ProcessLookupError, IndexError):
                # sshd writes it when it listens; the file is in the host's own /run, seen through its first process.
                if Path(f"/proc/{self.first_process(host)}/root/run/sshd.pid").exists():
                    return
            time.sleep(_POLL_SECONDS)
        raise BenchmarkError(f"{host.name} does not listen: {self.log(host)[-500:]}")

    def _stop_all(self) -> None:
        for host in self.hosts:
            with suppress(ProcessLookupError, IndexError):
                os.kill(self.first_process(host), signal.SIGKILL)
        for process in self._running.values():
            process.wait()
        self._running.clear()

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def state_directory(self) -> Path:
        """Give the keeper's state directory as it is seen from outside."""
        return Path(f"/proc/{self.keeper}/root{STATE}")

    @property
    def known_hosts(self) -> str:
        """Give every host's key, as OpenSSH's known_hosts file has it."""
        return "".join(f"{host.address} {host.host_key}\n" for host in self.hosts)

    def log(self, host: FleetHost) -> str:
        """Give what the host and its sshd said."""
        return self.state_directory.joinpath(f"{host.name}.log").read_text(errors="replace")

    def first_process(self, host: FleetHost) -> int:
        """Find the host's first process, its sshd; raise ``IndexError`` while there is none."""
        # nsenter waits for the unshare that it started in the keeper's PID namespace; that waits for the host.
        return _only_child(_only_child(self._running[host.name].pid))

    def cpu_seconds(self) -> float:
        """Wait until no host has a session; then add up the CPU time of all of them since they started."""
        deadline = time.monotonic() + _START_SECONDS
        first_processes = [self.first_process(host) for host in self.hosts]
        while any(map(_children, first_processes)):
            if time.monotonic() > deadline:
                raise BenchmarkError("a session on a host of the fleet does not end")
            time.sleep(_POLL_SECONDS)
        return sum(map(_cpu_seconds, first_processes))

    # -- work -----------------------------------------------------------------------------------------------------

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 120,
    ) -> Run:
        """Run *argv* on the controller, in the checkout, and measure it; whatever it leaves running there is ended."""
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environment or {})}
        return measured(
            [*self._enter(), *alone, *argv], stdin=stdin, environment=clean, timeout_seconds=timeout_seconds
        )

    def _enter(self) -> list[str]:
        target = str(self.keeper)
        return ["nsenter", "--target", target, "--mount", "--net", "--pid", "--ipc", f"--wdns={CHECKOUT}"]

    def _write(self, name: str, text: str) -> None:
        path = self.state_directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _inside(self, argv: Sequence[str], *, stdin: str = "") -> None:
        done = subprocess.run(
            [*self._enter(), *argv], input=stdin, text=True, capture_output=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise BenchmarkError(f"{argv[0]} failed in the fleet: {done.stderr.strip()}")


def _network_batch(hosts: Sequence[FleetHost]) -> str:
    """Write what ``ip`` must do: a bridge that is the controller's own interface, and a link from it to each host."""
    lines = [
        "link set lo up",
        "link add name bridge0 type bridge",
        f"addr add {CONTROLLER_ADDRESS}/24 dev bridge0",
        "link set bridge0 up",
    ]
    for host in hosts:
        port = f"port-{host.number}"
        lines += [
            f"netns add {host.name}",
            f"link add name {port} type veth peer name eth0 netns {host.name}",
            f"link set {port} master bridge0 up",
        ]
    return "\n".join([*lines, ""])


def _public(key: asyncssh.SSHKey) -> str:
    return str(key.export_public_key().decode().strip())


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _only_child(pid: int) -> int:
    return int(_children(pid)[0])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _CLOCK_TICKS
