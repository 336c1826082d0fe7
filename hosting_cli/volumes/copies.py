"""Copies of headers in the platform's evidence: sealed and added, found again, opened and tried on their hosts."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hosting_cli.errors import EngineError, HostingError, RefusedError
from hosting_cli.procedure import Step, proof
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.volumes.agent import VolumeAgent
from hosting_cli.volumes.places import Held, VolumePlace
from hosting_cli.volumes.reading import header_of, read
from hosting_cli.volumes.sealed import HeaderCopy, NoSealError, seal, unseal, wrapped_version
from hosting_cli.volumes.standing import (
    SealedCopy,
    Standing,
    last_opened,
    name_of,
    present_or_last,
    sealed_copies,
)
from inventory import naming
from inventory.resource import Subject

if TYPE_CHECKING:
    from hosting_cli.doors.evidence import Kept

PROOF = "header-copy-opens"


@dataclass(frozen=True)
class Copies:
    """The copies of one volume's header in the evidence; every method raises what the doors raise."""

    session: Session
    place: VolumePlace

    @property
    def prefix(self) -> str:
        """Give what their names begin with."""
        return prefix_of(self.place)

    @property
    def key(self) -> str:
        """Name the transit key that ends them."""
        return naming.transit_key(self.place.volume.application, "volumes")

    def kept(self) -> tuple[SealedCopy, ...]:
        """List those that the vault can open, the oldest first."""
        lowest = self.session.vault.key_versions(self.key).lowest
        found = sealed_copies(self.session.evidence.kept(self.prefix))
        return tuple(copy for copy in found if copy.wrapped_version >= lowest)

    def add(self) -> None:
        """Seal the copy that the host keeps, add it, and open what comes back; raise ``EngineError`` if it differs."""
        self._seal(self.on_host())

    def _seal(self, copy: HeaderCopy) -> SealedCopy:
        def wrap(value: Secret) -> str:
            return self.session.vault.wrap(self.key, value)

        body = seal(copy, wrapped_by=self.key, wrap=wrap, random_bytes=secrets.token_bytes)
        version = wrapped_version(body)
        kept = self.session.evidence.add(f"{self.prefix}{name_of(copy.checksum, version)}", body)
        sealed = SealedCopy(kept, copy.checksum, version)
        if self.opened(sealed) != copy:
            raise EngineError(
                f"volume {self.place.name}", "the sealed copy opens differently", "Trust it with nothing."
            )
        return sealed

    def on_host(self) -> HeaderCopy:
        """Fetch the copy that the host keeps."""
        volume, found = self.place.volume, VolumeAgent(self.session, self.place).fetch_header()
        whose = {"application": volume.application, "host": volume.host, "volume": volume.volume}
        copy = HeaderCopy(**whose, **found)
        return self._of_this_volume(copy, "the copy on the host")

    def opened(self, sealed: SealedCopy) -> HeaderCopy:
        """Open one; raise ``EngineError`` when it cannot be opened, or is of another volume than its name says."""
        try:
            copy = unseal(self.session.evidence.get(sealed.kept), self.session.vault.unwrap)
        except NoSealError as error:
            raise EngineError(f"evidence {sealed.name}", str(error), "Take another copy.") from error
        return self._of_this_volume(copy, sealed.name)

    def _of_this_volume(self, copy: HeaderCopy, name: str) -> HeaderCopy:
        volume = self.place.volume
        whose = (volume.application, volume.host, volume.volume, volume.label)
        if (copy.application, copy.host, copy.volume, copy.label) != whose:
            what = f"{name} is of {copy.application}/{copy.volume} on {copy.host}, labelled {copy.label!r}"
            raise EngineError(f"volume {self.place.name}", what, "Take a copy of this very volume.")
        return copy

    def keep_opened(self) -> None:
        """Have the host open its copy with both passphrases, and only then seal it, add it, and read it back.

        What is kept has so been opened, wherever this is killed.  Raise ``EngineError`` when the copy does not open.
        """
        copy = self.on_host()
        if not VolumeAgent(self.session, self.place).opens_copy(copy, self.passphrases()):
            what = "the copy of its header on the host does not open with both passphrases that the vault keeps"
            remedy = f"Make a new one: hosting volume header save {self.place.name}"
            raise EngineError(f"volume {self.place.name}", what, remedy)
        self._recorded(copy, self._seal(copy).name, opens=True)

    # -- steps --------------------------------------------------------------------------------------------------------

    def saving(self, passphrases: Callable[[], Sequence[Secret]]) -> Step:
        """Give the step that brings the copy on the host up to the header as it is; *passphrases* must open it."""

        def save() -> None:
            VolumeAgent(self.session, self.place).save_header(passphrases())

        def is_saved() -> bool:
            return header_of(self.session, self.place).is_saved

        return Step(self.place.volume.subject, "copy its header on the host, and open the copy", save, is_saved)

    def renewal(self, passphrases: Callable[[], Sequence[Secret]]) -> Iterator[Step]:
        """Yield the steps that bring both copies up to the header as it is, and prove the one in the evidence."""
        yield self.saving(passphrases)
        if self.session.region.evidence is not None:
            subject = Subject("header-copy", self.place.name)
            yield Step(subject, "seal it, add it to the evidence, read it back", self.add, self._is_kept)
            yield proof(subject, "bring it back from the evidence, and open it", lambda: self.tried().observed)

    def _is_kept(self) -> bool:
        return header_of(self.session, self.place).checksum in {copy.checksum for copy in self.kept()}

    def resealing(self, version: int) -> Iterator[Step]:
        """Yield the step that seals the last copy under *version* of its transit key, before older ones are retired."""
        last = self.kept()[-1:]
        if not last:
            return

        def reseal() -> None:
            self._seal(self.opened(last[0]))

        def is_sealed() -> bool:
            return any(copy.wrapped_version >= version for copy in self.kept() if copy.checksum == last[0].checksum)

        subject = Subject("header-copy", self.place.name)
        sentence = f"seal it under version {version} as well"
        yield Step(subject, sentence, reseal, is_sealed)

    def tried(self) -> Proof:
        """Bring the one of the present header back, or the last, and have its host open it, on record.

        Raise ``EngineError`` when it does not open, and ``RefusedError`` when there is none.
        """
        (seen,) = read(self.session, [self.place])
        chosen = present_or_last(self.kept(), seen.header)
        if chosen is None:
            remedy = f"Make one: hosting volume header save {self.place.name}"
            raise RefusedError(f"volume {self.place.name}", "the evidence holds no copy of its header", remedy)
        copy = self.opened(chosen)
        opens = VolumeAgent(self.session, self.place).opens_copy(copy, self.passphrases())
        return self._recorded(copy, chosen.name, opens=opens)

    def _recorded(self, copy: HeaderCopy, name: str, *, opens: bool) -> Proof:
        sentence = "the copy of its header in the evidence opens with both passphrases that the vault keeps"
        made = Proof(
            PROOF,
            f"volume {self.place.name}",
            Verdict.HELD if opens else Verdict.BROKEN,
            sentence if opens else sentence.replace("opens with both", "does not open with both"),
            {"copy": name, "checksum": copy.checksum, "uuid": copy.uuid},
        )
        self.session.journal.append("proof", made.to_json())
        if not opens:
            remedy = f"Make a new one: hosting volume header save {self.place.name}"
            raise EngineError(f"volume {self.place.name}", made.sentence, remedy)
        return made

    def passphrases(self) -> list[Secret]:
        """Reveal what the vault keeps for the volume."""
        return [self.session.vault.reveal_secret(self.place.entry(held)) for held in Held]


def prefix_of(place: VolumePlace) -> str:
    """Give what the names of the copies of a volume's header begin with."""
    return naming.header_copy(place.volume.application, place.host, place.volume.volume, "")


def lowest_versions(session: Session, applications: Iterable[str]) -> tuple[dict[str, int], str | None]:
    """Say which version of each application's key is the oldest that still opens copies, or why nobody can tell."""
    asked = sorted(applications)
    keys = [naming.transit_key(application, "volumes") for application in asked]
    try:
        with ThreadPoolExecutor(max_workers=8) as pool:
            versions = pool.map(session.vault.key_versions, keys)
            return {name: found.lowest for name, found in zip(asked, versions, strict=True)}, None
    except HostingError as error:
        return {}, str(error)


def all_kept(session: Session) -> tuple[Mapping[str, tuple[SealedCopy, ...]], str | None]:
    """List the copies of every volume at once, by their prefix, the oldest first; or say why nobody can tell."""
    try:
        kept = session.evidence.kept(naming.HEADER_COPIES)
    except HostingError as error:
        return {}, str(error)
    found: dict[str, list[Kept]] = {}
    for item in kept:
        found.setdefault(item.name.rpartition("/")[0] + "/", []).append(item)
    return {prefix: sealed_copies(items) for prefix, items in found.items()}, None


def standings(session: Session, wanted: Sequence[VolumePlace]) -> list[Standing]:
    """Say how the header of each volume stands: every host is asked once, the evidence once for all."""
    seen = read(session, wanted)
    kept, unlisted = all_kept(session)
    lowest, unopened = lowest_versions(session, {place.volume.application for place in wanted})
    tested = last_opened(session.journal.entries(), PROOF)
    return [
        Standing(
            item,
            kept.get(prefix_of(item.place), ()),
            tested.get(item.place.name),
            lowest.get(item.place.volume.application, 1),
            unlisted or unopened,
        )
        for item in seen
    ]
