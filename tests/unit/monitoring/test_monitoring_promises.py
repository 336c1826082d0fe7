"""What the region's files promise is written for Prometheus, and nothing that they do not."""

import pytest
import yaml
from with_tunnels import with_tunnel

from inventory.tunnels import TunnelKind
from monitoring.render import rules


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        pytest.param(TunnelKind.IPSEC, [], id="no risk is accepted for the reference profile"),
        pytest.param(
            TunnelKind.WIREGUARD,
            [
                {
                    "record": "hosting:accepted_risk_end:timestamp_seconds",
                    "expr": "vector(1806537600)",  # 2027-04-01 00:00 UTC
                    "labels": {"tunnel": "beaune", "accepted_by": "securite"},
                }
            ],
            id="an accepted risk ends when the day after its last one begins",
        ),
    ],
)
def test_the_end_of_an_accepted_risk_is_a_figure(kind: TunnelKind, ends: list[dict[str, object]]) -> None:
    promises = yaml.safe_load(rules(with_tunnel(kind)))["groups"][0]["rules"]
    assert [rule for rule in promises if "accepted_risk" in rule["record"]] == ends
