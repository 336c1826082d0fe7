"""The compliance report in brief: how much stands how, what is urgent, what is tolerated, what has changed.  Pure."""

from collections.abc import Sequence

from hosting_cli.controls.history import changes
from hosting_cli.controls.verdict import ControlVerdict, StandingWaiver, Verdict, WaiverState
from hosting_cli.documents.document import Column, Look, Mark, Row, Stack, Table
from hosting_cli.documents.entries import Count, Tally, TallyRow
from hosting_cli.documents.judged import TONES, Judged
from hosting_cli.documents.words import Words
from inventory.controls import Force, Layer

URGENT = (Verdict.NON_CONFORMING, Verdict.EXPIRED, Verdict.NO_EVIDENCE)

ALIKE = 3
"""How many requirements of a layer may lack the same before that is said once of all of them."""


def tally(judged: Judged, words: Words) -> Tally:
    """Count the verdicts of each layer, what is required apart from what is addressable."""
    columns = tuple(Count(tone, words.of(verdict.words), 0) for verdict, tone in TONES.items())
    rows = []
    for layer in Layer:
        for force in Force:
            chosen = [it.verdict for it in judged.verdicts if (it.control.layer, it.control.force) == (layer, force)]
            if chosen:
                counts = tuple(
                    Count(tone, words.of(verdict.words), chosen.count(verdict)) for verdict, tone in TONES.items()
                )
                heading = words.say(f"layer-{layer.value}")
                rows.append(TallyRow(heading, words.say(f"force-{force.value}"), counts))
    notes = (words.say("tally-note"),)
    return Tally("tally", words.say("tally"), columns, tuple(rows), notes)


def urgent(judged: Judged, words: Words) -> Table:
    """Say what has to be looked at first: in each layer what does not conform, and what nobody can tell."""
    alike: dict[tuple[Layer, Verdict, str], list[ControlVerdict]] = {}
    for wanted in URGENT:
        for verdict in judged.verdicts:
            if verdict.verdict is wanted:
                reason = words.of(verdict.reasons[0]) if verdict.reasons else ""
                alike.setdefault((verdict.control.layer, wanted, reason), []).append(verdict)
    rows = tuple(
        _urgent_row(words, group, reason)
        for (_, _, reason), found in alike.items()
        for group in ([found] if len(found) > ALIKE else [[verdict] for verdict in found])
    )
    return _table(
        words,
        "urgent",
        (
            ("number", Look.STRONG),
            ("layer", Look.MINOR),
            ("title", Look.PLAIN),
            ("verdict", Look.STRONG),
            ("reason", Look.PLAIN),
        ),
        ((("number", "layer"), 18), (("title",), 30), (("verdict",), 14), (("reason",), 38)),
        rows,
        choices=("layer", "verdict"),
    )


def _urgent_row(words: Words, group: Sequence[ControlVerdict], reason: str) -> Row:
    """Say it of one requirement, or once of all that lack the same."""
    control, verdict = group[0].control, group[0].verdict
    is_one = len(group) == 1
    return Row(
        (
            control.number if is_one else words.count("requirements", len(group)),
            words.say(f"layer-{control.layer.value}"),
            words.of(control.title) if is_one else ", ".join(item.control.number for item in group),
            words.of(verdict.words),
            reason,
        ),
        Mark.OVER if verdict is Verdict.NON_CONFORMING else Mark.SOON,
    )


def waivers(judged: Judged, words: Words) -> Table:
    """Show every waiver, in force or not: what is tolerated stays in sight."""
    rows = tuple(_waiver(words, verdict, waiver) for verdict in judged.verdicts for waiver in verdict.waivers)
    return _table(
        words,
        "waivers",
        (
            ("waiver", Look.CODE),
            ("state", Look.STRONG),
            ("number", Look.STRONG),
            ("subjects", Look.MINOR),
            ("reason", Look.PLAIN),
            ("compensation", Look.PLAIN),
            ("people", Look.MINOR),
            ("until", Look.PLAIN),
        ),
        (
            (("number", "waiver"), 14),
            (("subjects",), 18),
            (("reason",), 20),
            (("compensation",), 20),
            (("people",), 14),
            (("until", "state"), 14),
        ),
        rows,
    )


def _waiver(words: Words, verdict: ControlVerdict, standing: StandingWaiver) -> Row:
    waiver, say = standing.waiver, words.say
    people = (say("requested-by", who=waiver.requested_by), say("approved-by", who=waiver.approved_by))
    until = say("from-to", since=words.day(waiver.since), until=words.day(waiver.until))
    marks = {WaiverState.IN_FORCE: Mark.SOON, WaiverState.ENDED: Mark.OVER, WaiverState.COMING: Mark.NONE}
    return Row(
        (
            waiver.id,
            say(f"waiver-{standing.state.value}"),
            verdict.control.number,
            waiver.subjects,
            waiver.reason,
            waiver.compensation,
            people,
            until,
        ),
        marks[standing.state],
    )


def history(judged: Judged, words: Words) -> Table:
    """Say what became of verdicts in the period, record by record."""
    known = {it.control.id: it.control for it in judged.verdicts}
    rows = tuple(
        Row(
            (
                known[change.control].number,
                words.of(known[change.control].title),
                f"{words.of(change.before.words)} → {words.of(change.after.words)}",
                words.moment(change.time),
            ),
            Mark.OVER if change.after is Verdict.NON_CONFORMING else Mark.NONE,
        )
        for change in changes(judged.records)
        if change.control in known
    )
    return _table(
        words,
        "history",
        (("number", Look.STRONG), ("title", Look.PLAIN), ("change", Look.STRONG), ("time", Look.PLAIN)),
        ((("number",), 14), (("title",), 42), (("change",), 28), (("time",), 16)),
        rows,
    )


def signed_records(judged: Judged, words: Words) -> Table:
    """Name the records of the period, each with its digest."""
    rows = tuple(Row((record.name, words.moment(record.time), record.who, record.digest)) for record in judged.records)
    return _table(
        words,
        "records",
        (("record", Look.CODE), ("time", Look.PLAIN), ("who", Look.PLAIN), ("digest", Look.CODE)),
        ((("record",), 22), (("time",), 16), (("who",), 16), (("digest",), 46)),
        rows,
    )


def _table(
    words: Words,
    name: str,
    columns: Sequence[tuple[str, Look]],
    stacks: Sequence[tuple[tuple[str, ...], int]],
    rows: tuple[Row, ...],
    *,
    choices: Sequence[str] = (),
) -> Table:
    say = words.say
    return Table(
        name,
        say(name),
        tuple(Column(column, say(f"report-{column}"), look, column in choices) for column, look in columns),
        tuple(Stack(say(f"report-{names[0]}"), names, share) for names, share in stacks),
        rows,
        say(f"no-{name}"),
    )
