"""Which gateway of each pair is in charge: the one whose kernel holds the addresses that both share."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploys import flows, pairs
from deploys.answers import UnknownError, part
from deploys.flows import Topology
from deploys.pairs import Role
from deploys.reading import TIMEOUT_SECONDS
from hosting_cli.errors import UnreadableError
from hosting_cli.session import Session
from inventory.network import GatewayPair
from inventory.resource import Json


class Charge(StrEnum):
    """What a gateway is in its pair."""

    IN_CHARGE = "in charge"
    STANDING_BY = "standing by"
    SPLIT = "split"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class GatewayCharge:
    """What one gateway holds, by segment; ``why`` says what could not be read."""

    pair: str
    gateway: str
    segments: tuple[str, ...]
    held: tuple[str, ...] | None
    why: str = ""

    @property
    def charge(self) -> Charge:
        """Sum it up: a gateway that holds some and not all is a way for nobody."""
        if self.held is None:
            return Charge.UNKNOWN
        if not self.held:
            return Charge.STANDING_BY
        return Charge.IN_CHARGE if set(self.held) == set(self.segments) else Charge.SPLIT

    @property
    def lacking(self) -> tuple[str, ...]:
        """Name the segments whose addresses it does not hold."""
        return tuple(segment for segment in self.segments if segment not in (self.held or ()))

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "pair": self.pair,
            "gateway": self.gateway,
            "charge": self.charge.value,
            "held": None if self.held is None else list(self.held),
            "why": self.why,
        }


def read(session: Session, wanted: Iterable[GatewayPair]) -> tuple[GatewayCharge, ...]:
    """Ask both gateways of each pair, each in one round trip; what could not be read is unknown, and holds nothing."""
    places = flows.topology(session.region)
    roles = [role for pair in wanted for role in roles_of(places, pair)]
    answers = session.hosts.read({host: request(role) for host, role in roles}) if roles else {}
    return tuple(judge(host, role, answers[host]) for host, role in roles)


def roles_of(places: Topology, pair: GatewayPair) -> Iterator[tuple[str, Role]]:
    """Give both gateways of a pair with what each is in it."""
    for host in pair.gateways:
        role = pairs.role_of(places, host)
        if role is not None:
            yield host, role


def request(role: Role) -> Json:
    """Say what a gateway is asked: which of the shared addresses its kernel holds."""
    asked: list[Json] = [[shared.interface, str(shared.address)] for shared in role.shared]
    return {"timeout_seconds": TIMEOUT_SECONDS, "shared": asked}


def judge(host: str, role: Role, answer: Mapping[str, Any] | UnreadableError) -> GatewayCharge:
    """Say what *host* holds by what it answered."""
    segments = tuple(shared.segment for shared in role.shared)
    if isinstance(answer, UnreadableError):
        return GatewayCharge(role.pair.id, host, segments, None, answer.what)
    try:
        told = {(interface, address) for interface, address in part(answer, "shared")}
    except (UnknownError, ValueError, TypeError) as error:
        return GatewayCharge(role.pair.id, host, segments, None, str(error))
    held = tuple(one.segment for one in role.shared if (one.interface, str(one.address)) in told)
    return GatewayCharge(role.pair.id, host, segments, held)


def holders(found: Iterable[GatewayCharge]) -> dict[tuple[str, str], int]:
    """Count who holds the address of each segment of each pair; a pair that was not read whole is left out."""
    charges = tuple(found)
    unread = {each.pair for each in charges if each.held is None}
    return {
        (each.pair, segment): sum(
            segment in (other.held or ()) for other in charges if other.pair == each.pair
        )
        for each in charges
        if each.pair not in unread
        for segment in each.segments
    }  # fmt: skip


def is_in_order(found: Iterable[GatewayCharge]) -> bool:
    """Tell whether each address is held by exactly one gateway, and all of a pair's by the same."""
    charges = tuple(found)
    return all(count == 1 for count in holders(charges).values()) and Charge.SPLIT not in {
        each.charge for each in charges
    }
