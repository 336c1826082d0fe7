"""What steps of runbooks can name: looks, which only read, and acts, which change something.

They stand in ``runbooks/actions``, which imports from here and is handed over by ``app`` as a catalogue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hosting_cli.runbooks.sheet import Kind
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.session import Session

Values: TypeAlias = Mapping[str, str]
"""Arguments of a call by their names, resolved."""

Pinned: TypeAlias = Mapping[str, Json]
"""What an act is to be done to, as it was read when the run was asked for: approval is for that and nothing else."""

Commands: TypeAlias = Callable[[Values], tuple[str, ...]]
"""What people would type for the same, to be shown before anything is done."""

Record: TypeAlias = Callable[[str, Mapping[str, Json]], object]


@dataclass(frozen=True)
class Seen:
    """Whether what was looked for holds, and what was seen; never a secret."""

    holds: bool
    observed: Mapping[str, Json]


@dataclass(frozen=True)
class Occasion:
    """In what an act is carried out: what it was pinned to, how long it may take, and where it tells and records."""

    digest: str
    pinned: Pinned
    timeout_seconds: int
    record: Record
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Look:
    """Something read; raises what doors raise when it cannot see, which is never the same as *does not hold*."""

    name: str
    says: str
    takes: Mapping[str, Kind]
    commands: Commands
    look: "Callable[[Session, Values, Pinned], Seen]"


@dataclass(frozen=True)
class Act:
    """Something done; safe to begin again after a kill at any moment, and raises ``HostingError`` when it fails."""

    name: str
    says: str
    takes: Mapping[str, Kind]
    commands: Commands
    act: "Callable[[Session, Values, Occasion], Mapping[str, Json]]"
    pin: "Callable[[Session, Values], Pinned] | None" = None


Action: TypeAlias = Look | Act
Catalogue: TypeAlias = Mapping[str, Action]


def catalogue(*actions: Action) -> Catalogue:
    """Give *actions* by their names."""
    return {action.name: action for action in actions}
