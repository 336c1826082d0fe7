"""VLANs: at one site a number is one segment's, and both ends of a trunk take it from there."""

from collections.abc import Iterator

from inventory.located import LocatedRegion, Placed
from inventory.models import Host
from inventory.network import Interface, Retired, Segment, SegmentKind
from inventory.problems import Problem, Words
from inventory.rules.uniqueness import whereabouts

# -- numbers ------------------------------------------------------------------------------------------------------


def vlan_ranges_go_up(region: LocatedRegion) -> Iterator[Problem]:
    """Find ranges of numbers that end before they begin."""
    for place in region.vlan_ranges:
        first, last = place.value.first, place.value.last
        if last < first:
            words = Words(f"the range ends at {last}", f"it begins at {first}", "write the smaller number first")
            yield place.problem(("last",), words)


def vlans_come_from_their_sites_ranges(region: LocatedRegion) -> Iterator[Problem]:
    """Find numbers that are not among those of their site, where it says which are its own."""
    for place in region.segments:
        vlan, site = place.value.vlan, place.value.site
        ranges = [item.value for item in region.vlan_ranges if item.value.site == site]
        if vlan is not None and ranges and not any(item.first <= vlan <= item.last for item in ranges):
            why = f"that is {', '.join(f'{item.first} to {item.last}' for item in ranges)}"
            words = Words(f"VLAN {vlan} is not among what {site} has", why, "choose a number there, or add a range")
            yield place.problem(("vlan",), words)


def vlans_are_segments(region: LocatedRegion) -> Iterator[Problem]:
    """Find numbers that two segments of a site share, which would be one network, and numbers that were another's."""
    if region.network is None:
        return
    retired: dict[int, Placed[Retired]] = {}
    for gone in region.network.each("retired", region.network.value.retired):
        if gone.value.vlan is not None:
            retired.setdefault(gone.value.vlan, gone)
    first: dict[tuple[str, int], Placed[Segment]] = {}
    for place in region.segments:
        vlan, site = place.value.vlan, place.value.site
        if vlan is None:
            continue
        remedy = "remove it and run hosting network allocate, which finds another"
        earlier = first.setdefault((site, vlan), place)
        if earlier is not place:
            what = f"VLAN {vlan} at {site} is segment {earlier.value.id}"
            why = f"so it is in {whereabouts(earlier, ('vlan',))} and two segments never share a network"
            yield place.problem(("vlan",), Words(what, why, remedy))
        elif vlan in retired:
            what = f"VLAN {vlan} was that of {retired[vlan].value.id} until {retired[vlan].value.since}"
            yield place.problem(("vlan",), Words(what, "on some switch a port may still carry it", remedy))


def tunnels_have_no_vlan(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels with a number: what comes out of a tunnel comes by an interface of its own, not off a switch."""
    for place in region.segments:
        if place.value.vlan is not None and place.value.kind is SegmentKind.TUNNEL:
            what = f"a segment of kind {place.value.kind} has a VLAN"
            words = Words(what, "what comes out of a tunnel comes from no switch", "remove vlan")
            yield place.problem(("vlan",), words, at_key=True)


# -- interfaces ---------------------------------------------------------------------------------------------------


def vlans_are_on_trunks(region: LocatedRegion) -> Iterator[Problem]:
    """Find VLANs on no trunk of their host, under no number, or called otherwise than what they are."""
    for host in region.hosts:
        for place in host.each("interfaces", host.value.interfaces):
            if place.value.parent is not None:
                yield from _check_parent(host.value, place, place.value.parent)
                yield from _check_name(region, place, place.value.parent)
            elif place.value.name in host.value.trunks:
                what = f"{place.value.name} is a trunk of {host.value.id}"
                why = "what comes off a trunk without a tag is in no segment"
                remedy = f"make it a VLAN: add parent: {place.value.name}, and call it by both"
                yield place.problem(("name",), Words(what, why, remedy))


def _check_parent(host: Host, place: Placed[Interface], parent: str) -> Iterator[Problem]:
    if parent not in host.trunks:
        what = f"{parent} is no trunk of {host.id}"
        why = f"it has {', '.join(host.trunks)}" if host.trunks else "it has none"
        yield place.problem(("parent",), Words(what, why, f"add {parent} to its trunks, or name another"))


def _check_name(region: LocatedRegion, place: Placed[Interface], parent: str) -> Iterator[Problem]:
    segment = region.segment(place.value.segment)
    if segment is None:
        return
    if segment.value.vlan is None:
        what = f"segment {segment.value.id} has no VLAN"
        why = f"{place.value.name} would not know its frames on {parent}"
        is_tunnel = segment.value.kind is SegmentKind.TUNNEL
        remedy = "remove parent" if is_tunnel else "run hosting network allocate, which finds a number"
        yield place.problem(("segment",), Words(what, why, remedy))
        return
    expected = f"{parent}.{segment.value.vlan}"
    if place.value.name != expected:
        what = f"{place.value.name} is VLAN {segment.value.vlan} on {parent}"
        why = f"that is the number of {segment.value.id}, and its name says both"
        yield place.problem(("name",), Words(what, why, f"call it {expected}"))
