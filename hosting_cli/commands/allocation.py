"""Addresses of the network: who has which."""

from collections.abc import Mapping
from typing import Annotated

import typer

from hosting_cli.region_files import FileChange
from hosting_cli.result import Block, ExitStatus, Result, Table, Text, text
from hosting_cli.session import Session

WriteOption = Annotated[bool, typer.Option("--write", help="Write it into network.yaml; otherwise it is shown.")]


def allocate(
    session: Session,
    site: Annotated[
        str | None, typer.Option("--site", metavar="SITE", help="Where tiers go whose hosts are in no file yet.")
    ] = None,
    write: WriteOption = False,
) -> Result:
    """Find addresses and a VLAN for each tier, tunnel and zone.

    The first free network of the site's supernets, for the platform's zones, for each segment that a tier names, for
    each establishment that an application is for; a NAT pool for each tunnel behind which are addresses that somebody
    else has; the first free VLAN for each segment that is on switches; and the last free address of each segment that
    both gateways of a pair stand in.  What stands in network.yaml is never moved, what is retired there is given to
    nobody, and comments and everything else stay as they are.
    """
    from hosting_cli.allocating import propose

    proposal = propose(session.folder, site)
    if not proposal.change.is_needed:
        nothing = text("Everybody has addresses: there is nothing to allocate.")
        return Result("network allocate", {**proposal.data(), "written": False}, (nothing,))
    table = Table("", ("network", "for", "at"), tuple(proposal.rows()))
    return _changed("network allocate", proposal.data(), table, proposal.change, write=write)


def retire(
    session: Session,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's id.")],
    write: WriteOption = False,
) -> Result:
    """Let a segment go, and keep its addresses from everybody else.

    It moves to `retired` in network.yaml, with today's date; its VLAN and a NAT pool of its own go with it.  Refused
    while a host, a tier, a group or a flow still needs it.  Addresses that were somebody's are never allocated again: a
    rule that was forgotten on some firewall, or a port on some switch, would let a stranger in.
    """
    from hosting_cli.allocating import propose_retirement

    found = propose_retirement(session.folder, segment, session.today)
    rows = tuple((str(item.network), item.id, str(item.since)) for item in found.kept)
    data = {"retired": [item.model_dump(mode="json") for item in found.kept]}
    table = Table("", ("network", "was", "until"), rows)
    return _changed(f"network retire {segment}", data, table, found.change, write=write)


def _changed(command: str, data: Mapping[str, object], table: Table, change: FileChange, *, write: bool) -> Result:
    """Write a change, or show it with the command that would."""
    shown: tuple[Block, ...] = (table, text(f"Written to {change.path}."))
    if write:
        change.write()
    else:
        next_step = text(f"Nothing was written.  To write it: hosting {command} --write")
        shown = (table, Text(tuple(change.difference())), next_step)
    name = " ".join(command.split()[:2])
    return Result(name, {**data, "written": write}, shown, ExitStatus.DONE if write else ExitStatus.PENDING)
