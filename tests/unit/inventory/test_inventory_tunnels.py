"""A tunnel that is wrong is told exactly, at its place; one that is in order is read as it is written."""

import re
from pathlib import Path
from typing import Any

import pytest
from inventory_edits import TODAY, apply_edits, problems_of, read_cases

from inventory.load import load_region
from inventory.tunnels import Ipsec, KeyExchange, TunnelKind

ACCEPTED = {
    "file": "network.yaml",
    "append": """\
    wireguard:
      peer_public_key: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
      accepted_risk:
        accepted_by: securite
        reason: Le pare-feu de l'établissement n'a pas d'IKEv2 avant son remplacement
        compensation: TLS de bout en bout, et aucun flux de l'établissement sans chiffrement
        since: 2026-09-01
        until: 2027-03-31
""",
}


@pytest.fixture
def with_tunnel(folder: Path) -> Path:
    """Give the sample with its tunnel at the end of the file, where edits add to it."""
    network = folder / "network.yaml"
    before, _, after = network.read_text(encoding="utf-8").partition("tunnels:\n")
    block, _, segments = after.partition("\nsegments:\n")
    network.write_text(f"{before}segments:\n{segments}\ntunnels:\n{block}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in read_cases("invalid_tunnels.yaml")])
def test_what_is_wrong_with_a_tunnel_is_told_exactly(case: dict[str, Any], with_tunnel: Path) -> None:
    apply_edits(with_tunnel, case["edits"])

    assert [counted(problem, with_tunnel) for problem in problems_of(with_tunnel, case.get("today"))] == case[
        "problems"
    ]


def counted(problem: str, folder: Path) -> str:
    """Count the lines of network.yaml from that of `tunnels:`, so that the rest of the sample may grow."""
    first = (folder / "network.yaml").read_text(encoding="utf-8").splitlines().index("tunnels:")
    return re.sub(r"(network\.yaml(?::| line ))([0-9]+)", lambda found: f"{found[1]}+{int(found[2]) - first}", problem)


def test_a_tunnel_is_ipsec_where_nothing_else_is_written(with_tunnel: Path) -> None:
    (tunnel,) = load_region(with_tunnel, TODAY).tunnels

    assert tunnel.kind is TunnelKind.IPSEC
    assert tunnel.ipsec_terms == Ipsec(
        key_exchange=KeyExchange.CLASSICAL, ike_rekey_seconds=21600, child_rekey_seconds=3600
    )


def test_wireguard_passes_while_its_risk_is_accepted(with_tunnel: Path) -> None:
    apply_edits(
        with_tunnel, [{"file": "hosts/dijon-gateway-1.yaml", "old": "name: ipsec1", "new": "name: wg1"}, ACCEPTED]
    )
    (tunnel,) = load_region(with_tunnel, TODAY).tunnels

    assert tunnel.kind is TunnelKind.WIREGUARD
    assert tunnel.wireguard is not None
    assert [tunnel.wireguard.accepted_risk.is_in_force(day) for day in (TODAY, TODAY.replace(year=2027))] == [
        True,
        False,
    ]


def test_the_firewall_of_a_group_is_the_peer_of_several_establishments(with_tunnel: Path) -> None:
    apply_edits(
        with_tunnel,
        [
            {
                "file": "network.yaml",
                "old": "\ntunnels:\n",
                "new": """
  - {id: tunnel-nuits, site: dijon, kind: tunnel, network: 10.21.21.0/24, establishment: "210987657"}
tunnels:
  - id: nuits
    segment: tunnel-nuits
    gateways: [{host: dijon-gateway-1, address: 198.51.100.10}]
    peer: {addresses: [198.51.100.20], contact: beaune-dsi}
""",
            },
            {
                "file": "hosts/dijon-gateway-1.yaml",
                "append": "  - {name: ipsec2, segment: tunnel-nuits, address: 10.21.21.1/24}\n",
            },
        ],
    )

    assert problems_of(with_tunnel) == []
