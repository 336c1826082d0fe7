"""The hosts of a region as network namespaces: a bridge for each segment, real rules, and what doors do with hosts."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from deploys import flows, programs
from deploys.flows import Topology
from hosting_cli.errors import UnreadableError
from inventory.models import Host, HostRole, Region
from inventory.resource import Json

_HOLD = "ip link set lo up && echo made && exec sleep infinity"


@dataclass(frozen=True)
class Hosts:
    """Hosts by their names, each the process that holds its namespace."""

    holders: Mapping[str, int]

    def argv(self, host: str, *words: str) -> list[str]:
        """Give the command that runs *words* on a host."""
        return ["nsenter", f"--net=/proc/{self.holders[host]}/ns/net", *words]

    def run(self, host: str, *words: str, text: str = "") -> str:
        """Run *words*, and give what they print; they must succeed."""
        done = subprocess.run(
            self.argv(host, *words), input=text, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, host: str, rules: str) -> None:
        """Let the kernel of a host hold *rules* and no others."""
        self.run(host, "nft", "--file", "/dev/stdin", text=f"flush ruleset\n{rules}")

    def listing(self, host: str) -> Any:
        """Give the rules that the kernel of a host lists."""
        return json.loads(self.run(host, "nft", "--json", "list", "ruleset"))

    def route(self, places: Topology, host: Host) -> None:
        """Lead a host's packets to the segments that it exchanges flows with."""
        for route in flows.routes(places, host):
            way = ("via", str(route.gateway), "dev", route.interface, "onlink")
            self.run(host.id, "ip", "route", "add", str(route.network), *way)

    def meet(self, program: str, requests: Mapping[str, Json]) -> dict[str, Any]:
        """Have hosts carry out a program of several steps, as the door does over SSH."""
        running: dict[str, subprocess.Popen[str]] = {}
        answers: dict[str, Any] = {}
        try:
            for host, request in requests.items():
                pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
                running[host] = subprocess.Popen(self.argv(host, *programs.STEPWISE), **pipes)
                _say(running[host], programs.stepwise(program, request))
            while waiting := running.keys() - answers.keys():
                lines = {host: running[host].stdout.readline() for host in waiting}  # type: ignore[union-attr]
                for host, line in lines.items():
                    if line.startswith('{"step"'):
                        continue
                    answers[host] = json.loads(line) if line else UnreadableError(f"host {host}", "it broke", "Look.")
                for host in waiting - answers.keys():
                    _say(running[host], "\n")
        finally:
            for process in running.values():
                process.kill()
                process.communicate()
        return answers


def _say(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


@contextmanager
def hosts_of(region: Region) -> Iterator[Hosts]:
    """Bring the hosts of *region* up, each with its interfaces and routes, and without any rules."""
    holders: dict[str, subprocess.Popen[str]] = {}
    try:
        for name in ("switch", *(host.id for host in region.hosts)):
            argv = ["unshare", "--net", "/bin/sh", "-c", _HOLD]
            holders[name] = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for holder in holders.values():
            assert holder.stdout is not None and holder.stdout.readline() == "made\n"
        hosts = Hosts({name: holder.pid for name, holder in holders.items()})
        _connect(hosts, region, flows.topology(region))
        yield hosts
    finally:
        for holder in holders.values():
            with suppress(ProcessLookupError):
                os.killpg(holder.pid, signal.SIGKILL)
            holder.communicate()


def _connect(hosts: Hosts, region: Region, places: Topology) -> None:
    bridges = {segment.id: f"s{number}" for number, segment in enumerate(region.segments)}
    for bridge in bridges.values():
        hosts.run("switch", "ip", "link", "add", bridge, "type", "bridge")
        hosts.run("switch", "ip", "link", "set", bridge, "up")
    for number, host in enumerate(region.hosts):
        for interface in host.interfaces:
            end = f"h{number}-{interface.name}"
            pair = ("type", "veth", "peer", "name", interface.name, "netns", str(hosts.holders[host.id]))
            hosts.run("switch", "ip", "link", "add", end, *pair)
            hosts.run("switch", "ip", "link", "set", end, "master", bridges[interface.segment], "up")
            hosts.run(host.id, "ip", "address", "add", str(interface.address), "dev", interface.name)
            hosts.run(host.id, "ip", "link", "set", interface.name, "up")
        if host.role is HostRole.GATEWAY:
            hosts.run(host.id, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1")
        # Whoever is not who he says is to be dropped by our rules, not by the kernel's own look at its routes.
        for name in ("all", *(interface.name for interface in host.interfaces)):
            hosts.run(host.id, "sysctl", "--quiet", "--write", f"net/ipv4/conf/{name}/rp_filter=0")
        hosts.route(places, host)
