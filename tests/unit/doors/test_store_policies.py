import json

import pytest

from hosting_cli import store_policies
from inventory.load import load_catalogue
from inventory.providers import PlainRequest


def statements(policy: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(policy)["Statement"]
    return found


@pytest.mark.parametrize(
    "policy",
    [
        store_policies.tls_only("b"),
        store_policies.tls_only("b", tuple(PlainRequest)),
        store_policies.data_user(["b", "a"]),
        store_policies.backup_user("b", ["h2", "h1"]),
        store_policies.prune_user("b"),
    ],
)
def test_a_policy_is_canonical_from_the_start(policy: str) -> None:
    assert store_policies.canonical(policy) == policy
    assert store_policies.canonical(json.dumps(json.loads(policy), indent=4)) == policy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"Statement":[{"Action":["a"]}]}', '{"Statement":[{"Action":"a"}]}'),
        ('{"Statement":[{"Resource":["b","a"]}]}', '{"Statement":[{"Resource":["a","b"]}]}'),
        ('{"Version":"1","Statement":[]}', '{"Statement":[],"Version":"1"}'),
    ],
    ids=["one without brackets", "order of a set", "order of names"],
)
def test_what_stores_give_back_otherwise_is_the_same(one: str, other: str) -> None:
    assert store_policies.canonical(one) == store_policies.canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"Statement":[{"Action":["a"]}]}', '{"Statement":[{"Action":"*"}]}'),
        ('{"Statement":[{"Effect":"Deny"},{"Effect":"Allow"}]}', '{"Statement":[{"Effect":"Allow"}]}'),
    ],
)
def test_what_means_something_else_is_not_the_same(one: str, other: str) -> None:
    assert store_policies.canonical(one) != store_policies.canonical(other)


def test_a_data_user_reaches_exactly_its_buckets() -> None:
    policy = store_policies.data_user(["bfc-app-b", "bfc-app-a"])
    resources = {resource for item in statements(policy) for resource in item["Resource"]}  # type: ignore[attr-defined]
    assert resources == {f"arn:aws:s3:::bfc-app-{name}{end}" for name in "ab" for end in ("", "/*")}
    assert {item["Effect"] for item in statements(policy)} == {"Allow"}
    assert "s3:*" not in policy


def test_a_backup_user_deletes_locks_only_and_no_version() -> None:
    policy = store_policies.backup_user("b", ["h1", "h2"])
    deleting = [item for item in statements(policy) if "Delete" in json.dumps(item["Action"])]
    locks = ["arn:aws:s3:::b/h1/locks/*", "arn:aws:s3:::b/h2/locks/*"]
    assert [(item["Action"], item["Resource"]) for item in deleting] == [("s3:DeleteObject", locks)]


def test_whoever_prunes_touches_no_version_and_no_retention() -> None:
    policy = store_policies.prune_user("b")
    assert "DeleteObjectVersion" not in policy
    assert not {"Retention", "LegalHold", "Lifecycle", "Bypass", "s3:*"} & set(policy.split('"'))
    assert {item["Resource"] for item in statements(policy)} == {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}


def test_whoever_adds_to_the_evidence_removes_and_hides_nothing() -> None:
    policy = store_policies.evidence_user("b")
    actions = {action for item in statements(policy) for action in item["Action"]}
    assert {action for action in actions if not action.startswith(("s3:Get", "s3:List"))} == {"s3:PutObject"}
    assert {item["Resource"] for item in statements(policy)} == {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}


def test_each_product_is_told_in_words_that_it_understands() -> None:
    shown = {place.value.id: place.value.plain_requests for place in load_catalogue().providers}
    assert [item["Condition"] for item in statements(store_policies.tls_only("b", shown["seaweedfs"]))] == [
        {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert len(statements(store_policies.tls_only("b", shown["ceph-rgw"]))) == 2
