"""Run other programs, handing secrets over by standard input and by files that exist in memory only."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from .settings import AgentError

PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def run(argv: list[str], text: str = "", *, descriptors: tuple[int, ...] = ()) -> str:
    """Run *argv* with *text* on its standard input; raise ``AgentError`` with its complaint if it fails."""
    done = attempt(argv, text, descriptors=descriptors)
    if done.returncode != 0:
        raise AgentError(f"{' '.join(argv[:2])} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def attempt(
    argv: list[str], text: str = "", *, descriptors: tuple[int, ...] = (), environment: Mapping[str, str] = PATH
) -> subprocess.CompletedProcess[str]:
    """Run *argv* and give what became of it; it inherits *descriptors* and no environment but the one given."""
    return subprocess.run(
        argv, input=text, capture_output=True, text=True, check=False, pass_fds=descriptors, env=dict(environment)
    )


def run_as(account: str, argv: list[str], *, source: IO[bytes] | None = None, target: IO[bytes] | None = None) -> str:
    """Run *argv* as *account*, from the file *source* into the file *target*, else give its output.

    Raise ``AgentError`` with its last words if it fails, or if there is no such account or program.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=source or subprocess.DEVNULL,
            stdout=target or subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
            cwd="/",
            env=PATH,
            **_identity(account),
        )
    except (OSError, LookupError) as error:
        raise AgentError(f"{argv[0]} cannot be run as {account}: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())[-_TOLD_CHARACTERS:]
        raise AgentError(f"{argv[0]} failed ({done.returncode}): {said}")
    return "" if target else done.stdout.decode(errors="replace")


_TOLD_CHARACTERS = 300


def _identity(account: str) -> dict[str, Any]:
    """Say how to become *account*, with the groups that it has and no other."""
    entry = pwd.getpwnam(account)
    if entry.pw_uid == os.geteuid():
        return {}
    return {"user": account, "group": entry.pw_gid, "extra_groups": os.getgrouplist(account, entry.pw_gid)}


def follow(
    argv: list[str],
    on_line: Callable[[str], None],
    *,
    descriptors: tuple[int, ...] = (),
    environment: Mapping[str, str] = PATH,
) -> tuple[int, str]:
    """Run *argv* and give *on_line* each line that it prints, as it comes; give its status and its complaints."""
    with memory_file("") as complaints:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            pass_fds=descriptors,
            env=dict(environment),
        ) as process:
            assert process.stdout is not None  # noqa: S101 it was asked for
            for line in process.stdout:
                on_line(line)
        size = os.lseek(complaints, 0, os.SEEK_END)
        return process.returncode, os.pread(complaints, size, 0).decode(errors="replace")


@contextmanager
def memory_file(content: str) -> Iterator[int]:
    """Hold *content* in a file without a name, for programs that want a path: ``/proc/self/fd/<descriptor>``."""
    descriptor = os.memfd_create("secret", 0)
    try:
        os.write(descriptor, content.encode())
        yield descriptor
    finally:
        os.close(descriptor)
