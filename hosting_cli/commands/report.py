"""Reports for auditors and establishments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.document_files import REMEDY, ForceOption, LanguageOption, forms_of
from hosting_cli.commands.evidence import PeriodOption
from hosting_cli.documents.language import Language
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hosting_cli.controls.summary import Count
    from hosting_cli.controls.verdict import ControlVerdict
    from inventory.resource import Json

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Where to write it, as what the name ends in: .html or .pdf.")
]


def compliance(
    session: Session,
    files: FilesArgument,
    *,
    period: PeriodOption = None,
    lang: LanguageOption = Language.FRENCH,
    force: ForceOption = False,
) -> Result:
    """Write the compliance report of a period, from what is recorded.

    The page is one file that works offline: every verdict unfolds down to the raw reading, its command, time and
    digest.  It is made from the last record of the period and judged as of its end, so that it can be held against the
    chain; run `hosting evidence collect` first for how things stand now.  Exit status 0 when nothing deviates and no
    evidence is missing, 3 when something does or is.
    """
    from hosting_cli.controls.history import changes
    from hosting_cli.controls.summary import summary
    from hosting_cli.evidence.period import period_of
    from hosting_cli.evidence.reporting import reported
    from hosting_cli.evidence.verifying import read, reading
    from hosting_cli.whole_files import replace_file

    forms = forms_of(files, "html", "pdf", force=force)
    chosen = period_of(period, session.clock())
    with reading(session):
        found = reported(session, read(session), chosen)
    for file, form in forms.items():
        with session.progress.stage(f"writing {file}"):
            replace_file(file, found.rendered(lang, form), remedy=REMEDY)
    counts = summary(found.assessment.verdicts)
    judged = found.judged
    open_ = [item for item in found.assessment.verdicts if item.verdict.is_open]
    data = {
        "period": {"since": chosen.since.isoformat(), "until": chosen.until.isoformat()},
        "records": len(judged.records),
        "record": judged.records[-1].digest if judged.records else None,
        "summary": [count.to_json() for count in counts],
        "open": [_open(item) for item in open_],
        "changes": [change.to_json() for change in changes(judged.records)],
        "key": judged.key,
        "faults": judged.faults,
        "files": [str(file) for file in forms],
    }
    lines = [f"Written: {file}" for file in forms]
    if not judged.records:
        lines.insert(0, "No record was made in the period: nothing is proven. Run `hosting evidence collect`.")
    if judged.faults:
        lines.insert(0, f"The chain does not hold in {judged.faults} places: run `hosting evidence verify`.")
    blocks: tuple[Block, ...] = (_counts(counts), *_deviations(open_, lang), text(*lines))
    status = ExitStatus.PENDING if judged.faults or open_ else ExitStatus.DONE
    return Result("report compliance", data, blocks, status)


def _counts(counts: "Iterable[Count]") -> Table:
    from hosting_cli.controls.verdict import Verdict

    rows = tuple(
        (count.layer.value, count.force.value, *(str(count.verdicts.get(verdict, 0)) for verdict in Verdict))
        for count in counts
    )
    return Table("", ("layer", "force", *(verdict.words.en for verdict in Verdict)), rows)


def _deviations(found: "Iterable[ControlVerdict]", lang: Language) -> tuple[Table, ...]:
    """Lay out what does not conform, in the report's language; what lacks evidence the report itself says."""
    from hosting_cli.controls.verdict import Verdict

    rows = tuple(
        (item.control.number, lang.of(item.control.title), lang.of(item.reasons[0]))
        for item in found
        if item.verdict is Verdict.NON_CONFORMING
    )
    return (Table("does not conform", ("control", "title", "why"), rows),) if rows else ()


def _open(item: "ControlVerdict") -> "dict[str, Json]":
    """Name for programs what holds a control open: of its checks, whatever is not met."""
    from hosting_cli.checks.observation import Outcome

    return {
        "control": item.control.id,
        "verdict": item.verdict.value,
        "reasons": [reason.to_json() for reason in item.reasons],
        "observations": [
            {"check": seen.check, "subject": seen.subject, "outcome": seen.outcome.value}
            for seen in item.observations
            if seen.outcome in {Outcome.UNMET, Outcome.UNKNOWN}
        ],
    }
