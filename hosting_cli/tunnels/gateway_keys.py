"""What a gateway's agent tells of the keys of an interface of WireGuard: public halves, and which of them serves."""

import json
from dataclasses import dataclass

from deploys import names
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.proofs.on_host import hand_on
from hosting_cli.session import Session
from hosting_cli.tunnels.keys import GatewayKey
from inventory.tunnels import is_public_key


@dataclass(frozen=True)
class Told:
    """What a gateway tells of an interface's keys: public halves, and when the peer last agreed on keys with it."""

    present: str | None
    held: str | None
    following: str | None
    former: str | None
    used_since: float | None
    handshake: int

    @property
    def is_switched(self) -> bool:
        """Tell whether the kernel holds the key that is to serve, and the agent has noted since when."""
        is_noted = self.former is None or self.used_since is not None
        return self.following is None and self.held is not None and self.held == self.present and is_noted

    @property
    def is_agreed(self) -> bool:
        """Tell whether the peer has agreed on keys since the present one is used."""
        return self.handshake > (self.used_since or 0)


def told_of(answer: str) -> Told:
    """Read what a gateway tells; raise ``ValueError``, ``LookupError`` or ``TypeError`` for what is no answer."""
    found = json.loads(answer)
    public = {name: found[name] for name in ("present", "held", "next", "former")}
    for name, key in public.items():
        if key is not None and not is_public_key(key):
            raise ValueError(f"{name} is no public key")
    since = found["used_since"]
    return Told(
        public["present"],
        public["held"],
        public["next"],
        public["former"],
        None if since is None else float(since),
        int(found["handshake"]),
    )


def tell(session: Session, key: GatewayKey) -> Told:
    """Ask a gateway about its keys; raise ``HostingError`` if it is away, or if what it says is not understood."""
    with hand_on(session, key.host) as hand:
        answer = hand.run([names.AGENT, "tell-wireguard", key.interface])
    try:
        return told_of(answer)
    except (ValueError, LookupError, TypeError) as error:
        what = f"what it tells of {key.interface} is not understood ({error!r})"
        raise EngineError(f"host {key.host}", what, "Bring it to its files: hosting plan.") from error


def next_key(session: Session, key: GatewayKey) -> str:
    """Give the public half of the next key; raise ``RefusedError`` while there is none."""
    found = tell(session, key).following
    if found is None:
        remedy = f"`hosting key rotate {key.name}` makes one."
        raise RefusedError(f"wireguard-key {key.name}", "there is no next key", remedy)
    return found
