"""Where things of ours are on a host, and what their units are called.  Pure."""

import re
from functools import lru_cache

from inventory import naming

DIRECTORY = "/etc/hosting"
MANIFEST = f"{DIRECTORY}/manifest.json"
CERTIFICATE_AUTHORITY = f"{DIRECTORY}/certificate-authority.pem"
ENGINES = f"{DIRECTORY}/engines.json"
FIREWALL_RULES = f"{DIRECTORY}/firewall.nft"
FIREWALL_LOADED = f"{DIRECTORY}/firewall.loaded.json"
"""Which text was loaded last, and the digest of what the kernel then held."""

FIREWALL_EMERGENCY = f"{DIRECTORY}/firewall-emergency.nft"
"""What is loaded at boot before the rules, and stays when they do not load."""

ISOLATED_DIRECTORY = f"{DIRECTORY}/isolated.d"
"""Holds a file for each network that an incident cut off, which is loaded with the rules, whichever and whenever."""

ISOLATED_SUFFIX = ".nft"
ISOLATED_FILES = f"{ISOLATED_DIRECTORY}/*{ISOLATED_SUFFIX}"

NETWORKD_DIRECTORY, NETWORKD_TRIAL_DIRECTORY = "/etc/systemd/network", "/run/systemd/network"
"""Where systemd-networkd reads of interfaces: what a reboot finds, and what it does not, for changes on probation."""

NETWORKD_PREFIX, NETWORKD_TRIAL_PREFIX = "05-hosting-", "04-hosting-"
"""What our files there begin with: of two for one interface the first by name counts, whichever folder it is in."""

SSH_AUTHORITY = "/etc/ssh/hosting/user-authority.pub"
SSH_PRINCIPALS = "/etc/ssh/hosting/principals"
SSH_CONFIGURATION = "/etc/ssh/sshd_config.d/00-hosting.conf"

AGENT_DIRECTORY = "/usr/local/lib/hosting/agent"
AGENT = "/usr/local/sbin/hosting-agent"

PENDING_DIRECTORY = "/run/hosting/pending"
"""Holds a file for each unit whose files changed and which has not taken note; a reboot empties it, rightly."""

BACKUP_DIRECTORY = "/var/lib/hosting/backup"
HEADERS = "/var/lib/hosting/headers"
"""Holds a copy of the LUKS header of each volume."""

METRICS_DIRECTORY = "/var/lib/prometheus/node-exporter"
"""What is written there as metrics, the node exporter shows."""

CREDENTIALS_DIRECTORY = "/etc/credstore.encrypted"

VOLUME_GROUP = "hosting"
"""One for all applications of a host, so that they can share a device."""

BLANK_TAG = "hosting-blank"
"""On a logical volume that was never mounted, and may be formatted."""

SCRATCH_TAG = "hosting-scratch"
"""On a logical volume that is nobody's data, and may be removed."""

OWNER_TAG, VOLUME_TAG = "hosting-owner", "hosting-volume"
"""What tags of a logical volume begin with that say whose it is."""

OPERATIONS_PRINCIPAL = naming.SSH_OPERATIONS_ROLE


def application_file(application: str) -> str:
    """Name the file that tells the agent what it has to know of *application*."""
    return f"{DIRECTORY}/applications/{application}.json"


def identity_file(application: str) -> str:
    """Name the file in which the agent records the identity it holds."""
    return f"{DIRECTORY}/identities/{application}.json"


def credential(application: str) -> str:
    """Name the encrypted credential that holds the secret half of an identity."""
    return f"{naming.PREFIX}{application}"


def isolation_file(segment: str) -> str:
    """Name the file that keeps *segment* isolated."""
    return f"{ISOLATED_DIRECTORY}/{segment}{ISOLATED_SUFFIX}"


def backup_marker(application: str) -> str:
    """Name the file that says how the last backup of *application* went."""
    return f"{BACKUP_DIRECTORY}/{application}.json"


def logical_volume(application: str, volume: str) -> str:
    """Name the logical volume below an encrypted volume."""
    return f"{application}-{volume}"


def volume_unit(application: str, volume: str) -> str:
    """Name the unit that opens an encrypted volume."""
    return f"hosting-volume-{application}-{volume}.service"


def mount_unit(mount_point: str) -> str:
    """Name the unit that mounts *mount_point*, as systemd insists on it."""
    return f"{systemd_escape(mount_point)}.mount"


def backup_unit(application: str, suffix: str) -> str:
    """Name the units that copy an application's volumes: ``service`` and ``timer``."""
    return f"hosting-backup-{application}.{suffix}"


def check_unit(application: str, suffix: str) -> str:
    """Name the units that check an application's repository: ``service`` and ``timer``."""
    return f"hosting-check-{application}.{suffix}"


def databases_unit(application: str) -> str:
    """Name the unit that runs the server of an application's databases."""
    return f"hosting-databases-{application}.service"


LINK_SERVICE, LINK_TIMER = "hosting-link.service", "hosting-link.timer"
"""The units that keep the certificate of a gateway."""

WIREGUARD = f"{DIRECTORY}/wireguard.json"
"""Tells the agent which interfaces of WireGuard to keep, and until which day."""

WIREGUARD_SERVICE, WIREGUARD_TIMER = "hosting-wireguard.service", "hosting-wireguard.timer"
"""The units that keep interfaces of WireGuard, and take those down whose day has passed."""

WIREGUARD_GROUP = 105
"""The kernel's mark of the interfaces of WireGuard that are ours, by which those are found that nobody asks for."""

NO_CLUSTER_IN_CLEAR = "/etc/postgresql-common/createcluster.d/hosting.conf"
"""Keeps Debian's package from making a server of its own outside of any encrypted volume."""


def database_directory(mount_point: str, engine: str) -> str:
    """Name the folder of a volume in which a database server keeps its files."""
    return f"{mount_point}/{engine}"


def unit_file(unit: str) -> str:
    """Name the file of a unit of ours."""
    return f"/etc/systemd/system/{unit}"


def network_file(interface: str) -> str:
    """Name the file that configures an interface."""
    return f"{NETWORKD_DIRECTORY}/{NETWORKD_PREFIX}{interface}.network"


def device_file(interface: str) -> str:
    """Name the file that has an interface made which is no card."""
    return f"{NETWORKD_DIRECTORY}/{NETWORKD_PREFIX}{interface}.netdev"


@lru_cache(maxsize=1024)  # the hosts of a tier mount the same volumes
def systemd_escape(path: str) -> str:
    """Write a path as systemd does in the names of units (``systemd-escape --path``)."""
    trimmed = re.sub(r"/+", "/", path).strip("/")
    if not trimmed:
        return "-"

    def escape(match: re.Match[str]) -> str:
        return "-" if match[0] == "/" else "".join(f"\\x{byte:02x}" for byte in match[0].encode())

    return re.sub(r"^\.|[^A-Za-z0-9:_.]", escape, trimmed)
