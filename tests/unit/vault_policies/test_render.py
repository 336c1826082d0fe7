import re
from itertools import pairwise
from pathlib import Path

import pytest

from inventory.load import load_region
from inventory.models import Region
from vault_policies import render
from vault_policies.mark import Mark, mark_of
from vault_policies.paths import entries_of, too_dangerous_to_try, vault_paths_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region(ROOT / "inventory" / "regions" / "bourgogne-franche-comte")


@pytest.mark.parametrize(
    ("template", "values", "problem"),
    [
        ('path "{{key}}" {}', {}, "differ in: key"),
        ('path "x" {}', {"key": "a"}, "differ in: key"),
        ("{{a}} {{b}}", {"a": "x", "c": "y"}, "differ in: b, c"),
        ("{{key}}", {"key": 'a" { capabilities = ["sudo"] } path "b'}, "not an identifier"),
        ("{{key}}", {"key": "*"}, "not an identifier"),
        ("{{key}}", {"key": "+"}, "not an identifier"),
        ("{{key}}", {"key": "a/b"}, "not an identifier"),
        ("{{key}}", {"key": "a\nb"}, "not an identifier"),
        ("{{key}}", {"key": "a\n"}, "not an identifier"),
        ("{{key}}", {"key": ""}, "not an identifier"),
        ("{{key}}", {"key": "-a"}, "not an identifier"),
        ("{{key}}", {"key": "A"}, "not an identifier"),
        ("{{key}}", {"key": "{{key}}"}, "not an identifier"),
    ],
)
def test_what_does_not_fit_exactly_is_refused(template: str, values: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        render.render(template, values)


def test_values_take_the_place_of_their_names() -> None:
    assert render.render("{{a}}/{{b_c}}/{{a}}", {"a": "x", "b_c": "y-1"}) == "x/y-1/x"


def test_a_policy_says_whose_it_is(region: Region) -> None:
    application = region.applications[0]
    text = render.application_host(region, application, "dijon-app-1")
    assert mark_of(text) == Mark(region.id, application.id)
    for text in render.platform_policies(region).values():
        assert mark_of(text) == Mark(region.id, "platform")


def test_the_policies_of_people_are_nobodys_that_a_plan_could_delete() -> None:
    assert {mark_of(text) for text in render.people().values()} == {None}


def test_the_store_may_use_exactly_the_keys_of_buckets(region: Region) -> None:
    text = render.platform_policies(region)["hosting-s3-kms"]
    keys = set(re.findall(r'path "transit/decrypt/([^"]+)"', text))
    of_platform = {"hosting-platform-evidence", "hosting-platform-logs", render.PROBE_KEY}
    assert keys == {"hosting-imagerie-beaune-objects", "hosting-imagerie-beaune-backups", *of_platform}
    assert "*" not in text
    assert set(re.findall(r"capabilities = (\[.*\])", text)) == {'["update"]', '["read"]'}


def test_the_neighbour_is_an_application_like_any_other_that_cannot_exist(region: Region) -> None:
    from pydantic import ValidationError

    probe = render.platform_policies(region)["hosting-neighbour-probe"]
    own = render.application_host(region, region.applications[0], "dijon-app-1")
    paths = [re.findall(r'path "([^"]+)"', text) for text in (probe, own)]
    assert len(paths[0]) == len(paths[1])
    assert {path for path in paths[0] if "token" not in path} & {
        path for path in paths[1] if "token" not in path
    } == set()
    with pytest.raises(ValidationError):
        type(region.applications[0]).model_validate(region.applications[0].model_dump() | {"id": render.NEIGHBOUR})


@pytest.mark.parametrize("path", sorted((ROOT / "vault_policies").glob("*.hcl")), ids=lambda path: path.stem)
def test_a_policy_says_whose_it_is_and_of_every_grant_why(path: Path) -> None:
    first, *rest = path.read_text().splitlines()
    assert first.startswith("# ")
    unexplained = [line for above, line in pairwise(rest) if line.startswith("path ") and not is_a_reason(above)]
    assert unexplained == []


def is_a_reason(line: str) -> bool:
    return line.startswith("# ") and not line.startswith("# --")


def test_sudo_is_for_mounting_the_auth_method_for_looks_and_for_stopping_things_and_nothing_allows_everything() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "vault_policies").glob("*.hcl"))
    granted = re.findall(r'path "([^"]+)" \{\n  capabilities = \[([^\]]+)\]', text)
    assert {path for path, capabilities in granted if "sudo" in capabilities} == {
        "sys/auth/approle",
        "sys/audit",  # a look at where to, and none at what stands there
        "sys/seal",  # this one and the next: behind glass
        "auth/token/accessors",  # a list of those by which tokens are told, and with which nobody can do what they can
    }
    assert not [path for path, _ in granted if path in {"*", "+/*", "sys/*", "kv/*", "transit/*", "auth/*"}]


def test_without_scan_the_policies_fit_hashicorp_vault() -> None:
    assert '"scan"' in "".join(render.people().values())
    assert '"scan"' not in "".join(render.people(scan=False).values())


# -- marks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        'path "x" {}',
        "# a comment\n",
        "# managed-by=hosting region=bfc\n",
        "# managed-by=somebody region=bfc owner=x\n",
        "managed-by=hosting region=bfc owner=x\n",
        "\n# managed-by=hosting region=bfc owner=x\n",
    ],
)
def test_what_is_not_marked_in_its_first_line_is_not_ours(text: str) -> None:
    assert mark_of(text) is None


def test_a_mark_is_read_as_it_is_written() -> None:
    mark = Mark("bfc", "an-app")
    assert mark_of(mark.line() + "anything") == mark
    assert Mark.of(mark.attributes() | {"more": "x"}) == mark


# -- paths --------------------------------------------------------------------------------------------------------


def test_the_paths_of_an_application_cover_every_entry_key_and_role(region: Region) -> None:
    application = region.applications[0]
    attempts = vault_paths_of(region, application)
    paths = {path for _, path, _ in attempts}
    assert len(paths) > 80
    for entry in entries_of(application):
        assert {f"kv/{verb}/hosting/{entry}" for verb in ("data", "metadata", "delete", "undelete", "destroy")} <= paths
    for purpose in ("objects", "volumes", "backups"):
        verbs = ("encrypt", "decrypt", "rewrap", "datakey/plaintext", "export/encryption-key", "keys", "backup")
        assert {f"transit/{verb}/hosting-{application.id}-{purpose}" for verb in verbs} <= paths
    assert f"auth/approle/role/hosting-{application.id}-dijon-app-1/secret-id" in paths


def test_no_attempt_deletes(region: Region) -> None:
    application = region.applications[0]
    assert {method for method, _, _ in vault_paths_of(region, application)} == {"GET", "POST", "LIST", "SCAN"}
    assert any(path.endswith("/soft-delete") for path in too_dangerous_to_try(application))


def test_entries_are_those_of_this_application_only(region: Region) -> None:
    application = region.applications[0]
    assert {entry.split("/")[0] for entry in entries_of(application)} == {application.id}
