"""Let another passphrase open a volume, and end the slots that are needed no more: a host's part in a rotation.

Orders come over standard input, passphrases and all.  Each can be given again after a kill at any moment, and none
leaves a volume that what the vault keeps does not open.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .headers import save
from .identity import login
from .locks import alone
from .luks import add_slot, derivation, end_slot, opened_slot, opens, ours, slots_of
from .settings import AgentError, volume


@dataclass(frozen=True)
class Addition:
    """A passphrase that is to open a volume, in a slot of its own, and one that opens it already."""

    application: str
    volume: str
    slot: str
    pbkdf: str
    memory_kib: int
    iterations: int
    lanes: int
    present: str
    fresh: str

    def __repr__(self) -> str:
        return f"Addition({self.application}/{self.volume}, slot {self.slot})"


def add(text: str) -> dict[str, Any]:
    """Let a passphrase open its slot, and try it there; what a killed run left in the slot goes first."""
    order = Addition(**json.loads(text))
    device, label = ours(order.application, order.volume)
    with alone(label):
        if order.slot in slots_of(device) and not opens(device, order.fresh, slot=order.slot):
            _end(device, [order.slot], [order.present])
        if order.slot not in slots_of(device):
            cost = derivation(order.pbkdf, order.memory_kib, order.iterations, order.lanes)
            add_slot(device, present=order.present, fresh=order.fresh, slot=order.slot, cost=cost)
        if not opens(device, order.fresh, slot=order.slot):
            raise AgentError(f"slot {order.slot} of {device} does not open with the passphrase that was put into it")
    return {"slot": order.slot}


def end(text: str) -> dict[str, Any]:
    """End slots, once each passphrase that is to stay has opened one of the others."""
    order = json.loads(text)
    device, label = ours(order["application"], order["volume"])
    with alone(label):
        _end(device, order["slots"], order["kept"])
        return {"slots": slots_of(device)}


def _end(device: str, slots: Sequence[str], kept: Iterable[str]) -> None:
    present = slots_of(device)
    others = [slot for slot in present if slot not in slots]
    for passphrase in kept:
        if opened_slot(device, passphrase, others) is None:
            raise AgentError(f"a passphrase that is to stay opens no other slot of {device}: nothing was ended")
    for slot in slots:
        if slot in present:
            end_slot(device, slot, kept=next(iter(kept)))


def try_passphrase(text: str) -> dict[str, Any]:
    """Say which slot of a volume a passphrase opens, ``None`` for none; the volume itself is left as it is."""
    order = json.loads(text)
    device, _ = ours(order["application"], order["volume"])
    return {"slot": opened_slot(device, order["passphrase"], slots_of(device))}


def try_volume(name: str, volume_id: str) -> dict[str, Any]:
    """Do what the volume's unit would do at boot, but for opening it: log in, ask the vault, try what it gives."""
    device, _ = ours(name, volume_id)
    with login(name) as session:
        passphrase = session.reveal(volume(name, volume_id)["secret"])
    found = opened_slot(device, passphrase, slots_of(device))
    if found is None:
        raise AgentError(f"what the vault gives this host does not open {device}")
    return {"slot": found}


def save_header(text: str) -> dict[str, Any]:
    """Copy a volume's header anew, once every passphrase that is given opens the copy."""
    order = json.loads(text)
    device, label = ours(order["application"], order["volume"])
    with alone(label):
        save(device, label, order["passphrases"])
    return {"slots": slots_of(device)}
