"""A host for rotations: an SSH server that trusts what its files say, and runs commands among files of its own.

Its files lie over the machine's in a mount namespace.  The agent there is ours and asks the real vault, from the host's
own loopback address.  What needs systemd or an sshd only pretends: no kernel and no boot is proven here.
"""

import asyncio
import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import asyncssh

from deploys import names
from deploys.view import agent_files, as_json
from inventory import naming

PRETENDED = {
    "sshd": "exit 0",
    "systemctl": "exit 0",
    "systemd-creds": """
        verb=$1; from=$3; to=$4
        if [ "$verb" = encrypt ]; then base64 > "$to"; else base64 --decode < "$from"; fi
    """,
    "systemd-run": """
        while [ "${1#--}" != "$1" ]; do
            case $1 in --property=LoadCredentialEncrypted=*) name=${1##*=};; esac
            shift
        done
        CREDENTIALS_DIRECTORY=$(mktemp -d /run/credentials.XXXX); export CREDENTIALS_DIRECTORY
        systemd-creds decrypt --name="$name" "/etc/credstore.encrypted/$name" - > "$CREDENTIALS_DIRECTORY/$name"
        "$@"
    """,
}
"""What stands in for programs that need a whole machine."""

_BUILD = """
    set -e
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 host "$1"
    for place in /etc /usr/sbin /usr/local; do
        mkdir -p "$1/upper$place" "$1/work$place"
        mount -t overlay -o "lowerdir=$place,upperdir=$1/upper$place,workdir=$1/work$place" host "$place"
    done
    mount -t tmpfs -o mode=755 host /run
    echo built
    exec sleep infinity
"""


@dataclass(frozen=True)
class NamespaceHost:
    """A running host: the process that holds its files, and where its SSH server listens."""

    name: str
    holder: int
    port: int
    host_key: str

    def path(self, path: str) -> Path:
        """Name a file of the host as this machine sees it."""
        return Path(f"/proc/{self.holder}/root{path}")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def replace_tool(self, tool: str, script: str) -> None:
        """Have another script stand in for *tool*, which it reaches as ``TOOL.right``."""
        self.write(f"/usr/sbin/{tool}.right", self.path(f"/usr/sbin/{tool}").read_text(), 0o755)
        self.write(f"/usr/sbin/{tool}", script, 0o755)

    def restore_tool(self, tool: str) -> None:
        """Take that back."""
        self.path(f"/usr/sbin/{tool}.right").replace(self.path(f"/usr/sbin/{tool}"))

    def trusted(self) -> set[str]:
        """Give the keys of the authorities whose certificates open the host."""
        file = self.path(names.SSH_AUTHORITY)
        return {" ".join(line.split()[:2]) for line in file.read_text().splitlines()} if file.exists() else set()


@contextmanager
def namespace_host(
    name: str, directory: Path, bootstrap_key: Path, vault: tuple[str, int], address: str
) -> Iterator[NamespaceHost]:
    """Run the host *name* until the block ends; the vault at *vault* sees it at *address*."""
    directory.mkdir()
    holder = subprocess.Popen(
        ["unshare", "--mount", "/bin/sh", "-c", _BUILD, "sh", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "built\n"
        bootstrap = asyncssh.read_private_key(str(bootstrap_key)).export_public_key().decode()
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        serving = _Serving(holder.pid, bootstrap)
        server = asyncio.run_coroutine_threadsafe(serving.listen(host_key), loop).result(timeout=30)
        forward = asyncio.run_coroutine_threadsafe(_forward(vault, address), loop).result(timeout=30)
        host = NamespaceHost(name, holder.pid, server.get_port(), host_key.export_public_key().decode().strip())
        _furnish(host, forward.sockets[0].getsockname()[1])
        yield host
        asyncio.run_coroutine_threadsafe(_close(server, forward), loop).result(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(holder.pid, signal.SIGKILL)
        holder.communicate()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _furnish(host: NamespaceHost, vault_port: int) -> None:
    """Install the agent and what pretends, and say where the vault is."""
    for tool, script in PRETENDED.items():
        host.write(f"/usr/sbin/{tool}", f"#!/bin/sh\n{textwrap.dedent(script)}", 0o755)
    for path, text in agent_files():
        host.write(path, text, 0o755)
    engines = {
        "host": host.name,
        "vault": f"https://127.0.0.1:{vault_port}",
        "certificate_authority": names.CERTIFICATE_AUTHORITY,
    }
    host.write(names.ENGINES, as_json(dict(engines)))


def give_application(host: NamespaceHost, application: str, authority: Path) -> None:
    """Tell the agent of an application, as its host's files would."""
    about = {
        "application": application,
        "role": naming.host_role(application, host.name),
        "credential": names.credential(application),
    }
    host.write(names.application_file(application), as_json(dict(about)))
    host.write(names.CERTIFICATE_AUTHORITY, authority.read_text())


class _Trust(asyncssh.SSHServer):
    """Let in whom the host's files let in, as they are at the time of each login."""

    def __init__(self, serving: "_Serving") -> None:
        self._serving = serving

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connection = connection

    def begin_auth(self, username: str) -> bool:
        self._connection.set_authorized_keys(asyncssh.import_authorized_keys(self._serving.authorized()))
        return True


@dataclass(frozen=True)
class _Serving:
    holder: int
    bootstrap: str

    def authorized(self) -> str:
        """Say in the words of an authorized_keys file what sshd would make of the host's files."""
        root = Path(f"/proc/{self.holder}/root")
        authorities, configuration = root / names.SSH_AUTHORITY[1:], root / names.SSH_CONFIGURATION[1:]
        keys = authorities.read_text().splitlines() if authorities.exists() else []
        lines = [f'cert-authority,principals="{names.OPERATIONS_PRINCIPAL}" {key}' for key in keys]
        # An entry that nobody can use, since an empty file is none.
        nobody = f'command="/bin/false" {asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()}'
        return "\n".join([*lines, nobody if configuration.exists() else self.bootstrap])

    async def listen(self, host_key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host_key], server_factory=lambda: _Trust(self), process_factory=self._run
        )

    async def _run(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        text = await process.stdin.read()
        command = ["nsenter", f"--mount=/proc/{self.holder}/ns/mnt", "/bin/sh", "-c", process.command or "true"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        output, errors = await child.communicate(text.encode())
        process.stdout.write(output.decode())
        process.stderr.write(errors.decode())
        process.exit(child.returncode or 0)


async def _forward(vault: tuple[str, int], address: str) -> asyncio.Server:
    """Forward connections to the vault, which sees them come from *address*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*vault, local_addr=(address, 0))
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _close(server: asyncssh.SSHAcceptor, forward: asyncio.Server) -> None:
    server.close()
    forward.close()
    await server.wait_closed()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*left, return_exceptions=True), timeout=30)
