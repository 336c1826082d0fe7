"""What ansible-core does with the same desired state: an environment of its own, a playbook, and what a run of it says.

ansible-core never enters the project's environment.  `.ci/requirements-bench.lock` pins it by hash, and is written
anew with ``python -m tests.bench.ansible lock``.
"""

import json
import re
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploys.resources import HostPackages, HostResource
from hosting_cli.lab import cache
from hosting_cli.lab.progress import Progress, run
from inventory.resource import Json
from tests.bench import scenario
from tests.bench.fleet import STATE, Fleet
from tests.bench.on_host import STRAY_KEYS
from tests.bench.processes import CHECKOUT, Run

REQUIREMENT = "ansible-core"
LOCK = CHECKOUT / ".ci" / "requirements-bench.lock"
PROJECT = f"{STATE}/ansible"

_CONFIGURATION = """\
[defaults]
inventory = inventory.json
forks = {forks}
gathering = explicit
host_key_checking = true
interpreter_python = /usr/bin/python3
retry_files_enabled = false
nocows = true

[ssh_connection]
pipelining = true
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={state}/known_hosts
control_path_dir = {project}/control
"""
_TASK = re.compile(r"^TASK \[(?P<name>.+?)\] \**$")
_CHANGED = re.compile(r"^changed: \[(?P<host>[^\]]+)\]")
_RECAP = re.compile(r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


@dataclass(frozen=True)
class Seen:
    """What a run said: which hosts it reached, and which tasks would change something on which of them."""

    hosts: frozenset[str]
    changes: frozenset[tuple[str, str]]


def environment(cache_directory: Path, progress: Progress) -> Path:
    """Return the Python of an environment that holds exactly what the lock pins, making it first if it is not there."""
    place = cache_directory / "bench-venv" / cache.key({"lock": LOCK.read_bytes(), "python": sys.version})

    def fill(unfinished: Path) -> None:
        venv.create(unfinished / "venv", with_pip=True)
        pip = [str(unfinished / "venv/bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
        run(
            [*pip, "--no-deps", "--require-hashes", "--requirement", str(LOCK)],
            log=unfinished / "install.log",
            progress=progress,
            begin="installing ansible-core into an environment of its own",
        )

    # A moved environment keeps working as long as only its `python` is called: its scripts hold the old path.
    return cache.obtain(place, fill, progress) / "venv/bin/python"


def write_project(fleet: Fleet, desired: scenario.ByHost, rules: Mapping[str, str]) -> None:
    """Write the inventory, the playbook and the files that it copies; *rules* is the digest of what nft lists."""
    project = fleet.state_directory / "ansible"
    project.mkdir()
    (project / "ansible.cfg").write_text(_CONFIGURATION.format(forks=len(fleet.hosts), state=STATE, project=PROJECT))
    hosts = {host.name: {"ansible_host": host.address, "wanted_rules": rules[host.name]} for host in fleet.hosts}
    shared = {"ansible_user": "root", "ansible_ssh_private_key_file": f"{STATE}/operator_key"}
    (project / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    (project / "playbook.json").write_text(json.dumps(playbook(next(iter(desired.values())))))
    for host, resources in desired.items():
        for path, (content, _) in scenario.files(resources).items():
            target = project / "files" / host / path.removeprefix("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)


def playbook(resources: Sequence[HostResource]) -> list[dict[str, Json]]:
    """Compose a task for each thing, as people write them; all hosts have the same things, with texts of their own."""
    tasks = [
        *(_packages(resource) for resource in resources if isinstance(resource, HostPackages)),
        *(_copy(path, mode) for path, (_, mode) in scenario.files(resources).items()),
        _RULES,
        _absent(str(STRAY_KEYS)),
    ]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


def _packages(resource: HostPackages) -> Json:
    return {"name": "packages", "ansible.builtin.apt": {"name": list(resource.packages), "state": "present"}}


def _copy(path: str, mode: str) -> Json:
    source = "{{ inventory_hostname }}" + path
    arguments: dict[str, Json] = {"src": source, "dest": path, "owner": "root", "group": "root", "mode": mode}
    return {"name": path, "ansible.builtin.copy": arguments}


_RULES: Json = {
    "name": "firewall",
    "ansible.builtin.command": {"argv": ["nft", "--stateless", "list", "table", "inet", "hosting"]},
    "register": "listed",
    "check_mode": False,
    "changed_when": "(listed.stdout | hash('sha256')) != wanted_rules",
}


def _absent(path: str) -> Json:
    return {"name": path, "ansible.builtin.file": {"path": path, "state": "absent"}}


def read_drift(fleet: Fleet, python: Path, hosts: Sequence[str]) -> Run:
    """Hold *hosts* against the playbook over new connections, changing nothing."""
    argv = [str(python), "-m", "ansible", "playbook", "--check", "--diff", "playbook.json", "--limit", ",".join(hosts)]
    return fleet.run(
        ["env", f"--chdir={PROJECT}", *argv],
        environment={"HOME": PROJECT, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": f"{PROJECT}/tmp"},
        timeout_seconds=1200,
    )


def seen(output: str) -> Seen:
    """Find in a run's output what it would change; raise ``ValueError`` if a host failed or was not reached."""
    task, hosts, changes = "", set(), set()
    for line in output.splitlines():
        if found := _TASK.match(line):
            task = found["name"]
        elif found := _CHANGED.match(line):
            changes.add((found["host"], task))
        elif found := _RECAP.match(line):
            if found[4] != "0" or found[5] != "0":
                raise ValueError(f"ansible: {line}")
            hosts.add(found["host"])
    return Seen(frozenset(hosts), frozenset(changes))


def write_lock() -> None:
    """Write the lock anew: every package by version and hash, no addresses."""
    uv = str(Path(sys.executable).with_name("uv"))
    options = [
        "--universal",
        "--python-version=3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-emit-find-links",
    ]
    told = ["--quiet", "--custom-compile-command=python -m tests.bench.ansible lock", f"--output-file={LOCK}"]
    subprocess.run([uv, "pip", "compile", *options, *told, "-"], input=REQUIREMENT.encode(), check=True)


if __name__ == "__main__":
    if sys.argv[1:] != ["lock"]:
        sys.exit("usage: python -m tests.bench.ansible lock")
    write_lock()
