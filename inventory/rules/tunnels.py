"""Tunnels: each ends on gateways of ours and at one peer, and what deviates from the reference profile has an end."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from ipaddress import IPv4Address

from inventory.located import LocatedRegion, Placed
from inventory.models import DataClass, Host, HostRole
from inventory.network import SegmentKind
from inventory.problems import Problem, Words
from inventory.rules.uniqueness import whereabouts
from inventory.tunnels import MOST_GATEWAYS, Tunnel, TunnelEnd, TunnelKind

INTERFACES = {TunnelKind.IPSEC: re.compile(r"ipsec[0-9]+"), TunnelKind.WIREGUARD: re.compile(r"wg[0-9]+")}
"""How the interfaces are called that a gateway makes for its tunnels, so that no network card is taken for one."""

EXAMPLES = {TunnelKind.IPSEC: "ipsec1", TunnelKind.WIREGUARD: "wg1"}

LONGEST_ACCEPTANCE_DAYS = 365
"""No text gives a figure: a year is how often an operator reviews its risks (ISO/IEC 27001, 8.2)."""


def tunnels_end_in_segments_of_theirs(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels whose segment is one of ours, or nobody's."""
    for place in region.tunnels:
        segment = region.segment(place.value.segment)
        if segment is None:
            continue
        if segment.value.kind is not SegmentKind.TUNNEL:
            what = f"segment {segment.value.id} is a {segment.value.kind}"
            words = Words(what, "what comes out of a tunnel is kept apart from what is ours", "choose a tunnel segment")
            yield place.problem(("segment",), words)
        elif segment.value.establishment is None:
            what = f"segment {segment.value.id} belongs to no establishment"
            words = Words(what, "a tunnel leads to exactly one", "write its establishment where the segment stands")
            yield place.problem(("segment",), words)


def gateways_can_end_tunnels(region: LocatedRegion) -> Iterator[Problem]:
    """Find ends of tunnels on hosts that forward nothing, twice on one, or without an interface for what comes out."""
    for place in region.tunnels:
        ends = list(place.each("gateways", place.value.gateways))
        if len(ends) > MOST_GATEWAYS:
            words = Words(
                f"the tunnel has {len(ends)} gateways",
                "one takes the other's place, and nobody would try a third",
                f"keep {MOST_GATEWAYS}",
            )
            yield place.problem(("gateways",), words)
        for number, end in enumerate(ends):
            if end.value.host in {earlier.value.host for earlier in ends[:number]}:
                why = "a gateway cannot take its own place"
                yield end.problem(("host",), Words(f"{end.value.host} stands twice", why, "name another or one only"))
            host = region.host(end.value.host)
            if host is not None:
                yield from _check_gateway(place.value, end, host.value)


def _check_gateway(tunnel: Tunnel, end: Placed[TunnelEnd], host: Host) -> Iterator[Problem]:
    if host.role is not HostRole.GATEWAY:
        what = f"{host.id} is of role {host.role}"
        yield end.problem(("host",), Words(what, "tunnels end where flows are enforced", "name a gateway"))
        return
    names = [interface.name for interface in host.interfaces if interface.segment == tunnel.segment]
    example = EXAMPLES[tunnel.kind]
    if not names:
        what = f"{host.id} has no interface in {tunnel.segment}"
        why = "what the tunnel carries must come out somewhere"
        yield end.problem(("host",), Words(what, why, f"give it one there, called like {example}"))
    for name in names:
        if INTERFACES[tunnel.kind].fullmatch(name) is None:
            what = f"{host.id} would let {tunnel.segment} in by {name}"
            why = f"that is a network card, and a tunnel of kind {tunnel.kind} comes out of an interface of its own"
            yield end.problem(("host",), Words(what, why, f"call the interface like {example}"))


def ends_of_tunnels_are_told_apart(region: LocatedRegion) -> Iterator[Problem]:
    """Find addresses that two hosts would have, that stand twice in one tunnel, or that are of the address plan.

    A gateway has one address for all its tunnels, and one firewall of a group of establishments may be the peer of
    several: their certificates tell them apart.
    """
    ours: dict[IPv4Address, tuple[str, Placed[TunnelEnd]]] = {}
    for place in region.tunnels:
        for end in place.each("gateways", place.value.gateways):
            address, host = end.value.address, end.value.host
            owner, earlier = ours.setdefault(address, (host, end))
            if owner != host:
                why = f"{owner} has it in {whereabouts(earlier, ('address',))}"
                words = Words(f"{address} cannot be an address of {host}", why, "give each gateway its own")
                yield end.problem(("address",), words)
            yield from _check_outside(region, end, ("address",), address)
    for place in region.tunnels:
        seen: set[IPv4Address] = set()
        for number, address in enumerate(place.value.peer.addresses):
            steps = ("peer", "addresses", number)
            if address in ours:
                why = f"{ours[address][0]} has it"
                yield place.problem(steps, Words(f"{address} is no peer's", why, "write the address of the peer"))
            elif address in seen:
                yield place.problem(steps, Words(f"{address} stands twice", "it would be tried twice", "remove one"))
            else:
                yield from _check_outside(region, place, steps, address)
            seen.add(address)


def _check_outside(
    region: LocatedRegion, place: Placed[Tunnel] | Placed[TunnelEnd], steps: tuple[str | int, ...], address: IPv4Address
) -> Iterable[Problem]:
    space = region.network.value.address_space if region.network else ()
    for part in space:
        if address in part:
            why = f"it is inside {part}, whose packets only ever travel in tunnels"
            yield place.problem(steps, Words(f"{address} cannot carry a tunnel", why, "write the address outside"))


def tunnels_are_of_one_kind(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels that are said to be IPsec and WireGuard."""
    for place in region.tunnels:
        if place.value.ipsec is not None and place.value.wireguard is not None:
            why = "one of them would carry nothing"
            words = Words("the tunnel is said to be IPsec and WireGuard", why, "remove one of the two")
            yield place.problem(("wireguard",), words, at_key=True)


def wireguard_is_told_apart(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels of WireGuard with a second gateway, or whose packets their gateway could not tell from another's.

    A gateway has one socket for each, and a peer of WireGuard sends what it has to one gateway and to no second.
    """
    seen: dict[tuple[str, int], Placed[Tunnel]] = {}
    for place in region.tunnels:
        terms, ends = place.value.wireguard, place.value.gateways
        if terms is None:
            continue
        if len(ends) > 1:
            why = "WireGuard has no notion of a second one, so nothing would ever come by it"
            words = Words(f"the tunnel is WireGuard and has {len(ends)} gateways", why, "keep the first one")
            yield place.problem(("gateways",), words)
        earlier = seen.setdefault((ends[0].host, terms.port), place)
        if earlier is not place:
            what = f"{ends[0].host} would listen on port {terms.port} for two tunnels"
            why = f"{earlier.value.id} has it in {whereabouts(earlier, ('wireguard',))}"
            steps = ("wireguard", "port") if "port" in terms.model_fields_set else ("wireguard",)
            yield place.problem(steps, Words(what, why, "write another port"))


def accepted_risks_end(region: LocatedRegion) -> Iterator[Problem]:
    """Find risks accepted for longer than they are reviewed, or for no time at all."""
    for place in region.tunnels:
        if place.value.wireguard is None:
            continue
        risk, steps = place.value.wireguard.accepted_risk, ("wireguard", "accepted_risk", "until")
        last = risk.since + timedelta(days=LONGEST_ACCEPTANCE_DAYS)
        if risk.until < risk.since:
            why = f"it begins on {risk.since}"
            yield place.problem(steps, Words(f"the acceptance ends on {risk.until}", why, "write a later day"))
        elif risk.until > last:
            why = f"a risk is looked at again after {LONGEST_ACCEPTANCE_DAYS} days"
            yield place.problem(
                steps, Words(f"the risk is accepted until {risk.until}", why, f"write {last} at the latest")
            )


def accepted_risks_are_in_force(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels whose risk nobody accepts today, if a day is to be judged by, and whose data passes there."""
    if region.today is None:
        return
    for place in region.tunnels:
        if place.value.wireguard is None:
            continue
        risk = place.value.wireguard.accepted_risk
        if risk.is_in_force(region.today):
            continue
        key, what = (
            ("until", f"the acceptance ended on {risk.until}")
            if risk.until < region.today
            else ("since", f"the acceptance begins on {risk.since}")
        )
        carried = ", ".join(_health_data_through(region, place.value))
        why = f"today is {region.today}" + (f" and health data of {carried} would pass" if carried else "")
        remedy = "have the risk accepted again, or remove wireguard: the tunnel is IPsec then"
        yield place.problem(("wireguard", "accepted_risk", key), Words(what, why, remedy))


def _health_data_through(region: LocatedRegion, tunnel: Tunnel) -> Iterator[str]:
    """Name the applications whose health data the tunnel's establishment exchanges."""
    segment = region.segment(tunnel.segment)
    for application in region.applications:
        is_for = segment is not None and segment.value.establishment in application.value.establishments
        if is_for and application.value.data_class is DataClass.HEALTH:
            yield application.value.id
