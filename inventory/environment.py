"""Which engines a region is carried out on: what an environment's file says, which is no part of the region."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Identifier, NonEmpty
from inventory.notations import Address, FiguresAddress, FilePath, HostKey, HttpsAddress, Network


class LuksProfile(StrEnum):
    """How much work Argon2id does to open a volume; ``lab`` is for emulated machines only."""

    LAB = "lab"
    PRODUCTION = "production"


VAULT_ENDPOINT = "vault"
"""What the vault is called among the engines that speak TLS; each store has its own name."""


class VaultAccess(Model):
    """Where the vault answers and where the operator's own token is read from."""

    address: HttpsAddress
    certificate_authority: FilePath
    token_file: FilePath


class ObjectStoreAccess(Model):
    """Where the object store answers, the KV path of the provisioner's S3 credentials, and whence it asks the vault."""

    endpoint: HttpsAddress
    region: NonEmpty
    certificate_authority: FilePath
    credentials: NonEmpty
    vault_sees: Network


class HostAccess(Model):
    """How a host is reached, and how it reaches the engines itself: the vault, and object stores by their ids.

    On ``metrics_port`` its node exporter answers.
    """

    address: NonEmpty
    port: Annotated[int, Field(gt=0, lt=65536)] = 22
    metrics_port: Annotated[int, Field(gt=0, lt=65536)] = 9100
    host_key: HostKey
    bootstrap_key: FilePath | None = None
    vault_address: HttpsAddress
    object_stores: dict[Identifier, HttpsAddress]
    vault_sees: Network


class MonitoringAccess(Model):
    """Where Prometheus and Alertmanager answer, and where Prometheus finds the figures of the controller."""

    prometheus: HttpsAddress
    alertmanager: HttpsAddress
    certificate_authority: FilePath
    figures: FiguresAddress = "http://127.0.0.1:9750"


class RootOfLinks(StrEnum):
    """Who signs the vault's authority of links: the vault itself, or a root that is kept where no network leads."""

    VAULT = "vault"
    OFFLINE = "offline"


class Environment(Model):
    """The engines that a region is carried out on: addresses and paths, never a secret.

    ``package_sources`` are where hosts may fetch Debian packages, a mirror or a proxy: by address, since hosts ask no
    name server.  Without any, every package must be on a host before its firewall is.
    """

    environment: Identifier
    luks_profile: LuksProfile = LuksProfile.PRODUCTION
    vault: VaultAccess
    root_of_links: RootOfLinks = RootOfLinks.VAULT
    object_stores: dict[Identifier, ObjectStoreAccess]
    administration_sources: Annotated[tuple[Network, ...], Field(min_length=1)]
    time_servers: tuple[Address, ...] = ()
    package_sources: tuple[Network, ...] = ()
    hosts: dict[Identifier, HostAccess]
    journal: FilePath
    monitoring: MonitoringAccess | None = None

    @property
    def endpoints(self) -> dict[str, tuple[str, FilePath]]:
        """Give the address of each engine that speaks TLS, and the authority that it is known by."""
        stores = {name: (access.endpoint, access.certificate_authority) for name, access in self.object_stores.items()}
        return {VAULT_ENDPOINT: (self.vault.address, self.vault.certificate_authority), **stores}
