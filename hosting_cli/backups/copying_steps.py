"""Bring a second copy up to its first, and let go there of what a prune has let go."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Protocol

from hosting_cli.backups.copying import CONFIG, FOLDERS, Difference, Listed, difference
from hosting_cli.backups.places import Pair
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed, Step, proof
from inventory.resource import Json, Subject

AT_ONCE = 4
"""How many objects are under way at once, each whole in memory."""

NAMED = 3
"""How many objects an error names."""

TELL_SECONDS = 1.5


class Way(Protocol):
    """The way from a repository to its second copy."""

    def first(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List *folders* of the first, so that whatever a listed object refers to is listed too."""

    def second(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List *folders* of the second."""

    def dates(self) -> Mapping[str, datetime]:
        """Say when the first took each snapshot for the first time."""

    def is_same_repository(self) -> bool:
        """Tell whether both are one repository, or the second is none yet."""

    def carry(self, name: str) -> str | None:
        """Add an object to the second; say why not, if its content is not what its name promises."""

    def hide(self, name: str) -> None:
        """Hide an object of the second; every version stays until its lock ends."""


def copying(pair: Pair, way: Way, dated: Collection[str], tell: Callable[[str], None]) -> Step:
    """Give the step that adds all that the second copy lacks; what it had is never touched.

    It observes when the first store took each snapshot, but for those that are *dated* on record: a store dates what it
    is sent by the time of the sending, so that nobody could tell it from the copy.
    """
    sentence = f"add to the copy on {pair.second.store} what it lacks"

    def add() -> Observed:
        seen = bring_up(_subject(pair), pair.first.name, way, tell)
        dates: dict[str, Json] = {name: when.isoformat() for name, when in way.dates().items() if name not in dated}
        return {**seen, "snapshots": dates}

    return proof(_subject(pair), sentence, add)


def bring_up(subject: Subject, source: str, way: Way, tell: Callable[[str], None]) -> Observed:
    """Add what *subject*, a copy of *source*, lacks, folder by folder.

    Nothing that refers to a refused object is added, so that the copy stays whole.
    """
    if not way.is_same_repository():
        what = "there is another repository in its place"
        raise RefusedError(str(subject), what, "Nothing was copied. Find out which one is the application's.")
    found = compared(way)
    refused = [f"{name}: unlike what the copy has, or larger than restic makes any" for name in found.unlike]
    counter = _Counter(found, tell)
    for folder in found.lacking:
        if refused:
            break
        refused += _carried(way, folder, counter)
    if refused:
        raise _refusal(subject, source, refused)
    left = compared(way)
    return {"objects": counter.objects, "bytes": counter.size_bytes, "came_meanwhile": left.lacking_objects}


def compared(way: Way, folders: Sequence[str] = FOLDERS) -> Difference:
    """Read what separates the second copy from the first, in *folders*."""
    # The second is listed first: what comes to it meanwhile is then at most sent once more, and never taken for lost.
    second = way.second(folders)
    return difference(way.first(folders), second)


def _carried(way: Way, folder: Sequence[Listed], counter: "_Counter") -> list[str]:
    """Carry the objects of one folder, several at once; give the refusals."""

    def carry(item: Listed) -> str | None:
        refusal = way.carry(item.name)
        counter.add(item)
        return f"{item.name}: {refusal}" if refusal else None

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return [refusal for refusal in pool.map(carry, folder) if refusal]


def _refusal(subject: Subject, source: str, refused: Sequence[str]) -> EngineError:
    more = f" and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    what = f"{len(refused)} objects are not copied: {'; '.join(refused[:NAMED])}{more}"
    remedy = (
        f"The copy is whole as it was before. If somebody wrote over {source}, "
        "bring it back with `hosting backup recover`, then copy again."
    )
    return EngineError(str(subject), what, remedy)


class _Counter:
    """Count what was carried, from several threads, and tell now and then."""

    def __init__(self, found: Difference, tell: Callable[[str], None]) -> None:
        self.objects = 0
        self.size_bytes = 0
        self._found = found
        self._tell = tell
        self._lock = Lock()
        self._told = time.monotonic()

    def add(self, item: Listed) -> None:
        with self._lock:
            self.objects += 1
            self.size_bytes += item.size_bytes
            if time.monotonic() - self._told < TELL_SECONDS:
                return
            self._told = time.monotonic()
            percent = 100 * self.size_bytes // max(1, self._found.lacking_bytes)
            amounts = f"{self.size_bytes >> 20} of {self._found.lacking_bytes >> 20} MiB"
            self._tell(f"{percent} %: {amounts}, {self.objects} of {self._found.lacking_objects} objects")


# -- letting go -------------------------------------------------------------------------------------------------------


def following(
    pair: Pair, way: Way, gone: Iterable[str], dated: Collection[str], tell: Callable[[str], None]
) -> tuple[Step, ...]:
    """Give the steps by which the second copy follows a prune of the first that let the snapshots *gone* go.

    First what the prune has written anew is added, then what it hid is hidden.  Snapshots besides *gone* never are, so
    that whoever empties the first does not empty the second.
    """
    subject, allowed = _subject(pair), frozenset(gone)

    def hide() -> Observed:
        found = compared(way)
        foreign = sorted(set(found.surplus_snapshots) - allowed)
        if foreign:
            names = ", ".join(name[:8] for name in foreign)
            what = f"the first lacks snapshots that no prune has let go: {names}"
            raise RefusedError(str(subject), what, "Nothing was hidden there. Find out who removed them.")
        for folder in reversed(FOLDERS):
            names_there = [name for name in found.surplus if name.startswith(folder)]
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                list(pool.map(way.hide, names_there))
        return {"hidden": len(found.surplus)}

    return (
        copying(pair, way, dated, tell),
        Step(subject, "hide there what the prune hid", hide, lambda: not compared(way).surplus),
    )


# -- keys -------------------------------------------------------------------------------------------------------------

_KEYS = ("keys/",)


def bring_keys(pair: Pair, way: Way) -> Observed:
    """Bring the keys that the second copy lacks there, so that a new password opens it too."""
    items = [item for folder in compared(way, _KEYS).lacking for item in folder]
    refused = [f"{item.name}: {refusal}" for item in items if (refusal := way.carry(item.name))]
    if refused:
        raise _refusal(_subject(pair), pair.first.name, refused)
    return {"keys": len(items)}


def bringing_keys(pair: Pair, way: Way) -> Step:
    """Give the step that sees to it that a new password opens the second copy too, if that was begun."""
    return Step(
        _subject(pair), "bring the new key to the copy", partial(bring_keys, pair, way), lambda: not lacks_keys(way)
    )


def lacks_keys(way: Way) -> bool:
    """Tell whether the second copy was begun, and lacks a key of the first."""
    return bool(way.second((CONFIG,))) and compared(way, _KEYS).lacking_objects > 0


def hiding_keys(pair: Pair, way: Way) -> Step:
    """Give the step that hides the keys that the first shows no more, so that an old password opens neither."""

    def hide() -> Observed:
        names = compared(way, _KEYS).surplus
        for name in names:
            way.hide(name)
        return {"hidden": len(names)}

    return Step(_subject(pair), "hide the key of the first one there", hide, lambda: not compared(way, _KEYS).surplus)


def _subject(pair: Pair) -> Subject:
    return Subject("repository", pair.second.name)
