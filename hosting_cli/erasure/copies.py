"""Sealed copies of an application's headers: with enough shares each would open its volume, were it not for the key."""

from collections.abc import Iterator
from dataclasses import dataclass

from hosting_cli.errors import EngineError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.session import Session
from hosting_cli.volumes.sealed import NoSealError, unseal
from inventory import naming
from inventory.resource import Json, Subject


@dataclass(frozen=True)
class SealedHeaders:
    """The copies in the platform's evidence, where nobody can remove them before their lock ends."""

    session: Session
    application: str

    def control(self) -> Iterator[Step]:
        """Yield the step that opens them while their key is there; none in a region that keeps no evidence."""
        if self.session.region.evidence is not None:
            yield proof(self._subject, "open the copies that are kept, while their key is there", self._open_all)

    def trial(self) -> Iterator[Step]:
        """Yield the proof that none opens any more."""
        if self.session.region.evidence is not None:
            yield proof(self._subject, "fail to open any copy that is kept", self._open_none)

    @property
    def _subject(self) -> Subject:
        return Subject("header-copies", self.application)

    @property
    def _key(self) -> str:
        return naming.transit_key(self.application, "volumes")

    def _open_all(self) -> Observed:
        if not self.session.vault.has_key(self._key):
            return {"control": "their key was ended by an earlier run"}
        opened, others = self._opened()
        return {"opened": [*opened], "not_opened": [*others]}

    def _open_none(self) -> Observed:
        opened, others = self._opened()
        if opened:
            what = f"{len(opened)} sealed copies still open, such as {opened[0]}"
            raise EngineError(
                str(self._subject), what, "Somebody made that key again, or brought it back: find out who."
            )
        names: list[Json] = [*others]
        return {"copies": names, "tried": bool(names), "readable": False} if names else {"copies": [], "tried": False}

    def _opened(self) -> tuple[list[str], list[str]]:
        """Part the copies into those that open, and those that do not."""
        opened: list[str] = []
        others: list[str] = []
        for kept in self.session.evidence.kept(f"{naming.HEADER_COPIES}{self.application}/"):
            try:
                unseal(self.session.evidence.get(kept), self.session.vault.unwrap)
            except (NoSealError, EngineError):
                others.append(kept.name)
            else:
                opened.append(kept.name)
        return opened, others
