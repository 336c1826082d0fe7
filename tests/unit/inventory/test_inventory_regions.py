"""Every kind of invalid file gives its exact message and changes nothing; what only looks odd is accepted."""

import errno
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from inventory_edits import TODAY, apply_edits, problems_of, read_cases

from inventory.countries import is_in_eea
from inventory.documents import read_document
from inventory.load import load_catalogue, load_region
from inventory.network import Protocols
from inventory.problems import InventoryError
from inventory.providers import Support
from inventory.shapes import fit


def cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in read_cases(name)]


@pytest.mark.parametrize("case", cases("invalid_regions.yaml"))
def test_what_is_wrong_is_told_exactly(case: dict[str, Any], folder: Path, fingerprint: Callable[[Path], str]) -> None:
    apply_edits(folder, case.get("edits", []))
    before = fingerprint(folder)

    assert problems_of(folder, case.get("today")) == case["problems"]
    assert fingerprint(folder) == before


@pytest.mark.parametrize("case", cases("valid_regions.yaml"))
def test_what_only_looks_odd_is_accepted(case: dict[str, Any], folder: Path) -> None:
    apply_edits(folder, case.get("edits", []))

    assert problems_of(folder, case.get("today")) == []


def test_the_table_is_as_long_as_promised() -> None:
    assert len(read_cases("invalid_regions.yaml")) >= 50


def test_a_region_is_a_frozen_value(folder: Path) -> None:
    region = load_region(folder, TODAY)

    assert [host.id for host in region.hosts] == ["dijon-app-1", "dijon-gateway-1"]
    assert region.applications[0].tiers[0].volumes[0].mount_point == "/srv/imagerie"
    assert region == load_region(folder, TODAY)
    with pytest.raises(ValueError, match="frozen"):
        region.short = "autre"


def test_days_are_not_judged_unless_one_is_given(folder: Path) -> None:
    assert load_region(folder) == load_region(folder, TODAY)
    apply_edits(folder, [{"file": "region.yaml", "old": "valid_from: 2026-04-01", "new": "valid_from: 2029-01-01"}])

    assert load_region(folder).operator.certificate.valid_from == date(2029, 1, 1)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    message = "nowhere:1:1: there is no such folder, a region is a folder of YAML files, give the folder of a region"
    assert problems_of(tmp_path / "nowhere") == [f"{tmp_path}/{message}"]


def test_a_problem_is_also_plain_json(folder: Path) -> None:
    apply_edits(folder, [{"file": "hosts/dijon-app-1.yaml", "old": "role: application", "new": "role: server"}])

    with pytest.raises(InventoryError) as caught:
        load_region(folder)

    (problem,) = caught.value.problems
    assert problem.as_json() == {
        "file": f"{folder}/hosts/dijon-app-1.yaml",
        "line": 8,
        "column": 7,
        "what": '"server" is not a value of role',
        "why": "it is one of application, gateway",
        "remedy": "write one of them",
    }
    assert str(caught.value) == str(problem)


def test_a_folder_that_cannot_be_entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if Path(path) == folder / "members":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    assert problems_of(folder)[-1] == (
        "members:1:1: the folder cannot be read, the system says Permission denied, make it readable"
    )


def test_the_catalogue_is_judged_like_any_file() -> None:
    text = b"protocols:\n  - {code: F-X, name: x, transport: icmp, ports: [0, 65536], encrypted: 'yes'}\n  - x\n"
    document, _ = read_document("protocols.yaml", text)
    assert document is not None

    assert [str(problem) for problem in sorted(fit(document, Protocols)[1])] == [
        'protocols.yaml:2:37: "icmp" is not a transport, it is tcp or udp, write it like tcp',
        "protocols.yaml:2:51: 0 is too small, each of ports must be greater than 0, write another number",
        "protocols.yaml:2:54: 65536 is too large, each of ports must be less than 65536, write another number",
        'protocols.yaml:2:73: "yes" is text, encrypted is a truth value, write true or false without quotes',
        'protocols.yaml:3:5: "x" is text, each of protocols consists of keys and values, write key: value lines',
    ]


def test_the_catalogue_of_this_package_is_in_order() -> None:
    catalogue = load_catalogue()

    assert {profile.value.id for profile in catalogue.profiles} >= {"imaging-exchange", "tele-stroke"}
    codes = [protocol.code for protocol in catalogue.protocols.value.protocols]
    assert len(codes) == len(set(codes))


def test_what_a_product_is_said_to_have_and_nothing_here_would_set_is_no_product_of_ours() -> None:
    providers = [place.value for place in load_catalogue().providers]
    assert {provider.id for provider in providers if provider.is_provisioned} == {"seaweedfs", "ceph-rgw"}
    assert [provider.id for provider in providers if provider.is_provisioned and provider.has("quota")] == ["seaweedfs"]


def test_only_places_in_the_eea_are_taken_for_certified() -> None:
    places = [
        place for provider in load_catalogue().providers if (offer := provider.value.offer) for place in offer.locations
    ]
    certified = {place.id: place.country for place in places if place.hds.support is Support.SUPPORTED}
    assert certified == {"fr-par": "FR"}
    assert all(is_in_eea(country) for country in certified.values())


def test_every_continuity_class_is_described_and_each_promises_less_than_the_one_before() -> None:
    classes = load_catalogue().continuity.value.classes
    assert [item.code for item in classes] == ["C0", "C1", "C2", "C3", "C4"]
    for name, order in (("rto_minutes", 1), ("rpo_minutes", 1), ("availability_percent", -1)):
        values = [order * getattr(item, name) for item in classes]
        assert values == sorted(values)
