"""Which encrypted volumes the region's files ask for, and which secrets open them.  Pure."""

from dataclasses import dataclass
from enum import StrEnum

from deploys.desired import volumes
from deploys.resources import HostVolume
from hosting_cli.errors import UsageError
from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory import naming
from inventory.environment import Environment
from inventory.models import Region


class Held(StrEnum):
    """Which of its two passphrases: the one that its host opens it with, or the one of the worst day."""

    ACTIVE = "active"
    RECOVERY = "recovery"


_PURPOSES = {Held.ACTIVE: SecretPurpose.LUKS_PASSPHRASE, Held.RECOVERY: SecretPurpose.LUKS_RECOVERY}


@dataclass(frozen=True)
class VolumePlace:
    """A volume of one application on one host, as the files ask for it."""

    volume: HostVolume

    @property
    def name(self) -> str:
        """Name it for people and for the journal, as a plan does."""
        return self.volume.name

    @property
    def host(self) -> str:
        """Name its host."""
        return self.volume.host

    def entry(self, held: Held) -> SecretEntry:
        """Describe the vault's entry of a passphrase."""
        return self._entry(held, self.volume.active_secret if held is Held.ACTIVE else self.volume.recovery_secret)

    def next_entry(self, held: Held) -> SecretEntry:
        """Describe the entry of the passphrase that a rotation is about to bring in; it ends with the rotation."""
        volume = self.volume
        return self._entry(held, naming.next_volume_secret(volume.application, volume.host, volume.volume, held.value))

    def _entry(self, held: Held, name: str) -> SecretEntry:
        key = naming.transit_key(self.volume.application, "volumes")
        return SecretEntry(name=name, owner=self.volume.application, purpose=_PURPOSES[held], wrapped_by=key)


def places(region: Region, environment: Environment) -> tuple[VolumePlace, ...]:
    """Give every volume on the hosts that the environment reaches."""
    return tuple(map(VolumePlace, volumes(region, environment)))


def place_named(name: str, known: tuple[VolumePlace, ...]) -> VolumePlace:
    """Find the volume *name*; raise ``UsageError`` when no file asks for it."""
    for place in known:
        if place.name == name:
            return place
    remedy = f"Choose one of: {', '.join(place.name for place in known)}." if known else "No file asks for any."
    raise UsageError(f"volume {name}", "no file of the region asks for it", remedy)
