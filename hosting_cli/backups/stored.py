"""An object of a repository as the store remembers it: every version, and what a moment of the past looked like."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Version:
    """One entry in the history of an object: some content, or, with ``content`` ``None``, its deletion."""

    id: str
    stored: datetime
    content: str | None
    size_bytes: int = 0


@dataclass(frozen=True)
class StoredObject:
    """An object and its versions, the oldest first; ``name`` is relative to the repository."""

    name: str
    versions: tuple[Version, ...]

    @property
    def first_stored(self) -> datetime:
        """Say when the store took it for the first time."""
        return self.versions[0].stored

    @property
    def is_visible(self) -> bool:
        """Tell whether whoever asks for it gets anything."""
        return self.versions[-1].content is not None

    @property
    def size_bytes(self) -> int:
        """Say how much whoever asks for it gets."""
        return self.versions[-1].size_bytes

    @property
    def is_overwritten(self) -> bool:
        """Tell whether whoever asks for it gets something else than was stored first."""
        return self.is_visible and self.versions[-1].content != self.versions[0].content

    def at(self, moment: datetime) -> Version | None:
        """Give what whoever asked at *moment* got; ``None`` for nothing."""
        before = [version for version in self.versions if version.stored <= moment]
        return before[-1] if before and before[-1].content is not None else None
