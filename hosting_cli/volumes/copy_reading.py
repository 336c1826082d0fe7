"""Whether the evidence keeps a copy of the header that each volume has now: readings of host and evidence, joined."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from deploys.resources import HostVolume
from deploys.resources import source as host_source
from hosting_cli.resources import HeaderCopy, header_copies
from hosting_cli.session import Session
from hosting_cli.volumes.copies import all_kept, lowest_versions, prefix_of
from hosting_cli.volumes.places import VolumePlace
from hosting_cli.volumes.standing import SealedCopy, is_of
from inventory.resource import Reading, Resource, Subject


def read_copies(session: Session, wanted: Mapping[Subject, Resource], hosts: Sequence[Reading]) -> Iterator[Reading]:
    """Yield a reading of the copies of each host's headers; where the host or the evidence is unknown, so are they.

    The evidence is asked once for all, and not at all while no volume has a header: before there is one, it may itself
    not be there yet.
    """
    by_host = {reading.source: reading for reading in hosts}
    asked: dict[str, list[HeaderCopy]] = {}
    for resource in wanted.values():
        if isinstance(resource, HeaderCopy) and host_source(resource.host) in by_host:
            asked.setdefault(resource.host, []).append(resource)
    read = {host: by_host[host_source(host)] for host in asked}
    seen = [volume for reading in read.values() for volume in _with_header(reading)]
    kept, lowest, unknown = _evidence(session, seen)
    for host, copies in asked.items():
        reading, source = read[host], header_copies(host)
        volumes = {volume.name: volume for volume in _with_header(reading)}
        if reading.resources is None:
            yield replace(reading, source=source, behind=reading.source)
        elif volumes and unknown is not None:
            yield Reading(source, reading.taken_at, None, unknown)
        else:
            found = [it for copy in copies if (it := _found(copy, volumes.get(copy.name), kept, lowest)) is not None]
            yield Reading(source, reading.taken_at, {copy.subject: copy for copy in found})


def _with_header(reading: Reading) -> list[HostVolume]:
    """Give the volumes of which there is a header to be copied."""
    found = (reading.resources or {}).values()
    return [item for item in found if isinstance(item, HostVolume) and item.header_checksum is not None]


def _evidence(
    session: Session, seen: Iterable[HostVolume]
) -> tuple[Mapping[str, tuple[SealedCopy, ...]], Mapping[str, int], str | None]:
    """List every copy, and say which version of each application's key still opens some; or why nobody can tell."""
    applications = {volume.application for volume in seen}
    if not applications:
        return {}, {}, None
    kept, unlisted = all_kept(session)
    lowest, unopened = lowest_versions(session, applications)
    return kept, lowest, unlisted or unopened


def _found(
    wanted: HeaderCopy,
    volume: HostVolume | None,
    kept: Mapping[str, tuple[SealedCopy, ...]],
    lowest: Mapping[str, int],
) -> HeaderCopy | None:
    """Say what is kept of a volume; ``None`` where there is no copy, or nothing to copy."""
    if volume is None or volume.header_checksum is None:
        return None
    copies = kept.get(prefix_of(VolumePlace(volume)), ())
    if any(is_of(copy, volume.header_checksum, lowest[volume.application]) for copy in copies):
        return wanted
    return replace(wanted, condition="of an earlier header, or of a retired key") if copies else None
