"""The sample region, and an environment for it whose engines exist nowhere: what unit tests decide about."""

from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import yaml

from deploys.desired import Published
from inventory.environment import Environment, HostAccess, ObjectStoreAccess, VaultAccess
from inventory.load import load_region
from inventory.models import Region

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "inventory/regions/bourgogne-franche-comte"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PUBLISHED = Published(("ssh-ed25519 AAAA the-authority",), "-----BEGIN CERTIFICATE-----\n")
APPLICATION, HOST, GATEWAY = "imagerie-beaune", "dijon-app-1", "dijon-gateway-1"


@cache
def region() -> Region:
    """Load the sample as it is on a fixed day."""
    return load_region(FOLDER, NOW.date())


def environment_of(region: Region) -> Environment:
    """Give an environment that reaches every host of *region*; the vault sees each from an address of its own."""
    return Environment(
        environment="test",
        vault=VaultAccess(
            address="https://127.0.0.1:1", certificate_authority="/none/ca.pem", token_file="/none/token"
        ),
        object_stores={store.id: _store_access(number) for number, store in enumerate(region.stores, start=2)},
        administration_sources=(IPv4Network("10.0.2.2/32"),),
        hosts={host.id: _access(region, number) for number, host in enumerate(region.hosts, start=1)},
        journal="/none/journal.jsonl",
    )


def _store_access(number: int) -> ObjectStoreAccess:
    return ObjectStoreAccess(
        endpoint=f"https://127.0.0.1:{number}",
        region="test",
        certificate_authority="/none/ca.pem",
        credentials="platform/object-store-admin",
        vault_sees=IPv4Network("127.0.0.2/32"),
    )


def _access(region: Region, number: int) -> HostAccess:
    return HostAccess(
        address="127.0.0.1",
        port=20_000 + number,
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address="https://10.0.2.100:8200",
        object_stores={store.id: "https://10.0.2.101:8333" for store in region.stores},
        vault_sees=IPv4Network((IPv4Address("127.1.0.0") + number, 32)),
    )


@cache
def environment() -> Environment:
    """Give the sample's environment."""
    return environment_of(region())


def write_environment(folder: Path, **changes: object) -> Path:
    """Write the sample's environment, with *changes*, into *folder* as an operator would; give its path."""
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    content = environment().model_dump(mode="json", exclude_none=True) | {"journal": str(folder / "journal.jsonl")}
    content |= changes
    for engine in (content["vault"], *content["object_stores"].values()):
        engine |= {"certificate_authority": str(folder / "ca.pem")}
    content["vault"] |= {"token_file": str(folder / "token")}
    for number, access in enumerate(content["hosts"].values()):
        access |= {"host_key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'AB'[number]}=="}
    path = folder / "environment.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
