# ruff: noqa: PTH110, PTH119, PTH123, PTH208 (importing pathlib would cost a tenth of the run)
"""Read a host in one go: sent over standard input to `python3 -I -S -`, with a call of ``main`` after it.

Runs on the host, on Debian's Python and nothing else, and answers one JSON document.  Every part of it is
``{"value": …}`` or ``{"unknown": reason}``: what could not be read is never reported as empty.  Starting is what costs
most, hence the few imports and forks: no ``subprocess``, and no process for what the kernel shows in a file.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import signal
import struct
import sys
import time

try:
    from _sha2 import sha256  # type: ignore[import-not-found]  # loads ten times faster than OpenSSL does
except ImportError:
    from hashlib import sha256

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MIB = 1 << 20
NETWORK = "/sys/class/net"


def main(text: str) -> None:
    """Answer the request in *text*; die rather than hang when something below does."""
    request = json.loads(text)
    signal.alarm(request["timeout_seconds"])
    forks = _start_all(request)
    answer = {part: _attempt(read, request[part], forks) for part, read in PARTS.items() if part in request}
    sys.stdout.write(json.dumps(answer))


def _attempt(read: Callable[[Any, dict[str, Fork]], Any], wanted: Any, forks: dict[str, Fork]) -> dict[str, Any]:
    """Give a part's value, or the reason why there is none."""
    try:
        return {"value": read(wanted, forks)}
    except (OSError, ValueError, LookupError) as error:
        return {"unknown": f"{type(error).__name__}: {error}"}


# -- processes ------------------------------------------------------------------------------------------------------


class Fork:
    """A process that runs while the rest is read; its output goes to memory files, so it never waits for us."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.output, self.errors = os.memfd_create("output"), os.memfd_create("errors")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, self.output, 1),
            (os.POSIX_SPAWN_DUP2, self.errors, 2),
        ]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "LVM_SUPPRESS_FD_WARNINGS": "1"}
        os.environ["PATH"] = environment["PATH"]  # where posix_spawnp looks: in ours, not in the one it passes on
        self.pid: int | None = None
        # Without the tool there cannot be what it would list; who asks decides.
        with contextlib.suppress(FileNotFoundError):
            self.pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)

    def result(self) -> tuple[int, bytes, bytes]:
        """Wait for the end; give the status and both outputs."""
        if self.pid is None:
            raise ValueError(f"{self.argv[0]} is not installed")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status, _everything(self.output), _everything(self.errors)

    def text(self) -> str:
        """Give the output; raise ``ValueError`` if the process failed."""
        status, output, errors = self.result()
        if status != 0:
            raise ValueError(f"{' '.join(self.argv[:2])} failed ({status}): {errors.decode(errors='replace').strip()}")
        return output.decode()


def _everything(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        stream.seek(0)
        return stream.read()


def _start_all(request: dict[str, Any]) -> dict[str, Fork]:
    """Start every process that the answer needs, before anything else is read."""
    wanted = {}
    if "units" in request:
        names = [*request["units"], *_listed(request, "host-unit")]
        wanted["units"] = ["systemctl", "show", "--property", ",".join(UNIT_PROPERTIES), "--", *dict.fromkeys(names)]
    if "firewall" in request:
        wanted["firewall"] = list_rules(request["firewall"])
    if "network" in request:
        wanted["rules"] = ["nft", "-j", "list", "ruleset"]
        wanted["addresses"] = ["ip", "-j", "address", "show"]
    if "wireguard" in request and _interfaces_of_group(request["wireguard"]):
        # For people, and so without a secret: what it writes for programs has the private key in it.
        wanted["wireguard"] = ["wg", "show", "all"]
        wanted["wireguard addresses"] = ["ip", "-j", "address", "show"]
        wanted["wireguard routes"] = ["ip", "-j", "-4", "route", "show"]
    if "storage" in request:
        columns = "pv_name,pv_uuid,vg_name,lv_name,lv_size,lv_tags"
        wanted["lvm"] = ["pvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--options", columns]
    if "observations" in request:
        wanted["clock"] = ["chronyc", "-c", "tracking"]
    return {name: Fork(argv) for name, argv in wanted.items()}


# -- files ----------------------------------------------------------------------------------------------------------


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _text_or_none(path: str) -> str | None:
    try:
        return _content(path).decode()
    except FileNotFoundError:
        return None


def _listed(request: dict[str, Any], kind: str) -> list[str]:
    """Name what our mark on the host lists; if it cannot be read, its own part of the answer says why."""
    try:
        manifest = json.loads(_content(request["manifest"]["path"]))
        return [thing for found, thing, owner in manifest["resources"] if found == kind]
    except (OSError, ValueError, LookupError):
        return []


def _read_file(path: str) -> dict[str, str] | None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if (status.st_mode & 0o170000) != 0o100000:
        return {"sha256": "not a file", "user": "", "group": "", "mode": oct(status.st_mode)}
    return {
        "sha256": sha256(_content(path)).hexdigest(),
        "user": _name_of(pwd.getpwuid, status.st_uid),
        "group": _name_of(grp.getgrgid, status.st_gid),
        "mode": f"{status.st_mode & 0o7777:04o}",
    }


def _name_of(look_up: Callable[[int], Any], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


def _read_files(paths: Any, forks: dict[str, Fork]) -> Any:
    return {path: _read_file(path) for path in paths}


def _read_texts(paths: Any, forks: dict[str, Fork]) -> Any:
    return {path: _text_or_none(path) for path in paths}


def _read_manifest(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what our mark lists, and the files on it that were not asked for."""
    text = _text_or_none(wanted["path"])
    if text is None:
        return None
    ours = json.loads(text)["resources"]
    left = [thing for kind, thing, owner in ours if kind == "host-file" and thing not in wanted["known"]]
    return {
        "sha256": sha256(text.encode()).hexdigest(),
        "resources": ours,
        "files": {path: _read_file(path) for path in left},
    }


def _read_presence(paths: Any, forks: dict[str, Fork]) -> Any:
    return [path for path in paths if os.path.lexists(path)]


def _read_identities(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give the record of each identity the agent holds, and whether its credential is there."""
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(wanted["directory"]):
            record = json.loads(_content(f"{wanted['directory']}/{name}"))
            record["has_credential"] = os.path.exists(record["credential_file"])
            found[name.removesuffix(".json")] = record
    return found


def _read_pending(directory: Any, forks: dict[str, Fork]) -> Any:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


# -- packages and units ---------------------------------------------------------------------------------------------


def _read_packages(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Say which packages are installed, from dpkg's own table; what an interrupted dpkg left is unknown."""
    if os.listdir("/var/lib/dpkg/updates"):
        raise ValueError("dpkg is running or was interrupted")
    table = b"\n\n" + _content("/var/lib/dpkg/status")
    return [name for name in wanted if _is_installed(table, name)]


def _is_installed(table: bytes, name: str) -> bool:
    position = table.find(b"\n\nPackage: " + name.encode() + b"\n")
    if position < 0:
        return False
    end = table.find(b"\n\n", position + 2)
    return b"\nStatus: install ok installed\n" in table[position : end if end > 0 else None] + b"\n"


UNIT_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")


def _read_units(wanted: Any, forks: dict[str, Fork]) -> Any:
    names = forks["units"].argv[5:]
    blocks = forks["units"].text().strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise ValueError(f"systemctl described {len(blocks)} units instead of {len(names)}")
    return {
        name: dict(line.partition("=")[::2] for line in block.splitlines())
        for name, block in zip(names, blocks, strict=True)
    }


# -- firewall -------------------------------------------------------------------------------------------------------


def list_rules(wanted: dict[str, Any]) -> list[str]:
    """Give the command that lists our table without what changes by itself: counts, and those of its elements."""
    return ["nft", "--stateless", "list", "table", *wanted["table"]]


def _read_firewall(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give the digest of what the kernel holds but for what is isolated, and that apart.

    Of text, since a gateway's flows are megabytes: nft takes longer to write them as JSON, and Python to read that.
    """
    if forks["firewall"].pid is None:
        return None
    status, output, errors = forks["firewall"].result()
    if status != 0 and b"No such file or directory" in errors:
        return None
    if status != 0:
        raise ValueError(f"nft failed ({status}): {errors.decode(errors='replace').strip()}")
    rules, isolated = isolated_apart(output, wanted["set"])
    return {"kernel": sha256(rules).hexdigest(), "isolated": isolated, "kept": isolations_kept(wanted["directory"])}


def isolated_apart(listing: bytes, name: str) -> tuple[bytes, list[list[str]]]:
    """Take the elements of the set *name* out of a listing; give it without, and each as its network and segment."""
    before, begin, rest = listing.partition(f"\tset {name} {{\n".encode())
    block, end, after = rest.partition(b"\n\t}\n")
    kept, _, elements = block.partition(b"\n\t\telements = {")
    found = re.findall(r'([0-9][0-9./-]*)(?: comment "([^"]*)")?', elements.decode())
    return before + begin + kept + end + after, [[network, segment] for network, segment in found]


def isolations_kept(directory: str) -> list[str]:
    """Name the segments that the next boot isolates as well."""
    try:
        return sorted(name.removesuffix(".nft") for name in os.listdir(directory) if name.endswith(".nft"))
    except FileNotFoundError:
        return []


# -- network --------------------------------------------------------------------------------------------------------


def _read_network(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give every rule that the kernel holds, of whatever table, and the addresses of its interfaces."""
    return {"rules": json.loads(forks["rules"].text()), "addresses": json.loads(forks["addresses"].text())}


# -- wireguard ------------------------------------------------------------------------------------------------------


def _interfaces_of_group(group: int) -> list[str]:
    """Name the network interfaces that carry our mark."""
    return [
        name for name in sorted(os.listdir(NETWORK)) if _text_or_none(f"{NETWORK}/{name}/netdev_group") == f"{group}\n"
    ]


def _read_wireguard(group: Any, forks: dict[str, Fork]) -> Any:
    """Give each interface of WireGuard of ours: what the kernel holds, and never a secret."""
    names = _interfaces_of_group(group) if "wireguard" in forks else []
    if not names:
        return {}
    shown = wireguard_shown(forks["wireguard"].text())
    addresses = {found["ifname"]: found for found in json.loads(forks["wireguard addresses"].text())}
    routes = json.loads(forks["wireguard routes"].text())
    return {
        name: {
            **shown[name],
            "up": "UP" in addresses[name]["flags"],
            "alias": (_text_or_none(f"{NETWORK}/{name}/ifalias") or "").strip(),
            "addresses": [f"{each['local']}/{each['prefixlen']}" for each in addresses[name]["addr_info"]],
            "routes": [each["dst"] for each in routes if each.get("dev") == name and each.get("protocol") != "kernel"],
        }
        for name in names
    }


def wireguard_shown(text: str) -> dict[str, dict[str, Any]]:
    """Take apart what `wg show` says of each interface and its peers."""
    found: dict[str, dict[str, Any]] = {}
    for block in text.strip().split("\n\n") if text.strip() else ():
        lines = [line.strip().partition(": ")[::2] for line in block.splitlines()]
        head, name = lines[0]
        said = dict(lines[1:])
        if head == "interface":
            last = found[name] = {
                "public_key": said.get("public key"),
                "port": int(said.get("listening port", 0)),
                "peers": {},
            }
        elif head == "peer":
            allowed = said["allowed ips"]
            last["peers"][name] = {
                "endpoint": said.get("endpoint"),
                "networks": [] if allowed == "(none)" else allowed.split(", "),
            }
        else:
            raise ValueError(f"wg said {head!r}")
    return found


# -- tunnels --------------------------------------------------------------------------------------------------------

COMMAND, RESPONSE, REGISTER, UNREGISTER, CONFIRM, EVENT = 0, 1, 3, 4, 5, 7
SECTION, SECTION_END, PAIR, LIST, ITEM, LIST_END = range(1, 7)
"""Kinds of packets and of elements in them, as strongSwan's description of its protocol "vici" numbers them."""


def _read_tunnels(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what the daemon of tunnels has loaded and negotiated, null if there is none, and our certificate.

    By the daemon's own protocol: what swanctl prints is made for people.
    """
    import socket

    certificate = _text_or_none(wanted["certificate"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        try:
            daemon.connect(wanted["socket"])
        except (FileNotFoundError, ConnectionRefusedError):
            return {"daemon": None, "certificate": certificate}
        found = {
            "connections": _ask_daemon(daemon, b"list-conns", b"list-conn"),
            "associations": _ask_daemon(daemon, b"list-sas", b"list-sa"),
        }
    return {"daemon": found, "certificate": certificate}


def _ask_daemon(daemon: Any, command: bytes, event: bytes) -> list[Any]:
    """Have the daemon tell all that it has of something: an event each, then its answer."""
    _say(daemon, REGISTER, event)
    _expect(_heard(daemon), CONFIRM)
    _say(daemon, COMMAND, command)
    found = []
    while (packet := _heard(daemon))[0] == EVENT:
        found.append(vici_message(packet[2 + packet[1] :]))
    _expect(packet, RESPONSE)
    _say(daemon, UNREGISTER, event)
    _expect(_heard(daemon), CONFIRM)
    return found


def _say(daemon: Any, kind: int, name: bytes) -> None:
    packet = bytes([kind, len(name)]) + name
    daemon.sendall(struct.pack(">I", len(packet)) + packet)


def _heard(daemon: Any) -> bytes:
    (length,) = struct.unpack(">I", _exactly(daemon, 4))
    return _exactly(daemon, length)


def _exactly(daemon: Any, length: int) -> bytes:
    found = b""
    while len(found) < length:
        block = daemon.recv(length - len(found))
        if not block:
            raise ValueError("the daemon of tunnels hung up")
        found += block
    return found


def _expect(packet: bytes, kind: int) -> None:
    if packet[0] != kind:
        raise ValueError(f"the daemon of tunnels answered {packet[0]} instead of {kind}")


def vici_message(data: bytes) -> dict[str, Any]:
    """Read one message of the daemon; raise ``ValueError`` or ``LookupError`` for what is none."""
    found, rest = _vici_section(data, is_whole=True)
    if rest:
        raise ValueError("a message of the daemon of tunnels goes on behind its end")
    return found


def _vici_section(data: bytes, *, is_whole: bool = False) -> tuple[dict[str, Any], bytes]:
    found: dict[str, Any] = {}
    while data or not is_whole:
        kind, data = data[0], data[1:]
        if kind == SECTION_END and not is_whole:
            return found, data
        name, data = _vici_text(data, 1)
        if kind == SECTION:
            found[name], data = _vici_section(data)
        elif kind == PAIR:
            found[name], data = _vici_text(data, 2)
        elif kind == LIST:
            found[name], data = _vici_list(data)
        else:
            raise ValueError(f"a message of the daemon of tunnels holds an element of kind {kind}")
    return found, data


def _vici_list(data: bytes) -> tuple[list[str], bytes]:
    found = []
    while data[0] == ITEM:
        item, data = _vici_text(data[1:], 2)
        found.append(item)
    if data[0] != LIST_END:
        raise ValueError(f"a list of the daemon of tunnels holds an element of kind {data[0]}")
    return found, data[1:]


def _vici_text(data: bytes, width: int) -> tuple[str, bytes]:
    """Take a text off that begins with its length in *width* bytes."""
    length = int.from_bytes(data[:width], "big")
    text = data[width : width + length]
    if len(data) < width or len(text) < length:
        raise ValueError("a message of the daemon of tunnels is cut off")
    return text.decode(), data[width + length :]


# -- storage --------------------------------------------------------------------------------------------------------


def _read_storage(wanted: Any, forks: dict[str, Fork]) -> Any:
    rows = _lvm_rows(forks["lvm"])
    members = {os.path.realpath(row["pv_name"]): row for row in rows}
    mounts = _read_mounts()
    # A row for each part of a volume on a device, and one for what is free.
    ours = {row["lv_name"]: row for row in rows if row["lv_name"] and row["vg_name"] == wanted["volume_group"]}
    return {
        "groups": sorted({found["vg_name"] for found in members.values()} - {""}),
        "devices": {path: _read_device(path, members, mounts) for path in wanted["devices"]},
        "volumes": {name: _read_volume(row, mounts, wanted["headers"]) for name, row in ours.items()},
    }


def _lvm_rows(fork: Fork) -> list[dict[str, str]]:
    if fork.pid is None:
        return []
    rows: list[dict[str, str]] = json.loads(fork.text())["report"][0]["pv"]
    return rows


def _read_mounts() -> dict[str, list[list[str]]]:
    """Give the mount points of each device, and their file systems."""
    mounts: dict[str, list[list[str]]] = {}
    for line in _content("/proc/self/mountinfo").decode().splitlines():
        before, after = line.split(" - ", 1)
        kind, device = after.split(" ")[:2]
        point = before.split(" ")[4].encode().decode("unicode_escape")
        mounts.setdefault(os.path.realpath(device), []).append([point, kind])
    return mounts


def _read_device(path: str, members: dict[str, Any], mounts: dict[str, Any]) -> dict[str, Any]:
    """Say what is on a device: everything that forbids taking it."""
    real = os.path.realpath(path)
    if not os.path.exists(real):
        return {"present": False}
    member = members.get(real, {})
    if member.get("vg_name"):
        return {"present": True, "volume_group": member["vg_name"]}
    found: dict[str, Any] = {"present": True, "volume_group": None, "member_uuid": member.get("pv_uuid")}
    try:
        sysfs = "/sys/class/block/" + os.path.basename(real)
        found["size_bytes"] = 512 * int(_content(sysfs + "/size"))
        found["holders"] = os.listdir(sysfs + "/holders")
        found["partitions"] = [name for name in os.listdir(sysfs) if os.path.exists(f"{sysfs}/{name}/partition")]
        found["mounts"] = [point for point, kind in mounts.get(real, ())]
        found["signatures"] = _signatures(real)
        found["edges_zero"] = _edges_are_zero(real, found["size_bytes"])
    except (OSError, ValueError, LookupError) as error:
        found["unreadable"] = f"{type(error).__name__}: {error}"
    return found


def _signatures(device: str) -> list[str]:
    """List every signature that libblkid knows, however many there are."""
    text = Fork(["wipefs", "--no-act", "--json", device]).text()
    return [entry["type"] for entry in json.loads(text)["signatures"]] if text.strip() else []


def _edges_are_zero(device: str, size: int) -> bool:
    with open(device, "rb", buffering=0) as stream:
        first = stream.read(MIB)
        stream.seek(max(0, size - MIB))
        last = stream.read(MIB)
    return not any(first) and not any(last)


def _read_volume(found: dict[str, str], mounts: dict[str, Any], headers: str) -> dict[str, Any]:
    """Describe a logical volume of ours down to the mounted file system."""
    device = f"/dev/{found['vg_name']}/{found['lv_name']}"
    volume = {
        "size_bytes": int(found["lv_size"]),
        "tags": [tag for tag in found["lv_tags"].split(",") if tag],
        "mounts": mounts.get(os.path.realpath(device), []),
    }
    try:
        header, damage = _header_or_damage(device)
        volume["luks"] = header
        if damage:
            volume["damage"] = damage
        elif header is None:
            volume["signatures"] = _signatures(device)
        else:
            header["saved_checksum"] = _saved_checksum(f"{headers}/{header['label']}.luks")
            volume.update(_read_opened(header, mounts))
    except (OSError, ValueError, LookupError) as error:
        volume["unreadable"] = f"{type(error).__name__}: {error}"
    return volume


def _header_or_damage(device: str) -> tuple[dict[str, Any] | None, str | None]:
    """Part a header that is there and damaged, which a copy mends, from a device that could not be read."""
    try:
        return luks_header(device), None
    except ValueError as error:
        return None, str(error)


def luks_header(device: str) -> dict[str, Any] | None:
    """Give what a LUKS2 header says, ``None`` if there is none; raise ``ValueError`` for one that is damaged.

    The layout is that of the LUKS2 on-disk format specification, section 2.1.
    """
    with open(device, "rb") as stream:
        binary = bytearray(stream.read(4096))
        if binary[:6] != b"LUKS\xba\xbe":
            return None
        version, size = struct.unpack(">HQ", binary[6:16])
        if version != 2 or size > 4 * MIB:
            raise ValueError(f"a LUKS header of version {version}, {size} bytes long")
        area = stream.read(size - 4096)
    checksum, binary[448:512] = bytes(binary[448:480]), bytes(64)
    if sha256(bytes(binary) + area).digest() != checksum:
        raise ValueError("the LUKS header does not match its checksum")
    described = json.loads(area.partition(b"\0")[0])
    return {
        "checksum": checksum.hex(),
        "label": binary[24:72].partition(b"\0")[0].decode(),
        "uuid": binary[168:208].partition(b"\0")[0].decode(),
        "ciphers": sorted({segment["encryption"] for segment in described["segments"].values()}),
        "flags": sorted(described["config"].get("flags", [])),
        "slots": {
            name: {"key_bits": 8 * slot["key_size"], **{key: slot["kdf"].get(key) for key in KDF}}
            for name, slot in described["keyslots"].items()
        },
    }


def _saved_checksum(path: str) -> str | None:
    """Give the checksum of the copy of a header; a damaged copy has none, like one that is not there."""
    try:
        header = luks_header(path)
    except (FileNotFoundError, ValueError):
        return None
    return header["checksum"] if header else None


KDF = ("type", "memory", "time", "cpus")


def _read_opened(header: dict[str, Any], mounts: dict[str, Any]) -> dict[str, Any]:
    """Find the opened device of a header, its file system and where it is mounted."""
    prefix = f"CRYPT-LUKS2-{header['uuid'].replace('-', '')}-"
    for name in os.listdir("/sys/class/block"):
        with contextlib.suppress(FileNotFoundError):
            if name.startswith("dm-") and _content(f"/sys/class/block/{name}/dm/uuid").decode().startswith(prefix):
                mapper = _content(f"/sys/class/block/{name}/dm/name").decode().strip()
                mounted = mounts.get(os.path.realpath(f"/dev/{name}"), [])
                return {"mapper": mapper, **_read_filesystem(f"/dev/{name}", mounted), "mounts": mounted}
    return {"mapper": None, "filesystem": None, "filesystem_bytes": None}


def _read_filesystem(device: str, mounts: list[list[str]]) -> dict[str, Any]:
    """Name the file system of a device and say how large it is.

    By its superblock; but XFS keeps that of a mounted file system to itself for a while, and is asked.
    """
    with open(device, "rb") as stream:
        start = stream.read(2048)
    if start[:4] == b"XFSB":
        block_bytes, blocks = _xfs_geometry(mounts[0][0]) if mounts else struct.unpack(">IQ", start[4:16])
        return {"filesystem": "xfs", "filesystem_bytes": block_bytes * blocks}
    if start[0x438:0x43A] == b"\x53\xef":
        (low,), (shift,), (high,) = (struct.unpack("<I", start[at : at + 4]) for at in (0x404, 0x418, 0x550))
        return {"filesystem": "ext4", "filesystem_bytes": (high << 32 | low) * (1024 << shift)}
    return {"filesystem": None, "filesystem_bytes": None}


def _xfs_geometry(point: str) -> tuple[int, int]:
    """Ask XFS for the size of its blocks and for their number: XFS_IOC_FSGEOMETRY_V1 of the kernel's xfs_fs.h."""
    import fcntl

    descriptor = os.open(point, os.O_RDONLY)
    try:
        answer = fcntl.ioctl(descriptor, 0x80705864, bytes(112))
    finally:
        os.close(descriptor)
    return struct.unpack_from("=I", answer, 0)[0], struct.unpack_from("=Q", answer, 32)[0]


# -- observations ---------------------------------------------------------------------------------------------------


def _read_observations(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what checks look at and no plan compares; each on its own, since none depends on another."""
    return {
        "boot_id": _content("/proc/sys/kernel/random/boot_id").decode().strip(),
        "kernel": os.uname().release,
        "system": _os_release(),
        "time": time.time(),
        "clock": _attempt(lambda _, forks: forks["clock"].text().strip().split(","), None, forks),
        "backups": {name: _text_or_none(path) for name, path in wanted["backups"].items()},
        "disks": _attempt(lambda points, _: {point: _usage(point) for point in points}, wanted["mount_points"], forks),
    }


def _os_release() -> dict[str, str]:
    lines = _content("/etc/os-release").decode().splitlines()
    return {name: value.strip('"') for name, equals, value in (line.partition("=") for line in lines) if equals}


def _usage(point: str) -> dict[str, int]:
    found = os.statvfs(point)
    return {"size_bytes": found.f_blocks * found.f_frsize, "free_bytes": found.f_bavail * found.f_frsize}


PARTS = {
    "files": _read_files,
    "texts": _read_texts,
    "presence": _read_presence,
    "manifest": _read_manifest,
    "pending": _read_pending,
    "identities": _read_identities,
    "packages": _read_packages,
    "units": _read_units,
    "firewall": _read_firewall,
    "network": _read_network,
    "wireguard": _read_wireguard,
    "tunnels": _read_tunnels,
    "storage": _read_storage,
    "observations": _read_observations,
}
