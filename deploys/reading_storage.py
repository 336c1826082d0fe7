"""Turn what a host answered about its devices and volumes into resources.  Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploys import names, slots
from deploys.devices import GIB, Condition, judge
from deploys.resources import HostStorage, HostVolume

MISSING_BYTES = 128 << 20
"""What a file system may lack of its logical volume: the LUKS header, and a last group that was not worth its while."""


def storage(answer: Mapping[str, Any], wanted: HostStorage) -> HostStorage | None:
    """Say which of the wanted devices the volume group has; ``None`` while all of them are blank."""
    verdicts = {
        path: judge(
            answer["devices"][path],
            host=wanted.host,
            path=path,
            size_gib=size_gib,
            volume_group=wanted.volume_group,
        )
        for path, size_gib in zip(wanted.devices, wanted.sizes_gib, strict=True)
    }
    refusals = [verdict.reason for verdict in verdicts.values() if verdict.condition is Condition.REFUSED]
    if refusals:
        return replace(wanted, condition="; ".join(refusals))
    ours = tuple(path for path, verdict in verdicts.items() if verdict.condition is Condition.OURS)
    return replace(wanted, devices=ours) if ours else None


def volume(found: Mapping[str, Any], wanted: HostVolume) -> HostVolume:
    """Say how far the volume *wanted* is made, and what it is otherwise."""
    size_gib = found["size_bytes"] // GIB
    if names.BLANK_TAG in found["tags"] and not found["mounts"]:
        # Whatever header a killed run left there will be written anew.
        return replace(
            wanted, size_gib=size_gib, slots=(), complete=False, header_saved=False, opened=False, mounted=False
        )
    header = found["luks"]
    if header is None:
        return replace(wanted, size_gib=size_gib, header=loss(found), header_saved=False, opened=False, mounted=False)
    points = [point for point, _ in found["mounts"]]
    return replace(
        wanted,
        size_gib=size_gib,
        label=header["label"],
        cipher=", ".join(header["ciphers"]),
        **_key_derivation(header["slots"]),
        slots=slots.held(header["slots"]),
        stray_slots=slots.stray(header["slots"]),
        flags=tuple(header["flags"]),
        header_saved=header["saved_checksum"] == header["checksum"],
        header_checksum=header["checksum"],
        filled=_is_filled(found),
        opened=found["mapper"] == wanted.label,
        filesystem=found["filesystem"] or wanted.filesystem if not found["mapper"] else str(found["filesystem"]),
        mounted=wanted.mount_point in points,
        mount_point=wanted.mount_point if wanted.mount_point in points or not points else ", ".join(points),
    )


def loss(found: Mapping[str, Any]) -> str:
    """Say how a header that must be there is lost, and what is on the volume instead."""
    if "damage" in found:
        return f"damaged: {found['damage']}"
    signatures = ", ".join(found["signatures"])
    return f"lost, and {signatures} in its place" if signatures else "lost"


def volume_left(host: str, logical_volume: str, found: Mapping[str, Any]) -> HostVolume:
    """Describe a volume that no file may ask for any more; its tags say whose it is."""
    tags = dict(tag.split("=", 1) for tag in found["tags"] if "=" in tag)
    owner, name = tags.get(names.OWNER_TAG, "unknown"), tags.get(names.VOLUME_TAG, logical_volume)
    points = [point for point, _ in found["mounts"]]
    header = found.get("luks") or _NO_HEADER
    return HostVolume(
        host=host,
        name=f"{host}:{owner}/{name}",
        owner=owner,
        volume_group=names.VOLUME_GROUP,
        logical_volume=logical_volume,
        size_gib=found["size_bytes"] // GIB,
        filesystem=str(found.get("filesystem")),
        mount_point=", ".join(points),
        label=header["label"],
        cipher=", ".join(header["ciphers"]),
        **_key_derivation(header["slots"]),
        slots=slots.held(header["slots"]),
        stray_slots=slots.stray(header["slots"]),
        flags=tuple(header["flags"]),
        complete=names.BLANK_TAG not in found["tags"],
        header_saved=header["saved_checksum"] == header["checksum"],
        filled=_is_filled(found),
        opened=bool(found.get("mapper")),
        mounted=bool(points),
    )


def _is_filled(found: Mapping[str, Any]) -> bool:
    """Tell whether the file system is as large as the logical volume; of a closed one nothing is known."""
    size_bytes = found.get("filesystem_bytes")
    return size_bytes is None or size_bytes + MISSING_BYTES >= found["size_bytes"]


_NO_HEADER: dict[str, Any] = {
    "label": "",
    "ciphers": (),
    "flags": (),
    "slots": {},
    "checksum": "",
    "saved_checksum": None,
}


def _key_derivation(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Give each parameter that all slots share; one that they do not share is nobody's."""
    parameters = {
        "key_bits": "key_bits",
        "pbkdf": "type",
        "memory_kib": "memory",
        "iterations": "time",
        "lanes": "cpus",
    }
    return {ours: _shared([slot[theirs] for slot in found.values()]) for ours, theirs in parameters.items()}


def _shared(values: list[Any]) -> Any:
    return values[0] if values and all(value == values[0] for value in values) else None
