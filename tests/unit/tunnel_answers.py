"""What a gateway of the sample answers of its tunnel: recorded from a machine of the lab, strongSwan of Debian 13."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 27, 17, 31, tzinfo=UTC)
OURS, PEER = "dijon-gateway-1.gateways.bfc.internal", "beaune.peers.bfc.internal"
LOCAL, REMOTE = ["10.21.10.0/24"], ["10.21.20.0/24", "172.20.21.0/24"]


def connection() -> dict[str, Any]:
    """Give what the daemon has loaded."""
    child = {
        "mode": "TUNNEL",
        "rekey_time": "3600",
        "rekey_bytes": "100000000000",
        "rekey_packets": "0",
        "dpd_action": "trap",
        "close_action": "trap",
        "local-ts": LOCAL,
        "remote-ts": REMOTE,
    }
    end: dict[str, Any] = {"class": "public key", "groups": [], "cert_policy": [], "cacerts": []}
    return {
        "local_addrs": ["198.51.100.10"],
        "remote_addrs": ["198.51.100.20"],
        "version": "IKEv2",
        "reauth_time": "0",
        "rekey_time": "21600",
        "unique": "UNIQUE_REPLACE",
        "dpd_delay": "30",
        "local-1": {**end, "id": OURS, "certs": [f"CN={OURS}"]},
        "remote-1": {**end, "id": PEER, "certs": [], "revocation": "GOOD"},
        "children": {"beaune": child},
    }


def association(**changed: Any) -> dict[str, Any]:
    """Give what was negotiated six seconds ago."""
    return {
        "uniqueid": "5",
        "version": "2",
        "state": "ESTABLISHED",
        "local-host": "198.51.100.10",
        "local-id": OURS,
        "remote-host": "198.51.100.20",
        "remote-id": PEER,
        "if-id-in": "0a151400",
        "if-id-out": "0a151400",
        "encr-alg": "AES_GCM_16",
        "encr-keysize": "256",
        "prf-alg": "PRF_HMAC_SHA2_384",
        "dh-group": "ECP_384",
        "established": "6",
        "child-sas": {"beaune-5": child()},
        **changed,
    }


def child(**changed: Any) -> dict[str, Any]:
    """Give the part of it that carries packets."""
    return {
        "name": "beaune",
        "state": "INSTALLED",
        "mode": "TUNNEL",
        "protocol": "ESP",
        "encap": "yes",
        "if-id-in": "0a151400",
        "if-id-out": "0a151400",
        "encr-alg": "AES_GCM_16",
        "encr-keysize": "256",
        "local-ts": LOCAL,
        "remote-ts": REMOTE,
        **changed,
    }


def answer(*associations: dict[str, Any], certificate: str | None = None) -> dict[str, Any]:
    """Give a whole answer of the host."""
    daemon = {
        "connections": [{"beaune": connection()}],
        "associations": [{"beaune": each} for each in associations],
    }
    return {"tunnels": {"value": {"daemon": daemon, "certificate": certificate}}}
