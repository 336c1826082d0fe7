"""Copy an application's volumes to its locked bucket with restic.

restic gets its password and its S3 credentials as memory files: they are in no argument, environment or disk.
The host adds to the repository and never removes: retention is decided elsewhere.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import record
from .dumps import dumped
from .identity import login
from .mounts import mounts
from .processes import PATH, attempt, follow, memory_file
from .settings import HEADERS, AgentError, application, engines

NO_REPOSITORY, LOCKED = 10, 11
"""Exit statuses of restic 0.17 and later."""

_CACHE = "/var/cache/hosting/restic"

RESTORING = ".hosting-restoring"
"""The word in a volume that is being filled from a backup: until it is whole, it is not backed up."""

RESTORED = ".hosting-restore-*"
"""Folders of restored files are not copied once more: somebody takes from them what is needed, and removes them."""


@dataclass(frozen=True)
class Restic:
    """restic, set up for one repository; *extra* is what it has to be told where it may only read."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[int, ...]
    extra: tuple[str, ...] = ()

    def attempt(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of restic; give its status and outputs."""
        argv = [*self.argv, "--quiet", *arguments]
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

    def follow(self, on_line: Callable[[str], None], *arguments: str) -> None:
        """Run a command of restic, giving each line of its output as it comes; raise ``AgentError`` if it fails."""
        environment = {**self.environment, "RESTIC_PROGRESS_FPS": "0.7"}
        argv = [*self.argv, *arguments]
        status, errors = follow(argv, on_line, descriptors=self.descriptors, environment=environment)
        if status == LOCKED:
            self.attempt("unlock")
            status, errors = follow(argv, on_line, descriptors=self.descriptors, environment=environment)
        if status != 0:
            raise AgentError(f"restic {arguments[0]} failed ({status}): {errors.strip()[-500:]}")


@dataclass(frozen=True)
class Access:
    """What opens a repository: where it is, whose certificates are believed there, its password, S3 credentials."""

    repository: str
    object_store_region: str
    certificate_authority: str
    password: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Access({self.repository})"


@contextmanager
def opened(name: str) -> Iterator[Restic]:
    """Set restic up with the secrets that the vault keeps for the application *name*."""
    known, reach = application(name)["backup"], engines()
    if known is None:
        raise AgentError(f"{name} has no backup on this host")
    with login(name) as session:
        password = session.reveal(known["password_secret"])
        pair = json.loads(session.reveal(known["credentials_secret"]))
    authority = Path(reach.certificate_authority)
    access = Access(known["repository"], known["object_store_region"], str(authority), password, **pair)
    with _set_up(access, f"--cacert={authority}", f"--cache-dir={os.environ.get('CACHE_DIRECTORY', _CACHE)}") as restic:
        yield restic


@contextmanager
def granted(access: Access) -> Iterator[Restic]:
    """Set restic up to read a repository that is not this host's: nothing of it is kept, no lock is taken."""
    with (
        memory_file(access.certificate_authority) as authority,
        _set_up(access, f"--cacert=/proc/self/fd/{authority}", "--no-cache") as restic,
    ):
        yield replace(restic, descriptors=(*restic.descriptors, authority), extra=("--no-lock",))


@contextmanager
def _set_up(access: Access, *options: str) -> Iterator[Restic]:
    credentials = (
        f"[default]\naws_access_key_id = {access.access_key_id}\naws_secret_access_key = {access.secret_access_key}\n"
    )
    with ExitStack() as files:
        key, pair = (files.enter_context(memory_file(content)) for content in (access.password, credentials))
        yield Restic(
            (
                "restic",
                f"--repo={access.repository}",
                f"--password-file=/proc/self/fd/{key}",
                *options,
                "--json",
            ),
            {
                **PATH,
                "AWS_SHARED_CREDENTIALS_FILE": f"/proc/self/fd/{pair}",
                "AWS_DEFAULT_REGION": access.object_store_region,
            },
            (key, pair),
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
    unfinished = [top for top in known["mount_points"] if (Path(top) / RESTORING).exists()]
    if unfinished:
        raise AgentError(f"{', '.join(unfinished)} is being restored: a half-filled volume is no backup")
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
