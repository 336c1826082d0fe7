"""Run other programs, handing secrets over by standard input and by files that exist in memory only."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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


@contextmanager
def memory_file(content: str) -> Iterator[int]:
    """Hold *content* in a file without a name, for programs that want a path: ``/proc/self/fd/<descriptor>``."""
    descriptor = os.memfd_create("secret", 0)
    try:
        os.write(descriptor, content.encode())
        yield descriptor
    finally:
        os.close(descriptor)
