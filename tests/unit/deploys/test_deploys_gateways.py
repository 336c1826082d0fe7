"""What a gateway gets so that it can end a tunnel, and what hosts without one do not."""

import pytest
from sample import GATEWAY, HOST, PUBLISHED, environment
from with_tunnels import SECOND, with_tunnel

from deploys import names
from deploys.desired import host_resources
from deploys.desired_tunnels import PACKAGES
from deploys.resources import HostFile, HostIdentity, HostPackages, HostResource, HostUnit
from hosting_cli.desired import desired
from inventory.resource import PLATFORM
from inventory.tunnels import TunnelKind


def resources(host: str, kind: TunnelKind = TunnelKind.IPSEC) -> dict[str, HostResource]:
    return {item.thing: item for item in host_resources(with_tunnel(kind), environment(), host, PUBLISHED)}


def content(thing: str) -> str:
    file = resources(GATEWAY)[thing]
    assert isinstance(file, HostFile) and file.content is not None
    return file.content


def test_the_tunnel_has_an_interface_of_its_own_and_what_is_behind_is_nowhere_else() -> None:
    assert content("/etc/hosting/tunnels.batch").splitlines() == [
        "link add name ipsec1 group 104 type xfrm dev lo if_id 169153536",
        "link set dev ipsec1 addrgenmode none up",
        "address replace 10.21.20.1/24 dev ipsec1",
        "route replace 172.20.21.0/24 dev ipsec1",
    ]
    assert "if_id_out = 169153536" in content("/etc/swanctl/swanctl.conf")


def test_the_daemon_starts_when_a_certificate_is_there_and_reloads_when_it_is_another() -> None:
    found = resources(GATEWAY)
    unit = found["strongswan.service"]
    assert isinstance(unit, HostUnit) and unit.on_change == "reload"
    assert HostIdentity.kind in {required.kind for required in unit.requires}
    assert "Wants=hosting-link.service" in content("/etc/systemd/system/strongswan.service.d/hosting.conf")
    beside = content("/etc/systemd/system/strongswan.service.d/hosting.conf")
    assert [line for line in beside.splitlines() if line.startswith("ExecReload=")] == [
        "ExecReload=",
        "ExecReload=/bin/sh -c 'test -e /etc/swanctl/x509/hosting-link.pem || systemctl start hosting-link.service'",
        "ExecReload=/usr/sbin/swanctl --reload",
        "ExecReload=/usr/sbin/swanctl --load-all --clear --noprompt",
    ], "what was revoked counts when the daemon forgets the list it had before"
    identity = found[PLATFORM]
    assert isinstance(identity, HostIdentity)
    assert identity.role == f"hosting-platform-{GATEWAY}"
    packages = found["packages"]
    assert isinstance(packages, HostPackages) and set(PACKAGES) <= set(packages.packages)


def test_no_secret_and_no_key_is_sent_to_the_gateway() -> None:
    told = content(names.application_file(PLATFORM))
    assert "PRIVATE" not in told and '"certificate": "hosting-link.pem"' in told
    assert not [thing for thing in resources(GATEWAY) if thing.startswith("/etc/swanctl/private")]


@pytest.mark.parametrize(("host", "kind"), [(HOST, TunnelKind.IPSEC), (GATEWAY, TunnelKind.WIREGUARD)])
def test_who_ends_no_tunnel_of_the_reference_profile_has_no_daemon(host: str, kind: TunnelKind) -> None:
    found = resources(host, kind)
    assert not found.keys() & {"strongswan.service", "/etc/swanctl/swanctl.conf", names.LINK_TIMER, PLATFORM}


def test_everything_that_a_gateway_asks_for_is_made() -> None:
    resources = desired(with_tunnel(), environment(), PUBLISHED)
    missing = {required for item in resources.values() for required in item.requires} - resources.keys()
    assert missing == set()
    roles = {subject.name for subject in resources if subject.kind == "pki-role"}
    assert roles == {"pki/hosting-proof", f"pki/hosting-gateway-{GATEWAY}", "pki/hosting-peer-beaune"}
    assert SECOND not in str(roles)
