"""Say what the applications that run on a host need there: an identity, volumes, backups.  Pure."""

from collections.abc import Iterator, Mapping

from deploys import names
from deploys.resources import HostFile, HostIdentity, HostPackages, HostResource, HostStorage, HostVolume, OnChange
from deploys.templates import render
from deploys.view import View, agent_files, as_json
from inventory import naming
from inventory.backups import rhythm_of
from inventory.environment import LuksProfile
from inventory.models import Application, Volume
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
    covered = {volume.id: volume.mount_point for volume in _backed_up(view, application)}
    known = next(item.application for item in view.placements if item.application.id == application)
    policy = known.backup
    if policy is None or not covered:
        return None
    rhythm = rhythm_of(view.region, known)
    bucket = naming.backup_bucket(view.region, application)
    return {
        "repository": f"s3:{view.access.object_stores[policy.store]}/{bucket}/{view.host.id}",
        "object_store_region": view.environment.object_stores[policy.store].region,
        "password_secret": naming.repository_secret(application, view.host.id),
        "credentials_secret": naming.credentials_secret(application, naming.backup_user(application)),
        "mount_points": list[Json](covered.values()),
        "databases": _databases(known, covered),
        "check": policy.check.model_dump(mode="json") if policy.check else None,
        "check_days": rhythm.check_days,
        "check_parts": rhythm.check_parts,
        "marker": names.backup_marker(application),
    }


def _databases(application: Application, covered: Mapping[str, str]) -> list[Json]:
    """Say which databases of *application* lie on the volumes *covered*, each with its mount point."""
    return [
        {
            "engine": database.engine.value,
            "name": database.name,
            "mount_point": covered[database.volume],
            "data_directory": names.database_directory(covered[database.volume], database.engine.value),
        }
        for database in (application.backup.databases if application.backup else ())
        if database.volume in covered
    ]


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
    """Ask for the timers that copy the volumes that a backup policy names, and that check the copies."""
    for application in {placement.application.id: placement.application for placement in view.placements}.values():
        covered = tuple(_backed_up(view, application.id))
        if not covered or application.backup is None:
            continue
        common: dict[str, str] = {
            "application": application.id,
            "credential": names.credential(application.id),
            "agent": names.AGENT,
        }
        mount_points = tuple(volume.mount_point for volume in covered)
        schedule = rhythm_of(view.region, application).schedule
        texts = {
            names.backup_unit(application.id, "service"): render("backup.service", mount_points=mount_points, **common),
            names.backup_unit(application.id, "timer"): render(
                "backup.timer", application=application.id, schedule=schedule
            ),
            names.check_unit(application.id, "service"): render("check.service", **common),
            names.check_unit(application.id, "timer"): render("check.timer", application=application.id),
        }
        for unit, text in texts.items():
            timer = unit.replace(".service", ".timer")
            yield view.file(names.unit_file(unit), text, owner=application.id, notifies=(timer,))
        for timer in (unit for unit in texts if unit.endswith(".timer")):
            service = timer.replace(".timer", ".service")
            needed = [view.subject(HostFile, names.unit_file(unit)) for unit in (service, timer)]
            needed += [view.subject(HostVolume, _thing(application.id, volume)) for volume in covered]
            yield view.unit(timer, owner=application.id, requires=(*_repository(view, application.id), *needed))


def databases(view: View) -> Iterator[HostResource]:
    """Ask for the server of each application's databases, which waits for the encrypted volume of its files."""
    for application in {placement.application.id: placement.application for placement in view.placements}.values():
        covered = {volume.id: volume for volume in _backed_up(view, application.id)}
        named = {database.volume for database in application.backup.databases} if application.backup else set()
        on = named & covered.keys()
        if not on:
            continue
        yield view.file(names.NO_CLUSTER_IN_CLEAR, "create_main_cluster = false\n")
        unit = names.databases_unit(application.id)
        mount_units = tuple(sorted(names.mount_unit(covered[volume].mount_point) for volume in on))
        text = render("databases.service", application=application.id, agent=names.AGENT, mount_units=mount_units)
        yield view.file(names.unit_file(unit), text, owner=application.id, notifies=(unit,))
        yield view.unit(
            unit,
            owner=application.id,
            # Restarting would take the databases away from the application; systemd only reads the file again.
            on_change=OnChange.NOTHING,
            requires=(
                view.subject(HostPackages, "packages"),
                view.subject(HostFile, names.unit_file(unit)),
                view.subject(HostFile, names.application_file(application.id)),
                *(view.subject(HostVolume, _thing(application.id, covered[volume])) for volume in sorted(on)),
            ),
        )


def _repository(view: View, application: str) -> tuple[Subject, ...]:
    """Name what must be there before anything of the host is copied: who it is, and what it writes with and into."""
    return (
        view.subject(HostIdentity, application),
        Subject("secret", naming.repository_secret(application, view.host.id)),
        Subject("secret", naming.credentials_secret(application, naming.backup_user(application))),
        Subject("bucket", naming.backup_bucket(view.region, application)),
    )
