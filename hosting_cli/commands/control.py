"""Controls: what is asked for and by whom, how each stands, and everything that its verdict rests on."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.documents.language import Language
from hosting_cli.errors import UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, Text, text
from hosting_cli.session import Session
from inventory.controls import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hosting_cli.checks.observation import Observation
    from hosting_cli.controls.assessment import Assessment
    from hosting_cli.controls.verdict import ControlVerdict
    from inventory.controls import Control, ControlSheet

LayerOption = Annotated[
    Layer | None,
    typer.Option("--layer", help="Only this layer: the HDS framework, the statement of applicability, or the rules."),
]
LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of titles, verdicts and reasons.")]
ControlArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `hosting control list` shows it: EXI-28, TLS-1.")
]


def list_(session: Session, layer: LayerOption = None, lang: LanguageOption = Language.ENGLISH) -> Result:
    """List every control with its verdict, and what decided it.

    Everything is read anew, and nothing is changed or recorded.  The layers are judged apart: no verdict of one counts
    in another, and what is required is never summed up with what can be met by other means.  No data is never
    conforming, evidence that is too old has expired, a waived deviation is shown as waived.  Exit status 0 when nothing
    deviates and no evidence is missing, 3 when something does or is, 4 when something could not be read.
    """
    from hosting_cli.controls.summary import summary
    from hosting_cli.controls.verdict import Verdict
    from inventory.control_catalogue import load_sheets

    found = _assessed(session)
    chosen = [item for item in found.verdicts if layer in {None, item.control.layer}]
    sheets = [sheet for sheet in load_sheets() if layer in {None, sheet.layer}]
    counts = summary(chosen)
    data = {
        "controls": [item.to_json() for item in chosen],
        "summary": [count.to_json() for count in counts],
        "frameworks": [sheet.framework.model_dump(mode="json") | {"layer": sheet.layer.value} for sheet in sheets],
    }
    blocks: list[Block] = [_table(sheet, chosen, lang) for sheet in sheets]
    blocks += _waivers(chosen)
    lines = []
    for count in counts:
        said = ", ".join(f"{count.verdicts[it]} {lang.of(it.words)}" for it in Verdict if it in count.verdicts)
        lines.append(f"{count.layer.value}, {count.force.value} ({count.total}): {said}")
    return Result("control list", data, (*blocks, text(*lines)), _status(chosen))


def show(session: Session, control: ControlArgument, lang: LanguageOption = Language.ENGLISH) -> Result:
    """Show everything that the verdict of one control rests on.

    Each observation with the value that was seen, the command that shows the same, when it was read and until when it
    counts; documents with their owner and review; waivers, whether they count or not; and what supports the control
    from the layer below, which is shown and not counted.  Exit status as of the list.
    """
    from inventory.control_catalogue import load_controls

    known = load_controls()
    identifier = control.upper()
    if identifier not in known:
        close = get_close_matches(identifier, known, n=1, cutoff=0.5)
        remedy = f"Did you mean {close[0]}?" if close else "Run `hosting control list`."
        raise UsageError(f"control {control}", "is in no layer of the catalogue", remedy)
    found = _assessed(session)
    verdict, below = found.by_control[identifier], found.supporting(known[identifier])
    data = {**verdict.to_json(), "supported_by": [{"id": it.control.id, "verdict": it.verdict.value} for it in below]}
    return Result("control show", data, tuple(_opened(verdict, below, lang)), _status([verdict]))


def _assessed(session: Session) -> "Assessment":
    from hosting_cli.controls.assessment import assess

    return assess(session)


def _status(judged: "Iterable[ControlVerdict]") -> ExitStatus:
    """Sum up: what could not be read outweighs what deviates, since more may deviate there."""
    from hosting_cli.checks.observation import Outcome

    found = tuple(judged)
    if any(it.outcome is Outcome.UNKNOWN for item in found for it in item.observations if item.exclusion is None):
        return ExitStatus.UNKNOWN
    return ExitStatus.PENDING if any(item.verdict.is_open for item in found) else ExitStatus.DONE


def _table(sheet: "ControlSheet", judged: "Sequence[ControlVerdict]", lang: Language) -> Table:
    rows = tuple(
        (
            lang.of(item.verdict.words),
            item.control.id,
            item.control.force.value,
            lang.of(item.control.title),
            _why(item, lang),
        )
        for item in judged
        if item.control.layer is sheet.layer
    )
    return Table(f"{lang.of(sheet.framework.name)}, {sheet.framework.edition}", _COLUMNS, rows)


def _why(item: "ControlVerdict", lang: Language) -> str:
    """Say what decided; of a conformity, only by how much that was seen: what is in order needs no words in a list."""
    from hosting_cli.controls.verdict import Verdict

    count = len(item.observations)
    if item.verdict is not Verdict.CONFORMING or not count:
        return lang.of(item.reasons[0])
    french = lang is Language.FRENCH
    if count == 1:
        return "le seul relevé est conforme" if french else "all that was seen, 1 subject"
    return f"les {count} relevés sont conformes" if french else f"all that was seen, {count} subjects"


_COLUMNS = ("verdict", "control", "force", "title", "why")


def _waivers(judged: "Iterable[ControlVerdict]") -> "list[Block]":
    """Lay every waiver out, in force or not: one that nobody sees is no waiver."""
    rows = tuple(
        (
            standing.state.value,
            standing.waiver.id,
            standing.waiver.control,
            standing.waiver.check,
            ", ".join(standing.covers) or "nothing",
            standing.waiver.until.isoformat(),
            standing.waiver.approved_by,
            standing.waiver.reason,
        )
        for item in judged
        for standing in item.waivers
    )
    columns = ("waiver", "id", "control", "check", "covers now", "until", "approved by", "reason")
    return [Table("waivers", columns, rows)] if rows else []


def _opened(item: "ControlVerdict", below: "Sequence[ControlVerdict]", lang: Language) -> "Iterable[Block]":
    yield _about(item.control, lang)
    yield text(f"{lang.of(item.verdict.words)}:", *(f"  {lang.of(reason)}" for reason in item.reasons))
    if item.observations:
        rows = tuple(_observed(observation, lang) for observation in item.observations)
        yield Table("observations", ("outcome", "check", "subject", "what was seen", "read at", "counts until"), rows)
        commands = sorted({(it.check, it.command) for it in item.observations})
        yield text("To see the same:", *(f"  {check}: {command}" for check, command in commands))
    for statement in item.statements:
        yield text(
            f"{statement.title} ({statement.reference})",
            f"  owner {statement.owner}, reviewed {statement.reviewed}, counts until {statement.valid_until}",
        )
    yield from _waivers([item])
    if below:
        rows = tuple((lang.of(it.verdict.words), it.control.id, lang.of(it.control.title)) for it in below)
        yield Table("supported by (shown, not counted)", ("verdict", "control", "title"), rows)


def _about(control: "Control", lang: Language) -> Text:
    supports = f", supports {', '.join(control.supports)}" if control.supports else ""
    return text(
        f"{control.number}  {lang.of(control.title)}",
        f"  asked for by: {control.reference} ({control.force.value}){supports}",
    )


def _observed(observation: "Observation", lang: Language) -> tuple[str, ...]:
    return (
        observation.outcome.value,
        observation.check,
        observation.subject,
        lang.of(observation.sentence),
        f"{observation.read_at:%Y-%m-%d %H:%M}",
        f"{observation.expires_at:%Y-%m-%d %H:%M}",
    )
