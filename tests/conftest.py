"""How the suite is shared out between two processes (``make test``)."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class _HostsBesideTheRest(LoadScopeScheduling):
    """Give all tests on hosts to one process, in their order, and the others file by file to whoever is free.

    Emulated machines mostly wait for one processor; what runs beside them must never be more machines.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "hosts" if nodeid.startswith("tests/acceptance/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return _HostsBesideTheRest(config, log)
