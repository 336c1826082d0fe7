"""What is named exists."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from inventory.documents import Steps
from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application
from inventory.problems import Problem, Words, quoted

MOST_NAMED = 6

HOMES = {
    Kind.SITE: "region.yaml",
    Kind.STORE: "region.yaml",
    Kind.SEGMENT: "network.yaml",
    Kind.GROUP: "network.yaml",
    Kind.HOST: "hosts/",
    Kind.CONTACT: "region.yaml or the member's file",
    Kind.ESTABLISHMENT: "the member's file",
    Kind.APPLICATION: "applications/",
    Kind.PROFILE: "the catalogue",
    Kind.PROTOCOL: "the catalogue",
    Kind.PROVIDER: "the catalogue",
}


class Reference(NamedTuple):
    """An identifier, what it should be one of, and where it stands."""

    kind: Kind
    identifier: str
    place: Placed[Any]
    steps: Steps


def of_sheet(region: LocatedRegion) -> Iterator[Reference]:
    """Give what the platform's own buckets refer to."""
    if region.sheet is not None:
        for key, kept in (("evidence", region.sheet.value.evidence), ("logs", region.sheet.value.logs)):
            if kept is not None:
                yield Reference(Kind.STORE, kept.store, region.sheet, (key, "store"))


def of_stores(region: LocatedRegion) -> Iterator[Reference]:
    """Give what object stores refer to."""
    for store in region.stores:
        yield Reference(Kind.SITE, store.value.site, store, ("site",))
        yield Reference(Kind.PROVIDER, store.value.product, store, ("product",))


def of_address_plan(region: LocatedRegion) -> Iterator[Reference]:
    """Give what supernets, ranges of VLANs and segments refer to."""
    for supernet in region.supernets:
        yield Reference(Kind.SITE, supernet.value.site, supernet, ("site",))
    for vlans in region.vlan_ranges:
        yield Reference(Kind.SITE, vlans.value.site, vlans, ("site",))
    for segment in region.segments:
        yield Reference(Kind.SITE, segment.value.site, segment, ("site",))
        if segment.value.establishment is not None:
            yield Reference(Kind.ESTABLISHMENT, segment.value.establishment, segment, ("establishment",))


def of_tunnels(region: LocatedRegion) -> Iterator[Reference]:
    """Give what tunnels refer to."""
    for tunnel in region.tunnels:
        yield Reference(Kind.SEGMENT, tunnel.value.segment, tunnel, ("segment",))
        for end in tunnel.each("gateways", tunnel.value.gateways):
            yield Reference(Kind.HOST, end.value.host, end, ("host",))
        yield Reference(Kind.CONTACT, tunnel.value.peer.contact, tunnel, ("peer", "contact"))
        if tunnel.value.wireguard is not None:
            contact = tunnel.value.wireguard.accepted_risk.accepted_by
            yield Reference(Kind.CONTACT, contact, tunnel, ("wireguard", "accepted_risk", "accepted_by"))


def of_gateway_pairs(region: LocatedRegion) -> Iterator[Reference]:
    """Give what pairs of gateways refer to."""
    for pair in region.gateway_pairs:
        for key in ("first", "second"):
            yield Reference(Kind.HOST, getattr(pair.value, key), pair, (key,))
        yield Reference(Kind.SEGMENT, pair.value.heartbeat, pair, ("heartbeat",))


def of_hosts(region: LocatedRegion) -> Iterator[Reference]:
    """Give what hosts refer to."""
    for host in region.hosts:
        yield Reference(Kind.SITE, host.value.site, host, ("site",))
        for interface in host.each("interfaces", host.value.interfaces):
            yield Reference(Kind.SEGMENT, interface.value.segment, interface, ("segment",))


def of_applications(region: LocatedRegion) -> Iterator[Reference]:
    """Give what applications refer to, but for the ends of flows."""
    for place in region.applications:
        application = place.value
        yield Reference(Kind.PROFILE, application.profile, place, ("profile",))
        for number, finess in enumerate(application.establishments):
            yield Reference(Kind.ESTABLISHMENT, finess, place, ("establishments", number))
        for number, other in enumerate(application.depends_on):
            yield Reference(Kind.APPLICATION, other, place, ("depends_on", number))
        if application.incident_contact is not None:
            yield Reference(Kind.CONTACT, application.incident_contact, place, ("incident_contact",))
        yield from _of_tiers(place)
        for bucket in place.each("buckets", application.buckets):
            yield Reference(Kind.STORE, bucket.value.store, bucket, ("store",))
        if application.backup is not None:
            yield Reference(Kind.STORE, application.backup.store, place, ("backup", "store"))
            if application.backup.second_store is not None:
                yield Reference(Kind.STORE, application.backup.second_store, place, ("backup", "second_store"))
        for flow in place.each("flows", application.flows):
            yield Reference(Kind.PROTOCOL, flow.value.protocol, flow, ("protocol",))


def _of_tiers(application: Placed[Application]) -> Iterator[Reference]:
    for tier in application.each("tiers", application.value.tiers):
        yield Reference(Kind.SEGMENT, tier.value.segment, tier, ("segment",))
        for number, host in enumerate(tier.value.hosts):
            yield Reference(Kind.HOST, host, tier, ("hosts", number))


def of_profiles(region: LocatedRegion) -> Iterator[Reference]:
    """Give what service profiles refer to."""
    for profile in region.profiles:
        for number, protocol in enumerate(profile.value.protocols):
            yield Reference(Kind.PROTOCOL, protocol, profile, ("protocols", number))


def of_compliance(region: LocatedRegion) -> Iterator[Reference]:
    """Give whom statements, exclusions and waivers name."""
    for statement in region.statements:
        yield Reference(Kind.CONTACT, statement.value.owner, statement, ("owner",))
    for exclusion in region.exclusions:
        yield Reference(Kind.CONTACT, exclusion.value.decided_by, exclusion, ("decided_by",))
    for waiver in region.waivers:
        yield Reference(Kind.CONTACT, waiver.value.requested_by, waiver, ("requested_by",))
        yield Reference(Kind.CONTACT, waiver.value.approved_by, waiver, ("approved_by",))


SOURCES: tuple[Callable[[LocatedRegion], Iterator[Reference]], ...] = (
    of_sheet,
    of_stores,
    of_tunnels,
    of_gateway_pairs,
    of_address_plan,
    of_hosts,
    of_applications,
    of_profiles,
    of_compliance,
)


def references_resolve(region: LocatedRegion) -> Iterator[Problem]:
    """Find identifiers that name nothing."""
    for source in SOURCES:
        for kind, identifier, place, steps in source(region):
            if not region.may_exist(kind, identifier):
                yield place.problem(steps, unknown(region, kind, identifier))


def unknown(region: LocatedRegion, kind: Kind, identifier: str) -> Words:
    """Say that nothing of *kind* has this identifier, and what there is instead."""
    known = sorted(region.index(kind))
    close = get_close_matches(identifier, known, n=1)
    remedy = f"write {close[0]}" if close else f"add it to {HOMES[kind]} or write another"
    return Words(f"there is no {kind} {quoted(identifier)}", there_is(known, f"{kind}s"), remedy)


def there_is(known: list[str], plural: str) -> str:
    """List what is known, or count it when that would be long."""
    if not known:
        return f"there are no {plural} at all"
    if len(known) > MOST_NAMED:
        return f"none of the {len(known)} {plural} is called so"
    return f"there is only {', '.join(known)}"


def backups_name_own_volumes(region: LocatedRegion) -> Iterator[Problem]:
    """Find backups of volumes that the application does not have."""
    for place in region.applications:
        application = place.value
        own = sorted(volume.id for tier in application.tiers for volume in tier.volumes)
        for number, volume in enumerate(application.backup.volumes if application.backup else ()):
            if volume not in own:
                words = Words(
                    f"there is no volume {quoted(volume)}", there_is(own, "volumes"), "write one of its volumes"
                )
                yield place.problem(("backup", "volumes", number), words)
