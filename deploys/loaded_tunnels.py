"""Hold what the daemon of tunnels says that it has loaded against what it was told.  Pure.

A configuration that was loaded by hand, or a file that was never loaded, is no more than a difference of two texts.  Of
proposals the daemon tells none: these show in what was negotiated (`hosting network tunnel status`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from deploys.swanctl import DEAD_PEER_SECONDS, REKEY_BYTES, Connection, Revocation
from deploys.view import as_json
from inventory.resource import Json

_REVOCATION = {Revocation.STRICT: "GOOD", Revocation.IF_NAMED: "SKIPPED"}
"""The least that a peer's certificate must be shown to be, as the daemon spells it."""

_ENDS = ("local-", "remote-")


def told(connections: Iterable[Connection]) -> str:
    """Give what a daemon says that was told *connections* and has loaded them."""
    return as_json({each.name: _told(each) for each in connections})


def _told(each: Connection) -> Json:
    action = each.start.value
    return {
        "version": "IKEv2",
        "local_addrs": _sorted(each.local_addresses),
        "remote_addrs": _sorted(each.remote_addresses),
        "reauth_time": "0",
        "rekey_time": str(each.ike_rekey_seconds),
        "unique": "UNIQUE_REPLACE",
        "dpd_delay": str(DEAD_PEER_SECONDS),
        "local-1": {
            "class": "public key",
            "id": each.local_identity,
            "certs": [f"CN={each.local_identity}"],
            "revocation": None,
        },
        "remote-1": {
            "class": "public key",
            "id": each.remote_identity,
            "certs": [],
            "revocation": _REVOCATION[each.revocation],
        },
        "children": {
            each.name: {
                "mode": "TUNNEL",
                "rekey_time": str(each.child_rekey_seconds),
                "rekey_bytes": str(REKEY_BYTES),
                "dpd_action": action,
                "close_action": action,
                "local-ts": _sorted(each.local_networks),
                "remote-ts": _sorted(each.remote_networks),
            }
        },
    }


def loaded(events: Iterable[Mapping[str, Any]]) -> str:
    """Give the same of the daemon's own *events*; raise ``LookupError`` for what it always says and did not."""
    return as_json({name: _loaded(found) for event in events for name, found in event.items()})


def _loaded(found: Mapping[str, Any]) -> Json:
    plain = ("version", "reauth_time", "rekey_time", "unique", "dpd_delay")
    return {
        **{key: found[key] for key in plain},
        **{key: sorted(found[key]) for key in ("local_addrs", "remote_addrs")},
        # However many rounds of authentication there are: we ask for one at each end.
        **{key: _end(found[key]) for key in found if key.startswith(_ENDS)},
        "children": {name: _child(child) for name, child in found["children"].items()},
    }


def _end(found: Mapping[str, Any]) -> Json:
    return {key: found.get(key) for key in ("class", "id", "certs", "revocation")}


def _child(found: Mapping[str, Any]) -> Json:
    plain = ("mode", "rekey_time", "rekey_bytes", "dpd_action", "close_action")
    return {
        **{key: found[key] for key in plain},
        **{key: sorted(found[key]) for key in ("local-ts", "remote-ts")},
    }


def _sorted(values: Iterable[object]) -> list[Json]:
    return [*sorted(map(str, values))]
