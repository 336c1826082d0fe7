"""What every resource has in common: a kind, a name, an owner, prerequisites, and a state that can be compared.

The same type says what should be and what is: ``desired`` builds it from the region's files, a door builds it from
what it saw.  Two resources are equal when their names and states are, which a test holds every kind to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import ClassVar, TypeAlias, cast

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

PLATFORM = "platform"
"""The owner of what no single application owns."""


@dataclass(frozen=True, order=True)
class Subject:
    """What a change, a record or an error is about: a kind of resource and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Give the form that people read and pyinfra's operations are named by."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing that the hosting owns on an engine or a host.

    ``source`` names the one outside system that it is read from (``vault``, ``object-store <id>``, ``host <id>``).
    A ``data_bearing`` resource is never deleted or replaced by a plan (design: what may never break, 8).
    An attribute in ``immutable`` cannot be changed in place: another value means to replace the resource, which for
    a data-bearing one is a conflict that a person must solve.  One in ``growing`` can only become more in place.
    ``remedies`` say how a person solves the conflict of an attribute, where there is a command for it.
    """

    kind: ClassVar[str]
    data_bearing: ClassVar[bool] = False
    immutable: ClassVar[frozenset[str]] = frozenset()
    growing: ClassVar[frozenset[str]] = frozenset()
    remedies: ClassVar[Mapping[str, str]] = {}

    name: str
    owner: str
    requires: tuple[Subject, ...] = field(default=(), compare=False, metadata={"state": False})

    @property
    def subject(self) -> Subject:
        """Name this resource."""
        return Subject(self.kind, self.name)

    @property
    def source(self) -> str:
        """Name the outside system that this resource is read from."""
        raise NotImplementedError

    def state(self) -> dict[str, Json]:
        """Give the attributes that are compared, as plain JSON; never a secret, never a long content."""
        return {
            attribute.name: plain(getattr(self, attribute.name))
            for attribute in fields(self)
            if attribute.metadata.get("state", True) and attribute.name != "name"
        }

    @classmethod
    def fixed(cls, before: dict[str, Json], after: dict[str, Json]) -> list[str]:
        """Name the attributes in which two states differ and which cannot be changed in place."""
        differing = {name for name in cls.immutable if before.get(name) != after.get(name)}
        shrinking = {name for name in cls.growing if cast("int", before[name]) > cast("int", after[name])}
        return sorted(differing | shrinking)


@dataclass(frozen=True)
class Reading:
    """What a door saw of one source, and when; ``resources`` is ``None`` when it could not see.

    Unknown is never the same as absent: an unreadable source carries the reason, not an empty mapping.  Where that is
    nothing but another source which is unknown too, ``behind`` names it, so that one misfortune is told once.
    """

    source: str
    taken_at: datetime
    resources: dict[Subject, Resource] | None
    reason: str | None = None
    behind: str | None = None


def plain(value: object) -> Json:
    """Turn an attribute into plain JSON: tuples become lists, enumerations their values."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case tuple() | list():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} has no plain JSON form")
