"""Which proofs an application is owed, one after the other; what goes wrong in one does not end the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from hosting_cli.proofs import flows, headers, neighbour, objects, reboot, restore, strangers
from hosting_cli.proofs.proof import Proof, guarded, skipped
from hosting_cli.resources import Bucket
from hosting_cli.session import Session
from hosting_cli.survey import Survey
from inventory.models import Application, HostRole, Volume
from inventory.resource import PLATFORM

Work = Callable[[], Iterable[Proof]]


def run(session: Session, found: Survey, application: Application, *, disruptive: bool) -> Iterator[Proof]:
    """Yield every proof of *application*, *found* as it is; those that interrupt it are tried only if *disruptive*."""
    works = _works(session, found, application, disruptive=disruptive)
    yield from _tried(session, application.id, f"application {application.id}", works)


def _tried(session: Session, owner: str, subject: str, works: Iterable[tuple[str, Work]]) -> Iterator[Proof]:
    for name, work in works:
        with session.progress.stage(f"{owner}: {name}"):
            proofs = list(guarded(name, subject, work))
        yield from proofs


def of_platform(session: Session, found: Survey, *, disruptive: bool) -> Iterator[Proof]:
    """Yield the proofs of what is no application's: the platform's own buckets, and its gateways."""
    works: list[tuple[str, Work]] = [
        (strangers.NAME, partial(strangers.prove, session, _buckets_of(found, PLATFORM))),
        *(
            (reboot.NAME, partial(_reboot, session, found, host.id, (), disruptive=disruptive))
            for host in session.region.hosts
            if host.role is HostRole.GATEWAY
        ),
    ]
    yield from _tried(session, PLATFORM, PLATFORM, works)


def _works(
    session: Session, found: Survey, application: Application, *, disruptive: bool
) -> Iterator[tuple[str, Work]]:
    yield neighbour.NAME, partial(neighbour.prove, session, application)
    yield strangers.NAME, partial(strangers.prove, session, _buckets_of(found, application.id))
    for bucket in application.buckets:
        yield objects.ENCRYPTED, partial(objects.prove, session, application, bucket, disruptive=disruptive)
    yield flows.PASSES, partial(flows.prove, session, application)
    if session.region.evidence is not None:
        yield headers.NAME, partial(headers.prove, session, application)
    backed_up = application.backup.volumes if application.backup else ()
    for tier in application.tiers:
        for host in tier.hosts:
            for volume in tier.volumes:
                if volume.id in backed_up:
                    yield restore.NAME, partial(restore.prove, session, application, host, volume)
    for host in dict.fromkeys(host for tier in application.tiers for host in tier.hosts):
        volumes = [volume for tier in application.tiers if host in tier.hosts for volume in tier.volumes]
        yield reboot.NAME, partial(_reboot, session, found, host, volumes, disruptive=disruptive)


def _buckets_of(found: Survey, owner: str) -> list[Bucket]:
    return [item for item in found.desired.values() if isinstance(item, Bucket) and item.owner == owner]


def _reboot(
    session: Session, found: Survey, host: str, volumes: Sequence[Volume], *, disruptive: bool
) -> Iterable[Proof]:
    if not disruptive:
        return [skipped(reboot.NAME, f"host {host}", "a restarted host comes back by itself")]
    return reboot.prove(session, found, host, volumes)
