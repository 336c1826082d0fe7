"""restic as a child process, on one repository, in the name of one user of the object store.

Its password and credentials reach it as files that exist in memory only, by their descriptors: they are in no argument,
environment or disk.  It keeps no cache, so that what is read is what the store holds.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from threading import Timer
from typing import IO, Any, cast

from hosting_cli.errors import EngineError, MissingCapabilityError, UnreadableError
from hosting_cli.memory_file import memory_file
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

READ_SECONDS = 15 * 60
WORK_SECONDS = 6 * 3600
"""How long a check or a prune may take."""

_PATH = "/usr/local/bin:/usr/bin:/bin"
_TOLD_CHARACTERS = 500
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class File:
    """A file in a snapshot."""

    path: str
    size_bytes: int


def version() -> str:
    """Say which restic is installed here; raise ``MissingCapabilityError`` when none is."""
    try:
        done = subprocess.run(["restic", "version"], capture_output=True, text=True, check=False, env={"PATH": _PATH})
    except FileNotFoundError:
        raise MissingCapabilityError("restic", "is not installed here", "Install it.") from None
    return " ".join(done.stdout.split()[:2])


@dataclass(frozen=True)
class _Child:
    """How restic is started: it finds its secrets in *descriptors*."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...]


class Restic:
    """Run restic; nothing is started before the first method is called.

    Readings raise ``UnreadableError`` when restic fails, everything else ``EngineError``, with its own last words.
    """

    def __init__(
        self, repository: str, access: ObjectStoreAccess, *, password: Secret, key_id: str, secret_key: Secret
    ) -> None:
        self.subject = f"repository {repository}"
        self._repository = repository
        self._access = access
        self._password = password
        self._key_id = key_id
        self._secret_key = secret_key

    def snapshots(self) -> list[dict[str, Any]]:
        """List every snapshot as restic documents it; one that it cannot open is left out, as restic does."""
        found: list[dict[str, Any]] = self._read("snapshots", "--no-lock")
        return found

    def size_of(self, snapshot: str) -> tuple[int, int]:
        """Count the bytes, and the files and folders, that a restore of *snapshot* would write; reads its tree."""
        told = self._read("stats", "--no-lock", "--mode=restore-size", snapshot, may_complain=False)
        return told["total_size"], told["total_file_count"]

    def files(self, snapshot: str, below: Sequence[str] = ()) -> Iterator[File]:
        """Yield every file of *snapshot*, or those that are in or are one of *below*, as restic reads its trees."""
        arguments = ("ls", "--no-lock", "--json", "--recursive", snapshot, *below)
        found = False
        with self._streamed(arguments, READ_SECONDS) as lines:
            for line in lines:
                try:
                    node = json.loads(line)
                except ValueError:
                    raise UnreadableError(self.subject, "restic ls gave no JSON", "Which restic is it?") from None
                found = found or node.get("struct_type") == "snapshot"
                if node.get("type") == "file":
                    yield File(node["path"], node.get("size", 0))
        # Asked about a snapshot that it does not find, restic lists nothing, and succeeds.
        if not found:
            raise UnreadableError(self.subject, f"restic ls found no snapshot {snapshot}", "Was it removed meanwhile?")

    def bytes_below(self, snapshot: str, paths: Sequence[str]) -> dict[str, int]:
        """Count for each of *paths* the bytes of the files that are in it or are it; a file with two names twice."""
        found = dict.fromkeys(paths, 0)
        for file in self.files(snapshot, paths):
            steps = PurePosixPath(file.path)
            for path in paths:
                if steps.is_relative_to(path):
                    found[path] += file.size_bytes
        return found

    def bytes_of(self, snapshot: str, path: str) -> int:
        """Restore a file of *snapshot* into nothing: read it, verified by its blobs' digests, and count its bytes."""
        with self._streamed(("dump", "--no-lock", snapshot, path), WORK_SECONDS) as content:
            return sum(len(part) for part in iter(lambda: content.read(_CHUNK_BYTES), b""))

    def check(self, part: int, parts: int) -> None:
        """Check the structure, and read and verify part *part* of *parts* of the data."""
        self._run("check", f"--read-data-subset={part}/{parts}", "--no-lock", timeout_seconds=WORK_SECONDS)

    def check_structure(self) -> None:
        """Check that everything that snapshots refer to is there."""
        self._run("check", "--no-lock", timeout_seconds=WORK_SECONDS)

    def keys(self) -> list[dict[str, Any]]:
        """List the keys of the repository as restic documents them; ``current`` is the one that opened it."""
        found: list[dict[str, Any]] = self._read("key", "list", "--no-lock")
        return found

    def add_key(self, password: Secret, *, label: str) -> None:
        """Let *password* open the repository too; *label* tells its key from others."""
        done = self._start(["key", "add", f"--host={label}"], READ_SECONDS, new_password=password)
        if done.returncode != 0:
            raise EngineError(
                self.subject, _complaint("key add", done), "The password in the vault opens it as before."
            )

    def remove_key(self, key_id: str) -> None:
        """Let a password open the repository no more; restic refuses that of the one it was opened with."""
        self._run("key", "remove", key_id)

    def unlock(self) -> None:
        """Remove locks whose holder is gone, and only those."""
        self._run("unlock")

    def forget(self, snapshots: Sequence[str]) -> None:
        """Remove exactly *snapshots*, named by their whole identifiers: restic decides nothing."""
        self._run("forget", *snapshots)

    def prune(self) -> None:
        """Free the room that no snapshot refers to."""
        self._run("prune", timeout_seconds=WORK_SECONDS)

    # -- running ------------------------------------------------------------------------------------------------------

    def _read(self, *arguments: str, may_complain: bool = True) -> Any:
        done = self._start([*arguments, "--json"], READ_SECONDS)
        # Asked about a snapshot that it does not find, restic complains, counts nothing, and succeeds.
        if done.returncode != 0 or (done.stderr.strip() and not may_complain):
            remedy = "See whether the store answers and the password in the vault is this repository's."
            raise UnreadableError(self.subject, _complaint(arguments[0], done), remedy)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise UnreadableError(self.subject, f"restic {arguments[0]} gave no JSON", "Which restic is it?") from None

    def _run(self, *arguments: str, timeout_seconds: float = READ_SECONDS) -> None:
        done = self._start(arguments, timeout_seconds)
        if done.returncode != 0:
            remedy = "Nothing is lost: the store keeps every version until its lock ends. Look at what it says."
            raise EngineError(self.subject, _complaint(arguments[0], done), remedy)

    def _start(
        self, arguments: Sequence[str], timeout_seconds: float, *, new_password: Secret | None = None
    ) -> "subprocess.CompletedProcess[str]":
        with self._prepared(arguments, new_password) as child:
            try:
                return subprocess.run(
                    child.argv,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                    env=child.environment,
                    pass_fds=child.descriptors,
                    timeout=timeout_seconds,
                )
            except FileNotFoundError:
                raise self._missing() from None
            except subprocess.TimeoutExpired:
                raise self._too_slow(arguments, timeout_seconds) from None

    @contextmanager
    def _streamed(self, arguments: Sequence[str], timeout_seconds: float) -> Iterator[IO[bytes]]:
        """Give what restic says as it comes, for what is too much to hold; raise ``UnreadableError`` if it then fails.

        Whoever stops reading before the end stops restic.
        """
        with ExitStack() as stack:
            child = stack.enter_context(self._prepared(arguments, None))
            errors = stack.enter_context(os.fdopen(os.memfd_create("complaints"), "w+b"))
            try:
                process = stack.enter_context(
                    subprocess.Popen(
                        child.argv,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=errors,
                        env=child.environment,
                        pass_fds=child.descriptors,
                    )
                )
            except FileNotFoundError:
                raise self._missing() from None
            stack.callback(process.kill)
            limit = Timer(timeout_seconds, process.kill)
            limit.daemon = True
            limit.start()
            stack.callback(limit.cancel)
            yield cast("IO[bytes]", process.stdout)
            process.wait()
            if limit.finished.is_set():
                raise self._too_slow(arguments, timeout_seconds)
            if process.returncode != 0:
                errors.seek(0)
                done = subprocess.CompletedProcess(child.argv, process.returncode, "", errors.read().decode())
                remedy = "See whether the store answers and what a check says of the repository."
                raise UnreadableError(self.subject, _complaint(arguments[0], done), remedy)

    @contextmanager
    def _prepared(self, arguments: Sequence[str], new_password: Secret | None) -> Iterator["_Child"]:
        """Put what restic must know into files that exist in memory, for as long as the block lasts."""
        with ExitStack() as files:
            password = files.enter_context(memory_file(self._password.reveal()))
            credentials = files.enter_context(memory_file(self._credentials()))
            handed = [password, credentials]
            if new_password is not None:
                handed.append(files.enter_context(memory_file(new_password.reveal())))
                arguments = [*arguments, f"--new-password-file=/proc/self/fd/{handed[-1]}"]
            argv = [
                "restic",
                f"--repo={self._repository}",
                f"--password-file=/proc/self/fd/{password}",
                f"--cacert={self._access.certificate_authority}",
                "--no-cache",
                "--quiet",
                *arguments,
            ]
            environment = {
                "PATH": _PATH,
                "LC_ALL": "C.UTF-8",
                "AWS_SHARED_CREDENTIALS_FILE": f"/proc/self/fd/{credentials}",
                "AWS_DEFAULT_REGION": self._access.region,
            }
            yield _Child(argv, environment, tuple(handed))

    def _missing(self) -> MissingCapabilityError:
        return MissingCapabilityError(self.subject, "restic is not installed here", "Install it.")

    def _too_slow(self, arguments: Sequence[str], seconds: float) -> UnreadableError:
        what = f"restic {arguments[0]} did not end within {seconds:.0f} s and was stopped"
        return UnreadableError(self.subject, what, "See whether the store answers.")

    def _credentials(self) -> str:
        pair = f"aws_access_key_id = {self._key_id}\naws_secret_access_key = {self._secret_key.reveal()}\n"
        return f"[default]\n{pair}"


def _complaint(command: str, done: "subprocess.CompletedProcess[str]") -> str:
    said = " ".join((done.stderr.strip() or done.stdout.strip())[-_TOLD_CHARACTERS:].split())
    return f"restic {command} failed ({done.returncode}): {said}"
