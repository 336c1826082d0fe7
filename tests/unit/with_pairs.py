"""The sample region with a second gateway that takes the first one's place: both stand in all of its segments."""

from ipaddress import IPv4Address, IPv4Interface

from sample import GATEWAY, region
from with_tunnels import SECOND, TUNNEL

from inventory.models import Host, Region
from inventory.network import GatewayPair
from inventory.tunnels import TunnelEnd

PAIR = GatewayPair(
    id="dijon", first=GATEWAY, second=SECOND, heartbeat="dijon-administration", virtual_router=21
)  # fmt: skip
SHARED = {"dijon-administration": IPv4Address("10.21.0.254"), "dijon-imagerie": IPv4Address("10.21.10.254")}


def with_pair() -> Region:
    """Give the sample with that pair, on which its tunnel ends too."""
    sample = region()
    first = next(host for host in sample.hosts if host.id == GATEWAY)
    (tunnel,) = sample.tunnels
    assert tunnel.id == TUNNEL
    ends = (*tunnel.gateways, TunnelEnd(host=SECOND, address=IPv4Address("198.51.100.11")))
    segments = (
        segment.model_copy(update={"gateway": SHARED.get(segment.id)}) for segment in sample.segments
    )  # fmt: skip
    return sample.model_copy(
        update={
            "hosts": (*sample.hosts, second_of(first)),
            "segments": tuple(segments),
            "tunnels": (tunnel.model_copy(update={"gateways": ends}),),
            "gateway_pairs": (PAIR,),
        }
    )


def second_of(first: Host) -> Host:
    """Give another gateway like *first*, at the next address of each segment."""
    interfaces = (
        interface.model_copy(update={"address": IPv4Interface(f"{interface.address.ip + 1}/24")})
        for interface in first.interfaces
    )
    return first.model_copy(update={"id": SECOND, "interfaces": tuple(interfaces)})
