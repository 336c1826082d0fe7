"""What is to come about, waited for no longer than it may take."""

import time
from collections.abc import Callable

SECONDS = 60


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait for something; fail, and say for what, when it has not come about in time."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)
