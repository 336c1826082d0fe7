"""Keep slow results under a key made of their inputs: made in a directory of their own, then put in place in one step.

A build that was killed leaves a directory that nobody takes for a result and that the next build removes.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hosting_cli.lab.progress import Narrator, Progress


def key(inputs: Mapping[str, str | bytes | int | None]) -> str:
    """Name a result by its *inputs*: any change of any of them gives another name."""
    digests = {name: hashlib.sha256(_bytes(value)).hexdigest() for name, value in inputs.items()}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:20]


def _bytes(value: str | bytes | int | None) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


def obtain(place: Path, build: Callable[[Path], None], progress: Progress) -> Path:
    """Return *place*, having *build* fill it first if it is not there.

    Two callers do not build the same thing twice: the second waits for the first.
    """
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _lock(place.with_name(place.name + ".lock"), progress):
        if not place.exists():
            unfinished = place.with_name(place.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o755)
            build(unfinished)
            unfinished.rename(place)
    return place


@contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold *path* locked; the kernel lets go of it whatever happens to this process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        narrator = Narrator(progress, "waiting for somebody else who is building the same")
        while not _try_lock(descriptor):
            narrator.pause(0.5)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
