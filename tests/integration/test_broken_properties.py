"""Five properties of the engines are broken one at a time: a report names each alone, a plan mends it, and its history
shows both.  Those of hosts need hosts: tests/acceptance/test_broken_properties_on_hosts.py.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lab_commands import OFFICER, run, session_of, without_machines
from reporting import Property, Reports

from hosting_cli.lab.laboratory import Lab
from inventory import naming

APPLICATION, STORE = "imagerie-beaune", "dijon-objects"
IMAGES, LOGS = "bfc-imagerie-beaune-images", "bfc-platform-logs"
KEY, ROLE = naming.transit_key(APPLICATION, "objects"), naming.host_role(APPLICATION, "dijon-app-1")
UNREAD_HOSTS = 4
"""How an apply ends here, where no host answers: what it was to do on engines is done."""


@dataclass(frozen=True)
class Hosting:
    """A lab of engines, its reports, and the ways past everything of ours: as those who hold the first credentials."""

    lab: Lab
    reports: Reports

    def as_root(self, path: str, body: dict[str, Any]) -> None:
        self.lab.vault._request("POST", path, body, token=self.lab.vault.root_token())

    @property
    def s3(self) -> Any:
        return session_of(self.lab).stores[STORE]._client.s3


def apply(lab: Lab) -> None:
    """Do what the files ask for: planned, approved by a second person, applied."""
    planned = run(lab, "plan")[1]["data"]["plan"]["digest"]
    assert run(lab, "approve", planned, person=OFFICER)[0] == 0
    assert run(lab, "apply", planned)[0] == UNREAD_HOSTS


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosting]:
    folder = tmp_path_factory.mktemp("broken")
    with without_machines(folder) as lab:

        def told(*arguments: str) -> tuple[int, dict[str, Any]]:
            status, answer = run(lab, *arguments)
            return status, answer["data"]

        apply(lab)
        yield Hosting(lab, Reports(told, folder))


def deletable_key(hosting: Hosting) -> None:
    hosting.as_root(f"{naming.TRANSIT_MOUNT}/keys/{KEY}/config", {"deletion_allowed": True})


def identity_from_anywhere(hosting: Hosting) -> None:
    hosting.as_root(f"auth/approle/role/{ROLE}", {"secret_id_bound_cidrs": [], "token_bound_cidrs": []})


def another_key_for_a_bucket(hosting: Hosting) -> None:
    held = hosting.s3.get_bucket_encryption(Bucket=IMAGES)["ServerSideEncryptionConfiguration"]
    other = json.loads(json.dumps(held).replace(KEY, naming.transit_key(APPLICATION, "backups")))
    assert other != held
    hosting.s3.put_bucket_encryption(Bucket=IMAGES, ServerSideEncryptionConfiguration=other)


def no_policy(hosting: Hosting) -> None:
    hosting.s3.delete_bucket_policy(Bucket=IMAGES)


def shorter_logs(hosting: Hosting) -> None:
    held = hosting.s3.get_object_lock_configuration(Bucket=LOGS)["ObjectLockConfiguration"]
    held["Rule"]["DefaultRetention"]["Days"] = 7
    hosting.s3.put_object_lock_configuration(Bucket=LOGS, ObjectLockConfiguration=held)


IN_VAULT, IN_STORE = ("vault",), (f"object-store {STORE}",)

BREAKS: dict[str, tuple[Callable[[Hosting], None], Property]] = {
    "a key that could be deleted": (
        deletable_key,
        Property(check="key.kept-in-vault", subject=f"transit-key {KEY}", drifted=IN_VAULT),
    ),
    "an identity that works from anywhere": (
        identity_from_anywhere,
        Property(check="vault.identities-bound", subject=f"app-role {ROLE}", drifted=IN_VAULT),
    ),
    "a bucket under another key": (
        another_key_for_a_bucket,
        Property(check="bucket.encrypted", subject=f"bucket {IMAGES}", drifted=IN_STORE),
    ),
    "a bucket that takes plain requests": (
        no_policy,
        Property(check="bucket.private", subject=f"bucket {IMAGES}", drifted=IN_STORE),
    ),
    "logs that are locked for a week": (
        shorter_logs,
        Property(check="logs.retention", subject=f"bucket {LOGS}", drifted=IN_STORE),
    ),
}


@pytest.mark.parametrize(("by", "broken"), BREAKS.values(), ids=BREAKS)
def test_what_is_broken_on_an_engine_is_named_alone_and_a_plan_mends_it(
    hosting: Hosting, by: Callable[[Hosting], None], broken: Property
) -> None:
    try:
        hosting.reports.must_name(broken, lambda: by(hosting))
    finally:
        hosting.reports.mend(broken, lambda: apply(hosting.lab))


def test_what_was_broken_on_engines_is_whole_and_in_the_history(hosting: Hosting) -> None:
    hosting.reports.must_be_as_before()
    assert len(hosting.reports.broken) == len(BREAKS)
