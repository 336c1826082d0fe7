"""Modules of tests are imported by their bare names, from folders that are no packages: each name is there once."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
PACKAGES = {"bench"}


def test_every_module_of_tests_has_a_name_of_its_own() -> None:
    found = [path.name for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in PACKAGES]
    twice = {name for name, count in Counter(found).items() if count > 1} - {"conftest.py"}
    assert twice == set()
