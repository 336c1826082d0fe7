"""Carry a recovery out: the steps that bring one repository back, and which leave nothing half done when killed."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from hosting_cli.backups.places import Place
from hosting_cli.backups.recovery import PutBack, Recovery, recovery
from hosting_cli.backups.stored import StoredObject
from hosting_cli.procedure import Observed, Step
from inventory.resource import Subject

AT_ONCE = 8

Item = TypeVar("Item")


class Remembering(Protocol):
    """What the steps ask of an object store."""

    def stored_objects(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        """List every object with all of its versions."""

    def put_back(self, bucket: str, name: str, version: str, *, sha256: str | None) -> None:
        """Put an older version on top again."""

    def hide_object(self, bucket: str, name: str) -> None:
        """Hide an object."""


def needed(place: Place, store: Remembering, moment: datetime) -> Recovery:
    """Read what separates a repository from what it was at *moment*."""
    return recovery(store.stored_objects(place.bucket, place.prefix), moment)


def steps(place: Place, store: Remembering, moment: datetime) -> tuple[Step, ...]:
    """Give the steps for one repository: first what was there comes back, then what came later goes."""
    subject, when = Subject("repository", place.name), f"{moment:%Y-%m-%d %H:%M:%S %Z}"

    def back(item: PutBack) -> None:
        store.put_back(place.bucket, place.prefix + item.name, item.version, sha256=item.sha256)

    def hide(name: str) -> None:
        store.hide_object(place.bucket, place.prefix + name)

    def put_back() -> Observed:
        return {"put_back": _each(back, needed(place, store, moment).put_back)}

    def hide_later() -> Observed:
        return {"hidden": _each(hide, needed(place, store, moment).hide)}

    return (
        Step(subject, f"put back what it held at {when}", put_back, lambda: not needed(place, store, moment).put_back),
        Step(subject, f"hide what came after {when}", hide_later, lambda: not needed(place, store, moment).hide),
    )


def _each(work: Callable[[Item], None], items: Iterable[Item]) -> int:
    """Do *work* on every item, several at once; give how many.  Raise what the first failure raised."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return len(list(pool.map(work, items)))
