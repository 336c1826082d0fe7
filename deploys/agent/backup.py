"""Copy an application's volumes to its locked bucket with restic, and bring files back.

restic gets its password and its S3 credentials as memory files: they are in no argument, environment or disk.
The host adds to the repository and never removes: retention is decided elsewhere.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import record
from .dumps import dumped
from .identity import login
from .mounts import mounts
from .processes import PATH, attempt, memory_file
from .settings import HEADERS, AgentError, application, engines

NO_REPOSITORY, LOCKED = 10, 11
"""Exit statuses of restic 0.17 and later."""

_CACHE = "/var/cache/hosting/restic"

RESTORED = ".hosting-restore-*"
"""Folders of restored files are not copied once more: somebody takes from them what is needed, and removes them."""


@dataclass(frozen=True)
class Restic:
    """restic, set up for one repository."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[int, ...]

    def attempt(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of restic; give its status and outputs."""
        argv = [*self.argv, *arguments]
        done = attempt(argv, descriptors=self.descriptors, environment=self.environment)
        return done.returncode, done.stdout, done.stderr

    def run(self, *arguments: str) -> str:
        """Run a command of restic, over the locks of killed runs; raise ``AgentError`` if it fails."""
        status, output, errors = self.attempt(*arguments)
        if status == LOCKED:
            self.attempt("unlock")  # removes only locks whose process is gone
            status, output, errors = self.attempt(*arguments)
        if status != 0:
            raise AgentError(f"restic {arguments[0]} failed ({status}): {errors.strip()[-500:]}")
        return output


@contextmanager
def opened(name: str) -> Iterator[Restic]:
    """Set restic up with the secrets that the vault keeps for the application *name*."""
    known, reach = application(name)["backup"], engines()
    if known is None:
        raise AgentError(f"{name} has no backup on this host")
    with login(name) as session:
        password = session.reveal(known["password_secret"])
        pair = json.loads(session.reveal(known["credentials_secret"]))
    credentials = (
        f"[default]\naws_access_key_id = {pair['access_key_id']}\naws_secret_access_key = {pair['secret_access_key']}\n"
    )
    with ExitStack() as files:
        key, access = (files.enter_context(memory_file(content)) for content in (password, credentials))
        yield Restic(
            (
                "restic",
                f"--repo={known['repository']}",
                f"--password-file=/proc/self/fd/{key}",
                f"--cacert={reach.certificate_authority}",
                f"--cache-dir={os.environ.get('CACHE_DIRECTORY', _CACHE)}",
                "--json",
                "--quiet",
            ),
            {
                **PATH,
                "AWS_SHARED_CREDENTIALS_FILE": f"/proc/self/fd/{access}",
                "AWS_DEFAULT_REGION": known["object_store_region"],
            },
            (key, access),
        )


def back_up(name: str) -> dict[str, Any]:
    """Take a snapshot of the application's volumes; leave word of how it went, good or bad."""
    began, started = int(time.time()), time.monotonic()
    try:
        found = _snapshot(name)
    except AgentError as error:
        failed = {"outcome": "failed", "time": int(time.time()), "began": began, "reason": str(error)}
        record.note(name, "backup", failed)
        raise
    seconds = round(time.monotonic() - started, 1)
    outcome = {"outcome": "done", "time": int(time.time()), "began": began, "seconds": seconds, **found}
    record.note(name, "backup", outcome)
    return outcome


def _snapshot(name: str) -> dict[str, Any]:
    known = application(name)["backup"]
    missing = sorted(set(known["mount_points"]) - mounts().keys())
    if missing:
        raise AgentError(f"{', '.join(missing)} not mounted: an empty directory is no backup")
    labels = sorted(volume["label"] for volume in application(name)["volumes"].values())
    headers = [str(HEADERS / f"{label}.luks") for label in labels]
    with opened(name) as restic, dumped(known["databases"], known["mount_points"]) as dumps:
        _initialise(restic)
        output = restic.run(
            "backup",
            f"--host={engines().host}",
            "--tag=hosting",
            f"--tag={name}",
            "--one-file-system",
            f"--exclude={RESTORED}",
            # Files that a server writes to meanwhile are no copy of a database; its dump is.
            *(f"--exclude={database['data_directory']}" for database in known["databases"]),
            *known["mount_points"],
            *headers,
        )
    summary = _summary(output)
    return {
        "snapshot": summary["snapshot_id"],
        "bytes": summary["total_bytes_processed"],
        "added_bytes": summary["data_added"],
        "files": summary["total_files_processed"],
        "dumps": dumps,
    }


def _initialise(restic: Restic) -> None:
    """Make the repository if there is none; any other trouble is not taken for its absence."""
    status, _, errors = restic.attempt("cat", "config")
    if status == NO_REPOSITORY:
        restic.run("init")
    elif status != 0:
        raise AgentError(f"the repository cannot be opened ({status}): {errors.strip()[-500:]}")


def _summary(output: str) -> dict[str, Any]:
    for line in output.splitlines():
        message: dict[str, Any] = json.loads(line)
        if message.get("message_type") == "summary":
            return message
    raise AgentError("restic took no snapshot")


def restore(name: str, snapshot: str, path: str, target: str) -> None:
    """Bring *path* of a snapshot (``latest``: the last of this host) back below the directory *target*, and verify it.

    Raise ``AgentError`` when the snapshot does not hold it, which restic takes for a success, and when something is
    there already: nothing live is overwritten.
    """
    restored = Path(f"{target}{path}")
    if os.path.lexists(restored):
        raise AgentError(f"{restored} is there already: nothing is overwritten")
    with opened(name) as restic:
        restic.run(
            "restore",
            snapshot,
            f"--host={engines().host}",
            f"--include={path}",
            f"--target={target}",
            f"--tag={name}",
            "--verify",
        )
    if not os.path.lexists(restored):
        _remove_empty(target)
        raise AgentError(f"snapshot {snapshot} does not hold {path}")


def _remove_empty(target: str) -> None:
    """Remove the directories that restic makes on the way to what it then does not find."""
    for directory, _, _ in os.walk(target, topdown=False):
        with suppress(OSError):
            Path(directory).rmdir()
