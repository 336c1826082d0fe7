"""What the agent of a volume's host is asked to do with it: orders over standard input, passphrases and all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploys import names
from hosting_cli.errors import EngineError
from hosting_cli.procedure import Observed
from hosting_cli.proofs.on_host import hand_on
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.volumes.places import VolumePlace
from hosting_cli.volumes.sealed import HeaderCopy
from inventory.resource import Json

TIMEOUT_SECONDS = 900
"""Several derivations of a key; under emulation each takes up to half a minute."""


@dataclass(frozen=True)
class VolumeAgent:
    """The agent on the host of one volume.  Every method raises ``EngineError`` with its words when it fails."""

    session: Session
    place: VolumePlace

    def opened_slot(self, passphrase: Secret) -> str | None:
        """Say which slot *passphrase* opens, ``None`` for none."""
        found = self._order("try-passphrase", passphrase=passphrase.reveal())["slot"]
        return None if found is None else str(found)

    def try_as_at_boot(self) -> Observed:
        """Have the host log in by itself, and try what the vault gives it; raise ``EngineError`` if that fails."""
        return self._ask("try-volume", self.place.volume.application, self.place.volume.volume)

    def add_passphrase(self, fresh: Secret, *, slot: str, present: Secret) -> None:
        """Let *fresh* open *slot*, by the passphrase that is *present*; tried before this returns.  Idempotent."""
        volume = self.place.volume
        cost: dict[str, Json] = {"pbkdf": volume.pbkdf, "memory_kib": volume.memory_kib}
        cost |= {"iterations": volume.iterations, "lanes": volume.lanes}
        self._order("add-passphrase", slot=slot, present=present.reveal(), fresh=fresh.reveal(), **cost)

    def end_slots(self, slots: Sequence[str], *, kept: Sequence[Secret]) -> None:
        """End *slots*, once each of *kept* has opened one of the others.  Idempotent."""
        self._order("end-slots", slots=list(slots), kept=[secret.reveal() for secret in kept])

    def save_header(self, passphrases: Sequence[Secret]) -> None:
        """Copy the header on the host, and open the copy with each of *passphrases*, before it replaces the last."""
        self._order("save-header", passphrases=[secret.reveal() for secret in passphrases])

    def fetch_header(self) -> dict[str, str]:
        """Give the copy of the header that the host keeps: its label, uuid, checksum and image."""
        volume = self.place.volume
        found = self._ask("fetch-header", volume.application, volume.volume)
        return {name: str(found[name]) for name in ("label", "uuid", "checksum", "image")}

    def opens_copy(self, copy: HeaderCopy, passphrases: Sequence[Secret]) -> bool:
        """Have the host try *passphrases* on a copy that is brought to it, and on nothing of its own."""
        return bool(self._returned("test-header", copy, passphrases)["opens"])

    def restore_header(self, copy: HeaderCopy, passphrases: Sequence[Secret]) -> None:
        """Write *copy* over a lost header; raise ``EngineError``, nothing written, when the present one still opens."""
        self._returned("restore-header", copy, passphrases)

    def _returned(self, command: str, copy: HeaderCopy, passphrases: Sequence[Secret]) -> dict[str, Any]:
        revealed = [secret.reveal() for secret in passphrases]
        return self._order(command, uuid=copy.uuid, image=copy.image, passphrases=list(revealed))

    def _order(self, command: str, **order: Json) -> dict[str, Any]:
        volume = self.place.volume
        text = json.dumps({"application": volume.application, "volume": volume.volume, **order})
        return self._ask(command, stdin=text)

    def _ask(self, command: str, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        return ask_agent(self.session, self.place.host, command, *arguments, stdin=stdin)


def ask_agent(session: Session, host: str, command: str, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """Have the agent of *host* carry *command* out, and read its answer; raise ``EngineError`` when it fails."""
    with hand_on(session, host) as hand:
        text = hand.run([names.AGENT, command, *arguments], stdin=stdin, timeout_seconds=TIMEOUT_SECONDS)
    try:
        answer: dict[str, Any] = json.loads(text)
    except ValueError as error:
        what = f"the agent answered {command} with what is no JSON"
        raise EngineError(f"host {host}", what, "Run `hosting plan`: is it the agent of today?") from error
    return answer
