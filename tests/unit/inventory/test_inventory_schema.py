"""The schemas that editors use say what the models say, about the shape of a file."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inventory_edits import HERE, SAMPLE

from inventory.documents import LOADER, read_document
from inventory.folder import CATALOGUE, FOLDERS
from inventory.identifiers import finess_key, luhn_key
from inventory.schema import FILES, FOLDER, render, schemas
from inventory.shapes import fit

ONE_EACH = (*FOLDERS, "profiles", "providers")
SCHEMAS = {folder: folder.removesuffix("s") for folder in ONE_EACH} | {"controls": "controls"}
"""The schema of the files of a folder; of any other file it is the one of its name."""

EXAMPLES = {
    "environment": HERE / "environment.yaml",
    "region": SAMPLE / "region.yaml",
    "network": SAMPLE / "network.yaml",
    "host": SAMPLE / "hosts" / "dijon-app-1.yaml",
    "member": SAMPLE / "members" / "hospices-civils-de-beaune.yaml",
    "application": SAMPLE / "applications" / "imagerie-beaune.yaml",
    "statement": SAMPLE / "statements" / "contrat-type.yaml",
    "exclusion": SAMPLE / "exclusions" / "developpement-externalise.yaml",
    "waiver": HERE / "waiver.yaml",
    "controls": CATALOGUE / "controls" / "rules.yaml",
    "protocols": CATALOGUE / "protocols.yaml",
    "continuity": CATALOGUE / "continuity.yaml",
    "provider": CATALOGUE / "providers" / "scaleway.yaml",
    "profile": CATALOGUE / "profiles" / "tele-stroke.yaml",
}

# Numbers and texts that are near what some key wants, and right by their check digits: those are not a shape.
NEAR = [
    *(None, True, False, 0, 1, -1, 65535, 65536, 1 << 20, (1 << 20) + 1, 1.5),
    *("", " ", "x", "X", "a-b", "a--b", "-a", "a" * 8, "a" * 9, "a" * 24, "a" * 25, "a" * 32, "a" * 33, "a" * 64),
    *("21001217" + finess_key("21001217"), "2A000001" + finess_key("2A000001"), "123", "2C0000014"),
    *("20004782" + luhn_key("20004782"), "2000478270001" + luhn_key("2000478270001"), "12345678901234567890"),
    *("21200", "2120", "FR", "fr", "C1", "C5", "F-DCMT", "F-dcmt", "tcp", "sctp", "seaweedfs", "minio"),
    *(
        "2029-03-31",
        "2029-3-31",
        "20290331",
        "31/03/2029",
        "10.21.10.0/24",
        "10.21.10.0",
        "10.21.10.0/33",
        "10.0.0.256/8",
    ),
    *(
        "10.0.0.1",
        "10.0.0",
        "eth0",
        "Eth0",
        "e",
        "/srv/x",
        "/srv/",
        "/var/x",
        "/srv/X",
        "/dev/vdb",
        "/dev/disk/by-id/x",
    ),
    *(
        "a@b.example",
        "a@b",
        "ab",
        "+33 3 53 01 00 10",
        "0353",
        "phone",
        "*-*-* 02:30",
        "daily",
        "monthly",
        "Fri..Mon 02:30",
    ),
    *(
        "Mon..Fri 00/4:15",
        "25:00",
        "production",
        "prod",
        "D3",
        "D4",
        "ext4",
        "compliance",
        "lab",
        "backup",
        "datacentre",
    ),
    *(
        "https://a.example:1",
        "http://a.example",
        "https://u:p@a.example",
        "https://a/b",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAA",
    ),
    *("~/ca.pem", "/ca.pem", "tier:app", "two\nlines", "a\x1bb"),
    *([], ["backup"], ["x"], ["10.21.0.0/16"], ["a", "a"], {}, {"id": "a"}, [{}], [{"id": "a"}]),
]


@cache
def documents() -> dict[str, Any]:
    texts = {name: path.read_text(encoding="utf-8") for name, path in EXAMPLES.items()}
    return {name: dates_as_text(yaml.load(text, Loader=LOADER)) for name, text in texts.items()}  # noqa: S506


@cache
def generated() -> dict[str, Any]:
    return schemas()


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(generated()[name])


def is_accepted_by_model(name: str, tree: Any) -> bool:
    document, problems = read_document(name, json.dumps(tree).encode())
    return not problems and document is not None and fit(document, FILES[name])[0] is not None


@pytest.mark.parametrize("name", FILES)
def test_a_checked_in_schema_is_the_generated_one(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")

    assert text == render(generated()[name]), "write them anew: python -m inventory.schema"


def test_no_other_schema_is_checked_in() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_example_is_accepted_by_both(name: str) -> None:
    validator(name).check_schema(generated()[name])

    assert list(validator(name).iter_errors(documents()[name])) == []
    assert is_accepted_by_model(name, documents()[name])


@pytest.mark.parametrize("name", FILES)
def test_a_key_too_many_or_too_few_is_refused_by_both(name: str) -> None:
    for change in ({"oops": 1}, *({key: None} for key in documents()[name])):
        tree = {key: value for key, value in {**documents()[name], **change}.items() if value is not None}
        assert validator(name).is_valid(tree) == is_accepted_by_model(name, tree), change


@given(st.sampled_from(list(FILES)), st.randoms(use_true_random=False), st.sampled_from(NEAR))
def test_both_accept_the_same(name: str, random: Any, value: Any) -> None:
    tree = deepcopy(documents()[name])
    holder, key = random.choice(places(tree))
    holder[key] = deepcopy(value)

    assert validator(name).is_valid(tree) == is_accepted_by_model(name, tree), (key, value)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """List every place of a tree whose value can be replaced."""
    found = []
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        found.append((tree, key))
        if isinstance(tree[key], dict | list):
            found += places(tree[key])
    return found


def dates_as_text(tree: Any) -> Any:
    """Copy what PyYAML read as editors have it: days are text."""
    match tree:
        case dict():
            return {key: dates_as_text(value) for key, value in tree.items()}
        case list():
            return [dates_as_text(item) for item in tree]
    return tree if isinstance(tree, bool | int | float | str | None) else str(tree)


def test_the_sample_points_editors_at_its_schemas() -> None:
    for path in [*SAMPLE.rglob("*.yaml"), *CATALOGUE.rglob("*.yaml")]:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        target = Path(path.parent / first.partition("=")[2]).resolve()
        folder = path.parent.name
        assert target == FOLDER / f"{SCHEMAS.get(folder, path.stem)}.json"
