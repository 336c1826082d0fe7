"""A gateway's key of WireGuard, in two runs: the next one is made and published, then used at an agreed moment.

An end holds one key at a time, so there is no moment at which both serve: the tunnel is down from the switch until the
peer has taken our new public key.  The former key stays on the gateway until the peer has agreed on keys with the new
one, so that it can be taken back there (`hosting-agent take-back-wireguard`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploys import names
from hosting_cli.errors import RefusedError, WaitingError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.proofs.on_host import hand_on
from hosting_cli.session import Session
from hosting_cli.tunnels.gateway_keys import Told, tell
from hosting_cli.tunnels.keys import GatewayKey, wireguard_keys
from inventory.key_policy import KeyKind
from inventory.models import Region
from inventory.resource import Json, Subject


def key_of(region: Region, name: str) -> GatewayKey:
    """Say which gateway's key *name* is, for which tunnel; raise ``RefusedError`` where no file asks for it."""
    for key in wireguard_keys(region):
        if key.name == name:
            return key
    remedy = "Only interfaces of tunnels of the region have keys."
    raise RefusedError(f"wireguard-key {name}", "no file of the region asks for it", remedy)


def goal(session: Session, name: str) -> Mapping[str, Json]:
    """Say which key is replaced, by its public half; raise ``HostingError`` if the gateway cannot tell."""
    told = tell(session, key_of(session.region, name))
    if told.held is None:
        remedy = "Bring the gateway to its files first: hosting plan."
        raise RefusedError(f"wireguard-key {name}", "its interface holds no key yet", remedy)
    return {"replaces": told.held}


@dataclass(frozen=True)
class Rotation:
    """The replacement of the key of one interface; ``switch`` says that the moment agreed with the peer is now."""

    session: Session
    key: GatewayKey
    replaces: str
    switch: bool

    @property
    def subject(self) -> Subject:
        """Name the key."""
        return Subject(KeyKind.WIREGUARD_KEY, self.key.name)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; the tunnel is down between the third and the peer's part."""
        yield Step(self.subject, "make the next key, which nothing uses yet", self._make_next, self._has_next)
        yield Step(self.subject, "use it from now on, at the moment agreed with the peer", self._use, self._is_used)
        yield proof(self.subject, "see that the peer has agreed on keys with it", self._look)
        yield Step(self.subject, "end the former key", self._forget_former, self._is_forgotten)

    def _told(self) -> Told:
        return tell(self.session, self.key)

    def _run(self, command: str) -> None:
        with hand_on(self.session, self.key.host) as hand:
            hand.run([names.AGENT, command, self.key.interface])

    def _has_next(self) -> bool:
        told = self._told()
        return told.following is not None or told.present not in {None, self.replaces}

    def _make_next(self) -> None:
        self._run("make-next-wireguard")

    def _use(self) -> None:
        """Switch, or wait for the word."""
        following = self._told().following
        if following is not None and not self.switch:
            tunnel = self.key.link.tunnel.id
            what = f"the moment is not agreed yet to change over to {following}"
            remedy = (
                f"Send the peer its new part (`hosting network tunnel peer {tunnel} --next`), agree on a moment, and "
                "run the same command then with --switch."
            )
            raise WaitingError(str(self.subject), what, remedy)
        self._run("use-next-wireguard")

    def _is_used(self) -> bool:
        return self._is_new(self._told())

    def _is_new(self, told: Told) -> bool:
        return told.is_switched and told.present != self.replaces

    def _look(self) -> Observed:
        told = self._told()
        if not told.is_agreed:
            remedy = (
                "When its firewall has our new public key, run the same command again. If it cannot take that: "
                f"`hosting-agent take-back-wireguard {self.key.interface}` on the gateway."
            )
            raise WaitingError(str(self.subject), "the peer has not agreed on keys with it yet", remedy)
        at = datetime.fromtimestamp(told.handshake, UTC).isoformat()
        return {"host": self.key.host, "public_key": told.held, "agreed_at": at}

    def _forget_former(self) -> None:
        self._run("forget-former-wireguard")

    def _is_forgotten(self) -> bool:
        told = self._told()
        return told.former is None and told.used_since is None and self._is_new(told)
