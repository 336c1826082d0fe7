"""Keep slow results under a key made of their inputs: made in a directory of their own, then put in place in one step.

Whoever builds holds a lock.  A build that was killed leaves a directory that nobody takes for a result, and perhaps a
process that is on record in it; the next build, and the removal of a lab, end the one and remove the other.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hosting_cli.errors import RefusedError
from hosting_cli.lab import processes, recorded
from hosting_cli.lab.progress import TIDY_SECONDS, Narrator, Progress

_UNFINISHED, _LOCK = ".unfinished", ".lock"


def key(inputs: Mapping[str, str | bytes | int | None]) -> str:
    """Name a result by its *inputs*: any change of any of them gives another name."""
    digests = {name: hashlib.sha256(_bytes(value)).hexdigest() for name, value in inputs.items()}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:20]


def _bytes(value: str | bytes | int | None) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


def obtain(place: Path, build: Callable[[Path], None], progress: Progress) -> Path:
    """Return *place*, having *build* fill it first if it is not there.

    Two callers do not build the same thing twice: the second waits for the first.  A process that *build* leaves
    running when it is killed must be on record in the directory that it is given.
    """
    if place.exists():
        return place
    narrator = Narrator(progress, "waiting for somebody else who is building the same")
    with ExitStack() as held:
        while not held.enter_context(_lock(place.with_name(place.name + _LOCK))):
            held.close()
            narrator.pause(0.5)
        if not place.exists():
            unfinished = place.with_name(place.name + _UNFINISHED)
            _abandon(unfinished)
            unfinished.mkdir(mode=0o755)
            build(unfinished)
            recorded.forget(unfinished)
            unfinished.rename(place)
    return place


def clear(directory: Path) -> Iterator[Path]:
    """End and remove in the cache *directory* what killed builders have left, yielding each; what is built stays."""
    for unfinished in sorted(directory.glob(f"*/*{_UNFINISHED}")):
        with _lock(_lock_of(unfinished)) as is_ours:
            if is_ours and unfinished.exists():
                _abandon(unfinished)
                yield unfinished


def forget(directory: Path) -> None:
    """Remove the whole cache *directory*; raise ``RefusedError``, nothing removed, while somebody builds in it."""
    for _ in clear(directory):
        pass
    with ExitStack() as held:
        for unfinished in sorted(directory.glob(f"*/*{_UNFINISHED}")):
            if not held.enter_context(_lock(_lock_of(unfinished))):
                what = f"somebody is building {unfinished.parent.name}/{unfinished.stem} in it"
                raise RefusedError(f"cache {directory}", what, "Wait until that is done, then run the same again.")
        if directory.exists():
            shutil.rmtree(directory)


def _abandon(unfinished: Path) -> None:
    """End what a killed builder had running in *unfinished*, and only then remove it."""
    if process := recorded.find(unfinished):
        processes.stop(process, grace_seconds=TIDY_SECONDS)
    if unfinished.exists():
        shutil.rmtree(unfinished)


def _lock_of(unfinished: Path) -> Path:
    return unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED) + _LOCK)


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Try to hold *path* locked, and tell whether it is; the kernel lets go of it whatever happens to this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _try_lock(descriptor) and _is_there(descriptor, path)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_there(descriptor: int, path: Path) -> bool:
    """Tell whether *path* still is the file that was opened: the cache may have been forgotten in between."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
