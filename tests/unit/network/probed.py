"""A region to be probed: the sample with a second host in its tier, a second tier, and one without any flows."""

from ipaddress import IPv4Interface, IPv4Network

from sample import GATEWAY, HOST, region

from inventory.models import Host, HostRole, Region, Tier
from inventory.network import Direction, Flow, Interface, Segment, SegmentKind

SECOND, DATABASE, STRANGER = "dijon-app-2", "dijon-data-1", "dijon-other-1"
TIERS = {"dijon-donnees": "10.21.30.0/24", "dijon-autre": "10.21.40.0/24"}


def probed_region() -> Region:
    """Give the region; its rows are between tiers, from a tunnel and to one, over TCP and over UDP."""
    sample = region()
    segments = [
        Segment(id=name, site="dijon", kind=SegmentKind.TIER, network=IPv4Network(network))
        for name, network in TIERS.items()
    ]
    gateway, host = sample.hosts[1], sample.hosts[0]
    legs = [_interface(f"eth{number}", name, ".1/24") for number, name in enumerate(TIERS, start=3)]
    (application,) = sample.applications
    app = application.tiers[0].model_copy(update={"hosts": (HOST, SECOND), "volumes": ()})
    tiers = (
        app,
        Tier(id="data", segment="dijon-donnees", hosts=(DATABASE,)),
        Tier(id="other", segment="dijon-autre", hosts=(STRANGER,)),
    )
    flows = (
        *application.flows,
        _flow(application.flows[0], "tier:app", "tier:data", "F-LDAPS"),
        _flow(application.flows[0], "tier:app", "tier:data", "F-RTCU"),
        _flow(application.flows[0], "tier:data", "tier:app", "F-HTTPS", Direction.BOTH_WAYS),
        _flow(application.flows[0], "tier:data", "tunnel-beaune", "F-HTTPS"),
        _flow(application.flows[0], "tunnel-beaune", "tier:data", "F-RTCU"),
    )
    changed = application.model_copy(update={"tiers": tiers, "flows": flows})
    hosts = (
        host,
        gateway.model_copy(update={"interfaces": (*gateway.interfaces, *legs)}),
        _host(SECOND, "dijon-imagerie", "10.21.10.12/24"),
        _host(DATABASE, "dijon-donnees", "10.21.30.11/24"),
        _host(STRANGER, "dijon-autre", "10.21.40.11/24"),
    )
    return sample.model_copy(
        update={"segments": (*sample.segments, *segments), "hosts": hosts, "applications": (changed,)}
    )


def _interface(name: str, segment: str, address: str) -> Interface:
    network = TIERS[segment].rpartition(".")[0]
    return Interface(name=name, segment=segment, address=IPv4Interface(f"{network}{address}"))


def _host(name: str, segment: str, address: str) -> Host:
    interface = Interface(name="eth1", segment=segment, address=IPv4Interface(address))
    return Host(id=name, site="dijon", role=HostRole.APPLICATION, interfaces=(interface,))


def _flow(like: Flow, source: str, destination: str, protocol: str, direction: Direction = Direction.ONE_WAY) -> Flow:
    ends = {"source": source, "destination": destination, "protocol": protocol, "direction": direction}
    return like.model_copy(update=ends)


__all__ = ["DATABASE", "GATEWAY", "HOST", "SECOND", "STRANGER", "probed_region"]
