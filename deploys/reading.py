"""Ask a host for what is needed, and turn its answer into resources that can be compared.  Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from deploys import desired_tunnels, loaded_tunnels, names, nftables, reading_storage, reading_wireguard
from deploys.answers import UnknownError, part
from deploys.resources import (
    HostFile,
    HostFirewall,
    HostIdentity,
    HostInterface,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostStorage,
    HostUnit,
    HostVolume,
    HostWireguard,
    source,
)
from deploys.view import digest
from inventory.resource import PLATFORM, Json, Reading, Resource, Subject

TIMEOUT_SECONDS = 100
"""How long a host may take; under emulation a process costs a tenth of a second."""

_STRAY_KEYS = ("/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2")

Kind = TypeVar("Kind", bound=HostResource)


@dataclass(frozen=True)
class Seen:
    """What a host answered, as resources; what it could not tell, with the reason."""

    resources: dict[Subject, Resource] = field(default_factory=dict)
    unknown: dict[Subject, str] = field(default_factory=dict)


def request(desired: Iterable[HostResource], *, observe: bool = False) -> dict[str, Json]:
    """Say what `facts/read_host.py` must look at on the host that *desired* describes.

    With *observe* it also answers what checks look at and no plan compares (clock, kernel, disks, boot identifier).
    """
    wanted = tuple(desired)
    asked: dict[str, Json] = {
        "timeout_seconds": TIMEOUT_SECONDS,
        "manifest": {"path": names.MANIFEST, "known": [resource.path for resource in _of(HostFile, wanted)]},
        "pending": names.PENDING_DIRECTORY,
        "files": [resource.path for resource in _of(HostFile, wanted)],
        "units": [resource.unit for resource in _of(HostUnit, wanted)],
        "packages": [package for resource in _of(HostPackages, wanted) for package in resource.packages],
        "identities": {"directory": f"{names.DIRECTORY}/identities"},
        "texts": _texts(wanted),
        "presence": [],
        "wireguard": names.WIREGUARD_GROUP,
    }
    if _of(HostLogin, wanted):
        asked |= {"presence": list(_STRAY_KEYS), "files": [*_list(asked["files"]), names.SSH_CONFIGURATION]}
    if _of(HostFirewall, wanted):
        asked |= {
            "firewall": nftables.READING,
            "files": [*_list(asked["files"]), names.FIREWALL_RULES],
            "units": [*_list(asked["units"]), "nftables.service"],
        }
    found = _of(HostInterface, wanted)
    # Whoever has no trunk may have had one: what is left of it is ours to remove.
    asked["interfaces"] = {
        "trunks": [resource.interface for resource in found if resource.parent is None],
        "directory": names.NETWORKD_DIRECTORY,
        "prefix": names.NETWORKD_PREFIX,
    }
    asked["files"] = [*_list(asked["files"]), *(path for resource in found for path, _ in resource.files)]
    if storage := _of(HostStorage, wanted):
        asked["storage"] = {
            "volume_group": storage[0].volume_group,
            "devices": list(storage[0].devices),
            "headers": names.HEADERS,
        }
    if any(unit.loads is not None for unit in _of(HostUnit, wanted)):
        asked["tunnels"] = desired_tunnels.READING
    if observe:
        asked["observations"] = {
            "mount_points": ["/", *(volume.mount_point for volume in _of(HostVolume, wanted))],
            "backups": {
                identity.application: names.backup_marker(identity.application)
                for identity in _of(HostIdentity, wanted)
            },
        }
    return asked


def _texts(desired: Sequence[HostResource]) -> list[Json]:
    paths: list[Json] = []
    if _of(HostLogin, desired):
        paths += [names.SSH_AUTHORITY, f"{names.SSH_PRINCIPALS}/root"]
    if _of(HostFirewall, desired):
        paths.append(names.FIREWALL_LOADED)
    return paths


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _of(kind: type[Kind], resources: Iterable[HostResource]) -> tuple[Kind, ...]:
    return tuple(resource for resource in resources if isinstance(resource, kind))


def reading(host: str, answer: Mapping[str, Any], desired: Iterable[HostResource], taken_at: datetime) -> Reading:
    """Turn *answer* into the reading of one source; a host that could not tell everything is unknown as a whole."""
    seen = actual(host, answer, desired)
    if seen.unknown:
        reasons = sorted(set(seen.unknown.values()))
        return Reading(source(host), taken_at, None, "; ".join(reasons))
    return Reading(source(host), taken_at, seen.resources)


def actual(host: str, answer: Mapping[str, Any], desired: Iterable[HostResource]) -> Seen:
    """Turn *answer* into resources: those of *desired* that exist, and those of ours that nobody desires any more."""
    wanted = tuple(desired)
    desired_subjects = {resource.subject for resource in wanted}
    seen = Seen()
    for resource in wanted:
        _note(seen, resource.subject, _ACTUAL[type(resource)], answer, resource)
    for kind, look in _LEFT_BEHIND.items():
        try:
            found = tuple(look(host, answer))
        except UnknownError as unknown:
            seen.unknown.setdefault(Subject(kind.kind, f"{host}:*"), str(unknown))
        else:
            for resource in found:
                if resource.subject not in desired_subjects:
                    seen.resources[resource.subject] = resource
    return seen


Look = Callable[[Mapping[str, Any], Any], HostResource | None]


def _note(seen: Seen, subject: Subject, look: Look, answer: Mapping[str, Any], resource: HostResource) -> None:
    try:
        found = look(answer, resource)
    except UnknownError as unknown:
        seen.unknown[subject] = str(unknown)
    else:
        if found is not None:
            seen.resources[subject] = found


# -- what is desired, as it is ----------------------------------------------------------------------------------------


def _packages(answer: Mapping[str, Any], wanted: HostPackages) -> HostResource:
    return replace(wanted, packages=tuple(part(answer, "packages")))


def _file(answer: Mapping[str, Any], wanted: HostFile) -> HostResource | None:
    found = part(answer, "files")[wanted.path]
    return replace(wanted, content=None, **found) if found else None


def _unit(answer: Mapping[str, Any], wanted: HostUnit) -> HostResource | None:
    found = part(answer, "units")[wanted.unit]
    if found["LoadState"] == "not-found":
        return None
    return replace(
        wanted,
        enabled=_is_enabled(found),
        active=found["ActiveState"] == "active",
        settled=found["NeedDaemonReload"] == "no"
        and wanted.unit not in part(answer, "pending")
        and (wanted.loads is None or _has_loaded(answer, wanted.loads)),
    )


def _has_loaded(answer: Mapping[str, Any], told: str) -> bool:
    """Tell whether the daemon of tunnels has what it was told; one that does not run waits for its start alone."""
    daemon = part(answer, "tunnels")["daemon"]
    try:
        return daemon is None or loaded_tunnels.loaded(daemon["connections"]) == told
    except (LookupError, AttributeError, TypeError) as error:
        raise UnknownError(f"tunnels: the daemon's answer is not understood ({error!r})") from error


def _is_enabled(found: Mapping[str, str]) -> bool:
    """Tell whether a unit starts by itself; a static one is started by what needs it."""
    return found["UnitFileState"] in {"enabled", "static", "generated", "alias"}


def _login(answer: Mapping[str, Any], wanted: HostLogin) -> HostResource | None:
    texts = part(answer, "texts")
    authority, principals = texts[names.SSH_AUTHORITY], texts[f"{names.SSH_PRINCIPALS}/root"]
    configuration = part(answer, "files")[names.SSH_CONFIGURATION]
    if authority is None and configuration is None:
        return None
    return replace(
        wanted,
        authority=_authority(_keys(authority or ""), _keys("\n".join(wanted.authority_keys))),
        principals=tuple(principals.split()) if principals is not None else None,
        configuration=configuration["sha256"] if configuration else None,
        stray_keys=tuple(part(answer, "presence")),
        settled="ssh.service" not in part(answer, "pending"),
        content=None,
    )


def _authority(held: frozenset[str], wanted: frozenset[str]) -> str:
    """Say whose certificates open a host that trusts the keys *held*."""
    if not wanted or not held & wanted:
        return "another"
    if held == wanted:
        return "of the vault"
    return "of the vault, and another" if held > wanted else "one of the vault's, and not all"


def _keys(text: str) -> frozenset[str]:
    """Give the keys in *text*, a line each, without their comments."""
    return frozenset(" ".join(line.split()[:2]) for line in text.splitlines() if line.strip())


def _interface(answer: Mapping[str, Any], wanted: HostInterface) -> HostResource | None:
    found = part(answer, "interfaces")["kernel"].get(wanted.interface)
    files = {path: part(answer, "files")[path] for path, _ in wanted.files}
    if found is None and not any(files.values()):
        return None
    state = _interface_state(found)
    own = tuple(address for address in state["addresses"] if address not in wanted.shared)
    return replace(wanted, **{**state, "addresses": own}, at_boot=_at_boot(wanted, files), files=())


def _interface_state(found: Mapping[str, Any] | None) -> dict[str, Any]:
    if found is None:
        return {"form": "absent", "parent": None, "vlan": None, "addresses": (), "up": False}
    return {**found, "addresses": tuple(found["addresses"])}


def _at_boot(wanted: HostInterface, files: Mapping[str, Any]) -> str:
    """Say how the files that the next boot goes by stand to those that are wanted."""
    if not all(files.values()):
        return "missing"
    is_right = all(files[path]["sha256"] == digest(content) for path, content in wanted.files)
    return "as written" if is_right else "changed"


def _firewall(answer: Mapping[str, Any], wanted: HostFirewall) -> HostResource | None:
    held = part(answer, "firewall")
    if held is None:
        return None
    return replace(
        wanted,
        rules=_loaded_rules(answer, held["kernel"]),
        starts_at_boot=_is_enabled(part(answer, "units")["nftables.service"]),
        isolated=tuple(segment or network for network, segment in held["isolated"]),
        isolated_at_boot=tuple(held["kept"]),
        content=None,
    )


def _loaded_rules(answer: Mapping[str, Any], kernel: str) -> str:
    """Give the digest of the text that the kernel holds, or say how what it holds came to differ."""
    file = part(answer, "files")[names.FIREWALL_RULES]
    record = part(answer, "texts")[names.FIREWALL_LOADED]
    if file is None or record is None:
        return "not recorded"
    loaded = json.loads(record)
    if loaded["kernel"] != kernel:
        return "changed in the kernel"
    if loaded["text"] != file["sha256"]:
        return "changed on disk"
    return str(loaded["text"])


def _wireguard(answer: Mapping[str, Any], wanted: HostWireguard) -> HostResource | None:
    found = part(answer, "wireguard").get(wanted.interface)
    return reading_wireguard.interface(found, wanted) if found else None


def _identity(answer: Mapping[str, Any], wanted: HostIdentity) -> HostResource | None:
    found = part(answer, "identities").get(wanted.application)
    return replace(wanted, **_identity_state(found)) if found else None


def _identity_state(found: Mapping[str, Any]) -> dict[str, Any]:
    condition = "in use" if found["has_credential"] else "without its credential"
    return {"role": found["role"], "accessor": found["accessor"], "condition": condition}


def _storage(answer: Mapping[str, Any], wanted: HostStorage) -> HostResource | None:
    return reading_storage.storage(part(answer, "storage"), wanted)


def _volume(answer: Mapping[str, Any], wanted: HostVolume) -> HostResource | None:
    found = part(answer, "storage")["volumes"].get(wanted.logical_volume)
    if found is None:
        return None
    if "unreadable" in found:
        raise UnknownError(f"volume {wanted.logical_volume}: {found['unreadable']}")
    return reading_storage.volume(found, wanted)


def _manifest(answer: Mapping[str, Any], wanted: HostManifest) -> HostResource | None:
    found = part(answer, "manifest")
    return replace(wanted, sha256=found["sha256"], content=None) if found else None


_ACTUAL: dict[type[HostResource], Look] = {
    HostPackages: _packages,
    HostFile: _file,
    HostUnit: _unit,
    HostLogin: _login,
    HostInterface: _interface,
    HostFirewall: _firewall,
    HostWireguard: _wireguard,
    HostIdentity: _identity,
    HostStorage: _storage,
    HostVolume: _volume,
    HostManifest: _manifest,
}


# -- what is ours and may be desired no more --------------------------------------------------------------------------


def _files_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    manifest = part(answer, "manifest")
    for path, owner in _marked(manifest, HostFile):
        found = manifest["files"].get(path)
        if found:
            yield HostFile(host=host, name=f"{host}:{path}", owner=owner, path=path, **found)


def _units_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    for unit, owner in _marked(part(answer, "manifest"), HostUnit):
        wanted = HostUnit(host=host, name=f"{host}:{unit}", owner=owner, unit=unit)
        found = _unit(answer, wanted)
        if found is not None:
            yield found


def _wireguard_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    for interface, found in sorted(part(answer, "wireguard").items()):
        yield reading_wireguard.interface_left(host, interface, found)


def _identities_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    for application, found in sorted(part(answer, "identities").items()):
        yield HostIdentity(
            host=host,
            name=f"{host}:{application}",
            owner=application,
            application=application,
            **_identity_state(found),
        )


def _interfaces_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    """Give what is a VLAN on a trunk of ours, or has files of ours: on a trunk nobody else has anything to carry."""
    seen = part(answer, "interfaces")
    for interface in sorted({*seen["kernel"], *seen["kept"]}):
        state = _interface_state(seen["kernel"].get(interface))
        if state["parent"] is not None or interface in seen["kept"]:
            yield HostInterface(
                host=host,
                name=f"{host}:{interface}",
                owner=PLATFORM,
                interface=interface,
                **state,
                at_boot="as written before" if interface in seen["kept"] else "missing",
            )


def _volumes_left(host: str, answer: Mapping[str, Any]) -> Iterator[HostResource]:
    if "storage" not in answer:
        return
    for logical_volume, found in sorted(part(answer, "storage")["volumes"].items()):
        if names.SCRATCH_TAG not in found["tags"]:  # a drill's, which ends it
            yield reading_storage.volume_left(host, logical_volume, found)


def _marked(manifest: Any, kind: type[HostResource]) -> Iterator[tuple[str, str]]:
    for name, thing, owner in manifest["resources"] if manifest else ():
        if name == kind.kind:
            yield thing, owner


_LEFT_BEHIND: dict[type[HostResource], Callable[[str, Mapping[str, Any]], Iterable[HostResource]]] = {
    HostFile: _files_left,
    HostUnit: _units_left,
    HostWireguard: _wireguard_left,
    HostIdentity: _identities_left,
    HostInterface: _interfaces_left,
    HostVolume: _volumes_left,
}
