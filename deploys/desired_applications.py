"""Say what the applications that run on a host need there: an identity, volumes, backups.  Pure."""

from collections.abc import Iterator

from deploys import names
from deploys.resources import HostFile, HostIdentity, HostPackages, HostResource, HostStorage, HostVolume, OnChange
from deploys.templates import render
from deploys.view import View, agent_files, as_json
from inventory import naming
from inventory.backups import rhythm_of
from inventory.models import LuksProfile, Volume
from inventory.resource import PLATFORM, Json, Subject

ARGON2ID = {
    LuksProfile.LAB: (1024, 4, 1),
    LuksProfile.PRODUCTION: (1024 * 1024, 4, 4),
}
"""Memory in KiB, iterations and lanes of Argon2id; explicit, because cryptsetup would measure the machine instead."""


def identities(view: View) -> Iterator[HostResource]:
    """Ask for an identity in the vault for each application that keeps data here."""
    for application in sorted({placement.application.id for placement in view.placements if placement.tier.volumes}):
        yield view.file(
            names.application_file(application), as_json(_application(view, application)), owner=application
        )
        role = naming.host_role(application, view.host.id)
        yield HostIdentity(
            host=view.host.id,
            name=view.name(application),
            owner=application,
            application=application,
            role=role,
            requires=(
                Subject("app-role", role),
                view.subject(HostFile, names.application_file(application)),
                view.subject(HostFile, names.ENGINES),
                view.subject(HostFile, names.CERTIFICATE_AUTHORITY),
                *(view.subject(HostFile, path) for path, _ in agent_files()),
            ),
        )


def _application(view: View, application: str) -> dict[str, Json]:
    """Say what the agent has to know of *application*; names and addresses, never a secret."""
    return {
        "application": application,
        "role": naming.host_role(application, view.host.id),
        "credential": names.credential(application),
        "volumes": {
            volume.volume: {
                "device": f"/dev/{volume.volume_group}/{volume.logical_volume}",
                "label": volume.label,
                "mount_point": volume.mount_point,
                "secret": volume.active_secret,
            }
            for volume in volumes(view)
            if volume.application == application
        },
        "backup": _backup(view, application),
    }


def _backup(view: View, application: str) -> Json:
    covered = [volume.mount_point for volume in _backed_up(view, application)]
    policy = next(item.application.backup for item in view.placements if item.application.id == application)
    if policy is None or not covered:
        return None
    bucket = naming.backup_bucket(view.region, application)
    return {
        "repository": f"s3:{view.access.object_stores[policy.store]}/{bucket}/{view.host.id}",
        "object_store_region": view.environment.object_stores[policy.store].region,
        "password_secret": naming.repository_secret(application, view.host.id),
        "credentials_secret": naming.credentials_secret(application, naming.backup_user(application)),
        "mount_points": list[Json](covered),
        "marker": names.backup_marker(application),
    }


def storage(view: View) -> Iterator[HostResource]:
    """Ask for the volume group and for each encrypted volume, opened and mounted by its units."""
    asked = tuple(volumes(view))
    if not asked:
        return
    yield HostStorage(
        host=view.host.id,
        name=view.name(names.VOLUME_GROUP),
        owner=PLATFORM,
        volume_group=names.VOLUME_GROUP,
        devices=tuple(device.path for device in view.host.data_devices),
        sizes_gib=tuple(device.size_gib for device in view.host.data_devices),
        requires=(view.subject(HostPackages, "packages"),),
    )
    for volume in asked:
        unit = names.volume_unit(volume.application, volume.volume)
        mount = names.mount_unit(volume.mount_point)
        texts = {
            unit: render(
                "volume.service",
                application=volume.application,
                volume=volume.volume,
                label=volume.label,
                mount_unit=mount,
                credential=names.credential(volume.application),
                agent=names.AGENT,
            ),
            mount: render(
                "volume.mount",
                application=volume.application,
                volume=volume.volume,
                label=volume.label,
                mount_point=volume.mount_point,
                filesystem=volume.filesystem,
                volume_unit=unit,
            ),
        }
        for name, text in texts.items():
            yield view.file(names.unit_file(name), text, owner=volume.application, notifies=(name,))
        yield volume
        for name in texts:
            yield view.unit(
                name,
                owner=volume.application,
                # Restarting would take the volume away from the application; systemd only reads the file again.
                on_change=OnChange.NOTHING,
                requires=(volume.subject, view.subject(HostFile, names.unit_file(name))),
            )


def volumes(view: View) -> Iterator[HostVolume]:
    """Ask for each encrypted volume of the host."""
    for placement in view.placements:
        for volume in placement.tier.volumes:
            yield _volume(view, placement.application.id, volume)


def _volume(view: View, application: str, volume: Volume) -> HostVolume:
    memory_kib, iterations, lanes = ARGON2ID[view.environment.luks_profile]
    active, recovery = (
        naming.volume_secret(application, view.host.id, volume.id, slot) for slot in ("active", "recovery")
    )
    unit_files = (names.volume_unit(application, volume.id), names.mount_unit(volume.mount_point))
    return HostVolume(
        host=view.host.id,
        name=view.name(_thing(application, volume)),
        owner=application,
        application=application,
        volume=volume.id,
        volume_group=names.VOLUME_GROUP,
        logical_volume=names.logical_volume(application, volume.id),
        size_gib=volume.size_gib,
        filesystem=volume.filesystem.value,
        mount_point=volume.mount_point,
        label=naming.volume_label(application, volume.id),
        memory_kib=memory_kib,
        iterations=iterations,
        lanes=lanes,
        active_secret=active,
        recovery_secret=recovery,
        requires=(
            view.subject(HostStorage, names.VOLUME_GROUP),
            view.subject(HostIdentity, application),
            Subject("secret", active),
            Subject("secret", recovery),
            *(view.subject(HostFile, names.unit_file(unit)) for unit in unit_files),
        ),
    )


def _thing(application: str, volume: Volume) -> str:
    return f"{application}/{volume.id}"


def _backed_up(view: View, application: str) -> Iterator[Volume]:
    for placement in view.placements:
        policy = placement.application.backup
        if placement.application.id == application and policy is not None:
            yield from (volume for volume in placement.tier.volumes if volume.id in policy.volumes)


def backups(view: View) -> Iterator[HostResource]:
    """Ask for the timer that copies the volumes that a backup policy names."""
    for application in {placement.application.id: placement.application for placement in view.placements}.values():
        covered = tuple(_backed_up(view, application.id))
        if not covered or application.backup is None:
            continue
        service, timer = (names.backup_unit(application.id, suffix) for suffix in ("service", "timer"))
        text = render(
            "backup.service",
            application=application.id,
            mount_points=tuple(volume.mount_point for volume in covered),
            credential=names.credential(application.id),
            agent=names.AGENT,
        )
        yield view.file(names.unit_file(service), text, owner=application.id, notifies=(timer,))
        rhythm = rhythm_of(view.region, application)
        text = render("backup.timer", application=application.id, schedule=rhythm.schedule)
        yield view.file(names.unit_file(timer), text, owner=application.id, notifies=(timer,))
        yield view.unit(
            timer,
            owner=application.id,
            requires=(
                view.subject(HostIdentity, application.id),
                *(view.subject(HostFile, names.unit_file(unit)) for unit in (service, timer)),
                *(view.subject(HostVolume, _thing(application.id, volume)) for volume in covered),
                Subject("secret", naming.repository_secret(application.id, view.host.id)),
                Subject("secret", naming.credentials_secret(application.id, naming.backup_user(application.id))),
                Subject("bucket", naming.backup_bucket(view.region, application.id)),
            ),
        )
