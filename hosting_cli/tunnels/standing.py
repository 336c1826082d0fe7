"""Say how tunnels stand: which are up, since when, with what was negotiated, and how long our certificates last."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography import x509

from deploys import desired_tunnels
from deploys.answers import UnknownError, part
from deploys.reading import TIMEOUT_SECONDS
from deploys.tunnels import Link
from hosting_cli.errors import UnreadableError
from hosting_cli.session import Session
from inventory.resource import Json

ENCRYPTION = ("AES_GCM_16", "256")
CLASSICAL = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"
PROPOSED = (CLASSICAL, f"{CLASSICAL}/KE1_ML_KEM_768")
"""What `deploys.swanctl` proposes, as the daemon spells it once it is negotiated."""


class Standing(StrEnum):
    """How a tunnel stands at a gateway."""

    UP = "up"
    DOWN = "down"
    WEAKER = "weaker"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TunnelStanding:
    """A tunnel at one of its gateways: ``why`` says what is not right, or not to be seen."""

    tunnel: str
    gateway: str
    standing: Standing
    why: str = ""
    ike: str | None = None
    esp: tuple[str, ...] = ()
    since: datetime | None = None
    certificate_until: datetime | None = None

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "tunnel": self.tunnel,
            "gateway": self.gateway,
            "standing": self.standing.value,
            "why": self.why,
            "ike": self.ike,
            "esp": list(self.esp),
            "since": _at(self.since),
            "certificate_until": _at(self.certificate_until),
        }


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def read(session: Session, links: Iterable[Link]) -> tuple[TunnelStanding, ...]:
    """Ask every gateway of *links*, each in one round trip; what could not be read is unknown, and never down."""
    wanted = [(link, end.host) for link in links for end in link.tunnel.gateways]
    request: Json = {"timeout_seconds": TIMEOUT_SECONDS, "tunnels": desired_tunnels.READING}
    answers = session.hosts.read({host: request for _, host in wanted})
    now = session.clock()
    return tuple(judge(link, host, answers[host], now) for link, host in wanted)


def judge(link: Link, host: str, answer: Mapping[str, Any] | UnreadableError, now: datetime) -> TunnelStanding:
    """Say how *link* stands at *host* by what it answered at *now*."""
    tunnel = link.tunnel.id
    if isinstance(answer, UnreadableError):
        return TunnelStanding(tunnel, host, Standing.UNKNOWN, answer.what)
    try:
        found = part(answer, "tunnels")
        until = _ends(found["certificate"])
        if found["daemon"] is None:
            return TunnelStanding(tunnel, host, Standing.DOWN, "no daemon answers", certificate_until=until)
        return _of_associations(link, host, found["daemon"]["associations"], now, until)
    except (UnknownError, LookupError, ValueError, TypeError, AttributeError) as error:
        return TunnelStanding(tunnel, host, Standing.UNKNOWN, str(error) or type(error).__name__)


def _ends(certificate: str | None) -> datetime | None:
    return None if certificate is None else x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _of_associations(
    link: Link, host: str, events: Iterable[Mapping[str, Any]], now: datetime, until: datetime | None
) -> TunnelStanding:
    """Judge the latest association that stands; one that is being made, or that ends, carries nothing."""
    standing = [
        found
        for event in events
        for name, found in event.items()
        if name == link.tunnel.id and found["state"] == "ESTABLISHED" and _children(found)
    ]
    if not standing:
        why = "nothing is negotiated" if until else "the gateway has no certificate"
        return TunnelStanding(link.tunnel.id, host, Standing.DOWN, why, certificate_until=until)
    latest = min(standing, key=lambda found: int(found["established"]))
    odd = [words for found in standing for words in _odd(link, found)]
    return TunnelStanding(
        link.tunnel.id,
        host,
        Standing.WEAKER if odd else Standing.UP,
        "; ".join(dict.fromkeys(odd)),
        _ike(latest),
        tuple(dict.fromkeys(map(_esp, _children(latest)))),
        now - timedelta(seconds=int(latest["established"])),
        until,
    )


def _children(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [child for child in found["child-sas"].values() if child["state"] == "INSTALLED"]


def _ike(found: Mapping[str, Any]) -> str:
    """Write what was negotiated as `swanctl --list-sas` does."""
    additional = (f"/KE{number}_{found[key]}" for number in range(1, 8) if (key := f"ke{number}") in found)
    return f"{found['encr-alg']}-{found['encr-keysize']}/{found['prf-alg']}/{found['dh-group']}{''.join(additional)}"


def _esp(child: Mapping[str, Any]) -> str:
    """Write the same of a child; its first keys are those of IKE, without an exchange of their own."""
    exchange = f"/{child['dh-group']}" if "dh-group" in child else ""
    integrity = f"/{child['integ-alg']}" if "integ-alg" in child else ""
    return f"{child['encr-alg']}-{child['encr-keysize']}{integrity}{exchange}"


def _odd(link: Link, found: Mapping[str, Any]) -> Iterator[str]:
    """Name what is not as we would have it: it was negotiated by a configuration that is not ours."""
    if found["version"] != "2":
        yield f"IKE of version {found['version']}"
    if _ike(found) not in PROPOSED:
        yield f"IKE by {_ike(found)}"
    if found["remote-id"] != link.peer_identity:
        yield f"the peer is {found['remote-id']}"
    for child in _children(found):
        if (child["encr-alg"], child["encr-keysize"]) != ENCRYPTION:
            yield f"{child['protocol']} by {_esp(child)}"
        if (child["mode"], child["protocol"]) != ("TUNNEL", "ESP"):
            yield f"{child['protocol']} in mode {child['mode']}"
        if int(child["if-id-out"], 16) != link.interface_id:
            yield "it comes out of another interface than its own"
