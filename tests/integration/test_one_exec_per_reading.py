"""Reading hosts costs one connection and one exec each, all hosts at the same time: counted by real SSH servers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self, cast

import asyncssh
import pytest

from deploys.resources import HostFile
from hosting_cli.doors.hosts import HostsDoor
from hosting_cli.errors import UnreadableError
from hosting_cli.jobs import OperatorKey
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.survey import read_hosts
from inventory.environment import HostAccess
from inventory.resource import Json

HOSTS = 12
ANSWERS_WITHIN_SECONDS = 30
REQUEST: Json = {"timeout_seconds": 1}


@dataclass
class Counted:
    """What one server saw."""

    connections: int = 0
    commands: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class Servers:
    """SSH servers on loopback, in a thread of their own; none answers before all of them were asked."""

    def __init__(self, count: int, *, answer: str = "{}", status: int = 0) -> None:
        self.seen = {f"host-{number}": Counted() for number in range(count)}
        self.accesses: dict[str, HostAccess] = {}
        authority, operator = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        certificate = authority.generate_user_certificate(operator, "test", principals=["root"])
        self.key = OperatorKey(
            Secret(operator.export_private_key().decode()), certificate.export_certificate().decode()
        )
        self._authority = authority.export_public_key().decode()
        self._answer, self._status = answer, status
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listeners = self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(timeout=60)

    async def _listen(self) -> list[asyncssh.SSHAcceptor]:
        self._everybody = asyncio.Barrier(len(self.seen))
        return [await self._serve(host) for host in self.seen]

    async def _serve(self, host: str) -> asyncssh.SSHAcceptor:
        counted, host_key = self.seen[host], asyncssh.generate_private_key("ssh-ed25519")

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                counted.connections += 1

        async def session(process: asyncssh.SSHServerProcess[str]) -> None:
            counted.commands.append(process.command)
            counted.texts.append(await process.stdin.read())
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                await self._everybody.wait()
            process.stdout.write(self._answer)
            process.exit(self._status)

        listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(f"cert-authority {self._authority}"),
            process_factory=session,
        )
        self.accesses[host] = HostAccess.model_validate(
            {
                "address": "127.0.0.1",
                "port": listener.get_port(),
                "host_key": host_key.export_public_key().decode().strip(),
                "vault_address": "https://127.0.0.1:8200",
                "object_stores": {"dijon-objects": "https://127.0.0.1:8333"},
                "vault_sees": "127.0.0.1/32",
            }
        )
        return listener

    async def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
            await listener.wait_closed()

    def door(self) -> HostsDoor:
        return HostsDoor(self.accesses, lambda: self.key)


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers(HOSTS) as running:
        yield running


def test_a_reading_is_one_connection_and_one_exec_on_each_host_all_at_once(servers: Servers) -> None:
    requests: dict[str, Json] = {host: {"timeout_seconds": 1, "files": [f"/etc/{host}"]} for host in servers.seen}
    door = servers.door()
    # Had one host been asked after another had answered, the servers' barrier would never have opened.
    assert door.read(requests) == {host: {} for host in servers.seen}
    for host, counted in servers.seen.items():
        assert counted.connections == 1
        assert counted.commands == ["/usr/bin/python3 -I -S -"]
        assert counted.texts[0].endswith(f"\nmain({json.dumps(json.dumps(requests[host]))})\n")
    assert door.executions == dict.fromkeys(servers.seen, 1)


def test_a_second_reading_is_one_more(servers: Servers) -> None:
    door = servers.door()
    for _ in range(2):
        door.read(dict.fromkeys(servers.seen, REQUEST))
    assert [len(counted.commands) for counted in servers.seen.values()] == [2] * HOSTS


@pytest.mark.parametrize(("answer", "status"), [("{}", 1), ("Welcome!\n{}", 0)], ids=["it failed", "no JSON"])
def test_a_host_that_gives_no_answer_is_not_asked_again(answer: str, status: int) -> None:
    with Servers(3, answer=answer, status=status) as servers:
        found = servers.door().read(dict.fromkeys(servers.seen, REQUEST))
    assert all(isinstance(error, UnreadableError) for error in found.values())
    assert [counted.connections for counted in servers.seen.values()] == [1, 1, 1]
    assert [len(counted.commands) for counted in servers.seen.values()] == [1, 1, 1]


def test_whatever_is_desired_of_hosts_is_surveyed_in_one_exec_each(servers: Servers) -> None:
    resources = [
        HostFile(host=host, name=f"{host}:/etc/{number}", owner="platform", path=f"/etc/{number}", sha256="0" * 64)
        for host in servers.seen
        for number in range(25)
    ]
    session = SimpleNamespace(hosts=servers.door(), clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    wanted = {resource.subject: resource for resource in resources}
    found = read_hosts(cast(Session, session), wanted, list(servers.seen))
    assert {reading.source for reading in found} == {f"host {host}" for host in servers.seen}
    assert [len(counted.commands) for counted in servers.seen.values()] == [1] * HOSTS
