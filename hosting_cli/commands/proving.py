"""The network: a proof that exactly what the files say passes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.collector import collector_at_rest

if TYPE_CHECKING:
    from hosting_cli.network.comparison import Finding
    from hosting_cli.network.proving import HostProof, NetworkProof, RowProof
    from inventory.resource import Json

SHOWN = 20
"""How many rows a table shows to people; programs get all."""

HostsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[HOST]...", help="These hosts alone; otherwise every host of the region.")
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FOLDER", help="Prove from readings that were saved there, without any host."),
]
SaveOption = Annotated[
    Path | None, typer.Option("--save", metavar="FOLDER", help="Save what the hosts say there, a file for each.")
]


def prove(session: Session, hosts: HostsArgument = None, from_: FromOption = None, save: SaveOption = None) -> Result:
    """Prove that kernels let through what the files say, and no more.

    Every host's rule set is read back from its kernel, all tables of it, and worked out over every packet there can be:
    any interface, source, destination, protocol and port, any state of a connection, IPv4 and IPv6.  That is held
    against the flow matrix and the platform's own needs, both ways: what passes and is in no row, and what is promised
    and is stopped.  Each difference is named with an example packet and the rule that decides about it.  A row is
    proven if its sender, every gateway between and its receiver let it pass.  A kind of rule that is not understood
    makes the verdict unknown, never proven.  Changes nothing and records nothing.  Whoever has the region's files and
    saved readings proves the same again with --from.  Exit status 0 proven, 3 different, 4 unknown.
    """
    from deploys import flows
    from hosting_cli.network import readings
    from hosting_cli.network.proving import prove as prove_readings

    if from_ is not None and save is not None:
        raise UsageError("--save", "has nothing to save with --from", "Leave one of them out.")
    chosen = _chosen(session, hosts)
    if from_ is not None:
        with collector_at_rest():
            found = readings.load(chosen, from_)
    else:
        with session.progress.stage(f"reading the rule sets of {_count(len(chosen), 'host')}"):
            found = readings.read(session, chosen)
    if save is not None:
        readings.save(found, save)
    with session.progress.stage("working out what passes"), collector_at_rest():
        proof = prove_readings(found, flows.topology(session.region), session.environment, session.progress)
    return _result(proof)


def _chosen(session: Session, names: Sequence[str] | None) -> tuple[str, ...]:
    known = [host.id for host in session.region.hosts]
    for name in names or ():
        if name not in known:
            raise UsageError(f"host {name}", "is not in the region", f"Choose among: {', '.join(known)}.")
    return tuple(dict.fromkeys(names)) if names else tuple(known)


def _result(proof: "NetworkProof") -> Result:
    from hosting_cli.network.proving import Standing

    statuses = {
        Standing.PROVEN: ExitStatus.DONE,
        Standing.DIFFERENT: ExitStatus.PENDING,
        Standing.UNKNOWN: ExitStatus.UNKNOWN,
    }
    data: dict[str, Json] = {
        "standing": proof.standing.value,
        "hosts": [host.to_json() for host in proof.hosts],
        "rows": [row.to_json() for row in proof.rows],
        "rows_elsewhere": proof.elsewhere,
    }
    errors = tuple(host.unread for host in proof.hosts if host.unread is not None)
    return Result("network prove", data, tuple(_blocks(proof)), statuses[proof.standing], errors)


def _blocks(proof: "NetworkProof") -> "Iterable[Block]":
    findings = [finding for host in proof.hosts for finding in host.judgement.findings]
    if findings:
        columns = ("difference", "host", "hook", "for example", "decided by", "row or need")
        yield _table("differences", columns, [_finding(finding) for finding in findings])
    places = [("misplaced", host.host, words) for host in proof.hosts for words in host.judgement.misplaced]
    if places:
        yield _table("interfaces", ("state", "host", "what is wrong"), places)
    unclear = [
        ("unknown", host.host, each.place, each.text) for host in proof.hosts for each in host.judgement.not_understood
    ]
    if unclear:
        yield _table("not understood", ("state", "host", "where", "what"), unclear)
    rows = [row for row in proof.rows if row.at]
    if rows:
        yield _table("rows of the flow matrix", ("state", "row", "at"), [_row(row) for row in rows])
    yield text(*_summary(proof))


def _finding(finding: "Finding") -> tuple[str, ...]:
    from hosting_cli.network.comparison import Difference

    word = "too much" if finding.difference is Difference.TOO_MUCH else "too little"
    return (word, finding.host, finding.hook.value, finding.packet, finding.decided_by, finding.concerns or "none")


def _row(row: "RowProof") -> tuple[str, ...]:
    from hosting_cli.network.proving import Standing

    return ("stopped" if row.standing is Standing.DIFFERENT else "unknown", row.row, ", ".join(row.at))


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    more = f" (the first {SHOWN} of {len(rows)}; --output json has all)" if len(rows) > SHOWN else ""
    return Table(f"{title}{more}", columns, tuple(rows[:SHOWN]))


def _summary(proof: "NetworkProof") -> "Iterable[str]":
    from hosting_cli.network.proving import Standing

    yield f"Hosts: {_counts(proof.hosts)}."
    elsewhere = f"; {proof.elsewhere:,} more go over hosts that were not asked" if proof.elsewhere else ""
    yield f"Rows of the flow matrix, from end to end: {_counts(proof.rows)}{elsewhere}."
    match proof.standing:
        case Standing.PROVEN:
            yield "Proven: these kernels let through what the files say, and nothing else."
        case Standing.DIFFERENT:
            yield "Not as the files say. What a plan shows is put right by: hosting plan, hosting apply."
        case Standing.UNKNOWN:
            yield "Unknown: something could not be read, or is not understood; nothing is proven of it."


def _counts(found: "Sequence[HostProof | RowProof]") -> str:
    from hosting_cli.network.proving import Standing

    numbers = {standing: sum(each.standing is standing for each in found) for standing in Standing}
    return ", ".join(f"{number:,} {standing}" for standing, number in numbers.items() if number) or "none"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
