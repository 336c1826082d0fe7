"""An establishment's firewall: a machine more in the lab, set up by what the establishment is sent and no more."""

import json
import re
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from conftest import HOSTS, LabRunner, wait_until

from hosting_cli.lab import accelerator, image, laboratory, machines, template
from hosting_cli.lab.specification import Link, MachineSpec

GATEWAY = HOSTS[1]
PEER, TUNNEL, CONNECTION = "beaune-firewall", "beaune", "bfc-beaune-1"
PEER_ADDRESS, GATEWAY_ADDRESS = "198.51.100.20", "198.51.100.10"
STATION, APPLICATION = "172.20.21.5", "10.21.10.11"
"""Who talks through the tunnel: somebody of the establishment, and the host of the imaging tier."""

_IDENTITY = "beaune.peers.bfc.internal"
_ORDINAL, _WATCHING = 90, "test-watch"
_BOTH = rf"({PEER_ADDRESS} {GATEWAY_ADDRESS}|{GATEWAY_ADDRESS} {PEER_ADDRESS})"
_CARRYING = re.compile(rf"{_BOTH} (17 [0-9]+ (ike|esp)|1)")
_KEY, _REQUEST = "/etc/swanctl/private/hosting-peer.pem", "/run/hosting-peer.csr"

WATCH = """
import collections, json, socket, struct, sys, time
seen = collections.Counter()
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
wire.bind(("eth2", 0))
while True:
    packet = wire.recv(65535)
    if packet[0] >> 4 != 4:
        continue
    source, destination = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
    name = f"{source} {destination} {packet[9]}"
    if packet[9] == 17:
        port, = struct.unpack("!H", packet[22:24])
        # Inside UDP 4500, IKE begins with four zero bytes, and ESP with its index.
        kind = "ike" if port == 500 or packet[28:32] == bytes(4) else "esp"
        name += f" {port} {kind if port in (500, 4500) else 'other'}"
    seen[name] += 1
    with open("/run/watched.new", "w") as file:
        json.dump(seen, file)
    __import__("os").replace("/run/watched.new", "/run/watched")
"""
"""Counts what the wire between both ends carries, by source, destination, protocol and, of UDP, port and content.

On our gateway, by the card that carries the tunnel: at the peer, whose tunnel is no interface of its own, what was
decrypted is seen by the card as well.
"""

CONNECT = """
import socket, sys
source, port = sys.argv[1], int(sys.argv[2])
with socket.socket() as end:
    end.bind((source, 0))
    end.settimeout(int(sys.argv[4]))
    try:
        end.connect((sys.argv[3], port))
        print("passes")
    except OSError:
        print("dropped")
"""


@dataclass(frozen=True)
class Firewall:
    """The peer's machine, and what can be seen from it."""

    lab: LabRunner

    def run(self, *argv: str) -> str:
        return self.lab.on_machine(PEER, *argv)

    def attempt(self, *argv: str) -> tuple[int, str]:
        """Run what may fail; give its status and all that it said."""
        command = 'out=$("$@" 2>&1); echo $?; echo "$out"'
        status, _, output = self.run("sh", "-c", command, "sh", *argv).partition("\n")
        return int(status), output

    def connects(self, port: int = 443, *, within_seconds: int = 15) -> bool:
        """Have the station connect to the application; the packet that brings the tunnel up is sent again and again."""
        argv = ("/usr/bin/python3", "-I", "-c", CONNECT, STATION, str(port), APPLICATION, str(within_seconds))
        return self.run(*argv).strip() == "passes"

    def initiate(self) -> tuple[int, str]:
        """Have the peer bring the tunnel up, as if a packet had asked for it."""
        return self.attempt("swanctl", "--initiate", "--child", CONNECTION, "--timeout", "30")

    def brings_up(self) -> bool:
        """Have the peer bring the tunnel up; true as well if packets of our side have done that meanwhile."""
        status, said = self.initiate()
        return status == 0 or "due to existing duplicate" in said

    def watched(self) -> dict[str, int]:
        """Say what was on the wire since the peer is there."""
        found: dict[str, int] = json.loads(self.lab.on_machine(GATEWAY, "cat", "/run/watched"))
        return found

    def in_clear(self) -> set[str]:
        """Name what was on the wire but IKE and ESP inside UDP between both ends, and ICMP about these."""
        return {name for name in self.watched() if not _CARRYING.fullmatch(name)}


@contextmanager
def firewall(lab: LabRunner) -> Iterator[Firewall]:
    """Give the peer, set up and watching; nothing of it is left in the lab."""
    found = Firewall(lab)
    try:
        _start(lab)
        found.run("ip", "address", "add", f"{STATION}/32", "dev", "lo")
        watch = ("/usr/bin/python3", "-I", "-c", WATCH)
        lab.on_machine(GATEWAY, "systemd-run", "--quiet", "--collect", f"--unit={_WATCHING}", *watch)
        _certify(found)
        _configure(found)
        yield found
    finally:
        lab.on_machine(GATEWAY, "systemctl", "stop", _WATCHING)
        machines.remove(lab.directory, PEER)


def _start(lab: LabRunner) -> None:
    shared = laboratory.Lab(lab.directory, laboratory.place().cache_directory)
    spec = MachineSpec(
        PEER, _ORDINAL, data_disk_gib=laboratory.DATA_DISK_GIB, links=(Link(laboratory.OUTSIDE, f"{PEER_ADDRESS}/24"),)
    )
    built = image.build(shared.cache_directory, print)
    kvm = accelerator.find(shared.cache_directory, built, template.qemu_version(), print).kvm
    made = template.build(shared.cache_directory, built, spec.shape, print, kvm=kvm)
    machines.start(spec, lab.directory, built, made, print)


def _certify(peer: Firewall) -> None:
    """Make the key where it stays, have the request signed for its one name, and bring back what is public."""
    curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    peer.run("openssl", "genpkey", *curve, "-out", _KEY)
    subject = ("-subj", f"/CN={_IDENTITY}", "-addext", f"subjectAltName=DNS:{_IDENTITY}")
    peer.run("openssl", "req", "-new", "-sha384", "-key", _KEY, *subject, "-out", _REQUEST)
    asked = {"csr": peer.run("cat", _REQUEST), "common_name": _IDENTITY}
    signed = in_vault(peer.lab, f"pki/sign/hosting-peer-{TUNNEL}", asked)
    _write(peer, "/etc/swanctl/x509/hosting-peer.pem", signed["certificate"])
    _write(peer, "/etc/swanctl/x509ca/hosting.pem", signed["issuing_ca"])


def _configure(peer: Firewall) -> None:
    made = peer.lab.run("network", "tunnel", "peer", TUNNEL)
    assert made.status == 0, made.output
    (name,) = (name for name in made.data["files"] if name.endswith(".conf"))
    _write(peer, f"/etc/swanctl/conf.d/{name}", made.data["files"][name])
    peer.run("systemctl", "start", "strongswan.service")
    wait_until(lambda: CONNECTION in peer.run("swanctl", "--list-conns"), seconds=120)


def _write(peer: Firewall, path: str, content: str) -> None:
    peer.run("sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sh", content, path)


def in_vault(lab: LabRunner, path: str, body: dict[str, str] | None = None) -> dict[str, str]:
    """Write to the vault as the operations engineer, as `bao write` does; without a *body* read, as `bao read`."""
    vault = yaml.safe_load(lab.environment_file.read_text())["vault"]
    request = urllib.request.Request(  # noqa: S310 (the lab's own vault, over TLS)
        f"{vault['address']}/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Vault-Token": Path(vault["token_file"]).read_text()},
    )
    trusted = ssl.create_default_context(cafile=vault["certificate_authority"])
    with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:  # noqa: S310 (see above)
        found: dict[str, str] = json.load(answer)["data"] or {}
    return found


def serial_number(peer: Firewall) -> str:
    """Give the number of the peer's certificate as the vault spells it."""
    plain = peer.run("openssl", "x509", "-in", "/etc/swanctl/x509/hosting-peer.pem", "-noout", "-serial")
    number = plain.strip().partition("=")[2].lower()
    return ":".join(number[at : at + 2] for at in range(0, len(number), 2))
