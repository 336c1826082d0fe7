"""A lost header is brought back from a copy: asked for, approved, and written only where there is something to mend."""

from collections.abc import Iterator
from dataclasses import dataclass

from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.request import Request
from hosting_cli.rotations.kinds import is_production
from hosting_cli.session import Session
from hosting_cli.volumes.agent import VolumeAgent
from hosting_cli.volumes.copies import Copies
from hosting_cli.volumes.places import VolumePlace
from hosting_cli.volumes.reading import Seen, read
from hosting_cli.volumes.sealed import HeaderCopy
from hosting_cli.volumes.standing import SealedCopy

RESTORE_HEADER = "restore-header"
ON_HOST = "the host's own copy"


def request(session: Session, place: VolumePlace) -> Request:
    """Ask that a copy be written back; raise ``RefusedError`` where nothing is lost, or no copy opens."""
    seen = _seen(session, place)
    if _is_mended(session, place, seen):
        remedy = "If its data cannot be read all the same, the header is not why."
        raise RefusedError(f"volume {place.name}", "its header opens with what the vault keeps", remedy)
    source, copy = _chosen(session, place)
    goal = {"copy": source, "uuid": copy.uuid, "checksum": copy.checksum, "found": seen.lost or "what opens not"}
    return Request(
        RESTORE_HEADER,
        place.volume.subject,
        place.volume.application,
        session.environment.environment,
        dict(goal),
        is_production(session, place.volume.application),
    )


def _chosen(session: Session, place: VolumePlace) -> tuple[str, HeaderCopy]:
    """Take the newest copy that opens with what the vault keeps; raise ``RefusedError`` when there is none."""
    passphrases, agent = Copies(session, place).passphrases(), VolumeAgent(session, place)
    for source, copy in _candidates(session, place):
        if agent.opens_copy(copy, passphrases):
            return source, copy
    what = "no copy of its header opens with what the vault keeps, in the evidence or on the host"
    raise RefusedError(f"volume {place.name}", what, "Restore its data: hosting restore.")


def _candidates(session: Session, place: VolumePlace) -> Iterator[tuple[str, HeaderCopy]]:
    """Yield the copies of the evidence, the newest first, and the host's own; by that one all must be of one volume.

    Made anew, a volume has the same label and another uuid.
    """
    copies, own = Copies(session, place), _own(session, place)
    for kept in reversed(copies.kept() if session.region.evidence is not None else ()):
        copy = copies.opened(kept)
        if own is None or own.uuid == copy.uuid:
            yield kept.name, copy
    if own is not None:
        yield ON_HOST, own


def _own(session: Session, place: VolumePlace) -> HeaderCopy | None:
    try:
        return Copies(session, place).on_host()
    except EngineError:  # none, or none that is whole: the evidence is there for that
        return None


def _seen(session: Session, place: VolumePlace) -> Seen:
    (seen,) = read(session, [place])
    if seen.unknown is not None:
        raise UnreadableError(f"volume {place.name}", seen.unknown, "Mend that first.")
    return seen


def _is_mended(session: Session, place: VolumePlace, seen: Seen) -> bool:
    if seen.header is None:
        return False
    agent = VolumeAgent(session, place)
    return all(agent.opened_slot(passphrase) is not None for passphrase in Copies(session, place).passphrases())


@dataclass(frozen=True)
class Restoring:
    """The header of one volume, brought back from the copy that was approved."""

    session: Session
    place: VolumePlace
    copy: str
    checksum: str

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        volume = self.place.volume.subject
        yield Step(volume, f"write {self.copy} back over the lost header, and open it", self._restore, self._is_done)
        yield from Copies(self.session, self.place).renewal(Copies(self.session, self.place).passphrases)
        yield proof(volume, "have the host log in by itself, and try what the vault gives it", self._try)

    def _is_done(self) -> bool:
        return _is_mended(self.session, self.place, _seen(self.session, self.place))

    def _restore(self) -> None:
        copies = Copies(self.session, self.place)
        found = copies.on_host() if self.copy == ON_HOST else copies.opened(self._kept(copies))
        if found.checksum != self.checksum:
            raise EngineError(f"volume {self.place.name}", f"{self.copy} is another than was approved", "Ask anew.")
        VolumeAgent(self.session, self.place).restore_header(found, copies.passphrases())

    def _kept(self, copies: Copies) -> SealedCopy:
        for kept in copies.kept():
            if kept.name == self.copy:
                return kept
        raise EngineError(f"volume {self.place.name}", f"the evidence has no {self.copy} any more", "Ask anew.")

    def _try(self) -> Observed:
        return VolumeAgent(self.session, self.place).try_as_at_boot()
