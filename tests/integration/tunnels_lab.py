"""Two ends of a tunnel in network namespaces: real daemons that load what is generated, certified by a real vault.

This kernel has no ESP, so each daemon encrypts itself and hands packets over by a TUN device (kernel-libipsec): what is
negotiated, verified and refused is real, and so is what is on the wire; how the kernel's own policies hold packets is
not tried here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from engines_lab import SAMPLE
from waiting import SECONDS, wait_until

from deploys import desired_tunnels, tunnels
from deploys.programs import INTERPRETER, program
from inventory.load import load_region
from inventory.models import Region

CHARON = "/usr/lib/ipsec/charon"
GATEWAY, TUNNEL = "dijon-gateway-1", "beaune"
OUR_ADDRESS, PEER_ADDRESS = "198.51.100.10", "198.51.100.20"
APPLICATION, STATION = "10.21.10.11", "172.20.21.5"
"""Who talks through the tunnel: a host of the imaging tier, and somebody of the establishment."""

_LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], 443)) as server:
    print("listening", flush=True)
    while True:
        server.accept()[0].sendall(b"here")
"""
_CONNECT = """
import socket, sys
with socket.create_connection((sys.argv[2], 443), timeout=4, source_address=(sys.argv[1], 0)) as connection:
    sys.exit(connection.recv(4) != b"here")
"""

_ON_THE_WIRE = f"""
table inet counting {{
  counter encapsulated {{ }}
  counter clear {{ }}
  chain entering {{
    type filter hook prerouting priority -400;
    iifname "wire" udp dport 4500 counter name encapsulated
    iifname "wire" ip saddr {STATION} counter name clear
  }}
  chain leaving {{
    type filter hook postrouting priority 400;
    oifname "wire" ip daddr {STATION} counter name clear
  }}
}}
"""
_INSIDE = f"""
table inet counting {{
  counter arrived {{ }}
  chain entering {{
    type filter hook prerouting priority -400;
    ip saddr {STATION} counter name arrived
  }}
}}
"""

_FOLDERS = (
    *("x509", "x509ca", "x509crl", "x509aa", "x509ac", "x509ocsp"),
    *("pubkey", "private", "rsa", "ecdsa", "bliss", "pkcs8", "pkcs12"),
)
"""Where swanctl looks for what it loads; it complains of those that are not there."""

PLUGINS = (
    "nonce random drbg pem pkcs8 pkcs1 x509 revocation constraints pubkey openssl kdf hmac sha2 kernel-libipsec"
    " kernel-netlink socket-default vici"
)
_DAEMON = """
charon {
  load = PLUGINS
  plugins {
    vici {
      socket = unix://FOLDER/vici
    }
  }
  filelog {
    log {
      path = FOLDER/log
      default = 1
      cfg = 2
      flush_line = yes
    }
  }
}
swanctl {
  load = pem pkcs1 x509 pkcs8 openssl random
}
"""


def region_with_tunnel(folder: Path) -> Region:
    """Load the sample; the tunnel's interface is called as the daemon calls that by which it hands over packets."""
    shutil.copytree(SAMPLE, folder)
    gateway = folder / "hosts" / f"{GATEWAY}.yaml"
    gateway.write_text(gateway.read_text().replace("name: ipsec1", "name: ipsec0"))
    return load_region(folder)


@dataclass(frozen=True)
class Request:
    """A key that was made where it is used, and the request for its certificate."""

    name: str
    key: str
    text: str


def request_for(name: str, curve: ec.EllipticCurve | None = None) -> Request:
    """Make a key and a request as an establishment's firewall does."""
    key = ec.generate_private_key(curve or ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(alternative, critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Request(name, private, builder.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM).decode())


@dataclass
class Site:
    """One end: a network namespace with a daemon in it, and the folder that the daemon loads."""

    namespace: str
    folder: Path
    daemon: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _FOLDERS:
            (self.folder / "swanctl" / name).mkdir(parents=True)
        told = _DAEMON.replace("PLUGINS", PLUGINS).replace("FOLDER", str(self.folder))
        (self.folder / "strongswan.conf").write_text(told)
        self.environment = {
            **os.environ,
            "STRONGSWAN_CONF": str(self.folder / "strongswan.conf"),
            "SWANCTL_DIR": str(self.folder / "swanctl"),
        }

    def holds(self, kind: str, name: str, content: str) -> None:
        """Put a file where the daemon looks for its *kind*."""
        (self.folder / "swanctl" / kind / name).write_text(content)

    def configure(self, text: str) -> None:
        (self.folder / "swanctl" / "swanctl.conf").write_text(text)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run *command* in the namespace."""
        return subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def swanctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("swanctl", *arguments, "--uri", f"unix://{self.folder}/vici")

    def load(self) -> None:
        """Have the daemon load its folder anew: connections, certificates, lists, and nothing it had before."""
        told = self.swanctl("--load-all", "--clear", "--noprompt")
        assert told.returncode == 0, told.stdout + told.stderr

    def start(self) -> None:
        """Start the daemon, with a /run of its own, and have it load its folder."""
        command = f"mount -t tmpfs run /run && exec {CHARON}"
        self.daemon = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "sh", "-c", command],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: self.swanctl("--stats").returncode == 0, f"the daemon of {self.namespace} answers")
        self.load()

    def told_of_itself(self) -> Any:
        """Have the program that reads hosts ask the daemon."""
        request = {
            **desired_tunnels.READING,
            "socket": f"{self.folder}/vici",
            "certificate": f"{self.folder}/swanctl/x509/{tunnels.CERTIFICATE}",
        }
        done = subprocess.run(
            INTERPRETER,
            input=program("read_host", {"timeout_seconds": SECONDS, "tunnels": request}),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(timeout=SECONDS)
            self.daemon = None

    @property
    def log(self) -> str:
        """Give all that the daemon has written."""
        return (self.folder / "log").read_text()


@dataclass(frozen=True)
class Ends:
    """Both ends of the tunnel: our gateway, and the establishment's firewall."""

    ours: Site
    theirs: Site
    inside: str
    """The namespace of the host in the imaging tier, behind our gateway."""

    def initiate(self) -> subprocess.CompletedProcess[str]:
        """Have the peer bring the tunnel up, as if a packet had asked for it."""
        return self.theirs.swanctl("--initiate", "--child", f"bfc-{TUNNEL}-1", "--timeout", "30")

    def terminate(self) -> None:
        """Take the tunnel down at both ends."""
        told = self.theirs.swanctl("--terminate", "--ike", f"bfc-{TUNNEL}-1", "--timeout", "30")
        assert told.returncode == 0, told.stdout
        wait_until(lambda: not self.ours.swanctl("--list-sas").stdout.strip(), "our end is down too")

    def is_reached(self) -> bool:
        """Have the station connect to the application, and hear its answer."""
        return self.theirs.run(sys.executable, "-I", "-c", _CONNECT, STATION, APPLICATION).returncode == 0

    def call_back(self) -> None:
        """Have the application try to reach the station, where nobody listens."""
        command = ["ip", "netns", "exec", self.inside, sys.executable, "-I", "-c", _CONNECT, APPLICATION, STATION]
        subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)

    def count(self) -> None:
        """Begin to count what the wire carries for the two of them in clear, and what comes to the application."""
        for namespace, rules in ((self.ours.namespace, _ON_THE_WIRE), (self.inside, _INSIDE)):
            subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=rules, text=True, check=True)

    def counted(self) -> dict[str, int]:
        """Give the counts: ``encapsulated``, ``clear`` and ``arrived``."""
        found = {}
        for namespace in (self.ours.namespace, self.inside):
            told = subprocess.run(
                ["ip", "netns", "exec", namespace, "nft", "--json", "list", "counters", "table", "inet", "counting"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            counters = (item["counter"] for item in json.loads(told)["nftables"] if "counter" in item)
            found |= {counter["name"]: counter["packets"] for counter in counters}
        return found


@contextmanager
def two_ends(folder: Path) -> Iterator[Ends]:
    """Lay a wire between two namespaces and give them what lies behind; nothing of it is left in the end."""
    suffix = f"{os.getpid():x}"
    ours, theirs, inside = (f"tunnel-{name}-{suffix}" for name in ("ours", "theirs", "inside"))
    ends = Ends(Site(ours, folder / "ours"), Site(theirs, folder / "theirs"), inside)
    listening = None
    try:
        for name in (ours, theirs, inside):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", "wire", "netns", ours, "type", "veth", "peer", "name", "wire", "netns", theirs)
        for name, own, other in ((ours, OUR_ADDRESS, PEER_ADDRESS), (theirs, PEER_ADDRESS, OUR_ADDRESS)):
            _ip("-n", name, "addr", "add", f"{own}/32", "dev", "wire")
            _ip("-n", name, "link", "set", "wire", "up")
            _ip("-n", name, "route", "add", other, "dev", "wire")
            # Whatever is not taken into the tunnel would leave by the wire, in clear.
            _ip("-n", name, "route", "add", "default", "via", other, "dev", "wire", "onlink")
        _ip("link", "add", "eth1.110", "netns", ours, "type", "veth", "peer", "name", "eth1", "netns", inside)
        for name, interface, address in ((ours, "eth1.110", "10.21.10.1"), (inside, "eth1", APPLICATION)):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", interface)
            _ip("-n", name, "link", "set", interface, "up")
        _ip("-n", inside, "route", "add", "default", "via", "10.21.10.1")
        _ip("netns", "exec", ours, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        # The daemon's own routes want an address of each network that it translates to or from.
        for address in (STATION, "10.21.20.5"):
            _ip("-n", theirs, "addr", "add", f"{address}/32", "dev", "lo")
        listening = subprocess.Popen(
            ["ip", "netns", "exec", inside, sys.executable, "-I", "-c", _LISTEN, APPLICATION], stdout=subprocess.PIPE
        )
        assert listening.stdout is not None and listening.stdout.readline() == b"listening\n"
        yield ends
    finally:
        if listening is not None:
            listening.kill()
            listening.communicate()
        for site in (ends.ours, ends.theirs):
            site.stop()
        for name in (ours, theirs, inside):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
