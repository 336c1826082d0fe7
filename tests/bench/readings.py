"""Read the fleet for drift, nothing changed: `hosting`, the raw floor and ansible-core, in turn, within one run."""

import json
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploys import names, programs
from deploys.reading import reading, request
from hosting_cli.lab.progress import Progress
from hosting_cli.plan import plan
from tests.bench import ansible, on_host, scenario
from tests.bench.fleet import STATE, Fleet
from tests.bench.measure import BenchmarkError, Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import Run, checked

REGION = f"{STATE}/region"
DAMAGE = {
    "changed": "/etc/chrony/chrony.conf",
    "opened": "/etc/hosting/engines.json",
    "removed": "/etc/sysctl.d/60-hosting.conf",
}
Candidate = tuple[Callable[[], Run], Callable[[Run], frozenset[str]]]

SEEN_DAMAGE = frozenset({*DAMAGE.values(), "firewall", "login"})
"""What every candidate must find on the damaged host."""


@dataclass
class Readings:
    """The fleet in its desired state, and how each candidate reads it."""

    fleet: Fleet
    desired: scenario.ByHost
    python: Path
    """Of ansible-core's environment."""

    def __post_init__(self) -> None:
        self.requests = {
            host: programs.program("read_host", request(resources)) for host, resources in self.desired.items()
        }

    # -- the scene ------------------------------------------------------------------------------------------------

    def converge(self) -> dict[str, str]:
        """Bring every host to the desired state; give the digest of the rules that nft lists on each."""
        listed = self._on_hosts(
            "converge",
            {
                host: {"files": scenario.files(resources), "rules": names.FIREWALL_RULES}
                for host, resources in self.desired.items()
            },
        )
        texts = {host: scenario.rules_digest(resources) for host, resources in self.desired.items()}
        kernels = {host: answer["firewall"]["value"]["kernel"] for host, answer in self.read_raw().items()}
        self._on_hosts(
            "record",
            {
                host: {"path": names.FIREWALL_LOADED, "loaded": {"text": text, "kernel": kernels[host]}}
                for host, text in texts.items()
            },
        )
        return {host: answer["listed"] for host, answer in listed.items()}

    def damage(self, host: str) -> None:
        """Damage *host* in five ways."""
        self._on_hosts("damage", {host: DAMAGE})

    def _on_hosts(self, work: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        source = Path(on_host.__file__).read_text()
        texts = {host: f"{source}\n\nmain({work!r}, {json.dumps(json.dumps(item))})\n" for host, item in wanted.items()}
        return dict(json.loads(checked(self._floor(texts)).stdout))

    # -- the candidates -------------------------------------------------------------------------------------------

    def read_hosting(self) -> Run:
        """Read and compare as `hosting drift` does for hosts, from the files to the plan, in a program of its own.

        Without what the command has besides: a vault and object stores to read, options to parse, tables to lay out.
        """
        wanted = {
            "region": REGION,
            "key": self.fleet.operator_key,
            "certificate": self.fleet.operator_certificate,
            "authority_key": self.fleet.authority_key,
        }
        return self._python("tests.bench.drift", wanted)

    def read_floor(self) -> Run:
        """Send the same script and the same requests, and do nothing with the answers."""
        return self._floor(self.requests)

    def read_ansible(self) -> Run:
        """Hold the playbook against the hosts."""
        return ansible.read_drift(self.fleet, self.python, list(self.desired))

    def read_raw(self) -> dict[str, Any]:
        """Give the answers of the floor."""
        return dict(json.loads(checked(self.read_floor()).stdout))

    def _floor(self, texts: Mapping[str, str]) -> Run:
        hosts = {
            host.name: {"address": host.address, "host_key": host.host_key, "input": texts[host.name]}
            for host in self.fleet.hosts
            if host.name in texts
        }
        wanted = {
            "key": self.fleet.operator_key,
            "certificate": self.fleet.operator_certificate,
            "command": " ".join(programs.INTERPRETER),
            "hosts": hosts,
        }
        return self._python("tests.bench.floor", wanted)

    def _python(self, module: str, wanted: Mapping[str, Any]) -> Run:
        argv = [sys.executable, "-m", module]
        return self.fleet.run(argv, stdin=json.dumps(wanted))

    def candidates(self) -> "dict[str, Candidate]":
        """Give how each reads, and how to find out what it saw."""
        return {
            "raw floor": (self.read_floor, self.floor_saw),
            "hosting": (self.read_hosting, self.hosting_saw),
            "ansible-core": (self.read_ansible, self.ansible_saw),
        }

    # -- what each of them saw ------------------------------------------------------------------------------------

    def hosting_saw(self, run: Run) -> frozenset[str]:
        """Name what `hosting` would change, as ``host thing``; every host must have been read in one exec."""
        if run.status not in {0, 3}:
            raise BenchmarkError(f"hosting ended with status {run.status}: {run.stdout} {run.stderr}")
        found = json.loads(run.stdout)
        if found["held"] or set(found["executions"].values()) != {1}:
            raise BenchmarkError(f"hosting: {found}")
        return frozenset(_thing(*change.split(" ", 1)[1].split(":", 1)) for change in found["changes"])

    def floor_saw(self, run: Run) -> frozenset[str]:
        """Compare the floor's answers, outside of the time that was measured."""
        now = datetime.now(tz=UTC)
        answers = json.loads(checked(run).stdout)
        readings = [reading(host, answer, self.desired[host], now) for host, answer in answers.items()]
        every = [resource for resources in self.desired.values() for resource in resources]
        found = plan(every, readings, region="bench", environment="bench", scope="region", production=True)
        if found.unknown or len(answers) != len(self.desired):
            raise BenchmarkError(f"the floor could not tell: {found.unknown}")
        return frozenset(_thing(*change.subject.name.split(":", 1)) for change in found.changes)

    def ansible_saw(self, run: Run) -> frozenset[str]:
        """Name what ansible would change, in the same words."""
        checked(run)
        seen = ansible.seen(run.stdout)
        if seen.hosts != set(self.desired):
            raise BenchmarkError(f"ansible reached {sorted(seen.hosts)}")
        return frozenset(_thing(host, task) for host, task in seen.changes)


def _thing(host: str, thing: str) -> str:
    """Name a thing by the word that all candidates share; several files make up the login."""
    return f"{host} {'login' if thing == str(on_host.STRAY_KEYS) else thing}"


def measure(
    fleet: Fleet,
    root_python: Path,
    desired: scenario.ByHost,
    *,
    rounds: int,
    rounds_of_ansible: int,
    progress: Progress,
) -> Chapter:
    """Converge the fleet, read it in turns, then damage a host and see that everybody sees it.

    Raise ``BenchmarkError`` when a candidate fails or does not see what is there.
    """
    scene = Readings(fleet, desired, root_python)
    progress(f"bringing {len(fleet.hosts)} hosts to the desired state")
    ansible.write_project(fleet, desired, scene.converge())
    candidates = scene.candidates()
    if not rounds_of_ansible:
        del candidates["ansible-core"]
    figures: dict[str, list[Figure]] = {name: [] for name in candidates}
    for turn in range(rounds):
        for name, (read, saw) in candidates.items():
            if name == "ansible-core" and turn not in _spread(rounds_of_ansible, rounds):
                continue
            progress(f"round {turn + 1} of {rounds}: {name}")
            before = fleet.cpu_seconds()
            run = read()
            figures[name].append(_figure(run, fleet.cpu_seconds() - before))
            if changes := saw(run):
                raise BenchmarkError(f"{name} would change what is in order: {sorted(changes)}")
    progress(f"damaging {fleet.hosts[0].name}: does everybody see it?")
    _check_damage(scene, candidates.keys(), fleet.hosts[0].name)
    return _chapter(len(fleet.hosts), len(next(iter(desired.values()))), figures)


def _check_damage(scene: Readings, names_of: Collection[str], host: str) -> None:
    """Damage *host* and have every candidate look; ansible-core, which takes longest, at this host alone."""
    scene.damage(host)
    expected = frozenset(f"{host} {thing}" for thing in SEEN_DAMAGE)
    alone = replace(scene, desired={host: scene.desired[host]})
    looks = {**scene.candidates(), "ansible-core": alone.candidates()["ansible-core"]}
    for name in names_of:
        read, saw = looks[name]
        if (found := saw(read())) != expected:
            raise BenchmarkError(f"{name} saw {sorted(found)} where {sorted(expected)} was done")


def _spread(count: int, rounds: int) -> set[int]:
    """Choose *count* of *rounds*, the first and the last among them."""
    return {round(turn * (rounds - 1) / max(1, count - 1)) for turn in range(count)}


def _figure(run: Run, host_seconds: float) -> Figure:
    return Figure(run.wall_seconds, run.user_seconds, run.system_seconds, host_seconds)


def _chapter(hosts: int, resources: int, figures: Mapping[str, list[Figure]]) -> Chapter:
    series = {name: Series(name, tuple(found)) for name, found in figures.items()}
    floor, hosting, *others = series.values()
    goals = [
        Goal("hosting against the raw floor", ratio(hosting, floor), at_most=1.5),
        *(Goal(f"{other.name} against hosting", ratio(other, hosting), at_least=20) for other in others),
    ]
    return Chapter(
        f"Reading {hosts} hosts for drift, {resources} resources each, nothing changed",
        tuple(series.values()),
        tuple(goals),
        (
            f"The {resources} resources of a host are its packages, files, firewall rules, logins and our mark; units, "
            "volumes and identities want a machine.",
            "`hosting` is timed from the region's files to the plan, as a program that reads and compares hosts. Left "
            "out is what the command does besides: it reads the vault, which also certifies its key, and the object "
            "stores, parses options and lays out tables. Drift writes no journal.",
            "All of them found nothing to change, and the same five damages on one host.",
            "A fleet whose owner was killed left no process, namespace, mount, interface or rule behind.",
        ),
    )
