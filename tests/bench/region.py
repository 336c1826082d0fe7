"""Write a whole region to measure: the one that the inventory's tests load, with gateways and an environment to it."""

import base64
from collections.abc import Iterable
from pathlib import Path

import yaml

from inventory.resource import Json
from tests.bench.scenario import AUTHORITY, ENVIRONMENT
from tests.unit.inventory.large_region import LargeRegion

GATEWAYS = 2
VAULT, OBJECT_STORE = "10.251.0.1", "10.251.0.2"
STORE = "objects"
"""The id of the one store of the region that the inventory's tests load."""


def write(folder: Path, factor: int) -> None:
    """Write a region *factor* times as large as the real one into *folder*."""
    region = LargeRegion(factor)
    region.write(folder)
    gateways = [f"gateway-{number}" for number in range(1, GATEWAYS + 1)]
    for number, gateway in enumerate(gateways, start=1):
        write_yaml(folder / f"hosts/{gateway}.yaml", _gateway(folder, gateway, number))
    hosts = [*(f"host-{number}" for number in range(region.hosts)), *gateways]
    write_yaml(folder / ENVIRONMENT, environment({host: _access(number) for number, host in enumerate(hosts)}))
    (folder / AUTHORITY).write_text("never opened")


def _gateway(folder: Path, identifier: str, number: int) -> Json:
    """Give a gateway with a leg in every segment of the region."""
    segments = yaml.safe_load((folder / "network.yaml").read_text())
    interfaces: list[Json] = [
        {"name": f"eth{leg}", "segment": segment["id"], "address": _address(segment["network"], number)}
        for leg, segment in enumerate(segments["segments"], start=1)
    ]
    return {"id": identifier, "site": "dijon", "role": "gateway", "interfaces": interfaces}


def _address(network: str, number: int) -> str:
    prefix, _, length = network.partition("/")
    return f"{prefix.rpartition('.')[0]}.{number}/{length}"


def _access(number: int) -> Json:
    """Say how a host would be reached; nothing answers at these addresses."""
    address = f"10.252.{number // 250}.{number % 250 + 1}"
    return access(address, f"ssh-ed25519 {base64.b64encode(number.to_bytes(51, 'big')).decode()}")


def access(address: str, host_key: str) -> dict[str, Json]:
    """Say how the host at *address* is reached and reaches the engines."""
    return {
        "address": address,
        "host_key": host_key,
        "vault_address": f"https://{VAULT}:8200",
        "object_stores": {STORE: f"https://{OBJECT_STORE}:8333"},
        "vault_sees": f"{address}/32",
    }


def environment(hosts: dict[str, Json], administration_sources: Iterable[str] = ("10.250.0.0/24",)) -> Json:
    """Describe an environment of *hosts*; its engines are named and never asked."""
    return {
        "environment": "bench",
        "administration_sources": list[Json](administration_sources),
        "vault": {
            "address": f"https://{VAULT}:8200",
            "certificate_authority": "authority.pem",
            "token_file": "token",
        },
        "object_stores": {
            STORE: {
                "endpoint": f"https://{OBJECT_STORE}:8333",
                "region": "bench",
                "certificate_authority": "authority.pem",
                "credentials": "platform/object-store-admin",
                "vault_sees": f"{OBJECT_STORE}/32",
            },
        },
        "hosts": hosts,
        "journal": "journal.jsonl",
    }


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Write every value out: the inventory refuses anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def write_yaml(path: Path, content: Json) -> None:
    """Write *content* to *path* as people write YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120))
