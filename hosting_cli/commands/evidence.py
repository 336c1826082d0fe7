"""Evidence: record what checks see, verify what is kept, and pack it for somebody who verifies it alone."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hosting_cli.commands.document_files import REMEDY, ForceOption
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hosting_cli.evidence.verifying import Chain

HeadOption = Annotated[
    str | None, typer.Option("--head", metavar="DIGEST", help="The digest of a record, as somebody noted it elsewhere.")
]
PeriodOption = Annotated[
    str | None,
    typer.Option(
        "--period", metavar="PERIOD", help="2026, 2026-11, 2026-11-27 or 2026-10..2026-12; otherwise the last 31 days."
    ),
]
IntoOption = Annotated[Path, typer.Option("--into", metavar="FILE.zip", help="Where to write the pack.")]


def collect(session: Session) -> Result:
    """Run every check, and record what was seen, signed and locked.

    Raw readings are kept beside the record under their digests.  Nothing is changed on any engine but the evidence,
    where nothing is ever replaced.  Killed at any moment, the next run goes on; of two at once, one follows the other.
    """
    from hosting_cli.controls.assessment import assess
    from hosting_cli.evidence.collecting import kept

    _ = session.evidence  # a region that keeps none is told so before anything is read
    found = assess(session)
    with session.progress.stage("keeping what was seen"):
        recorded = kept(session, found)
    seen = recorded.record.data["outcomes"]
    readings, observations = len(found.collected.readings), len(found.collected.observations)
    data = {
        "record": recorded.record.name,
        "digest": recorded.digest,
        "time": recorded.record.time,
        "observations": observations,
        "readings": readings,
        "outcomes": seen,
    }
    lines = (
        f"{recorded.record.name}: {observations} observations from {readings} readings, signed and locked.",
        f"digest {recorded.digest}",
    )
    return Result("evidence collect", data, (text(*lines),))


def verify(session: Session, head: HeadOption = None) -> Result:
    """Check the chain, signatures, digests and locks of what is kept.

    Says what does not hold and where.  Records cut off the end, or all of them written anew, leave a chain that holds:
    note the head that this prints somewhere else, and give it back with --head to see that as well.
    """
    from hosting_cli.evidence.verifying import reading, verified

    with reading(session):
        found = verified(session, head)
    data = {**_said(found.chain), "faults": [{"where": item.where, "what": item.what} for item in found.faults]}
    if found.faults:
        return Result(
            "evidence verify", data, (_faults((item.where, item.what) for item in found.faults),), ExitStatus.PENDING
        )
    lines = (f"{len(found.chain.records)} records, each signed, following from the one before, and locked.",)
    return Result("evidence verify", data, (text(*lines, *_lines(found.chain)),))


def pack(session: Session, into: IntoOption, *, period: PeriodOption = None, force: ForceOption = False) -> Result:
    """Write the evidence of a period into a ZIP that verifies offline.

    It holds the report in French and English, the whole chain of records, the raw readings of the period, the
    catalogue, what the store said of each, and a program of plain Python that verifies all of it: `python3 verify.py
    FILE.zip --key FINGERPRINT`.  Give the key and the head that this prints to whoever verifies it by another way.
    """
    from hosting_cli.documents.language import Language
    from hosting_cli.documents.render import Form
    from hosting_cli.evidence.pack import is_pack, packed, program
    from hosting_cli.evidence.period import period_of
    from hosting_cli.evidence.reporting import reported
    from hosting_cli.evidence.verifying import read, reading
    from hosting_cli.whole_files import refuse_foreign, replace_file

    if not force:
        refuse_foreign(into, is_pack)
    chosen = period_of(period, session.clock())
    with reading(session):
        chain = read(session)
        found = reported(session, chain, chosen)
    with session.progress.stage("writing the report"):
        names = {Language.FRENCH: "rapport-de-conformite", Language.ENGLISH: "compliance-report"}
        reports = {
            f"{name}.{form.value}": found.rendered(language, form)
            for language, name in names.items()
            for form in (Form.HTML, Form.PDF)
        }
    with session.progress.stage("packing"):
        made = packed(session, chain, chosen, reports)
    replace_file(into, made.archive, remedy=REMEDY)
    digest = hashlib.sha256(made.archive).hexdigest()
    session.journal.append("evidence-pack", {"pack": digest, "subject": f"{chosen.since:%F}..{chosen.last_day:%F}"})
    data = {
        **_said(chain),
        "file": str(into),
        "sha256": digest,
        "size_bytes": len(made.archive),
        "program_sha256": hashlib.sha256(program()).hexdigest(),
    }
    lines = (
        f"Written: {into}, {len(made.archive) / (1 << 20):.1f} MiB",
        *_lines(chain),
        f"verify it anywhere: python3 verify.py {into.name} --key {_keys(chain)[-1]}",
    )
    status = ExitStatus.PENDING if chain.faults else ExitStatus.DONE
    blocks = (_faults((item.where, item.sentence("en")) for item in chain.faults),) if chain.faults else ()
    return Result("evidence pack", data, (*blocks, text(*lines)), status)


def _said(chain: "Chain") -> dict[str, Any]:
    head = chain.head
    return {
        "records": len(chain.records),
        "head": None if head is None else {"name": head[0], "digest": head[1]},
        "keys": list(_keys(chain)),
    }


def _lines(chain: "Chain") -> tuple[str, ...]:
    head = (f"head {chain.head[1]}",) if chain.head else ()
    return (*head, *(f"key {key}" for key in _keys(chain)))


def _keys(chain: "Chain") -> tuple[str, ...]:
    from hosting_cli.evidence.programs.verify import fingerprint

    return tuple(fingerprint(key.value) for key in chain.keys)


def _faults(found: "Iterable[tuple[str, str]]") -> Table:
    return Table("", ("", "where", "why"), tuple(("broken", where, what) for where, what in found))
