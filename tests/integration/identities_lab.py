"""A lab whose hosts answer: the sample's keys and buckets on real engines, and two hosts in namespaces that log in."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from lab_commands import OFFICER, run, session_of, without_machines
from namespace_host import NamespaceHost, give_application, namespace_host

from deploys import names
from deploys.desired import host_resources
from deploys.resources import HostLogin
from deploys.view import Published
from hosting_cli.jobs import HostJob, Job
from hosting_cli.lab import keys, processes
from hosting_cli.lab.laboratory import Lab
from hosting_cli.proofs.on_host import hand_on
from hosting_cli.session import Session
from inventory import naming

APPLICATION, HOST, GATEWAY = "imagerie-beaune", "dijon-app-1", "dijon-gateway-1"
ROLE = naming.host_role(APPLICATION, HOST)


@dataclass(frozen=True)
class HostedLab:
    """A lab, and its hosts by name."""

    lab: Lab
    hosts: dict[str, NamespaceHost]


@pytest.fixture(scope="session")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedLab]:
    """Give a lab on which everything but the hosts' services is as a plan wants it."""
    folder = tmp_path_factory.mktemp("hosted")
    with without_machines(folder) as lab, ExitStack() as stack:
        planned = run(lab, "plan")[1]["data"]["plan"]["digest"]
        assert run(lab, "approve", planned, person=OFFICER)[0] == 0
        assert run(lab, "apply", planned)[0] == 4  # there are no hosts yet
        vault, bootstrap = urlsplit(lab.vault.address), keys.bootstrap_key_path(lab.directory)
        hosts = {
            name: stack.enter_context(
                namespace_host(name, folder / name, bootstrap, ("127.0.0.1", vault.port or 0), address)
            )
            for name, address in ((HOST, "127.0.1.11"), (GATEWAY, "127.0.1.12"))
        }
        _point_at(lab, hosts)
        give_application(hosts[HOST], APPLICATION, lab.certificates.authority)
        _admit(session_of(lab))
        yield HostedLab(lab, hosts)


def _point_at(lab: Lab, hosts: dict[str, NamespaceHost]) -> None:
    """Have the environment reach *hosts*."""
    content: dict[str, Any] = yaml.safe_load(lab.environment_file.read_text())
    for name, host in hosts.items():
        content["hosts"][name] |= {"port": host.port, "host_key": host.host_key}
    lab.environment_file.write_text(yaml.safe_dump(content))


def _admit(session: Session) -> None:
    """Have the hosts trust the vault's SSH authority, by the way that an apply takes; give one its identity."""
    jobs = {name: HostJob(session.environment.hosts[name], (login(session, name),)) for name in (HOST, GATEWAY)}
    outcome = session.engine.converge(Job(jobs, session.operator_key), lambda _: None)
    assert outcome.is_complete, outcome
    token, _ = session.vault.wrapped_secret_id(ROLE, ttl_seconds=60, note={"host": HOST})
    with hand_on(session, HOST) as hand:
        hand.run([names.AGENT, "receive-identity", APPLICATION], stdin=token)


def login(session: Session, name: str) -> HostLogin:
    """Say who may log in on a host, by what the vault publishes now."""
    published = Published(session.vault.trusted_ssh_keys(), "")
    resources = host_resources(session.region, session.environment, name, published)
    (found,) = (resource for resource in resources if isinstance(resource, HostLogin))
    return found


def record_of(host: NamespaceHost) -> Path:
    """Name the file in which the agent records its identity."""
    return host.path(names.identity_file(APPLICATION))


@contextmanager
def host_away(hosted: HostedLab, name: str) -> Iterator[None]:
    """Have the environment name a port where nobody answers."""
    file = hosted.lab.environment_file
    text = file.read_text()
    file.write_text(text.replace(f"port: {hosted.hosts[name].port}\n", f"port: {processes.free_port()}\n"))
    try:
        yield
    finally:
        file.write_text(text)
