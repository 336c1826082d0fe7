"""Write what strongSwan loads: typed connections in, the text of swanctl.conf out, for both ends of a tunnel.  Pure.

What is negotiated is the same for every tunnel and stands here, each line with its source: ANSSI's note on IPsec
(DAT-NT-003 v1.1) as one reads it today with its rules on mechanisms (PG-083 v3.00).  Nothing is formatted that was not
checked to be a name, an address, a network or a number, so that no value of a region's files can end a line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from inventory.tunnels import KeyExchange

IKE_CLASSICAL = "aes256gcm16-prfsha384-ecp384"
ESP_CLASSICAL = "aes256gcm16-ecp384"
ML_KEM = "ke1_mlkem768"
"""The additional key exchange of RFC 9370, as strongSwan writes it from version 6 on; version 5 refuses the word.

Version 6.0.1 of Debian 13 offers it and cannot do it: its OpenSSL has ML-KEM, and its plugin does not know.
"""

REKEY_BYTES = 100 * 10**9
DEAD_PEER_SECONDS = 30

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_IDENTITY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
_FILE = re.compile(r"[a-z][a-z0-9-]*\.pem")


class Start(StrEnum):
    """What begins a tunnel, and begins it again: a packet that wants through, or the daemon, which never gives up."""

    TRAP = "trap"
    ALWAYS = "start"


class Revocation(StrEnum):
    """When a certificate is refused: without a list that says it is not revoked, or if it names one that is not had.

    Either way, if a list at hand has it, or has come to its end.
    """

    STRICT = "strict"
    IF_NAMED = "ifuri"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One end of a tunnel as its own daemon is told; of two with the same networks the lower ``priority`` is used."""

    name: str
    local_addresses: tuple[IPv4Address, ...]
    remote_addresses: tuple[IPv4Address, ...]
    local_identity: str
    remote_identity: str
    certificate: str
    local_networks: tuple[IPv4Network, ...]
    remote_networks: tuple[IPv4Network, ...]
    key_exchange: KeyExchange
    ike_rekey_seconds: int
    child_rekey_seconds: int
    revocation: Revocation = Revocation.STRICT
    start: Start = Start.TRAP
    interface_id: int | None = None
    priority: int | None = None

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` whatever could not be written safely."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a connection")
        for identity in (self.local_identity, self.remote_identity):
            if not _IDENTITY.fullmatch(identity):
                raise ValueError(f"{identity!r} cannot be an identity")
        if not _FILE.fullmatch(self.certificate):
            raise ValueError(f"{self.certificate!r} is not the file of a certificate")
        for addresses in (self.local_addresses, self.remote_addresses):
            if not addresses or not all(type(address) is IPv4Address for address in addresses):
                raise ValueError("a tunnel has IPv4 addresses at both ends")
        for networks in (self.local_networks, self.remote_networks):
            if not networks or not all(type(network) is IPv4Network for network in networks):
                raise ValueError("a tunnel has IPv4 networks at both ends")
        for value, least, most in (
            (self.ike_rekey_seconds, 1, 21600),
            (self.child_rekey_seconds, 1, 3600),
            (self.interface_id, 1, (1 << 32) - 1),
            (self.priority, 1, (1 << 16) - 1),
        ):
            if value is not None and not (type(value) is int and least <= value <= most):
                raise ValueError(f"{value!r} is not a number from {least} to {most}")


def proposals(classical: str, key_exchange: KeyExchange) -> tuple[str, ...]:
    """Give what is proposed and accepted, the best first; nothing else is."""
    hybrid = f"{classical}-{ML_KEM}"
    return {
        KeyExchange.HYBRID: (hybrid,),
        KeyExchange.HYBRID_PREFERRED: (hybrid, classical),
        KeyExchange.CLASSICAL: (classical,),
    }[key_exchange]


def render(connections: Sequence[Connection]) -> str:
    """Write *connections*: the daemon that loads the text has these and no other, and no secret stands in it."""
    return "\n".join(
        [
            "# Written by `hosting`.  DAT-NT-003: ANSSI's note on IPsec.  PG-083: its rules on mechanisms.",
            *_section("connections", (line for each in connections for line in _connection(each))),
            "",
        ]
    )


def _connection(each: Connection) -> list[str]:
    return _section(
        each.name,
        [
            _setting("version", "2", "IKEv2 only, so no aggressive mode (DAT-NT-003 R8)"),
            _setting(
                "proposals",
                ", ".join(proposals(IKE_CLASSICAL, each.key_exchange)),
                "pinned; ML-KEM only besides a classical exchange (DAT-NT-003 R4, R7, R16; PG-083)",
            ),
            _setting("local_addrs", _joined(each.local_addresses)),
            _setting("remote_addrs", _joined(each.remote_addresses)),
            _setting("encap", "yes", "ESP in UDP 4500: one port to open, whatever translates addresses in between"),
            _setting("mobike", "no", "fixed sites: nobody moves a tunnel to another address (DAT-NT-003 R5)"),
            _setting("unique", "replace", "one association an identity"),
            _setting("rekey_time", f"{each.ike_rekey_seconds}s", "new keys within six hours (DAT-NT-003 R13)"),
            _setting("dpd_delay", f"{DEAD_PEER_SECONDS}s", "a peer that is gone is noticed"),
            *([_setting("keyingtries", "0", "the first gateway is tried until it is back")] if _persists(each) else []),
            *_interface(each),
            *_section(
                "local",
                [
                    _setting("auth", "pubkey", "certificates, never a shared key (DAT-NT-003 R9)"),
                    _setting("certs", each.certificate),
                    _setting("id", f"fqdn:{each.local_identity}"),
                ],
            ),
            *_section(
                "remote",
                [
                    _setting("auth", "ecdsa-384-sha384", "P-384 and SHA-384 all along the chain (PG-083)"),
                    _setting("id", f"fqdn:{each.remote_identity}", "this peer and no other that we certified"),
                    _setting("revocation", each.revocation, _REVOCATION[each.revocation]),
                ],
            ),
            *_section("children", _section(each.name, _child(each))),
        ],
    )


_REVOCATION = {
    Revocation.STRICT: "no list of revoked certificates at hand, no tunnel (DAT-NT-003 R9)",
    Revocation.IF_NAMED: "refused if the list at hand has it, or if it names one that cannot be had (DAT-NT-003 R9)",
}


def _child(each: Connection) -> Iterator[str]:
    esp = ", ".join(proposals(ESP_CLASSICAL, each.key_exchange))
    yield _setting("mode", "tunnel", "ESP, never without integrity (DAT-NT-003 R3, R4)")
    yield _setting("esp_proposals", esp, "a fresh exchange for each key: PFS (DAT-NT-003 R7, R12)")
    yield _setting("local_ts", _joined(each.local_networks), "what is no flow's end is in no tunnel (DAT-NT-003 R5)")
    yield _setting("remote_ts", _joined(each.remote_networks))
    yield _setting("rekey_time", f"{each.child_rekey_seconds}s", "hourly, or per 100 GB (DAT-NT-003 R13)")
    yield _setting("rekey_bytes", str(REKEY_BYTES))
    if _persists(each):
        yield _setting("start_action", "start", "the first gateway is the one in use while it is there")
        yield _setting("close_action", "start")
        yield _setting("dpd_action", "restart")
    else:
        yield _setting("start_action", "trap", "without a tunnel a packet waits or is dropped (DAT-NT-003 R10)")
        yield _setting("close_action", "trap")
        yield _setting("dpd_action", "trap")
    yield from _interface(each)
    if each.priority is not None:
        yield _setting("priority", str(each.priority), "the lower is used")


def _persists(each: Connection) -> bool:
    return each.start is Start.ALWAYS


def _interface(each: Connection) -> list[str]:
    """Bind to an interface of the tunnel's own: what comes out of it was in the tunnel, what is sent to it goes in."""
    if each.interface_id is None:
        return []
    number = str(each.interface_id)
    return [_setting("if_id_in", number, "the tunnel's own interface"), _setting("if_id_out", number)]


def _joined(values: Iterable[IPv4Address | IPv4Network]) -> str:
    return ", ".join(map(str, values))


def _setting(key: str, value: str, why: str = "") -> str:
    return f"{key} = {value}" + (f"  # {why}" if why else "")


def _section(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} {{", *(f"  {line}" for line in lines), "}"]
