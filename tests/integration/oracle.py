"""What must and what may pass at the sample's two hosts, written down plainly: the proof is held against it."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from interpreter import Packet
from sample import GATEWAY, HOST

APPLICATION_SEGMENT = IPv4Network("10.21.10.0/24")
OUTSIDE = (IPv4Network("10.21.20.0/24"), IPv4Network("172.20.21.0/24"))
"""The tunnel's segment, and the establishment's network behind it."""

SERVER, TIME = "10.21.10.11", "10.21.10.1"
ADMINISTRATION, MANAGEMENT = "10.0.2.2", "10.0.2.15"
INSIDE = {HOST: "eth1", GATEWAY: "eth1.110"}
"""The interface in the application's segment: a card, or a VLAN on the gateway's trunk."""

TRUNK = "eth1"
LEGS = {
    HOST: {INSIDE[HOST]: SERVER},
    GATEWAY: {"eth1.100": "10.21.0.1", INSIDE[GATEWAY]: TIME, "ipsec1": "10.21.20.1"},
}
SERVED = {"eth1.100": IPv4Network("10.21.0.0/24"), INSIDE[GATEWAY]: APPLICATION_SEGMENT}
"""To whom the gateway tells the time, and by which interface."""

OUTER, PEER = "198.51.100.10", "198.51.100.20"
"""What carries the tunnel: an address of the gateway, and the establishment's firewall."""

OTHER = "other"
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FOLLOWED = ("established", "related")


def address(text: str) -> int:
    return int(IPv4Address(text))


def own(host: str) -> set[int]:
    return {address(each) for each in (MANAGEMENT, *LEGS[host].values(), *([OUTER] if host == GATEWAY else []))}


def within(number: int, *networks: IPv4Network) -> bool:
    return any(int(each.network_address) <= number <= int(each.broadcast_address) for each in networks)


def is_row(packet: Packet) -> bool:
    """Tell whether a packet is of the flow matrix: from the establishment to the server's DICOM and HTTPS."""
    return (
        packet.protocol == TCP
        and packet.second in {443, 2762}
        and within(packet.source, *OUTSIDE)
        and packet.destination == address(SERVER)
    )


def is_needed(host: str, packet: Packet) -> bool:
    """Tell whether the platform needs a packet."""
    if host == GATEWAY and packet.protocol == UDP and packet.second in {500, 4500}:
        ends = (address(PEER), address(OUTER))
        return (packet.source, packet.destination) == (ends if packet.hook == "input" else ends[::-1])
    to = (packet.protocol, packet.destination, packet.second)
    if packet.hook == "input":
        asks = host == GATEWAY and packet.incoming in SERVED
        is_time = asks and to == (UDP, address(LEGS[GATEWAY][packet.incoming]), 123)
        is_administration = packet.source == address(ADMINISTRATION) and packet.protocol == TCP
        return (is_administration and packet.second in {22, 9100}) or (
            is_time and within(packet.source, SERVED[packet.incoming])
        )
    engines = {(TCP, address("10.0.2.100"), 8200), (TCP, address("10.0.2.101"), 8333)}
    return to in engines or (host == HOST and to == (UDP, address(TIME), 123))


def takes_its_way(host: str, packet: Packet) -> bool:
    """Tell whether a packet of the matrix comes in and goes out where it should."""
    if packet.hook == "forward":
        return host == GATEWAY and (packet.incoming, packet.outgoing) == ("ipsec1", INSIDE[GATEWAY])
    return host == HOST and packet.hook == "input" and packet.incoming == INSIDE[HOST]


def is_everywhere(packet: Packet) -> bool:
    """Tell whether a packet is a problem, an echo or of neighbour discovery, as every host may see some."""
    if packet.hook == "forward":
        return False
    kind = packet.first >> 8
    if packet.version == 4:
        return packet.protocol == ICMP and kind in {3, 8, 11, 12}
    return packet.protocol == ICMPV6 and kind in {1, 2, 3, 4, 135, 136}


def is_wanted(host: str, packet: Packet) -> bool:
    """Tell whether a packet is of the matrix or of the platform's needs, where it should be."""
    is_of_matrix = is_row(packet) and takes_its_way(host, packet)
    return packet.version == 4 and (is_of_matrix or (packet.hook != "forward" and is_needed(host, packet)))


def is_untagged(host: str, packet: Packet) -> bool:
    """Tell whether a packet comes or goes by the gateway's trunk itself, where no tag says whose it is."""
    return host == GATEWAY and TRUNK in {packet.incoming, packet.outgoing}


def may_pass(host: str, packet: Packet) -> bool:
    """Tell whether nobody forbids a packet."""
    if is_untagged(host, packet):
        return False
    if "lo" in {packet.incoming, packet.outgoing} or packet.state in FOLLOWED:
        return True
    is_any = is_everywhere(packet) or is_wanted(host, packet)
    return packet.state != "invalid" and is_any


def must_pass(host: str, packet: Packet) -> bool:
    """Tell whether somebody needs a packet."""
    if is_untagged(host, packet) or packet.version == 6 or packet.state not in {"new", *FOLLOWED}:
        return False
    if "lo" in {packet.incoming, packet.outgoing}:
        return True
    if packet.state in FOLLOWED:
        return is_followed(host, packet)
    mine = own(host)
    if packet.hook == "output":
        is_needed_one = is_wanted(host, packet) and packet.destination not in mine
        return packet.source in mine and is_needed_one
    is_from_outside = packet.hook == "input" and packet.source in {address(ADMINISTRATION), address(PEER)}
    is_by_no_leg = packet.incoming not in LEGS[host] and packet.destination in mine
    return is_wanted(host, packet) and packet.source not in mine and (is_by_no_leg or not is_from_outside)


def is_followed(host: str, packet: Packet) -> bool:
    """Tell whether a packet belongs to a connection of the matrix, whichever of its ends sends it."""
    ends = {address(SERVER)}
    if host == HOST:
        here, there = (
            (packet.destination, packet.source) if packet.hook == "input" else (packet.source, packet.destination)
        )
        leg = packet.incoming if packet.hook == "input" else packet.outgoing
        return leg == INSIDE[HOST] and packet.hook != "forward" and here in ends and within(there, *OUTSIDE)
    if packet.hook != "forward":
        return False
    ways = {
        ("ipsec1", INSIDE[GATEWAY]): (packet.source, packet.destination),
        (INSIDE[GATEWAY], "ipsec1"): (packet.destination, packet.source),
    }
    if (packet.incoming, packet.outgoing) not in ways:
        return False
    outside, inside = ways[packet.incoming, packet.outgoing]
    return within(outside, *OUTSIDE) and outside not in own(host) and inside in ends


def examples(host: str) -> Iterator[Packet]:
    """Give a packet of each kind that must or may pass: where to begin to look for what changed."""
    remote = address("10.21.20.7")
    row = Packet(hook="input", incoming=INSIDE[host], source=remote, destination=address(SERVER), second=443)
    if host == HOST:
        for port in (443, 2762):
            yield replace(row, second=port)
        yield replace(row, state="established", first=443, second=50000)
        back = replace(row, hook="output", incoming="", outgoing=INSIDE[host], is_reply=True, state="established")
        yield replace(back, source=address(SERVER), destination=remote, first=443, second=50000)
        yield Packet(
            hook="output",
            outgoing=INSIDE[host],
            protocol=UDP,
            source=address(SERVER),
            destination=address(TIME),
            second=123,
        )
    else:
        for port in (443, 2762):
            yield replace(row, hook="forward", incoming="ipsec1", outgoing=INSIDE[host], second=port)
        yield replace(row, hook="forward", incoming="ipsec1", outgoing=INSIDE[host], state="established")
        back = replace(row, hook="forward", outgoing="ipsec1", source=address(SERVER), destination=remote)
        yield replace(back, is_reply=True, state="established", first=443, second=50000)
        yield Packet(
            hook="input",
            incoming=INSIDE[host],
            protocol=UDP,
            source=address("10.21.10.9"),
            destination=address(TIME),
            second=123,
        )
        carrying = Packet(hook="input", incoming=OTHER, protocol=UDP, second=4500)
        yield replace(carrying, source=address(PEER), destination=address(OUTER))
        back = replace(carrying, hook="output", incoming="", outgoing=OTHER)
        yield replace(back, source=address(OUTER), destination=address(PEER))
    for port in (22, 9100):
        yield Packet(
            hook="input", incoming=OTHER, source=address(ADMINISTRATION), destination=address(MANAGEMENT), second=port
        )
    for engine, port in (("10.0.2.100", 8200), ("10.0.2.101", 8333)):
        yield Packet(
            hook="output", outgoing=OTHER, source=address(MANAGEMENT), destination=address(engine), second=port
        )
    for hook, way in (("input", "incoming"), ("output", "outgoing")):
        yield replace(Packet(hook=hook, source=1, destination=2, second=3), **{way: "lo"})
        yield replace(
            Packet(hook=hook, protocol=ICMP, first=8 << 8, source=remote, destination=1), **{way: INSIDE[host]}
        )
        yield replace(
            Packet(hook=hook, version=6, protocol=ICMPV6, first=135 << 8, state="untracked", source=1, destination=2),
            **{way: INSIDE[host]},
        )
