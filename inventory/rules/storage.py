"""Hosts, stores and volumes: where they stand, and whether there is room."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from inventory.capacity import need_mib, room_mib
from inventory.countries import is_in_eea
from inventory.located import LocatedRegion, Placed
from inventory.models import Host, HostRole, ObjectStore, SiteKind, Tier, Volume
from inventory.problems import Problem, Words


def hosts_and_stores_stand_in_datacentres(region: LocatedRegion) -> Iterator[Problem]:
    """Find machines and stores in places that are not made for them."""
    everything: tuple[Placed[Host] | Placed[ObjectStore], ...] = (*region.hosts, *region.stores)
    for place in everything:
        site = region.site(place.value.site)
        if site is not None and site.value.kind is not SiteKind.DATACENTRE:
            noun = "a host" if isinstance(place.value, Host) else "an object store"
            what = f"{noun} stands at {site.value.id}, of kind {site.value.kind}"
            yield place.problem(("site",), Words(what, "both stand in datacentres only", "choose a datacentre"))


def storage_stays_in_the_eea(region: LocatedRegion) -> Iterator[Problem]:
    """Find sites that store data outside the European Economic Area."""
    stored = defaultdict(list)
    for store in region.stores:
        stored[store.value.site].append(store.value.id)
    for host in region.hosts:
        if host.value.data_devices:
            stored[host.value.site].append(host.value.id)
    for site in region.sites:
        holders = stored.get(site.value.id)
        if holders and not is_in_eea(site.value.country):
            what = f"{site.value.country} is outside the European Economic Area"
            more = f" and {len(holders) - 1} more keep" if len(holders) > 1 else " keeps"
            why = f"{holders[0]}{more} data here and HDS v2 EXI 28 has health data stored in the EEA only"
            yield site.problem(("country",), Words(what, why, "move the storage to a site in the EEA"))


def tiers_run_on_application_hosts(region: LocatedRegion) -> Iterator[Problem]:
    """Find tiers on gateways, and on hosts that are not connected to the tier's segment."""
    for application in region.applications:
        for tier in application.each("tiers", application.value.tiers):
            for number, name in enumerate(tier.value.hosts):
                host = region.host(name)
                words = _unfit(region, host.value, tier.value) if host else None
                if words:
                    yield tier.problem(("hosts", number), words)


def _unfit(region: LocatedRegion, host: Host, tier: Tier) -> Words | None:
    if host.role is not HostRole.APPLICATION:
        return Words(f"{host.id} is a {host.role}", "applications run on hosts made for them", "choose another host")
    segments = {interface.segment for interface in host.interfaces}
    if tier.segment not in segments and all(map(region.segment, segments)):
        what = f"{host.id} has no interface in segment {tier.segment}"
        return Words(what, "the tier's traffic passes there", "add the interface or choose another host")
    return None


class Carved(NamedTuple):
    """A volume of an application on one of its hosts."""

    place: Placed[Volume]
    application: str


def carved(region: LocatedRegion) -> dict[str, list[Carved]]:
    """Give the volumes of every host, over all applications."""
    volumes: dict[str, list[Carved]] = defaultdict(list)
    for application in region.applications:
        for tier in application.each("tiers", application.value.tiers):
            for host in tier.value.hosts:
                volumes[host] += [
                    Carved(place, application.value.id) for place in tier.each("volumes", tier.value.volumes)
                ]
    return volumes


def volumes_have_room(region: LocatedRegion) -> Iterator[Problem]:
    """Find hosts whose devices are smaller than the volumes on them; told at the first volume that does not fit."""
    for name, volumes in carved(region).items():
        host = region.host(name)
        if host is None:
            continue
        room = room_mib(host.value.data_devices)
        taken = 0
        for volume in volumes:
            need = need_mib([volume.place.value])
            if taken + need > room:
                yield volume.place.problem(("size_gib",), _no_room(volume, name, room - taken, need))
                break
            taken += need


def _no_room(volume: Carved, host: str, free_mib: int, need_mib: int) -> Words:
    what = f"volume {volume.place.value.id} does not fit on {host}"
    why = f"it needs {need_mib} MiB with its LUKS header and the data devices have {max(free_mib, 0)} MiB left"
    return Words(what, why, "make it smaller or add a data device to the host")


def mount_points_are_apart(region: LocatedRegion) -> Iterator[Problem]:
    """Find volumes of one host that are mounted at one place, or one inside the other."""
    for host, volumes in carved(region).items():
        holder: Carved | None = None
        for volume in sorted(volumes, key=lambda volume: _parts(volume.place.value)):
            if holder is not None and _is_inside(volume.place.value, holder.place.value):
                what = (
                    f"{volume.place.value.mount_point} is on {host} where {holder.place.value.mount_point} is mounted"
                )
                why = f"volume {holder.place.value.id} of {holder.application} has it"
                yield volume.place.problem(("mount_point",), Words(what, why, "mount it beside"))
            else:
                holder = volume


def _is_inside(volume: Volume, holder: Volume) -> bool:
    return _parts(volume)[: len(_parts(holder))] == _parts(holder)


def _parts(volume: Volume) -> list[str]:
    return volume.mount_point.split("/")
