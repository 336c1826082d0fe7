"""What the age of a key calls for, with the reason: in order, due, overdue, disabled or unknown.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hosting_cli.journal import timestamp
from hosting_cli.keys.values import Key
from inventory.key_policy import KeyKind, KeyLimit, KeyPolicy
from inventory.resource import Json

SHARE_OF_NOTICE = 3
"""A notice is a third of a key's life at most: what serves for 30 days is not due on the day on which it is made."""


class KeyState(StrEnum):
    """What a key's age calls for; what is not known is never in order."""

    IN_ORDER = "in order"
    DUE = "due"
    OVERDUE = "overdue"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judged:
    """A key, the limit that it is held against, and what came of that."""

    key: Key
    limit: KeyLimit
    age_days: int | None
    state: KeyState
    reason: str

    @property
    def ends_at(self) -> datetime | None:
        """Say when it may serve no longer: at its limit or at its own end, whichever comes first."""
        return None if self.key.made_at is None else _end(self.key, self.key.made_at, self.limit)[0]

    def to_json(self) -> dict[str, Json]:
        """Give everything that is known, for programs."""
        key = self.key
        return {
            "state": self.state.value,
            "kind": key.kind.value,
            "name": key.name,
            "owner": key.owner,
            "age_days": self.age_days,
            "limit_days": self.limit.days,
            "limit_source": self.limit.source,
            "reason": self.reason,
            "made_at": _written(key.made_at),
            "rotated_at": _written(key.rotated_at),
            "expires_at": _written(key.expires_at),
            "ends_at": _written(self.ends_at),
            "version": key.version,
            "lowest_version": key.lowest_version,
            "wrapped_by": key.wrapped_by,
            "wrapped_version": key.wrapped_version,
        }


def judge(keys: Iterable[Key], policy: KeyPolicy, now: datetime) -> tuple[Judged, ...]:
    """Hold every key against the limit of its kind, the worst first."""
    known = tuple(keys)
    latest = {key.name: key.version for key in known if key.kind is KeyKind.TRANSIT_KEY and key.version}
    judged = [_judged(key, policy, latest, now) for key in known]
    return tuple(sorted(judged, key=lambda item: (_ORDER.index(item.state), item.key.kind, item.key.name)))


def _judged(key: Key, policy: KeyPolicy, latest: Mapping[str, int], now: datetime) -> Judged:
    limit = policy.limits.of(key.kind)
    age_days = None if key.made_at is None else max(0, (now - key.made_at).days)
    state, reason = _state(key, limit, policy.notice_days, latest, now)
    return Judged(key, limit, age_days, state, reason)


def _state(
    key: Key, limit: KeyLimit, notice_days: int, latest: Mapping[str, int], now: datetime
) -> tuple[KeyState, str]:
    if key.disabled:
        return KeyState.DISABLED, "nothing that it wraps can be read until it is enabled"
    if key.former:
        return KeyState.DUE, "it verifies what it issued: --retire when that has ended"
    if key.made_at is None:
        return KeyState.UNKNOWN, key.unknown or "nobody recorded when it was made"
    end, why = _end(key, key.made_at, limit)
    if now >= end:
        return KeyState.OVERDUE, f"since {end.date()}: {why}"
    if now >= end - min(timedelta(days=notice_days), (end - key.made_at) / SHARE_OF_NOTICE):
        return KeyState.DUE, f"on {end.date()}: {why}"
    unfinished = _unfinished(key, latest)
    return (KeyState.DUE, unfinished) if unfinished else (KeyState.IN_ORDER, "")


def _end(key: Key, made_at: datetime, limit: KeyLimit) -> tuple[datetime, str]:
    """Say when a key that was made then may serve no longer, and why."""
    ends = made_at + timedelta(days=limit.days)
    if key.expires_at is not None and key.expires_at < ends:
        return key.expires_at, "its own end"
    return ends, f"{limit.days} days are its limit ({limit.source})"


def _unfinished(key: Key, latest: Mapping[str, int]) -> str:
    """Say which rotation has left *key* behind, if one has."""
    if _is_wrapped_late(key, latest):
        newest = latest[str(key.wrapped_by)]
        return f"wrapped by version {key.wrapped_version} of {key.wrapped_by}, of which there is {newest}"
    return f"one of {key.beside + 1}: rotate it, and all but the one in use end" if key.beside else ""


def _is_wrapped_late(key: Key, latest: Mapping[str, int]) -> bool:
    newest = latest.get(key.wrapped_by or "")
    return newest is not None and key.wrapped_version is not None and key.wrapped_version < newest


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


_ORDER = (KeyState.OVERDUE, KeyState.UNKNOWN, KeyState.DISABLED, KeyState.DUE, KeyState.IN_ORDER)
