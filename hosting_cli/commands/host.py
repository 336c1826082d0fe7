"""Hosts that are lost: their identities end at once, and what brings them back is said."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.canonical import digest
from hosting_cli.errors import UsageError
from hosting_cli.result import Result
from hosting_cli.session import Session
from inventory import naming
from inventory.resource import PLATFORM, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hosting_cli.procedure import Step
    from inventory.models import Application

HostArgument = Annotated[str, typer.Argument(metavar="HOST", help="The host's id.")]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="HOST", help="The host's id once more: it is cut off from the vault.")
]


def lost(session: Session, host: HostArgument, confirm: ConfirmOption = None) -> Result:
    """End the identity of a lost host, and say how it comes back.

    For a machine that burnt, was stolen or broken into: every secret-id of its applications, and a gateway's own, is
    destroyed in the vault, so that whoever has its disks opens nothing with them.  Its volumes, its backups and its
    files of the region stay what they are.  What brings it back is printed, command by command: a blank machine of the
    same id, a plan, and the volumes from their backups.  Recorded.  Where the machine still runs, it goes on until it
    is restarted or backs up.
    """
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.desired_links import gateways_with_tunnels
    from hosting_cli.procedure import carry_out

    concerned = [item for item in session.region.applications if any(host in tier.hosts for tier in item.tiers)]
    if host not in {item.id for item in session.region.hosts}:
        known = ", ".join(item.id for item in session.region.hosts)
        raise UsageError(f"host {host}", "is not in the region", f"Choose one of: {known}.")
    if confirm != host:
        what = f"is cut off from the vault for {len(concerned)} applications, and nobody confirmed that"
        raise UsageError(f"host {host}", what, f"If it is lost, add --confirm {host}.")
    owners = [item.id for item in concerned]
    ends_tunnels = host in gateways_with_tunnels(session.region)
    if ends_tunnels:
        owners.append(PLATFORM)
    now = session.clock()
    with session.progress.stage(f"ending the identities of {host}"):
        outcomes = carry_out(
            [_end(session, owner, host) for owner in owners],
            digest=digest({"lost": host, "at": now.isoformat()}),
            record=session.journal.append,
            tell=session.progress,
        )
    moment = f"{now:%Y-%m-%dT%H:%MZ}"
    return outcome_result(
        "host lost", digest({"lost": host}), outcomes, *_way_back(host, concerned, moment, ends_tunnels)
    )


def _end(session: Session, owner: str, host: str) -> "Step":
    from hosting_cli.procedure import Step
    from hosting_cli.resources import AppRole

    role = naming.host_role(owner, host)

    def end() -> None:
        for accessor in session.vault.secret_id_accessors(role):
            session.vault.destroy_secret_id(role, accessor)

    is_done = partial(_has_none, session, role)
    return Step(Subject(AppRole.kind, role), "destroy every secret-id of the lost machine", end, is_done)


def _has_none(session: Session, role: str) -> bool:
    return not session.vault.secret_id_accessors(role)


def _way_back(host: str, concerned: "list[Application]", moment: str, ends_tunnels: bool) -> "Iterator[str]":
    """Yield what to do next, in order."""
    if ends_tunnels:
        yield "0. Its certificate is believed for up to 30 days: revoke it, and send peers the list (docs/tunnels.md)."
    yield f"1. Give a machine with blank data devices the id {host}; write its new host_key in the environment file."
    yield "2. hosting plan, have it approved, hosting apply: it gets an identity and empty volumes of its own."
    for application in concerned:
        copied = application.backup.volumes if application.backup else ()
        for tier in application.tiers:
            for volume in tier.volumes if host in tier.hosts else ():
                if volume.id in copied:
                    place = f"{application.id} {volume.mount_point} --host {host}"
                    yield f"3. hosting restore {place} --in-place --as-of {moment}"
                else:
                    yield f"3. {application.id}: {volume.mount_point} is backed up nowhere, and stays empty."
    yield f"4. hosting verify. If somebody has the machine: hosting key rotate, for all that {host} could read."
