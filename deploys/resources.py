"""The kinds of resources on hosts.  The same types say what should be (``desired``) and what is (``reading``).

A name is ``<host>:<thing>``.  What an operation needs beyond the comparison (a file's content, the vault entries of a
passphrase) is carried beside the state and never compared; a secret is never carried at all, only its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from inventory.resource import Resource

CARRIED = {"state": False}
"""Marks an attribute that operations need and no comparison sees."""


@dataclass(frozen=True, kw_only=True)
class HostResource(Resource):
    """Anything that is read from a host."""

    host: str = field(compare=False, metadata=CARRIED)

    @property
    def source(self) -> str:
        """Name the host."""
        return source(self.host)

    @property
    def thing(self) -> str:
        """Give the part of the name that follows the host."""
        return self.name.removeprefix(f"{self.host}:")


def source(host: str) -> str:
    """Name the source of everything that *host* answers for."""
    return f"host {host}"


@dataclass(frozen=True, kw_only=True)
class HostPackages(HostResource):
    """The Debian packages that the host's other resources need; those of another are never removed."""

    kind: ClassVar[str] = "host-packages"

    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostFile(HostResource):
    """A file at ``path``; ``notifies`` names the units that must take note when it changes."""

    kind: ClassVar[str] = "host-file"

    path: str
    sha256: str
    user: str = "root"
    group: str = "root"
    mode: str = "0644"
    content: str | None = field(default=None, repr=False, compare=False, metadata=CARRIED)
    notifies: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)


class OnChange(StrEnum):
    """What a running unit does when one of its files changed."""

    RESTART = "restart"
    RELOAD = "reload"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class HostUnit(HostResource):
    """A systemd unit; it is ``settled`` when no change of its files still waits for it.

    The daemon of tunnels ``loads`` what it then says that it has: until it does, it is not settled either.
    """

    kind: ClassVar[str] = "host-unit"

    unit: str
    enabled: bool = True
    active: bool = True
    settled: bool = True
    loads: str | None = field(default=None, repr=False, compare=False, metadata=CARRIED)
    on_change: OnChange = field(default=OnChange.RESTART, compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostLogin(HostResource):
    """Who may log in: holders of short-lived certificates of the vault's SSH authority, and nobody else.

    ``authority`` joins two readings: the keys that the host trusts and those that the vault would have it trust.
    ``stray_keys`` are the lists of plain public keys that the host would still accept, or that lie about.
    """

    kind: ClassVar[str] = "host-login"

    authority: str = "of the vault"
    principals: tuple[str, ...] | None
    configuration: str | None
    stray_keys: tuple[str, ...] = ()
    settled: bool = True
    authority_keys: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)
    content: str | None = field(default=None, repr=False, compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostInterface(HostResource):
    """A network interface that the host makes for itself: a trunk, or a VLAN on one, as the kernel has it.

    ``form`` is what the kernel calls it, ``card`` for a trunk.  Whether a cable is plugged in is no part of it: ``up``
    says that it was told to be.  ``at_boot`` says whether the files that the next boot goes by are ours.  It may hold
    those of ``shared`` or not: whichever of a pair of gateways is in charge.
    """

    kind: ClassVar[str] = "host-interface"

    interface: str
    form: str
    parent: str | None = None
    vlan: int | None = None
    addresses: tuple[str, ...] = ()
    up: bool = True
    at_boot: str = "as written"
    files: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False, metadata=CARRIED)
    notifies: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)
    shared: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostFirewall(HostResource):
    """The table ``inet hosting``: ``rules`` is the digest of the text that the kernel holds unchanged.

    ``isolated`` names the segments that an incident cut off, in the kernel and for the next boot.  No file of the
    region asks for that, and no plan takes it back.
    """

    kind: ClassVar[str] = "host-firewall"

    rules: str
    starts_at_boot: bool = True
    isolated: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)
    isolated_at_boot: tuple[str, ...] = field(default=(), compare=False, metadata=CARRIED)
    content: str | None = field(default=None, repr=False, compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostWireguard(HostResource):
    """An interface of WireGuard as the kernel holds it: one peer, believed of its networks and of nothing else.

    ``peer_addresses`` are where the peer may be; the kernel knows the one that it heard the peer from last.
    ``accepted`` are the days of the accepted risk, which the interface carries with it.  After them the host takes it
    down, whoever may plan what.  ``public_key`` is that of the key made on the host, published by reading it.
    """

    kind: ClassVar[str] = "host-wireguard"

    interface: str
    addresses: tuple[str, ...]
    port: int
    peers: tuple[str, ...]
    peer_addresses: tuple[str, ...]
    networks: tuple[str, ...]
    routes: tuple[str, ...]
    accepted: str
    up: bool = True
    public_key: str | None = field(default=None, compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostIdentity(HostResource):
    """The AppRole by which an application's units on this host log in to the vault.

    ``condition`` joins two readings: a reading of the host alone says ``in use`` when role, accessor and credential
    are there; whoever knows the accessors that the vault lists for the role replaces it if ``accessor`` is none of
    them.  Anything but ``in use`` means: hand over a new secret-id.
    """

    kind: ClassVar[str] = "host-identity"

    application: str
    role: str
    condition: str = "in use"
    accessor: str | None = field(default=None, compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostStorage(HostResource):
    """The volume group that volumes are carved from; its devices must have been empty when they were taken.

    ``condition`` is ``ours``, or says what else is on the devices; then nothing may be done to them.
    """

    kind: ClassVar[str] = "host-storage"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"volume_group", "condition"})

    volume_group: str
    devices: tuple[str, ...]
    condition: str = "ours"
    sizes_gib: tuple[int, ...] = field(default=(), compare=False, metadata=CARRIED)


@dataclass(frozen=True, kw_only=True)
class HostVolume(HostResource):
    """An encrypted volume: logical volume, LUKS2 with two passphrases, file system, unlocked and mounted at boot.

    ``complete`` becomes true when the file system was made; until then the logical volume carries our tag ``blank``,
    nothing was ever mounted from it, and it may be formatted again.  Without the tag it never is.
    ``header`` is ``whole``, or says how the LUKS header is lost, and with it the data until a copy is brought back.
    ``header_saved`` says that a copy of the present LUKS header is at hand, which backups take off the host.
    ``stray_slots`` are slots of the header that nobody's passphrase needs: any of them may open the volume.
    ``flags`` are what the header asks of every opening, as cryptsetup calls it: none, so that no discard reaches the
    disk and tells which blocks are in use.
    ``filled`` says that encryption and file system take up all of the logical volume, as they do not while it grows.
    """

    kind: ClassVar[str] = "host-volume"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset(
        {
            "volume_group",
            "logical_volume",
            "filesystem",
            "label",
            "cipher",
            "key_bits",
            "header",
            "stray_slots",
            "flags",
        }
    )
    remedies: ClassVar[Mapping[str, str]] = {
        "header": "bring its header back with `hosting volume header restore`",
        "stray_slots": "rotate the active passphrase with `hosting key rotate`, which ends them",
        "flags": "have `cryptsetup refresh --persistent` forget them on the host, without any",
    }
    growing: ClassVar[frozenset[str]] = frozenset({"size_gib"})

    volume_group: str
    logical_volume: str
    size_gib: int
    filesystem: str
    mount_point: str
    label: str
    cipher: str | None = "aes-xts-plain64"
    key_bits: int | None = 512
    pbkdf: str | None = "argon2id"
    memory_kib: int | None
    iterations: int | None
    lanes: int | None
    slots: tuple[str, ...] = ("active", "recovery")
    stray_slots: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    header: str = "whole"
    complete: bool = True
    header_saved: bool = True
    filled: bool = True
    opened: bool = True
    mounted: bool = True
    application: str = field(default="", compare=False, metadata=CARRIED)
    volume: str = field(default="", compare=False, metadata=CARRIED)
    active_secret: str = field(default="", compare=False, metadata=CARRIED)
    recovery_secret: str = field(default="", compare=False, metadata=CARRIED)
    header_checksum: str | None = field(default=None, compare=False, metadata=CARRIED)
    """Names the header that is there, by which a copy of it is known; ``None`` while there is none that counts."""


@dataclass(frozen=True, kw_only=True)
class HostManifest(HostResource):
    """Our mark: the list, kept on the host, of the files, units and identities that are ours to prune."""

    kind: ClassVar[str] = "host-manifest"

    sha256: str
    content: str | None = field(default=None, repr=False, compare=False, metadata=CARRIED)


KINDS: dict[str, type[HostResource]] = {
    kind.kind: kind
    for kind in (
        HostPackages,
        HostFile,
        HostUnit,
        HostLogin,
        HostInterface,
        HostFirewall,
        HostWireguard,
        HostIdentity,
        HostStorage,
        HostVolume,
        HostManifest,
    )
}
"""Every kind of host resource, by its name."""
