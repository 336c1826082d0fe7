"""A tunnel between real daemons that load what both ends are told: it carries, and takes nobody and nothing else."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from dying import Killed, Ways, dying_after
from engines_lab import Engines
from links_lab import certified_as_gateway, lists
from tunnels_lab import (
    GATEWAY,
    TUNNEL,
    Ends,
    Request,
    request_for,
)
from waiting import wait_until

from deploys import flows, loaded_tunnels, nftables, swanctl, tunnels
from deploys.desired_network import rule_set
from deploys.tunnels import Link
from hosting_cli.desired_links import DAY_SECONDS, GATEWAY_CERTIFICATE_DAYS
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError
from hosting_cli.keys.certificates import serial
from hosting_cli.secret import Secret
from hosting_cli.tunnels import standing
from hosting_cli.tunnels.standing import Standing
from inventory import naming
from inventory.environment import Environment, HostAccess, VaultAccess
from inventory.models import Region


def test_both_ends_take_what_they_are_told_and_packets_pass_encrypted_only(ends: Ends) -> None:
    ends.count()
    told = ends.initiate()
    assert told.returncode == 0, told.stdout + ends.ours.log
    before = ends.counted()
    assert ends.is_reached()
    after = ends.counted()

    sas = ends.ours.swanctl("--list-sas").stdout
    assert "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384" in sas and "IKEv2" in sas and "TUNNEL-in-UDP" in sas
    assert after["encapsulated"] > before["encapsulated"] and after["arrived"] > before["arrived"]
    assert after["clear"] == 0


def firewall(joined: Region) -> str:
    """Write the gateway's rules, as they are written for a host of that region."""
    access = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address="https://10.0.2.100:8200",
        object_stores={store.id: "https://10.0.2.101:8333" for store in joined.stores},
        vault_sees=IPv4Network("127.0.1.1/32"),
    )
    environment = Environment(
        environment="test",
        vault=VaultAccess(
            address="https://127.0.0.1:1", certificate_authority="/none/ca.pem", token_file="/none/token"
        ),
        object_stores={},
        administration_sources=(IPv4Network("10.0.2.2/32"),),
        hosts={GATEWAY: access},
        journal="/none/journal.jsonl",
    )
    places = flows.topology(joined)
    return nftables.render(rule_set(places, environment, places.hosts[GATEWAY]))


def test_what_is_not_in_the_tunnel_is_dropped_in_both_directions(ends: Ends, joined: Region, tmp_path: Path) -> None:
    """Stop each end's daemon in turn, so that its packets would leave by the wire in clear; without rules, they do."""
    (tmp_path / "firewall.nft").write_text(firewall(joined))
    ends.count()
    ends.theirs.stop()
    assert not ends.is_reached()
    unprotected = ends.counted()
    assert unprotected["clear"] > 0 and unprotected["arrived"] > 0, "in clear, they come through without rules"

    loaded = ends.ours.run("nft", "-f", str(tmp_path / "firewall.nft"))
    assert loaded.returncode == 0, loaded.stderr
    assert not ends.is_reached()
    assert ends.counted()["arrived"] == unprotected["arrived"], "with them, they do not"

    ends.theirs.start()
    assert ends.initiate().returncode == 0, "the peer is let in"
    assert ends.is_reached(), "and the flow passes"


def test_nothing_leaves_for_the_establishment_beside_the_tunnel(ends: Ends, joined: Region, tmp_path: Path) -> None:
    (tmp_path / "firewall.nft").write_text(firewall(joined))
    ends.count()
    ends.ours.stop()
    ends.call_back()
    unprotected = ends.counted()["clear"]
    assert unprotected > 0, "without rules and without a daemon, packets leave in clear"

    assert ends.ours.run("nft", "-f", str(tmp_path / "firewall.nft")).returncode == 0
    ends.call_back()
    assert ends.counted()["clear"] == unprotected


def test_a_host_tells_what_its_daemon_has_loaded_and_negotiated(ends: Ends, link: Link) -> None:
    assert ends.initiate().returncode == 0
    answer = ends.ours.told_of_itself()
    daemon = answer["tunnels"]["value"]["daemon"]
    ours = tunnels.of_gateway(link, GATEWAY)
    assert loaded_tunnels.loaded(daemon["connections"]) == loaded_tunnels.told([ours])
    found = standing.judge(link, GATEWAY, answer, datetime.now(UTC))
    assert (found.standing, found.ike) == (Standing.UP, "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384")

    text = (ends.ours.folder / "swanctl" / "swanctl.conf").read_text()
    ends.ours.configure(text.replace("revocation = strict", "revocation = relaxed"))
    ends.ours.load()
    daemon = ends.ours.told_of_itself()["tunnels"]["value"]["daemon"]
    assert loaded_tunnels.loaded(daemon["connections"]) != loaded_tunnels.told([ours]), "loaded by hand"


def test_new_keys_come_from_a_fresh_exchange(ends: Ends) -> None:
    assert ends.initiate().returncode == 0
    assert ends.theirs.swanctl("--rekey", "--child", f"bfc-{TUNNEL}-1").returncode == 0
    wait_until(lambda: "AES_GCM_16-256/ECP_384" in ends.ours.swanctl("--list-sas").stdout, "keys made with ECP-384")
    assert ends.is_reached()


def test_a_revoked_peer_is_refused_as_soon_as_the_gateway_has_the_list(
    ends: Ends, vault: OpenBao, peer: tuple[Request, str]
) -> None:
    assert ends.initiate().returncode == 0
    assert ends.is_reached()
    vault.pki.revoke(serial(x509.load_pem_x509_certificate(peer[1].encode())))
    ends.terminate()
    lists(ends, vault)
    ends.ours.load()

    assert ends.initiate().returncode != 0
    assert "certificate was revoked" in ends.ours.log
    assert not ends.is_reached()


def test_without_a_list_of_what_was_revoked_nobody_is_let_in(ends: Ends) -> None:
    for file in (ends.ours.folder / "swanctl" / "x509crl").iterdir():
        file.unlink()
    ends.ours.stop()
    ends.ours.start()

    assert ends.initiate().returncode != 0
    assert "certificate status is not available" in ends.ours.log


def lists_for_the_peer(ends: Ends, vault: OpenBao, *, seconds: int) -> None:
    """Bring the peer the lists as it is sent them, and have its daemon load them."""
    for number, authority in enumerate(vault.pki.read()):
        ends.theirs.holds("x509crl", f"list-{number}.pem", vault.pki.lasting_revocations(authority, seconds=seconds))
    ends.theirs.load()


def test_a_revoked_gateway_is_refused_by_a_peer_that_was_sent_the_list(
    ends: Ends, vault: OpenBao, link: Link, engines: Engines, gateway: Secret
) -> None:
    request = request_for(link.gateway_identity(GATEWAY))
    certificate = certified_as_gateway(engines, gateway, request)
    ends.ours.holds("private", "key.pem", request.key)
    ends.ours.holds("x509", tunnels.CERTIFICATE, certificate)
    ends.ours.load()
    lists_for_the_peer(ends, vault, seconds=DAY_SECONDS)
    assert ends.initiate().returncode == 0, "a list that does not name it is no obstacle"
    assert ends.is_reached()

    vault.pki.revoke(serial(x509.load_pem_x509_certificate(certificate.encode())))
    ends.terminate()
    assert ends.initiate().returncode == 0, "who was not sent the new list believes it still: the limit of this way"
    ends.terminate()
    lists_for_the_peer(ends, vault, seconds=DAY_SECONDS)
    assert ends.initiate().returncode != 0
    assert "certificate was revoked" in ends.theirs.log
    assert not ends.is_reached()


def test_a_peer_believes_nobody_by_a_list_whose_end_has_come(ends: Ends, vault: OpenBao) -> None:
    """Show what a list by hand may do: it has to be valid for longer than whatever it is renewed with."""
    lists_for_the_peer(ends, vault, seconds=1)
    time.sleep(2)
    assert ends.initiate().returncode != 0
    assert not ends.is_reached()
    lists_for_the_peer(ends, vault, seconds=DAY_SECONDS)
    assert ends.initiate().returncode == 0


WEAKER = {
    "a shorter key": ("aes256gcm16-prfsha384-ecp384", "aes128gcm16-prfsha384-ecp384"),
    "a weaker digest": ("aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha256-ecp384"),
    "a smaller curve": ("aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp256"),
    "integrity by itself": ("aes256gcm16-prfsha384-ecp384", "aes256-sha384-ecp384"),
    "a child without integrity of GCM": ("esp_proposals = aes256gcm16-ecp384", "esp_proposals = aes256-sha256-ecp384"),
    "IKEv1": ("version = 2", "version = 1"),
}


@pytest.mark.parametrize("case", WEAKER)
def test_what_is_weaker_than_we_propose_is_refused(ends: Ends, case: str) -> None:
    right = (ends.theirs.folder / "swanctl" / "swanctl.conf").read_text()
    old, new = WEAKER[case]
    ends.theirs.configure(right.replace(old, new))
    ends.theirs.load()
    assert ends.initiate().returncode != 0
    assert not ends.is_reached()

    ends.theirs.stop()
    ends.theirs.configure(right)
    ends.theirs.start()
    assert ends.initiate().returncode == 0, "only that was wrong"
    assert ends.is_reached()


def test_another_that_we_certified_is_not_the_peer(
    ends: Ends, link: Link, our_certificate: tuple[Request, str]
) -> None:
    """Try with a certificate of the right authority, and a name that is somebody else's."""
    ends.theirs.holds("private", "key.pem", our_certificate[0].key)
    ends.theirs.holds("x509", tunnels.PEER_CERTIFICATE, our_certificate[1])
    text = swanctl.render(tunnels.of_peer(link))
    for claimed in (link.peer_identity, link.gateway_identity(GATEWAY)):
        ends.theirs.configure(text.replace(f"id = fqdn:{link.peer_identity}", f"id = fqdn:{claimed}"))
        ends.theirs.load()
        assert ends.initiate().returncode != 0
        assert not ends.is_reached()


@pytest.mark.parametrize(
    ("role", "name", "curve"),
    [
        ("hosting-gateway-dijon-gateway-1", "beaune.peers.bfc.internal", None),
        ("hosting-peer-beaune", "dijon-gateway-1.gateways.bfc.internal", None),
        ("hosting-peer-beaune", "x.beaune.peers.bfc.internal", None),
        ("hosting-peer-beaune", "beaune.peers.bfc.internal", ec.SECP256R1()),
    ],
)
def test_a_role_certifies_its_one_name_for_keys_of_that_size_only(
    vault: OpenBao, root_door: OpenBao, role: str, name: str, curve: ec.EllipticCurve | None
) -> None:
    request = request_for(name, curve)
    with pytest.raises(EngineError, match="refused POST"):
        root_door.pki.certify(role, request.text, name)


RIGHTS = {
    "pki/sign/hosting-gateway-dijon-gateway-1": {"update"},
    "pki/sign/hosting-gateway-dijon-gateway-2": {"deny"},
    "pki/sign/hosting-peer-beaune": {"deny"},
    "pki/issue/hosting-gateway-dijon-gateway-1": {"deny"},
    "pki/roles/hosting-gateway-dijon-gateway-1": {"deny"},
    "pki/revoke": {"deny"},
    "auth/approle/role/hosting-platform-dijon-gateway-1/secret-id/lookup": {"update"},
    "auth/approle/role/hosting-platform-dijon-gateway-1/secret-id": {"deny"},
    "auth/token/lookup-self": {"read"},
    "auth/token/revoke-self": {"update"},
    "kv/data/hosting/imagerie-beaune/volumes/dijon-app-1/data/active": {"deny"},
    "transit/decrypt/hosting-imagerie-beaune-volumes": {"deny"},
    "sys/mounts": {"deny"},
}


def test_a_gateway_has_itself_certified_and_may_do_nothing_else(vault: OpenBao, gateway: Secret) -> None:
    found = vault.capabilities_of(gateway, tuple(RIGHTS))
    assert {path: set(capabilities) for path, capabilities in found.items()} == RIGHTS


def test_operations_certify_peers_and_no_gateway(vault: OpenBao, link: Link) -> None:
    request = request_for(link.gateway_identity(GATEWAY))
    with pytest.raises(EngineError, match="the token may not POST"):
        vault.pki.certify(naming.gateway_role(GATEWAY), request.text, request.name)


# -- the gateway's own agent --------------------------------------------------------------------------------------


def keys_in(folder: Path) -> list[Path]:
    return sorted((folder / "swanctl" / "private").iterdir())


def test_a_gateway_has_itself_certified_when_it_is_due_and_not_before(
    tmp_path: Path, agent: Callable[..., dict[str, object]], link: Link
) -> None:
    assert (agent()["renewed"], len(keys_in(tmp_path))) == (True, 1)
    (key,) = keys_in(tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    certificate = x509.load_pem_x509_certificate((tmp_path / "swanctl" / "x509" / tunnels.CERTIFICATE).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [link.gateway_identity(GATEWAY)]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == GATEWAY_CERTIFICATE_DAYS
    told = (tmp_path / "metrics" / "hosting-link.prom").read_text()
    end = certificate.not_valid_after_utc.timestamp()
    assert f'hosting_link_certificate_end_timestamp_seconds{{host="{GATEWAY}"}} {end}\n' in told

    assert agent() | {"valid_until": ""} == {"renewed": False, "changed": False, "valid_until": ""}
    assert keys_in(tmp_path) == [key]
    assert agent(GATEWAY_CERTIFICATE_DAYS + 1)["renewed"], "what is valid for 30 days is not for 31"
    assert len(keys_in(tmp_path)) == 1 and keys_in(tmp_path) != [key]
    keys_in(tmp_path)[0].unlink()
    assert agent()["renewed"], "a certificate whose key is lost is none"
    assert (tmp_path / "reloaded").read_text().splitlines() == [
        "--no-block try-reload-or-restart strongswan.service"
    ] * 3


def test_a_list_with_somebody_more_on_it_reaches_the_gateway(
    tmp_path: Path, agent: Callable[..., dict[str, object]], vault: OpenBao, peer: tuple[Request, str]
) -> None:
    agent()
    stray = tmp_path / "swanctl" / "x509ca" / "hosting-former.pem"
    stray.write_text("an authority that is no more")
    vault.pki.revoke(serial(x509.load_pem_x509_certificate(peer[1].encode())))
    assert agent() | {"valid_until": ""} == {"renewed": False, "changed": True, "valid_until": ""}
    assert not stray.exists()
    number = x509.load_pem_x509_certificate(peer[1].encode()).serial_number
    found = [x509.load_pem_x509_crl(path.read_bytes()) for path in (tmp_path / "swanctl" / "x509crl").iterdir()]
    assert any(each.get_revoked_certificate_by_serial_number(number) for each in found)


CHANGES = {
    "a list with somebody more on it": Ways(Path, "replace", lambda path, *_: path.parent.name == "x509crl"),
    "a new certificate": Ways(Path, "replace", lambda path, *_: path.name.startswith("next-")),
    "a key that goes": Ways(Path, "unlink", lambda path, *_: path.name.startswith("hosting-")),
}


def test_what_a_killed_run_changed_the_daemon_is_told_of_by_the_next(
    tmp_path: Path, agent: Callable[..., dict[str, object]], vault: OpenBao, peer: tuple[Request, str]
) -> None:
    agent()
    vault.pki.revoke(serial(x509.load_pem_x509_certificate(peer[1].encode())))
    told = tmp_path / "reloaded"
    for change, ways in CHANGES.items():
        told.unlink()
        with pytest.raises(Killed), dying_after(1, ways):
            agent(GATEWAY_CERTIFICATE_DAYS + 1)
        assert not told.exists(), change
        agent()
        assert told.exists() and len(keys_in(tmp_path)) == 1, change
    told.unlink()
    agent()
    assert not told.exists(), "once"


def test_what_the_agent_keeps_is_what_the_daemon_needs(
    tmp_path: Path, agent: Callable[..., dict[str, object]], ends: Ends
) -> None:
    agent()
    for kind in ("private", "x509", "x509ca", "x509crl"):
        shutil.rmtree(ends.ours.folder / "swanctl" / kind)
        shutil.copytree(tmp_path / "swanctl" / kind, ends.ours.folder / "swanctl" / kind)
    ends.ours.stop()
    ends.ours.start()
    assert ends.initiate().returncode == 0
    assert ends.is_reached()
