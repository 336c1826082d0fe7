"""One at a time: when a controller is killed, what it started here goes on, and its successor has to wait for it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCKS = Path("/run/hosting/locks")


@contextmanager
def alone(label: str) -> Iterator[None]:
    """Wait for whoever else works on the volume *label*, and let nobody else until the block ends."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / f"{label}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
