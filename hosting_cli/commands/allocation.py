"""Addresses of the network: who has which."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.result import Block, ExitStatus, Result, Table, Text, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.allocating import Proposal


def allocate(
    session: Session,
    site: Annotated[
        str | None, typer.Option("--site", metavar="SITE", help="Where tiers go whose hosts are in no file yet.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write it into network.yaml; otherwise it is shown.")] = False,
) -> Result:
    """Find addresses for every tier, tunnel and zone that has none.

    The first free network of the site's supernets, for the platform's zones, for each segment that a tier names, for
    each establishment that an application is for; and a NAT pool for each tunnel behind which are addresses that
    somebody else has.  What stands in network.yaml is never moved, what is retired there is given to nobody, and
    comments and everything else stay as they are.
    """
    from hosting_cli.allocating import propose, write_down

    proposal = propose(session.folder, site)
    if write:
        write_down(proposal)
    return Result(
        "network allocate",
        {**proposal.data(), "written": write and proposal.is_needed},
        _shown(proposal, written=write),
        ExitStatus.PENDING if proposal.is_needed and not write else ExitStatus.DONE,
    )


def _shown(proposal: "Proposal", *, written: bool) -> tuple[Block, ...]:
    if not proposal.is_needed:
        return (text("Everybody has addresses: there is nothing to allocate."),)
    table = Table("", ("network", "for", "at"), tuple(proposal.rows()))
    if written:
        return (table, text(f"Written to {proposal.path}."))
    return (
        table,
        Text(tuple(proposal.difference())),
        text("Nothing was written.  To write it: hosting network allocate --write"),
    )
