"""restic as a child process, on one repository, in the name of one user of the object store.

Its password and credentials reach it as files that exist in memory only, by their descriptors: they are in no argument,
environment or disk.  It keeps no cache, so that what is read is what the store holds.
"""

import json
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from hosting_cli.errors import EngineError, MissingCapabilityError, UnreadableError
from hosting_cli.memory_file import memory_file
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

READ_SECONDS = 15 * 60
WORK_SECONDS = 6 * 3600
"""How long a check or a prune may take."""

_PATH = "/usr/local/bin:/usr/bin:/bin"
_TOLD_CHARACTERS = 500


def version() -> str:
    """Say which restic is installed here; raise ``MissingCapabilityError`` when none is."""
    try:
        done = subprocess.run(["restic", "version"], capture_output=True, text=True, check=False, env={"PATH": _PATH})
    except FileNotFoundError:
        raise MissingCapabilityError("restic", "is not installed here", "Install it.") from None
    return " ".join(done.stdout.split()[:2])


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
            try:
                return subprocess.run(
                    argv,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                    env=environment,
                    pass_fds=handed,
                    timeout=timeout_seconds,
                )
            except FileNotFoundError:
                raise MissingCapabilityError(self.subject, "restic is not installed here", "Install it.") from None
            except subprocess.TimeoutExpired:
                what = f"restic {arguments[0]} did not end within {timeout_seconds:.0f} s and was stopped"
                raise UnreadableError(self.subject, what, "See whether the store answers.") from None

    def _credentials(self) -> str:
        pair = f"aws_access_key_id = {self._key_id}\naws_secret_access_key = {self._secret_key.reveal()}\n"
        return f"[default]\n{pair}"


def _complaint(command: str, done: "subprocess.CompletedProcess[str]") -> str:
    said = " ".join((done.stderr.strip() or done.stdout.strip())[-_TOLD_CHARACTERS:].split())
    return f"restic {command} failed ({done.returncode}): {said}"
