"""Take a lab away: what somebody killed at this, or at bringing the lab up, has left, the next one can remove."""

import shutil
from collections.abc import Iterator
from contextlib import suppress

from hosting_cli.errors import UsageError
from hosting_cli.lab import cache, laboratory, machines, monitoring, network
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.progress import Progress


def down(lab: Lab, progress: Progress) -> Iterator[str]:
    """Stop and remove everything of *lab*, yielding what was removed; what a killed starter left goes too.

    Raise ``UsageError`` before anything is touched when the directory is somebody else's.
    """
    if lab.is_foreign:
        raise UsageError(f"lab {lab.directory}", "holds files that are not a lab", "Look before you remove it.")
    for name in machines.names(lab.directory):
        progress(f"removing machine {name}")
        machines.remove(lab.directory, name)
        yield f"machine {name}"
    network.stop_all(lab.directory)
    if lab.exists:
        yield from _stop_engines(lab, progress)
    if lab.directory.exists():
        _remove_directory(lab)
        yield str(lab.directory)
    # A killed starter may have been building what labs share, with a machine running; what others build stays.
    yield from map(str, cache.clear(lab.cache_directory))


def _stop_engines(lab: Lab, progress: Progress) -> Iterator[str]:
    # What watches goes first: it would be woken by the rest.
    for engine in (*monitoring.NAMES, "seaweedfs", "openbao"):
        is_running = laboratory.running(lab, engine) is not None
        if is_running:
            progress(f"stopping {engine}")
        laboratory.stop_engine(lab, engine)
        if is_running:
            yield engine


def _remove_directory(lab: Lab) -> None:
    """Remove the directory, and last what makes it a lab: of a directory without that, nothing would be removed."""
    while lab.directory.is_dir():
        with suppress(FileNotFoundError):  # somebody else is taking it away too
            for path in lab.directory.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path != lab.record_file:
                    path.unlink()
            shutil.rmtree(lab.directory)


def forget_cache(lab: Lab) -> None:
    """Remove the images and templates that labs share; raise ``RefusedError`` while somebody builds one."""
    cache.forget(lab.cache_directory)
