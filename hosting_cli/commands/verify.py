"""Prove that what was promised holds."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.plan import ApplicationOption, examine
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.plan import Plan
    from hosting_cli.proofs.proof import Proof

DisruptiveOption = Annotated[
    bool,
    typer.Option("--disruptive", help="Also restart hosts and disable a key for a moment: before going into service."),
]


def verify(session: Session, application: ApplicationOption = None, disruptive: DisruptiveOption = False) -> Result:
    """Prove that what was promised holds, by trying to break it.

    Everything is read anew, which must show no change.  Then a neighbour's token and somebody without credentials
    must be refused, an object must lie encrypted, a packet that is no flow must be dropped, a backup must give the
    bytes back.  With --disruptive also: an object is unreadable while its key is disabled, and a restarted host comes
    back by itself.  Every proof is recorded in the journal.
    """
    from hosting_cli.proofs import suite
    from hosting_cli.survey import plan_of

    found = examine(session, application)
    now = plan_of(session, found, application)
    chosen = session.chosen(application)
    of_platform = suite.of_platform(session, found, disruptive=disruptive) if application is None else ()
    tried = chain(
        [_in_order(now)], of_platform, *(suite.run(session, found, item, disruptive=disruptive) for item in chosen)
    )
    proofs = []
    for proof in tried:  # recorded as soon as it is known: whoever is killed has proven what was proven
        session.journal.append("proof", proof.to_json())
        proofs.append(proof)
    return shown(proofs)


def shown(proofs: "list[Proof]") -> Result:
    """Turn proofs into a result; one that was not asked for is said aloud, and does not fail."""
    from hosting_cli.proofs.proof import Verdict

    rows = tuple((proof.verdict.value, proof.name, proof.subject, proof.sentence) for proof in proofs)
    counts = {verdict: sum(proof.verdict is verdict for proof in proofs) for verdict in Verdict}
    summary = text(", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count) + ".")
    table = Table("", ("verdict", "proof", "of", "what was seen"), rows)
    status = ExitStatus.DONE
    if counts[Verdict.BROKEN]:
        status = ExitStatus.PENDING
    elif counts[Verdict.UNKNOWN]:
        status = ExitStatus.UNKNOWN
    return Result("verify", {"proofs": [proof.to_json() for proof in proofs]}, (table, summary), status)


def _in_order(now: "Plan") -> "Proof":
    """Turn a fresh plan, which must be empty, into the first proof."""
    from hosting_cli.proofs.proof import Proof, Verdict

    subject, name = f"{now.scope}", "nothing-to-change"
    observed: dict[str, Json] = {"plan": now.digest, "changes": len(now.changes), "in_order": now.in_order}
    if now.unknown:
        reasons = "; ".join(f"{item.subject}: {item.reason}" for item in (*now.unknown, *now.blocked))
        return Proof(name, subject, Verdict.UNKNOWN, reasons, observed)
    if now.changes or now.conflicts:
        moved = ", ".join([str(item.subject) for item in now.changes] + [item.subject for item in now.conflicts])
        return Proof(name, subject, Verdict.BROKEN, f"has moved away from the files: {moved}", observed)
    return Proof(name, subject, Verdict.HELD, f"all {now.in_order} resources are as the files ask", observed)
