"""A volume for a drill: beside the application's, under a passphrase that nobody keeps, and gone when the drill ends.

So nothing restored ever lies in clear, and a drill that would need more room than there is fills nothing of anybody's.
What a killed drill leaves is unreadable from the next boot on, and the next drill removes it.
"""

import json
import secrets
from pathlib import Path

from .databases import SERVER_BYTES
from .locks import alone
from .mounts import mounts
from .processes import run
from .settings import AgentError, application
from .volume import DEVICES, MAPPER

TAG = "hosting-scratch"
"""On a logical volume that is nobody's data: only such a one is ever removed."""

MOUNTED = Path("/run/hosting/drill")

_EXTENT_BYTES = 4 << 20
_OWN_BYTES = 96 << 20
_OWN_SHARE = 0.1
"""What the LUKS header and the file system take for themselves, generously."""

# The passphrase is random and as long as a key, so that deriving one from it need not be slow.
_FORMAT = (
    *("luksFormat", "--batch-mode", "--type=luks2", "--cipher=aes-xts-plain64", "--key-size=512"),
    *("--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000", "--key-file=-"),
)


def make(name: str, needed: str) -> str:
    """Make and mount a scratch volume in which *needed* bytes find room, and say where; a killed drill's goes first.

    Raise ``AgentError`` where the volume group has not so much left.
    """
    group, label = _volume_group(name), label_of(name)
    with alone(label):
        remove(group, name)
        size = size_bytes(int(needed), len(application(name)["backup"]["databases"]))
        _expect_room(group, size)
        device, mapper, place = DEVICES / group / label, str(MAPPER / label), MOUNTED / name
        create = ["lvcreate", "-qq", "--yes", "--wipesignatures=y", f"--addtag={TAG}", f"--size={size}b"]
        run([*create, f"--name={label}", group])
        passphrase = secrets.token_urlsafe(64)
        run(["cryptsetup", *_FORMAT, str(device)], passphrase)
        run(["cryptsetup", "open", "--type=luks2", "--key-file=-", str(device), label], passphrase)
        run(["mkfs.ext4", "-q", "-m", "0", mapper])
        place.mkdir(parents=True, exist_ok=True)
        run(["mount", "-o", "nosuid,nodev", mapper, str(place)])
        return str(place)


def end(name: str) -> None:
    """Remove the scratch volume of *name*, as far as there is one."""
    with alone(label_of(name)):
        remove(_volume_group(name), name)


def size_bytes(needed: int, databases: int) -> int:
    """Say how large a volume has to be for *needed* bytes of files, and for what is made of the dumps among them.

    Each database is brought back there as well, on a server of its own, at most twice as large as its dump.
    """
    inside = needed + (2 * needed + databases * SERVER_BYTES if databases else 0)
    size = int(inside * (1 + _OWN_SHARE)) + _OWN_BYTES
    return -(-size // _EXTENT_BYTES) * _EXTENT_BYTES


def label_of(name: str) -> str:
    """Name the scratch volume of an application, and its mapper."""
    return f"hosting-{name}-drill"


def _volume_group(name: str) -> str:
    """Name the volume group in which the application has its volumes."""
    (device, *_) = sorted(volume["device"] for volume in application(name)["volumes"].values())
    return Path(device).parent.name


def _expect_room(group: str, size: int) -> None:
    (found,) = _report(["vgs", "--options=vg_free", group], "vg")
    free = int(found["vg_free"])
    if free < size:
        raise AgentError(
            f"the volume group {group} has {free >> 20} MiB that no volume uses, and a drill needs {size >> 20}:"
            " give the host another device"
        )


def remove(group: str, name: str) -> None:
    """Close and remove the scratch volume of *name* in *group*, if its tag says that it is nobody's data."""
    label, place = label_of(name), str(MOUNTED / name)
    if place in mounts():
        run(["umount", place])
    if (MAPPER / label).exists():
        run(["cryptsetup", "close", label])
    tags = {
        found["lv_name"]: found["lv_tags"].split(",")
        for found in _report(["lvs", "--options=lv_name,lv_tags", group], "lv")
    }
    if label in tags:
        if TAG not in tags[label]:
            raise AgentError(f"{group}/{label} does not say that it is nobody's data: it is not removed")
        run(["lvremove", "-qq", "--yes", f"{group}/{label}"])


def _report(argv: list[str], kind: str) -> list[dict[str, str]]:
    command, *rest = argv
    found = json.loads(run([command, "--reportformat=json", "--units=b", "--nosuffix", *rest]))
    rows: list[dict[str, str]] = found["report"][0][kind]
    return rows
