"""Make the unit tests' sample, and the answers of a host that is right, importable from here."""

import sys
from pathlib import Path

from agent_machine import _machine  # noqa: F401 a fixture

_UNIT = Path(__file__).parents[1] / "unit"
sys.path[:0] = [str(_UNIT), str(_UNIT / "deploys")]
