"""The catalogue of controls and the checks promise each other to be complete, and nothing is said that is not so."""

import re
from collections import Counter

import pytest

from hosting_cli.checks.check import Check
from hosting_cli.checks.registry import CHECKS
from inventory.control_catalogue import load_controls, load_sheets
from inventory.controls import Authority, Force, Layer

CONTROLS = load_controls()

NOT_ASKED_BY_HDS = re.compile(
    r"chiffr|encrypt|\bTLS\b|\bSSH\b|\bVPN\b|\bMFA\b|mot de passe|password|pare-feu|firewall|retention|conservation",
    re.IGNORECASE,
)
"""What the 31 requirements never speak of; a report that says that they do is wrong."""


def of(layer: Layer) -> list[str]:
    return [control.id for control in CONTROLS.values() if control.layer is layer]


def test_the_framework_is_listed_whole() -> None:
    assert of(Layer.HDS) == [*(f"EXI-{number:02}" for number in range(1, 32)), "CH-8"]


def test_the_statement_of_applicability_is_listed_whole() -> None:
    wanted = [(5, 37), (6, 8), (7, 14), (8, 34)]
    assert of(Layer.APPLICABILITY) == [f"A.{theme}.{number}" for theme, last in wanted for number in range(1, last + 1)]


def test_every_check_is_in_the_catalogue_and_every_one_there_exists() -> None:
    named = {check for control in CONTROLS.values() for check in control.checks}
    assert named == {check.id for check in CHECKS}


def test_identifiers_of_checks_and_controls_are_there_once() -> None:
    listed = [entry.id for sheet in load_sheets() for entry in sheet.controls]
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    assert [name for name, count in Counter(check.id for check in CHECKS).items() if count > 1] == []


def test_there_are_as_many_checks_as_promised() -> None:
    assert len(CHECKS) >= 25


def test_controls_support_only_the_layer_above() -> None:
    above = {Layer.RULE: Layer.APPLICABILITY, Layer.APPLICABILITY: Layer.HDS}
    wrong = [
        (control.id, name)
        for control in CONTROLS.values()
        for name in control.supports
        if name not in CONTROLS or CONTROLS[name].layer is not above.get(control.layer)
    ]
    assert wrong == []


def test_every_rule_measures_something_and_supports_something() -> None:
    rules = [control for control in CONTROLS.values() if control.layer is Layer.RULE]
    assert [control.id for control in rules if not (control.checks and control.supports)] == []


def test_nothing_is_attributed_to_hds_that_it_does_not_say() -> None:
    for control in CONTROLS.values():
        if control.layer is Layer.HDS:
            assert not NOT_ASKED_BY_HDS.search(f"{control.title.fr} {control.title.en}"), control.id
        else:
            assert control.authority is not Authority.HDS, control.id
            assert "HDS" not in control.reference and "EXI" not in control.reference, control.id


def test_what_a_guide_recommends_is_not_required() -> None:
    guides = {Authority.ANSSI, Authority.CNIL, Authority.SECNUMCLOUD}
    wrong = [it.id for it in CONTROLS.values() if (it.authority in guides) != (it.force is Force.ADDRESSABLE)]
    assert [name for name in wrong if CONTROLS[name].layer is Layer.RULE] == []


@pytest.mark.parametrize("check", CHECKS, ids=[check.id for check in CHECKS])
def test_a_check_explains_itself(check: Check) -> None:
    assert check.title.fr and check.title.en and check.command
    assert (check.judge.__doc__ or "").strip()
