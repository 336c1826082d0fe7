"""An SSH server on loopback that runs what it is told, with keys of its own: a host for the doors to knock at."""

import asyncio
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import asyncssh

from deploys.programs import STEPWISE
from inventory.environment import HostAccess

Answer = Callable[[str, str], tuple[int, str]]
"""Given a command and its standard input, gives its status and output."""


def run_here(command: str, text: str) -> tuple[int, str]:
    """Run the command on this machine."""
    done = subprocess.run(["/bin/sh", "-c", command], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@dataclass
class Host:
    """A running server: how to reach it, what it was told to run, and over how many connections."""

    access: HostAccess
    bootstrap_key: Path
    authority: asyncssh.SSHKey
    commands: list[str] = field(default_factory=list)
    connections: set[str] = field(default_factory=set)

    @property
    def logins(self) -> int:
        """How many connections its commands came over."""
        return len(self.connections)

    def certify(self, public_key: str, principals: tuple[str, ...] = ("root",)) -> str:
        """Sign a key as the vault's SSH authority would."""
        key = asyncssh.import_public_key(public_key)
        certificate = self.authority.generate_user_certificate(key, "test", principals=list(principals))
        return certificate.export_certificate().decode()


@contextmanager
def host(directory: Path, answer: Answer = run_here) -> Iterator[Host]:
    """Serve until the block ends."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    bootstrap = asyncssh.generate_private_key("ssh-ed25519")
    authority = asyncssh.generate_private_key("ssh-ed25519")
    (directory / "bootstrap_key").write_bytes(bootstrap.export_private_key())
    lines = b"cert-authority " + authority.export_public_key() + bootstrap.export_public_key()
    (directory / "authorized").write_bytes(lines)
    commands: list[str] = []
    connections: set[str] = set()

    async def serve(process: "asyncssh.SSHServerProcess[str]") -> None:
        commands.append(process.command or "")
        connections.add(str(process.get_extra_info("peername")))
        if process.command == shlex.join(STEPWISE):
            await talk(process)
            return
        text = await process.stdin.read()
        status, output = await loop.run_in_executor(pool, answer, process.command or "", text)
        process.stdout.write(output)
        process.exit(status)

    async def talk(process: "asyncssh.SSHServerProcess[str]") -> None:
        """Run a program of several steps on this machine, to which lines go while it runs."""
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(*STEPWISE, stdin=pipe, stdout=pipe, stderr=pipe)
        assert running.stdin is not None and running.stdout is not None and running.stderr is not None
        forth = asyncio.create_task(_carry(process.stdin, running.stdin))
        async for line in running.stdout:
            process.stdout.write(line.decode())
        process.stderr.write((await running.stderr.read()).decode())
        status = await running.wait()
        forth.cancel()
        process.exit(status)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=str(directory / "authorized"),
            process_factory=serve,
        )

    loop = asyncio.new_event_loop()
    pool = ThreadPoolExecutor(max_workers=8)
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(timeout=30)
        access = HostAccess(
            address="127.0.0.1",
            port=server.get_port(),
            host_key=host_key.export_public_key().decode().strip(),
            bootstrap_key=str(directory / "bootstrap_key"),
            vault_address="https://10.0.2.100:8200",
            object_stores={"dijon-objects": "https://10.0.2.101:8333"},
            vault_sees="127.0.1.11/32",
        )
        yield Host(access, directory / "bootstrap_key", authority, commands, connections)
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(timeout=60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        pool.shutdown()
        loop.close()


async def _carry(lines: "asyncssh.SSHReader[str]", to: asyncio.StreamWriter) -> None:
    async for line in lines:
        to.write(line.encode())
        await to.drain()


async def _close(server: asyncssh.SSHAcceptor) -> None:
    """Stop serving, and wait for what still runs: a client that was killed leaves its command to us."""
    server.close()
    await server.wait_closed()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*left, return_exceptions=True), timeout=30)
    # paramiko drops a connection without a word: the loop needs a moment more to close our end of it.
    await asyncio.sleep(0.1)
