"""The files of a small region for the fleet: one application on every host, with 40 rows in its flow matrix."""

from collections.abc import Sequence
from pathlib import Path

from inventory.resource import Json
from tests.bench import region
from tests.bench.fleet import CONTROLLER_ADDRESS, FleetHost
from tests.bench.scenario import AUTHORITY, ENVIRONMENT
from tests.unit.inventory.large_region import REGION, finess

CONNECTION_POINTS = 20
_PROTOCOLS = ("F-HTTPS", "F-DCMT")
_ACTIVITIES: list[Json] = [
    "physical-sites",
    "hardware",
    "virtual-infrastructure",
    "application-platform",
    "administration",
    "backup",
]


def write(folder: Path, hosts: Sequence[FleetHost]) -> None:
    """Write a region of one application on *hosts*, with 40 flows, and the environment in which they are reached."""
    (folder / "environments").mkdir(parents=True)
    (folder / "region.yaml").write_text(REGION)
    (folder / AUTHORITY).write_text("-----BEGIN CERTIFICATE-----\nnever opened\n-----END CERTIFICATE-----\n")
    region.write_yaml(folder / "network.yaml", _network())
    region.write_yaml(folder / "members/member.yaml", _member())
    region.write_yaml(folder / "applications/imaging.yaml", _application(hosts))
    for host in hosts:
        region.write_yaml(folder / f"hosts/{host.name}.yaml", _host(host))
    accesses: dict[str, Json] = {host.name: region.access(host.address, host.host_key) for host in hosts}
    region.write_yaml(folder / ENVIRONMENT, region.environment(accesses, [f"{CONTROLLER_ADDRESS}/32"]))


def _network() -> Json:
    tunnels: list[Json] = [
        {
            "id": f"tunnel-{point}",
            "site": "dijon",
            "kind": "tunnel",
            "network": f"10.78.{point}.0/24",
            "establishment": finess(0),
        }
        for point in range(CONNECTION_POINTS)
    ]
    tier: Json = {"id": "imaging", "site": "dijon", "kind": "tier", "network": "10.77.0.0/24"}
    return {"address_space": ["10.77.0.0/16", "10.78.0.0/16"], "segments": [tier, *tunnels]}


def _member() -> Json:
    establishment: Json = {"finess": finess(0), "name": "Établissement", "postal_code": "21000", "town": "Dijon"}
    contact: Json = {"id": "dsi", "role": "DSI", "email": "dsi@hopital.example", "telephone": "+33 3 53 01 00 20"}
    return {
        "id": "member",
        "name": "Membre",
        "joined": "2026-01-01",
        "establishments": [establishment],
        "contacts": [contact],
    }


def _host(host: FleetHost) -> Json:
    return {
        "id": host.name,
        "site": "dijon",
        "role": "application",
        "interfaces": [{"name": "eth0", "segment": "imaging", "address": f"{host.address}/24"}],
        "data_devices": [{"path": "/dev/disk/by-id/virtio-data", "size_gib": 100}],
    }


def _application(hosts: Sequence[FleetHost]) -> Json:
    volume: Json = {"id": "images", "size_gib": 50, "mount_point": "/srv/images"}
    flows: list[Json] = [
        {
            "source": f"tunnel-{point}",
            "destination": "tier:app",
            "protocol": protocol,
            "purpose": "Images",
            "owner": "DSI",
            "expires": "2028-12-31",
        }
        for point in range(CONNECTION_POINTS)
        for protocol in _PROTOCOLS
    ]
    return {
        "id": "imaging",
        "name": "Imagerie",
        "profile": "imaging-exchange",
        "environment": "production",
        "data_class": "D3",
        "continuity": "C1",
        "hds_activities": _ACTIVITIES,
        "establishments": [finess(0)],
        "incident_contact": "dsi",
        "tiers": [{"id": "app", "segment": "imaging", "hosts": [host.name for host in hosts], "volumes": [volume]}],
        "backup": {
            "store": "objects",
            "volumes": ["images"],
            "lock_days": 30,
        },
        "flows": flows,
    }
