"""What makes a clone a machine of its own: names, keys, addresses.  Pure; randomness and time are handed in."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hosting_cli.lab import addresses
from hosting_cli.lab.specification import MachineSpec

HOST_KEY_PATH = "/etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True, repr=False)
class Identity:
    """What a machine must not share with another one; *host_key* is private and never leaves memory."""

    machine_id: str
    host_key: bytes
    host_key_public: str
    bootstrap_key_public: str
    entropy: bytes


def files(spec: MachineSpec, identity: Identity) -> dict[str, tuple[int, bytes]]:
    """List the files, with their modes, that hold the identity on the machine's disk, where a reboot finds them."""
    texts: dict[str, tuple[int, str]] = {
        "/etc/hostname": (0o644, f"{spec.name}\n"),
        "/etc/machine-id": (0o444, f"{identity.machine_id}\n"),
        "/etc/hosts": (0o644, f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n"),
        "/root/.ssh/authorized_keys": (0o600, f"{identity.bootstrap_key_public}\n"),
        f"{HOST_KEY_PATH}.pub": (0o644, f"{identity.host_key_public} {spec.name}\n"),
        **{
            f"/etc/systemd/network/20-link{index}.network": (0o644, link_file(spec, index))
            for index in range(1, len(spec.links) + 1)
        },
    }
    encoded = {path: (mode, text.encode()) for path, (mode, text) in texts.items()}
    return {**encoded, HOST_KEY_PATH: (0o600, identity.host_key)}


def link_file(spec: MachineSpec, index: int) -> str:
    """Describe a link to systemd-networkd; a clone still has the template's Ethernet address until it is told."""
    address = spec.links[index - 1].address
    return (
        f"[Match]\nName=eth{index}\n"
        f"[Link]\nMACAddress={addresses.mac_address(spec.ordinal, index)}\n"
        f"[Network]\n{f'Address={address}' if address else '# A trunk: whoever has its VLANs has the addresses.'}\n"
        "LinkLocalAddressing=no\nIPv6AcceptRA=no\nConfigureWithoutCarrier=yes\nLLDP=no\nEmitLLDP=no\n"
    )


def request(spec: MachineSpec, identity: Identity, time_ns: int) -> Mapping[str, Any]:
    """Ask the guest agent to take on *identity*, and what read the old one to read again."""
    encode = base64.b64encode
    return {
        "do": "identify",
        "hostname": spec.name,
        "time_ns": time_ns,
        "entropy": encode(identity.entropy).decode(),
        "files": {path: [mode, encode(data).decode()] for path, (mode, data) in files(spec, identity).items()},
        "then": [
            ["networkctl", "reload"],
            ["systemctl", "reload", "ssh.service"],
            # Its files are in a directory named after the machine's identifier.
            ["systemctl", "--no-block", "restart", "systemd-journald.service"],
        ],
    }
