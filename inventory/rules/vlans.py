"""VLANs: at one site a tag is one segment's, and a segment has one tag."""

from collections.abc import Hashable, Iterator

from inventory.documents import Steps
from inventory.located import LocatedRegion, Placed
from inventory.network import Interface
from inventory.problems import Problem, Words
from inventory.rules.uniqueness import whereabouts

_TAG: Steps = ("vlan", "id")


def vlans_are_segments(region: LocatedRegion) -> Iterator[Problem]:
    """Find tags that two segments of a site share, which would be one network, and segments with two."""
    segments: dict[Hashable, Placed[Interface]] = {}
    tags: dict[Hashable, Placed[Interface]] = {}
    for host in region.hosts:
        for place in host.each("interfaces", host.value.interfaces):
            vlan = place.value.vlan
            if vlan is None:
                continue
            site, segment = host.value.site, place.value.segment
            of_tag = segments.setdefault((site, vlan.id), place)
            of_segment = tags.setdefault(segment, place)
            if of_tag.value.segment != segment:
                what = f"VLAN {vlan.id} at {site} is segment {of_tag.value.segment}"
                why = f"so it is in {whereabouts(of_tag, _TAG)} and two segments never share a network"
                yield place.problem(_TAG, Words(what, why, "choose another tag"))
            elif of_segment.value.vlan is not None and of_segment.value.vlan.id != vlan.id:
                what = f"segment {segment} is VLAN {of_segment.value.vlan.id}"
                why = f"so it is in {whereabouts(of_segment, _TAG)} and its hosts would not see one another"
                yield place.problem(_TAG, Words(what, why, f"write {of_segment.value.vlan.id}"))


def trunks_carry_each_tag_once(region: LocatedRegion) -> Iterator[Problem]:
    """Find interfaces of a host that are one VLAN on one trunk, and those that would be their own trunk."""
    for host in region.hosts:
        first: dict[Hashable, Placed[Interface]] = {}
        for place in host.each("interfaces", host.value.interfaces):
            vlan = place.value.vlan
            if vlan is None:
                continue
            if vlan.trunk == place.value.name:
                what = f"{vlan.trunk} is its own trunk"
                words = Words(what, "a VLAN is an interface on a card", f"call the interface {vlan.trunk}.{vlan.id}")
                yield place.problem(("name",), words)
            earlier = first.setdefault((vlan.trunk, vlan.id), place)
            if earlier is not place:
                what = f"{earlier.value.name} is VLAN {vlan.id} on {vlan.trunk} already"
                why = f"it stands in {whereabouts(earlier, _TAG)} and a trunk carries each tag once"
                yield place.problem(_TAG, Words(what, why, "remove one of the interfaces"))
