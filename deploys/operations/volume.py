"""Encrypted volumes: carved out, formatted once behind two passphrases, opened by the host itself with the vault's."""

import json
from dataclasses import replace

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.facts.host import is_right, observed
from deploys.handed_over import secret
from deploys.operations.shell import Commands, command
from deploys.operations.units import START_TIMEOUT_SECONDS
from deploys.resources import HostVolume

PREPARE_TIMEOUT_SECONDS = 900
"""Five derivations of a key; under emulation each takes up to half a minute."""


@operation()
def volume(resource: HostVolume) -> Commands:
    """Make what is missing of a volume, each step only if the one before is done; never format a used one."""
    if is_right(resource):
        host.noop(f"{resource.mount_point} is mounted from its encrypted volume")
        return
    found = observed(resource)
    before = found if isinstance(found, HostVolume) else None
    _refuse_what_cannot_change(resource, before)
    if before is None:
        yield _carve(resource)
    if before is None or not _is_made(before, resource):
        yield _prepare(resource)
    units = (names.volume_unit(resource.application, resource.volume), names.mount_unit(resource.mount_point))
    yield command("systemctl", "start", *units, timeout_seconds=START_TIMEOUT_SECONDS)
    if before is not None and _has_to_grow(before, resource):
        yield _grow(resource)


def _refuse_what_cannot_change(resource: HostVolume, before: HostVolume | None) -> None:
    if before is None:
        return
    held, wanted = before.state(), resource.state()
    if fixed := resource.fixed(held, wanted):
        what = ", ".join(f"{name} is {held[name]} where {wanted[name]} is asked for" for name in fixed)
        raise OperationError(f"nothing was done: {what}")


def _is_made(before: HostVolume, resource: HostVolume) -> bool:
    """Tell whether there is nothing left to do but to start its units, or to let it grow."""
    as_large = replace(before, size_gib=resource.size_gib, filled=True)
    return replace(as_large, opened=True, mounted=True).state() == resource.state()


def _has_to_grow(before: HostVolume, resource: HostVolume) -> bool:
    return before.size_gib < resource.size_gib or not before.filled


def _carve(resource: HostVolume) -> StringCommand:
    tags = (names.BLANK_TAG, f"{names.OWNER_TAG}={resource.application}", f"{names.VOLUME_TAG}={resource.volume}")
    return command(
        "lvcreate",
        "--yes",  # to wiping what an earlier volume of this group may have left in the extents
        "--wipesignatures=y",
        f"--name={resource.logical_volume}",
        f"--size={resource.size_gib}g",
        *(f"--addtag={tag}" for tag in tags),
        resource.volume_group,
    )


def _prepare(resource: HostVolume) -> StringCommand:
    complaint = f"the passphrases of {resource.label} were not handed over"
    order = {
        "volume_group": resource.volume_group,
        "logical_volume": resource.logical_volume,
        "filesystem": resource.filesystem,
        "mount_point": resource.mount_point,
        "label": resource.label,
        "cipher": resource.cipher,
        "key_bits": resource.key_bits,
        "pbkdf": resource.pbkdf,
        "memory_kib": resource.memory_kib,
        "iterations": resource.iterations,
        "lanes": resource.lanes,
        "active": secret(resource.active_secret, complaint),
        "recovery": secret(resource.recovery_secret, complaint),
    }
    return command(names.AGENT, "prepare-volume", stdin=json.dumps(order), timeout_seconds=PREPARE_TIMEOUT_SECONDS)


def _grow(resource: HostVolume) -> StringCommand:
    order = {
        "volume_group": resource.volume_group,
        "logical_volume": resource.logical_volume,
        "size_gib": resource.size_gib,
        "filesystem": resource.filesystem,
        "mount_point": resource.mount_point,
        "label": resource.label,
        "active": secret(resource.active_secret, f"the passphrase of {resource.label} was not handed over"),
    }
    return command(names.AGENT, "grow-volume", stdin=json.dumps(order), timeout_seconds=PREPARE_TIMEOUT_SECONDS)
