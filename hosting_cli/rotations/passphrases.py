"""A volume's passphrase: the next one opens a slot of its own, is stored and tried; then the slot before is ended.

At every moment the host can open its volume with what the vault gives it.  The volume's own key stays what it is, so
an older copy of the header still opens with the passphrase that it was made under.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deploys.slots import next_home
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.resources import SecretEntry
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.volumes.agent import VolumeAgent
from hosting_cli.volumes.copies import Copies
from hosting_cli.volumes.places import Held, VolumePlace, places
from hosting_cli.volumes.reading import header_of
from inventory.resource import Json, Subject

ROTATION_NOTE = "rotation"
"""Under which name an entry records, beside the ciphertext, which rotation gave it its value."""


def find(session: Session, name: str) -> tuple[VolumePlace, Held]:
    """Find whose passphrase the entry *name* is; raise ``RefusedError`` where no file asks for its volume."""
    for place in places(session.region, session.environment):
        for held in Held:
            if place.entry(held).name == name:
                return place, held
    remedy = "Only passphrases of volumes that the region's files ask for are rotated; name the active one."
    raise RefusedError(f"passphrase {name}", "no file of the region asks for it", remedy)


def goal(session: Session, place: VolumePlace, held: Held, *, version: int | None) -> Mapping[str, Json]:
    """Say from which slot to which, and which slots end: the one before, and those that nobody needs.

    Raise ``RefusedError`` when what the vault keeps does not open the volume as it is.
    """
    slots, agent = header_of(session, place).slots, VolumeAgent(session, place)
    present = {each: agent.opened_slot(session.vault.reveal_secret(place.entry(each))) for each in Held}
    missing = [each.value for each, slot in present.items() if slot is None]
    if missing:
        what = f"the {' and '.join(missing)} passphrase that the vault keeps does not open it"
        raise RefusedError(
            f"volume {place.name}",
            what,
            "Find out what changed either: see `hosting journal show`, and the vault's audit log.",
        )
    before = str(present.pop(held))
    after = next_home(held.value, before)
    ended = sorted(set(slots) - {after, *map(str, present.values())}, key=int)
    return {"from_slot": before, "to_slot": after, "ends_slots": ", ".join(ended), "replaces_version": version}


def rotation(session: Session, name: str, goal: Mapping[str, Json], digest: str) -> "Rotation":
    """Give the rotation that was asked for with *goal*, under the digest of its request."""
    place, held = find(session, name)
    return Rotation(session, place, held, str(goal["to_slot"]), tuple(str(goal["ends_slots"]).split(", ")), digest)


@dataclass(frozen=True)
class Rotation:
    """The replacement of one passphrase of one volume."""

    session: Session
    place: VolumePlace
    held: Held
    slot: str
    ended: tuple[str, ...]
    procedure: str

    def steps(self) -> Iterator[Step]:
        """Yield the steps; at each of them the volume opens with what the vault gives its host."""
        volume, entry, fresh = self.place.volume.subject, self.entry, self.next_entry
        copies = Copies(self.session, self.place)
        yield Step(fresh.subject, "make the next passphrase, store it, read it back", self._make, self._is_made)
        sentence = f"let it open slot {self.slot} too, and try it there"
        yield Step(volume, sentence, self._add, self._is_added)
        yield copies.saving(self._passphrases)
        yield Step(entry.subject, "store it, read it back", self._store, self._is_stored)
        yield self._proof(volume)
        yield Step(volume, f"end slot {', '.join(self.ended)}", self._end, self._is_ended)
        yield from copies.renewal(self._passphrases)
        sentence = "end the entry that held it until now"
        yield Step(fresh.subject, sentence, partial(self.session.vault.end_secret, fresh), self._is_over)

    @property
    def entry(self) -> SecretEntry:
        """Describe the entry whose value is replaced."""
        return self.place.entry(self.held)

    @property
    def next_entry(self) -> SecretEntry:
        """Describe the entry that keeps the new value until the other one does."""
        return self.place.next_entry(self.held)

    @property
    def _agent(self) -> VolumeAgent:
        return VolumeAgent(self.session, self.place)

    def _reveal(self, entry: SecretEntry) -> Secret:
        return self.session.vault.reveal_secret(entry)

    def _is_given_by_us(self, entry: SecretEntry) -> bool:
        return self.session.vault.secret_notes(entry.name).get(ROTATION_NOTE) == self.procedure

    # -- the vault ----------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        """Make a value; one that an earlier rotation has left is replaced, and opens nothing that would be missed."""
        vault = self.session.vault
        vault.replace_secret(self.next_entry, vault.new_value(self.next_entry), note={ROTATION_NOTE: self.procedure})

    def _is_made(self) -> bool:
        return self._is_given_by_us(self.next_entry) or self._is_stored()

    def _store(self) -> None:
        self.session.vault.replace_secret(
            self.entry, self._reveal(self.next_entry), note={ROTATION_NOTE: self.procedure}
        )

    def _is_stored(self) -> bool:
        return self._is_given_by_us(self.entry)

    def _is_over(self) -> bool:
        return not self.session.vault.has_secret(self.next_entry.name)

    def _fresh(self) -> Secret:
        return self._reveal(self.entry if self._is_stored() else self.next_entry)

    def _passphrases(self) -> Sequence[Secret]:
        """Reveal those that stay: the new one, and the volume's other one."""
        return [self._fresh(), *(self._reveal(self.place.entry(held)) for held in Held if held is not self.held)]

    # -- the host -----------------------------------------------------------------------------------------------------

    def _slots(self) -> Mapping[str, object]:
        return header_of(self.session, self.place).slots

    def _add(self) -> None:
        present = self._reveal(self.place.entry(Held.ACTIVE))
        self._agent.add_passphrase(self._fresh(), slot=self.slot, present=present)

    def _is_added(self) -> bool:
        return self.slot in self._slots() and self._agent.opened_slot(self._fresh()) == self.slot

    def _proof(self, volume: Subject) -> Step:
        if self.held is Held.ACTIVE:
            return proof(
                volume, "have the host log in by itself, and try what the vault gives it", self._try_as_at_boot
            )
        return proof(volume, "try what the vault now holds", self._try_stored)

    def _try_as_at_boot(self) -> Observed:
        return self._expect(str(self._agent.try_as_at_boot()["slot"]))

    def _try_stored(self) -> Observed:
        return self._expect(self._agent.opened_slot(self._reveal(self.entry)))

    def _expect(self, found: str | None) -> Observed:
        if found != self.slot:
            what = f"what the vault holds opens slot {found or 'none'} where it should open slot {self.slot}"
            raise EngineError(f"volume {self.place.name}", what, "Nothing was ended. Run the same command again.")
        return {"slot": found}

    def _end(self) -> None:
        self._agent.end_slots(self.ended, kept=self._passphrases())

    def _is_ended(self) -> bool:
        return not set(self.ended) & set(self._slots())
