"""A tunnel of the sample between two real daemons, certified by a real vault; and the agent of its gateway."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engines_lab import Engines
from tunnels_lab import GATEWAY, TUNNEL, Ends, Request, region_with_tunnel, request_for, two_ends

from deploys import flows, swanctl, tunnels
from deploys.agent import link as agent_link
from deploys.agent import locks, processes, record, settings
from deploys.tunnels import Link
from hosting_cli.desired_links import links
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.resources import AppRole, Policy
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Region
from inventory.resource import PLATFORM, Json
from vault_policies import render


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Give the sample with a tunnel."""
    return region_with_tunnel(tmp_path_factory.mktemp("region") / "region")


@pytest.fixture(scope="module")
def link(joined: Region) -> Link:
    return tunnels.links(flows.topology(joined), joined)[0]


@pytest.fixture(scope="module")
def vault(vault_door: OpenBao, joined: Region) -> OpenBao:
    """Give the door of operations, with what the vault must hold for the tunnel."""
    for resource in links(joined):
        vault_door.write(resource)
    role = naming.host_role(PLATFORM, GATEWAY)
    vault_door.write(Policy(name=role, owner=PLATFORM, text=render.gateway(joined, GATEWAY)))
    return vault_door


@pytest.fixture(scope="module")
def gateway(vault: OpenBao) -> Iterator[Secret]:
    """Give a token with the gateway's rights."""
    token = vault.token_for((naming.host_role(PLATFORM, GATEWAY),), ttl_seconds=900)
    yield token
    vault.revoke(token)


def certified_as_gateway(engines: Engines, token: Secret, request: Request) -> str:
    path = f"pki/sign/{naming.gateway_role(GATEWAY)}"
    body: dict[str, Json] = {"csr": request.text, "common_name": request.name}
    return str(engines.vault._request("POST", path, body, token=token)["data"]["certificate"])


@pytest.fixture
def peer(vault: OpenBao, link: Link) -> Iterator[tuple[Request, str]]:
    """Give what the establishment asked for, and its certificate."""
    request = request_for(link.peer_identity)
    yield request, vault.pki.certify(naming.peer_role(TUNNEL), request.text, request.name)


@pytest.fixture(scope="module")
def our_certificate(engines: Engines, gateway: Secret, link: Link) -> tuple[Request, str]:
    """Give what our gateway asked for, and its certificate."""
    request = request_for(link.gateway_identity(GATEWAY))
    return request, certified_as_gateway(engines, gateway, request)


@pytest.fixture
def ends(
    tmp_path: Path, vault: OpenBao, link: Link, our_certificate: tuple[Request, str], peer: tuple[Request, str]
) -> Iterator[Ends]:
    """Give both ends, furnished and running; no tunnel is up."""
    with two_ends(tmp_path) as found:
        found.ours.holds("private", "key.pem", our_certificate[0].key)
        found.ours.holds("x509", tunnels.CERTIFICATE, our_certificate[1])
        found.ours.configure(swanctl.render([tunnels.of_gateway(link, GATEWAY)]))
        found.theirs.holds("private", "key.pem", peer[0].key)
        found.theirs.holds("x509", tunnels.PEER_CERTIFICATE, peer[1])
        found.theirs.configure(swanctl.render(tunnels.of_peer(link)))
        for site in (found.ours, found.theirs):
            for number, certificate in enumerate(vault.pki.bundle()):
                site.holds("x509ca", f"authority-{number}.pem", certificate)
        lists(found, vault)
        found.ours.start()
        found.theirs.start()
        yield found


def lists(ends: Ends, vault: OpenBao) -> None:
    """Bring our gateway the lists of what was revoked."""
    for number, authority in enumerate(vault.pki.read()):
        ends.ours.holds("x509crl", f"authority-{number}.pem", vault.pki.revocations(authority))


Renew = Callable[..., dict[str, object]]


@pytest.fixture
def furnished(
    tmp_path: Path, engines: Engines, vault: OpenBao, link: Link, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Renew]:
    """Give the gateway its identity, and say to its agent where all is but its folder; give what renews by that."""
    role = naming.host_role(PLATFORM, GATEWAY)
    vault.write(
        AppRole(
            name=role,
            owner=PLATFORM,
            policies=(role,),
            bound_cidrs=("127.0.0.1/32",),
            token_ttl_seconds=600,
            token_max_ttl_seconds=600,
        )
    )
    wrapped, _ = vault.wrapped_secret_id(role, ttl_seconds=60, note={"host": GATEWAY})
    told = {
        "role": role,
        "credential": "hosting-platform",
        "link": {
            "identity": link.gateway_identity(GATEWAY),
            "role": naming.gateway_role(GATEWAY),
            "certificate": tunnels.CERTIFICATE,
        },
    }
    root = tmp_path
    for path in (root / "given", root / "applications"):
        path.mkdir(parents=True)
    (root / "given" / "hosting-platform").write_text(vault.unwrapped(wrapped).reveal())
    (root / "engines.json").write_text(
        json.dumps(
            {
                "host": GATEWAY,
                "vault": engines.vault.address,
                "certificate_authority": str(engines.vault.certificates.authority),
            }
        )
    )
    monkeypatch.setitem(processes.PATH, "PATH", f"{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(root / "given"))
    monkeypatch.setattr(settings, "ENGINES", root / "engines.json")
    monkeypatch.setattr(settings, "APPLICATIONS", root / "applications")
    monkeypatch.setattr(record, "METRICS", root / "metrics")
    monkeypatch.setattr(locks, "LOCKS", root / "locks")

    def furnish(folder: Path) -> Renew:
        (folder / "private").mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(agent_link, "FOLDER", folder)
        return renew

    def renew(renew_days: int = 10) -> dict[str, object]:
        document = {**told, "link": {**told["link"], "renew_days": renew_days}}  # type: ignore[dict-item]
        (root / "applications" / "platform.json").write_text(json.dumps(document))
        return agent_link.renew()

    return furnish


@pytest.fixture
def agent(tmp_path: Path, furnished: Callable[[Path], Renew]) -> Renew:
    """Give the agent of a gateway that the vault knows; its files are in *tmp_path*, and no daemon hears of them."""
    tool(tmp_path, "systemctl", f'echo "$@" >> {tmp_path}/reloaded')
    return furnished(tmp_path / "swanctl")


@pytest.fixture
def joined_agent(tmp_path: Path, ends: Ends, furnished: Callable[[Path], Renew]) -> Renew:
    """Give the agent at our end, where it has had the gateway certified; its folder is that which the daemon loads."""
    site, told = ends.ours, f"--uri unix://{ends.ours.folder}/vici"
    environment = f"STRONGSWAN_CONF={site.folder}/strongswan.conf SWANCTL_DIR={site.folder}/swanctl"
    inside = f"ip netns exec {site.namespace} env {environment} /usr/sbin/swanctl"
    tool(tmp_path, "swanctl", f'exec {inside} "$@" {told}')
    # As the unit of the daemon does it: nothing that it has loaded is cleared before.
    tool(tmp_path, "systemctl", f"exec {inside} --load-all --noprompt {told}")
    renew = furnished(site.folder / "swanctl")
    (site.folder / "swanctl" / "private" / "key.pem").unlink()
    for kind in ("x509ca", "x509crl"):
        for path in (site.folder / "swanctl" / kind).iterdir():
            path.unlink()
    assert renew()["renewed"], "the key of the certificate that was there was not made by the agent"
    site.load()
    return renew


def tool(root: Path, name: str, script: str) -> None:
    """Put a program of that name first on the agent's path."""
    path = root / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
