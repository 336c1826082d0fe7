"""Watch by hand what two strongSwans of any release negotiate when they load what both ends of a tunnel are told.

    mmdebstrap --include=charon-systemd,strongswan-swanctl,libcharon-extra-plugins forky forky http://deb.debian.org/debian
    python -m tests.bench.hybrid_tunnels GATEWAY_ROOT hybrid PEER_ROOT hybrid

Each word is a value of `key_exchange`.  As root: both daemons are in namespaces of their own, and write to nothing that
is left.  No part of any suite, which would need a Debian that is not released; docs/decisions/0021 has what came out.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploys import flows, swanctl, tunnels
from inventory.load import load_region
from inventory.tunnels import Ipsec, KeyExchange
from tests.integration.link_certificates import files_of_ends

SAMPLE = Path(__file__).parents[2] / "inventory" / "regions" / "bourgogne-franche-comte"
GATEWAY, TUNNEL = "dijon-gateway-1", "beaune"
WAIT_SECONDS = 20
_DAEMON = """
charon {
  load = PLUGINS
  plugins {
    vici {
      socket = unix:///run/vici
    }
  }
  filelog {
    log {
      path = FOLDER/log
      default = 1
      flush_line = yes
    }
  }
}
swanctl {
  load = pem pkcs1 x509 pkcs8 openssl random
}
"""
_PLUGINS = (
    "nonce random drbg pem pkcs8 x509 revocation constraints pubkey openssl kdf hmac sha2 kernel-libipsec"
    " kernel-netlink socket-default vici"
)
"""With ESP of the daemon's own, so that it depends on no kernel's; a release lacks those that its OpenSSL replaced."""


@dataclass(frozen=True)
class End:
    """One end: a namespace of the network, a folder that swanctl loads, and the root whose programs are run."""

    namespace: str
    folder: Path
    root: Path

    def argv(self, *command: str) -> list[str]:
        """Compose *command* in that root, of which only a copy in memory can be written, and in that namespace."""
        own, run, upper = self.folder, self.folder / "run", self.folder / "upper"
        script = f"""
            mount -t tmpfs upper {upper} && mkdir {upper}/new {upper}/work {upper}/all
            mount -t overlay all -o lowerdir={self.root},upperdir={upper}/new,workdir={upper}/work {upper}/all
            mkdir -p {upper}/all{own} && mount --bind {own} {upper}/all{own} && mount --bind {run} {upper}/all/run
            mount -t proc proc {upper}/all/proc && mount --bind /dev {upper}/all/dev
            exec chroot {upper}/all env STRONGSWAN_CONF={own}/strongswan.conf SWANCTL_DIR={own}/swanctl "$@"
        """
        return ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "sh", "-ec", script, "sh", *command]

    def swanctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run swanctl, and wait for what it says."""
        argv = self.argv("swanctl", *arguments, "--uri", "unix:///run/vici")
        return subprocess.run(argv, capture_output=True, text=True, check=False)


def certify(ends: dict[str, End]) -> None:
    """Give each end what it shows, and what it believes the other by."""
    for identity, files in files_of_ends(list(ends)).items():
        for file, content in files.items():
            path = ends[identity].folder / "swanctl" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


@contextmanager
def laid(roots: Sequence[Path], addresses: Sequence[str], folder: Path) -> Iterator[list[End]]:
    """Lay a wire between two namespaces."""
    names = [f"hybrid-{side}-{os.getpid():x}" for side in ("ours", "theirs")]
    ends = [End(name, folder / name, root) for name, root in zip(names, roots, strict=True)]
    try:
        for end in ends:
            for part in ("swanctl", "run", "upper"):
                (end.folder / part).mkdir(parents=True)
            (end.folder / "strongswan.conf").write_text(
                _DAEMON.replace("FOLDER", str(end.folder)).replace("PLUGINS", _PLUGINS)
            )
            _ip("netns", "add", end.namespace)
        _ip("link", "add", "wire", "netns", names[0], "type", "veth", "peer", "name", "wire", "netns", names[1])
        for end, own, other in zip(ends, addresses, reversed(addresses), strict=True):
            for command in (
                ("link", "set", "lo", "up"),
                ("addr", "add", f"{own}/32", "dev", "wire"),
                ("link", "set", "wire", "up"),
                ("route", "add", other, "dev", "wire"),
            ):
                _ip("-n", end.namespace, *command)
        yield ends
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def running(end: End, configuration: str) -> Iterator[None]:
    """Start the daemon of *end*, and have it load *configuration*; say what it is and what it can."""
    (end.folder / "swanctl" / "swanctl.conf").write_text(configuration)
    daemon = subprocess.Popen(end.argv("charon-systemd"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + WAIT_SECONDS
        while end.swanctl("--stats").returncode and time.monotonic() < until:
            time.sleep(0.2)
        version = re.findall(r"strongSwan \S+", end.swanctl("--version", "--daemon").stdout)
        exchanges = re.findall(r"\b(?:ECP_384|ML_KEM_768)\b", end.swanctl("--list-algs").stdout)
        loaded = end.swanctl("--load-all", "--noprompt")
        print(end.namespace, *version, "can", *exchanges, "; loads it" if loaded.returncode == 0 else loaded.stderr)
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def main(gateway_root: str, gateway_word: str, peer_root: str, peer_word: str) -> None:
    """Print what becomes of the tunnel when the peer calls, and when it has keys made anew."""
    region = load_region(SAMPLE)
    link = tunnels.links(flows.topology(region), region)[0]

    def told(word: str) -> tunnels.Link:
        terms = Ipsec(key_exchange=KeyExchange(word))
        return replace(link, tunnel=link.tunnel.model_copy(update={"ipsec": terms}))

    roots = (Path(gateway_root), Path(peer_root))
    addresses = (str(link.tunnel.gateways[0].address), str(link.tunnel.peer.addresses[0]))
    child, folder = f"bfc-{TUNNEL}-1", Path(tempfile.mkdtemp(prefix="hybrid-"))
    try:
        with laid(roots, addresses, folder) as (ours, theirs):
            certify({link.gateway_identity(GATEWAY): ours, link.peer_identity: theirs})
            gateway = swanctl.render([tunnels.of_gateway(told(gateway_word), GATEWAY)])
            with running(ours, gateway), running(theirs, swanctl.render(tunnels.of_peer(told(peer_word)))):
                called = theirs.swanctl("--initiate", "--child", child, "--timeout", "15")
                print("the peer calls:", "tunnel up" if called.returncode == 0 else "no tunnel")
                print(
                    *re.findall(r"\[(?:CFG|IKE)\] .*(?:selected|not supported|error|NO_PROP).*", called.stdout),
                    sep="\n",
                )
                theirs.swanctl("--rekey", "--child", child)
                time.sleep(1)
                print(ours.swanctl("--list-sas").stdout)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
