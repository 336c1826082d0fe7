"""How resources look in the vault's own words: what is written for them, and what is read of them.

A setting that no attribute of a resource speaks of, but that would weaken it, is read as a deviation from what we
write; a plan then shows it, and writing the resource again mends it where that is possible.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hosting_cli.resources import AppRole, PkiAuthority, PkiRole, SshRole, TransitKey
from inventory import naming
from inventory.resource import PLATFORM

CLOCK_SKEW_SECONDS = 300
"""How far a host's clock may lag behind when it is shown a certificate."""


def transit_key(data: Mapping[str, Any]) -> TransitKey:
    """Read a key; its name says whose it is."""
    name = str(data["name"])
    safe = {"allow_plaintext_backup": False, "derived": False, "imported_key": False, "soft_deleted": False}
    return TransitKey(
        name=name,
        owner=name.removeprefix(naming.PREFIX).rpartition("-")[0],
        type=data["type"],
        exportable=data["exportable"],
        deletion_allowed=data["deletion_allowed"],
        deviations=_deviations(safe, data),
    )


def transit_key_body(key: TransitKey) -> dict[str, Any]:
    """Write a key: it can be used in the vault, and never leaves it."""
    return {"type": key.type, "exportable": key.exportable, "allow_plaintext_backup": False, "derived": False}


def app_role_body(role: AppRole) -> dict[str, Any]:
    """Write a role: both its secret-id and its tokens are of use from one address only."""
    cidrs = list(role.bound_cidrs)
    return {
        # As text, because a list is what the rights of operations cannot be held against.
        "token_policies": ",".join(role.policies),
        "token_ttl": role.token_ttl_seconds,
        "token_max_ttl": role.token_max_ttl_seconds,
        "secret_id_bound_cidrs": cidrs,
        "token_bound_cidrs": cidrs,
        **_ROLE,
    }


_ROLE: Mapping[str, Any] = {
    "bind_secret_id": True,
    # Its policy says all that a host may, so the default policy adds nothing that nobody thought about.
    "token_no_default_policy": True,
    "token_period": 0,
    "token_explicit_max_ttl": 0,
    "token_num_uses": 0,
    "token_type": "default",
    # A host logs in again at every boot with the same secret-id, whatever happened in between.
    "secret_id_num_uses": 0,
    "secret_id_ttl": 0,
}


def app_role(name: str, owner: str, data: Mapping[str, Any], role_id: str) -> AppRole:
    """Read a role; where the addresses of secret-ids and of tokens differ, that is a deviation."""
    cidrs, token_cidrs = _sorted(data.get("secret_id_bound_cidrs")), _sorted(data.get("token_bound_cidrs"))
    deviations = _deviations(_ROLE, data)
    if {_network(cidr) for cidr in token_cidrs} != {_network(cidr) for cidr in cidrs}:
        deviations += (f"token_bound_cidrs is {', '.join(token_cidrs) or 'empty'}",)
    if role_id != name:
        deviations += ("role_id is not the role's name",)
    return AppRole(
        name=name,
        owner=owner,
        policies=_sorted(data["token_policies"]),
        bound_cidrs=cidrs,
        token_ttl_seconds=data["token_ttl"],
        token_max_ttl_seconds=data["token_max_ttl"],
        deviations=deviations,
    )


def ssh_role_body(role: SshRole) -> dict[str, Any]:
    """Write a role: certificates for logging in as its principals, with a terminal and nothing else."""
    return {
        "allowed_users": ",".join(role.principals),
        "default_user": role.principals[0],
        "ttl": role.ttl_seconds,
        "max_ttl": role.ttl_seconds,
        **_SSH_ROLE,
    }


_SSH_ROLE: Mapping[str, Any] = {
    "key_type": "ca",
    "allow_user_certificates": True,
    "allow_host_certificates": False,
    "allow_user_key_ids": False,
    "allowed_extensions": "permit-pty",
    "default_extensions": {"permit-pty": ""},
    "allowed_critical_options": "",
    "allowed_users_template": False,
    "not_before_duration": CLOCK_SKEW_SECONDS,
    # Whichever authority signs now: a role that is bound to one would go on signing by it after its time.
    "issuer_ref": "default",
}


def ssh_role(name: str, data: Mapping[str, Any]) -> SshRole:
    """Read a role of the SSH engine."""
    deviations = _deviations(_SSH_ROLE, data)
    if data["max_ttl"] != data["ttl"]:
        deviations += (f"max_ttl is {data['max_ttl']}",)
    return SshRole(
        name=name,
        owner=PLATFORM,
        principals=_sorted(data["allowed_users"].split(",")),
        ttl_seconds=data["ttl"],
        deviations=deviations,
    )


PKI_ISSUERS: Mapping[str, Any] = {"default_follows_latest_issuer": False}
"""An authority that was only made issues nothing: which one does is decided."""

PKI_REVOCATIONS: Mapping[str, Any] = {
    "disable": False,
    "expiry": "72h",
    # A list that nobody revoked anything on is made again before it ends.
    "auto_rebuild": True,
    "auto_rebuild_grace_period": "12h",
}


def pki_authority(
    algorithm: str, issuers: Mapping[str, Any], revocations: Mapping[str, Any], *, has_list: bool
) -> PkiAuthority:
    """Read the authority that issues, with how the engine's authorities revoke and follow each other."""
    deviations = (*_deviations(PKI_ISSUERS, issuers), *_deviations(PKI_REVOCATIONS, revocations))
    if not has_list:
        deviations += ("has no list of what it has revoked",)
    return PkiAuthority(name=naming.PKI_MOUNT, owner=PLATFORM, algorithm=algorithm, deviations=deviations)


def pki_role_body(role: PkiRole) -> dict[str, Any]:
    """Write a role: certificates of its names and of no other, for both ends of a link."""
    return {"allowed_domains": list(role.names), "ttl": role.ttl_seconds, "max_ttl": role.ttl_seconds, **_PKI_ROLE}


_PKI_ROLE: Mapping[str, Any] = {
    "allow_any_name": False,
    "allow_bare_domains": True,
    "allow_glob_domains": False,
    "allow_ip_sans": False,
    "allow_localhost": False,
    "allow_subdomains": False,
    "allow_wildcard_certificates": False,
    "client_flag": True,
    "server_flag": True,
    "enforce_hostnames": True,
    "issuer_ref": "default",
    "key_bits": 384,
    "key_type": "ec",
    # What is not stored cannot be revoked by its number, nor be counted before its authority ends.
    "no_store": False,
}


def pki_role(name: str, data: Mapping[str, Any]) -> PkiRole:
    """Read a role of the engine of certificates."""
    deviations = _deviations(_PKI_ROLE, data)
    if data["max_ttl"] != data["ttl"]:
        deviations += (f"max_ttl is {data['max_ttl']}",)
    return PkiRole(
        name=name,
        owner=PLATFORM,
        names=_sorted(data["allowed_domains"]),
        ttl_seconds=data["ttl"],
        deviations=deviations,
    )


def is_readable(details: Mapping[str, Any]) -> bool:
    """Tell whether an entry has a value: metadata is written first, and a version may have been deleted."""
    version = (details.get("versions") or {}).get(str(details["current_version"]))
    return version is not None and not version["destroyed"] and not version["deletion_time"]


def algorithm(public_key: str) -> str:
    """Name the algorithm of an SSH public key as the vault's API does."""
    return public_key.split(maxsplit=1)[0].removeprefix("ssh-")


def _deviations(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which settings of *found* are other than *wanted*; one that the server does not know is none."""
    return tuple(
        f"{name} is {found[name]}" for name, value in sorted(wanted.items()) if name in found and found[name] != value
    )


def _sorted(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted(values or ()))


def _network(cidr: str) -> str:
    # OpenBao stores the addresses of tokens without the length of a single address, those of secret-ids with it.
    return cidr.removesuffix("/32")
