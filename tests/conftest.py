"""How the suite is shared out between three processes (``make test``)."""

import gc
import os

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("suite", deadline=None, max_examples=50)  # computers are shared, and slow at times
settings.register_profile("check", settings.get_profile("suite"), max_examples=8)
settings.load_profile("suite")

OWN_LAB = "tests/acceptance/own_lab/"
"""Where the tests are that bring machines of their own up."""

SECOND_LAB = ("test_host_rebuilt", "test_volumes_on_hosts", "test_with_databases")
"""Which tests on hosts are on a second lab like the shared one, for whose tests follow each other and take longest."""

BESIDE_NICENESS = 5
"""How far what runs beside the shared lab stands back for it: the shared lab's tests follow each other, and take
longest."""

HAS_SHARED_LAB = pytest.StashKey[bool]()
"""Whether any test of this run is on it."""


class _HostsBesideTheRest(LoadScopeScheduling):
    """Give all tests on the shared lab to one process, in their order, those with labs of their own or on a second lab
    to another, and the others file by file to whoever is free.

    Emulated machines mostly wait for one processor; whoever waits for a time-out of theirs leaves it to the others.
    """

    def _split_scope(self, nodeid: str) -> str:
        if is_on_shared_lab(nodeid):
            return "shared lab"
        return "other labs" if nodeid.startswith("tests/acceptance/") else nodeid.partition("::")[0]


def is_on_shared_lab(nodeid: str) -> bool:
    is_on_hosts = nodeid.startswith("tests/acceptance/") and not nodeid.startswith(OWN_LAB)
    return is_on_hosts and not is_on_second_lab(nodeid)


def is_on_second_lab(nodeid: str) -> bool:
    return nodeid.startswith(tuple(f"tests/acceptance/{name}.py" for name in SECOND_LAB))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return _HostsBesideTheRest(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what was collected out of the garbage collector's rounds: it lives to the end, and is most of what lives."""
    session.config.stash[HAS_SHARED_LAB] = any(is_on_shared_lab(item.nodeid) for item in session.items)
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have what runs beside the shared lab stand back for it: that is in another process."""
    if "PYTEST_XDIST_WORKER" in os.environ and item.config.stash[HAS_SHARED_LAB] and not is_on_shared_lab(item.nodeid):
        os.nice(max(0, BESIDE_NICENESS - os.nice(0)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what is on the shared lab, then what has a lab of its own or is on the second: both take longest."""

    def turn(item: pytest.Item) -> int:
        if not item.nodeid.startswith("tests/acceptance/"):
            return 4
        if is_on_second_lab(item.nodeid):
            return 3
        if item.nodeid.startswith(OWN_LAB):
            return 2
        # The lab comes from one fixture, and another provisions it: what wants it blank goes before.
        return 1 if "provisioned" in getattr(item, "fixturenames", ()) else 0

    items.sort(key=turn)
