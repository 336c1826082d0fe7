"""Something happens right after a change: the run dies there, or the vault is sealed under it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session

from hosting_cli.doors.restic import Restic
from hosting_cli.doors.vault_client import VaultClient


class Killed(BaseException):
    """Stand in for SIGKILL: nothing catches it."""


@dataclass(frozen=True)
class Ways:
    """The one method by which changes reach an engine, and which of its calls are changes."""

    owner: Any
    method: str
    is_change: Callable[..., bool]


def _changes_the_vault(client: VaultClient, method: str, path: str, *rest: object) -> bool:
    kept = ("kv/", "pki/", "ssh/", "transit/keys/", "auth/approle/role/")
    return method in {"POST", "DELETE"} and path.startswith(kept) and not path.endswith("/lookup")


def _changes_a_repository(restic: Restic, arguments: list[str], *rest: object) -> bool:
    return arguments[0] == "key" and arguments[1] != "list"


def _changes_the_store(session: URLLib3Session, request: Any) -> bool:
    asked = str(request.body)
    is_reading = "Action=List" in asked or "Action=Get" in asked
    return request.method in {"PUT", "POST", "DELETE"} and not is_reading


def is_any(*_: object) -> bool:
    """Take every call for a change."""
    return True


VAULT = Ways(VaultClient, "raw", _changes_the_vault)
REPOSITORY = Ways(Restic, "_start", _changes_a_repository)
STORE = Ways(URLLib3Session, "send", _changes_the_store)


@contextmanager
def after_change(number: int, act: Callable[[], object], *ways: Ways) -> Iterator[None]:
    """Do *act* once, as soon as change *number* has gone through by one of *ways*, and before anybody is answered."""
    left = [number]

    def watched(way: Ways) -> Callable[..., Any]:
        call = getattr(way.owner, way.method)

        def called(*arguments: Any, **options: Any) -> Any:
            found = call(*arguments, **options)
            if left[0] and way.is_change(*arguments):
                left[0] -= 1
                if not left[0]:
                    act()
            return found

        return called

    with pytest.MonkeyPatch.context() as patched:
        for way in ways:
            patched.setattr(way.owner, way.method, watched(way))
        yield


@contextmanager
def dying_after(number: int, *ways: Ways) -> Iterator[None]:
    """Die as soon as so many changes have gone through by one of *ways*."""
    with after_change(number, _die, *ways):
        yield


def _die() -> None:
    raise Killed
