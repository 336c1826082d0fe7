"""The words of tunnels: who ends one, at which addresses, by which means, and who answers for what deviates.

What IKE negotiates is not among them: proposals, authentication and revocation are the same for every tunnel and
stand in `deploys.swanctl`, each with its source.  Nor is an identity: certificates carry names that `inventory.naming`
spells.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Identifier, NonEmpty, Shape
from inventory.notations import Address, Day

MOST_GATEWAYS = 2

_PUBLIC_KEY = r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"

WireGuardKey = Annotated[
    str,
    Shape(
        _PUBLIC_KEY,
        "a public key of WireGuard",
        "44 characters of base64, the 32 bytes of X25519",
        "`wg pubkey` prints it",
    ),
]


def is_public_key(text: str) -> bool:
    """Tell whether *text* is a public key as WireGuard writes it."""
    return re.fullmatch(_PUBLIC_KEY, text) is not None


class TunnelKind(StrEnum):
    """By which means a tunnel protects what it carries."""

    IPSEC = "ipsec"
    WIREGUARD = "wireguard"


class TunnelEnd(Model):
    """A gateway of ours, and the address at which the peer reaches it."""

    host: Identifier
    address: Address


class Peer(Model):
    """The other end: the addresses of its firewalls in the order in which we try them, and who is sent its part."""

    addresses: Annotated[tuple[Address, ...], Field(min_length=1)]
    contact: Identifier


class KeyExchange(StrEnum):
    """Whether what is recorded today stays closed to a quantum computer: by ML-KEM besides ECP-384, if both ends can.

    ``classical`` is what Debian 13's strongSwan can, which knows the word ML-KEM and has none: a daemon that is told
    to offer it is taken at its word, and no tunnel comes up.  ``hybrid-preferred`` accepts a peer that cannot yet.
    Both are gaps to close.
    """

    HYBRID = "hybrid"
    HYBRID_PREFERRED = "hybrid-preferred"
    CLASSICAL = "classical"


class Ipsec(Model):
    """What may differ between tunnels of the reference profile: how keys are exchanged, and how often anew."""

    key_exchange: KeyExchange = KeyExchange.CLASSICAL
    ike_rekey_seconds: Annotated[int, Field(ge=3600, le=21600)] = 21600
    child_rekey_seconds: Annotated[int, Field(ge=600, le=3600)] = 3600


class RiskAcceptance(Model):
    """Who took a risk, in which role, why, what makes up for it, and until when: never without an end."""

    accepted_by: Identifier
    reason: NonEmpty
    compensation: NonEmpty
    since: Day
    until: Day

    def is_in_force(self, today: date) -> bool:
        """Tell whether the risk is accepted on that day, its last one included."""
        return self.since <= today <= self.until


class Wireguard(Model):
    """A tunnel that follows no note of ANSSI: only for a while, with the risk accepted by name of a role.

    Both ends listen on ``port``, and speak from it.
    """

    peer_public_key: WireGuardKey
    accepted_risk: RiskAcceptance
    port: Annotated[int, Field(ge=1024, le=65535)] = 51820


class Tunnel(Model):
    """A protected way to one establishment, which its segment names; IPsec unless a risk was accepted.

    The peer tries the gateways in their order.
    """

    id: Identifier
    segment: Identifier
    gateways: Annotated[tuple[TunnelEnd, ...], Field(min_length=1)]
    peer: Peer
    ipsec: Ipsec | None = None
    wireguard: Wireguard | None = None

    @property
    def kind(self) -> TunnelKind:
        """Tell by which means it protects."""
        return TunnelKind.IPSEC if self.wireguard is None else TunnelKind.WIREGUARD

    @property
    def ipsec_terms(self) -> Ipsec:
        """Give the terms of the reference profile, where nothing else is written its defaults."""
        return self.ipsec or Ipsec()
