"""Volumes that end on their hosts: read, tried with what opens them, erased slot by slot, and tried again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploys import names
from deploys.reading import TIMEOUT_SECONDS
from hosting_cli.destruction import Loss, LostVolume
from hosting_cli.erasure.fates import Fate, FoundVolume, fate_of
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.volumes.agent import ask_agent
from inventory.resource import Json


def find(session: Session, volumes: tuple[LostVolume, ...]) -> tuple[FoundVolume, ...]:
    """Read each volume on its host, every host in one round trip; one that does not answer is said, never guessed."""
    known = session.environment.hosts
    wanted = sorted({volume.host for volume in volumes if volume.host in known})
    request: Json = {
        "timeout_seconds": TIMEOUT_SECONDS,
        "storage": {"volume_group": names.VOLUME_GROUP, "devices": [], "headers": names.HEADERS},
    }
    answers = session.hosts.read(dict.fromkeys(wanted, request)) if wanted else {}
    return tuple(fate_of(volume, answers.get(volume.host) or _no_way(volume.host)) for volume in volumes)


def _no_way(host: str) -> UnreadableError:
    return UnreadableError(f"host {host}", "the environment does not say how to reach it", "Name it there, if it is.")


@dataclass(frozen=True)
class ErasableVolume:
    """One volume that its host shows, and what the vault gave of its passphrases before their key ended."""

    session: Session
    volume: LostVolume
    passphrases: Mapping[str, Secret]

    def ending(self) -> Step:
        """Give the step that ends it."""
        sentence = "stop and close it, end every slot of its header and the copies of it on its host"
        return Step(self.volume.subject, sentence, self._end, self._is_ended)

    def trial(self) -> Step:
        """Give the proof that nothing opens it any more."""
        return proof(self.volume.subject, "fail to open it with what opened it", self._try)

    def _end(self) -> Observed:
        return self._order("erase-volume")

    def _is_ended(self) -> bool:
        (found,) = find(self.session, (self.volume,))
        if found.fate in {Fate.NOT_REACHED, Fate.LEFT_ALONE}:
            raise UnreadableError(str(self.volume.subject), found.reason or "unknown", "Run the same command again.")
        return found.fate is Fate.ENDED

    def _try(self) -> Observed:
        seen = self._order("try-erased")
        if left := [name for name in ("opening", "slots", "open_as", "copies") if seen[name]]:
            what = "is not ended: " + "; ".join(f"{name.replace('_', ' ')} {seen[name]}" for name in left)
            raise EngineError(str(self.volume.subject), what, "Find out who made it anew, then run this again.")
        return seen

    def _order(self, command: str) -> dict[str, Json]:
        """Give the order: volume group, logical volume and label together say what it may touch."""
        volume = self.volume
        order: dict[str, Json] = {
            "application": volume.application,
            "volume": volume.volume,
            "volume_group": names.VOLUME_GROUP,
            "logical_volume": volume.logical_volume,
            "label": volume.label,
            "passphrases": {name: secret.reveal() for name, secret in self.passphrases.items()},
        }
        return ask_agent(self.session, volume.host, command, stdin=json.dumps(order))


def erasable(session: Session, loss: Loss, found: tuple[FoundVolume, ...]) -> Iterator[ErasableVolume]:
    """Yield the volumes that can be ended or are ended, with the passphrases that the vault can still give."""
    for item in found:
        if item.fate in {Fate.STANDS, Fate.ENDED}:
            yield ErasableVolume(session, item.volume, _passphrases(session, loss, item.volume))


def _passphrases(session: Session, loss: Loss, volume: LostVolume) -> dict[str, Secret]:
    """Reveal what opens *volume*; none when an earlier run has ended the key: then no slot is what is left to show."""
    return {
        entry.name.rpartition("/")[2]: session.vault.reveal_secret(entry)
        for entry in loss.passphrases(volume)
        if session.vault.has_key(entry.wrapped_by)
    }
