"""The door of hosts: read many at once, each by one connection and one exec; run commands on one.  asyncssh.

Only the host key that the environment names is accepted, and nothing of the user's own SSH set-up is looked at.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from deploys import programs
from hosting_cli.doors.meeting import Meeting
from hosting_cli.doors.operator_key import read_bootstrap_key
from hosting_cli.errors import LoginRefusedError, UnreadableError
from hosting_cli.jobs import OperatorKey
from hosting_cli.secret import Secret
from inventory.environment import HostAccess
from inventory.resource import Json

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection

AT_ONCE = 64
CONNECT_TIMEOUT_SECONDS = 30
ANSWER_TIMEOUT_SECONDS = 150
"""Longer than the reading program gives itself, so that its own words arrive."""


STEP_TIMEOUT_SECONDS = 60
"""How long a host is given for one step of what many do together."""
STEP_DONE = "step"
"""What a program says, as a JSON object, when it is ready for the next step; anything else is its answer."""

IDLE_SECONDS = 60
"""How long a connection may lie idle and still be used: a fifth of what hosts allow, since nobody answers meanwhile."""


@dataclass(frozen=True)
class Completed:
    """What a command on a host answered."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class _Way:
    """The way to one host: where it is, our certified key if there is one, and where its commands are counted."""

    host: str
    access: HostAccess
    certified: tuple[Any, ...]
    executions: Counter[str]

    async def log_in(self) -> "SSHClientConnection":
        import asyncssh

        return await asyncssh.connect(**_options(self.access, self.certified))

    async def execute(self, connection: "SSHClientConnection", argv: Sequence[str], text: str) -> Completed:
        import asyncssh

        self.executions[self.host] += 1
        # Without input asyncssh would leave the command waiting for the end of it.
        given = {"input": text} if text else {"stdin": asyncssh.DEVNULL}
        done = await connection.run(_command(argv), check=False, **given)
        status = done.exit_status if done.exit_status is not None else 255
        return Completed(status, _text(done.stdout), _text(done.stderr))

    async def follow(
        self, connection: "SSHClientConnection", argv: Sequence[str], text: str, on_line: Callable[[str], None]
    ) -> Completed:
        """Execute *argv*, and give each line of its output while it goes on."""
        self.executions[self.host] += 1
        lines: list[str] = []
        async with connection.create_process(_command(argv)) as process:
            process.stdin.write(text)
            process.stdin.write_eof()
            complaints = asyncio.create_task(process.stderr.read())
            while line := _text(await process.stdout.readline()):
                lines.append(line)
                on_line(line)
            errors = await complaints
            await process.wait_closed()
        status = process.exit_status if process.exit_status is not None else 255
        return Completed(status, "".join(lines), _text(errors))

    async def take_part(self, connection: "SSHClientConnection", text: str, meeting: Meeting) -> Completed:
        """Execute the program in *text* step by step, each when everybody at the *meeting* is ready for it."""
        self.executions[self.host] += 1
        async with connection.create_process(_command(programs.STEPWISE)) as process:
            process.stdin.write(text)
            while True:
                async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
                    line = _text(await process.stdout.readline())
                if not line.startswith(f'{{"{STEP_DONE}"'):
                    break
                await meeting.wait_for_all()
                process.stdin.write("\n")
            async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
                errors = _text(await process.stderr.read())
                await process.wait_closed()
        status = process.exit_status if process.exit_status is not None else 255
        return Completed(status, line, errors)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what can go wrong on the way into an ``UnreadableError``."""
        import asyncssh

        try:
            yield
        except (TimeoutError, OSError, asyncssh.Error, ValueError) as error:
            raise _unreadable(self.host, self.access, error) from error


class Shell:
    """Commands on one host, one after the other, over one connection.

    A connection on which a command was not answered is not used again, nor is one that lay idle for so long that the
    host may have ended it: the next command logs in anew.
    """

    def __init__(self, runner: asyncio.Runner, way: _Way) -> None:
        self._runner = runner
        self._way = way
        self._connection: SSHClientConnection | None = None
        self._used_at = 0.0

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Secret | str | None = None,
        timeout_seconds: float = 60,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run *argv*, whatever its status; raise ``UnreadableError`` if it could not be run to its end.

        *on_line* is given each line of its output as it comes.
        """
        text = stdin.reveal() if isinstance(stdin, Secret) else stdin or ""
        return self._runner.run(self.answer(argv, text, timeout_seconds, on_line))

    async def answer(
        self,
        argv: Sequence[str],
        text: str,
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Do what ``run`` does, where a loop runs already."""
        try:
            with self._way.explained():
                async with asyncio.timeout(timeout_seconds):
                    connection = await self._logged_in()
                    if on_line is not None:
                        return await self._way.follow(connection, argv, text, on_line)
                    return await self._way.execute(connection, argv, text)
        except UnreadableError:
            await self.close()
            raise
        finally:
            self._used_at = time.monotonic()

    async def take_part(self, text: str, meeting: Meeting, logins: asyncio.Semaphore) -> Completed:
        """Execute a program together with other hosts, as ``HostsDoor.meet`` says."""
        try:
            with self._way.explained():
                async with logins, asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                    connection = await self._logged_in()
                return await self._way.take_part(connection, text, meeting)
        except UnreadableError:
            await self.close()
            raise
        finally:
            self._used_at = time.monotonic()

    async def _logged_in(self) -> "SSHClientConnection":
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            await self.close()
        if self._connection is None:
            self._connection = await self._way.log_in()
        return self._connection

    async def close(self) -> None:
        """Close the connection, if there is one, where a loop runs already."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()


class _Shells:
    """The shells of hosts that were logged in to, one each."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.shells: dict[str, Shell] = {}

    def shell(self, way: _Way) -> Shell:
        return self.shells.setdefault(way.host, Shell(self.runner, way))

    async def close(self) -> None:
        for shell in self.shells.values():
            await shell.close()


class HostsDoor:
    """Reach the hosts of an environment; *keys* is asked once, at the first connection."""

    def __init__(self, accesses: Mapping[str, HostAccess], keys: Callable[[], OperatorKey]) -> None:
        self._accesses = accesses
        self._certified = cache(lambda: _certified(keys()))
        self._kept: _Shells | None = None
        self.executions: Counter[str] = Counter()
        """How many commands were run on each host; a reading is one."""

    @contextmanager
    def keeping_connections(self) -> Iterator[None]:
        """Log in to each host once for all that is done until the block ends; by one thread at a time."""
        with self._shells() as kept:
            self._kept = kept
            try:
                yield
            finally:
                self._kept = None

    def read(self, requests: Mapping[str, Json]) -> dict[str, Any | UnreadableError]:
        """Read hosts: give what ``ask`` gives of the program that reads."""
        return self.ask("read_host", requests)

    def ask(self, program: str, requests: Mapping[str, Json]) -> dict[str, Any | UnreadableError]:
        """Have hosts carry out requests of one program of `deploys.programs`, all at the same time.

        Give each host's answer, or the error that explains why there is none; raise nothing else.  The key is made
        first: what ``keys`` raises (the vault is sealed) is raised before any host is contacted.
        """
        self._certified()
        with self._shells() as kept:
            jobs = {host: partial(self._ask, kept, host, program, request) for host, request in requests.items()}
            return kept.runner.run(_all(jobs))

    def meet(self, program: str, requests: Mapping[str, Json]) -> dict[str, Any | UnreadableError]:
        """Do what ``ask`` does with a program of several steps: no host begins one before all have done the last.

        Each host gets one exec, and all are logged in at once.  A host that fails leaves the others to go on.
        """
        self._certified()
        with self._shells() as kept:
            return kept.runner.run(self._meet(kept, program, requests))

    async def _meet(self, kept: _Shells, program: str, requests: Mapping[str, Json]) -> dict[str, Any]:
        meeting, logins = Meeting(len(requests)), asyncio.Semaphore(AT_ONCE)

        async def take_part(host: str, request: Json) -> Any:
            try:
                text = programs.stepwise(program, request)
                done = await kept.shell(self._way(host)).take_part(text, meeting, logins)
            finally:
                await meeting.leave()
            return _answer(host, program, done)

        jobs = {host: partial(take_part, host, request) for host, request in requests.items()}
        return await _all(jobs, at_once=max(1, len(jobs)))

    @contextmanager
    def shell(self, host: str) -> Iterator[Shell]:
        """Give a shell on *host*: logged in at its first command, and out when the block ends, unless it is kept."""
        way = self._way(host)
        with self._shells() as kept:
            yield kept.shell(way)

    @contextmanager
    def _shells(self) -> Iterator[_Shells]:
        """Give the shells that are kept, or else such as are not."""
        if self._kept is not None:
            yield self._kept
            return
        with asyncio.Runner() as runner:
            passing = _Shells(runner)
            try:
                yield passing
            finally:
                runner.run(passing.close())

    def _way(self, host: str) -> _Way:
        access = self._accesses.get(host)
        if access is None:
            raise UnreadableError(f"host {host}", "the environment does not say where it is", "Add it to the file.")
        return _Way(host, access, self._certified(), self.executions)

    async def _ask(self, kept: _Shells, host: str, program: str, request: Json) -> Any:
        text = programs.program(program, request)
        done = await kept.shell(self._way(host)).answer(programs.INTERPRETER, text, ANSWER_TIMEOUT_SECONDS)
        return _answer(host, program, done)


def _answer(host: str, program: str, done: Completed) -> Any:
    if done.status != 0:
        what = f"the program {program} failed ({done.status}): {done.errors.strip()[-500:]}"
        raise UnreadableError(f"host {host}", what, "Log in and look at the journal of the host.")
    try:
        return json.loads(done.output)
    except ValueError as error:
        what = f"the answer is not JSON: {done.output[:200]!r}"
        raise UnreadableError(f"host {host}", what, "Something prints into every login; remove it.") from error


async def _all(
    jobs: Mapping[str, Callable[[], Awaitable[Any]]], at_once: int = AT_ONCE
) -> dict[str, Any | UnreadableError]:
    """Do all jobs, *at_once* at a time; a job that could not see does not disturb the others."""
    places = asyncio.Semaphore(at_once)

    async def one(job: Callable[[], Awaitable[Any]]) -> Any | UnreadableError:
        async with places:
            try:
                return await job()
            except UnreadableError as error:
                return error

    results = await asyncio.gather(*(one(job) for job in jobs.values()))
    return dict(zip(jobs, results, strict=True))


def _certified(key: OperatorKey) -> tuple[Any, ...]:
    """Read the operator's key and its certificate, once for all hosts; nothing while there is no certificate."""
    import asyncssh

    if key.certificate is None:
        return ()
    try:
        certificate = asyncssh.import_certificate(key.certificate)
        return ((asyncssh.import_private_key(key.private_key.reveal()), certificate),)
    except ValueError as error:
        what = f"cannot be used with its certificate ({error})"
        raise UnreadableError(
            "the operator's key", what, "See the role by which the vault's SSH engine signs."
        ) from error


def _options(access: HostAccess, certified: tuple[Any, ...]) -> dict[str, Any]:
    import asyncssh

    keys = list(certified)
    if access.bootstrap_key is not None:
        # Refused once the host takes certificates only; until then it is the only key that opens.
        keys.append(asyncssh.import_private_key(read_bootstrap_key(access.bootstrap_key).reveal()))
    return {
        "host": access.address,
        "port": access.port,
        "username": "root",
        "client_keys": keys,
        "known_hosts": ([asyncssh.import_public_key(access.host_key)], [], []),
        "server_host_key_algs": ["ssh-ed25519"],
        "preferred_auth": "publickey",
        "agent_path": None,
        "config": None,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "login_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalive_interval": 15,
    }


def _unreadable(host: str, access: HostAccess, error: BaseException) -> UnreadableError:
    import asyncssh

    what, remedy = _explain(access, error)
    kind = LoginRefusedError if isinstance(error, asyncssh.PermissionDenied) else UnreadableError
    return kind(f"host {host}", what, remedy)


def _explain(access: HostAccess, error: BaseException) -> tuple[str, str]:
    import asyncssh

    where = f"{access.address}:{access.port}"
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return (
                f"{where} shows another host key than the environment names",
                "Find out which machine answers there before anything else; then correct host_key.",
            )
        case asyncssh.PermissionDenied():
            return (
                f"{where} refused the operator's key",
                "Check that the vault's SSH authority is the one the host trusts, and the clocks of both.",
            )
        case TimeoutError():
            return f"{where} did not answer in time", "See whether the host is up and the way to it open."
        case OSError():
            return f"{where} cannot be reached ({error.strerror or error})", "See whether the host is up."
        case ValueError():
            return (
                f"a key for {where} is not one ({error})",
                "Correct host_key and bootstrap_key in the environment file.",
            )
    return f"{where} broke off: {error}", "Try again; if it stays, look at the journal of ssh.service on the host."


def _command(argv: Sequence[str]) -> str:
    import shlex

    return shlex.join(argv)


def _text(value: "str | bytes | None") -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
