"""The requirements of the compliance report: each with its verdict and all that this rests on.  Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hosting_cli.controls.verdict import ControlVerdict
from hosting_cli.documents.compliance_findings import found_below
from hosting_cli.documents.entries import Entry, Register
from hosting_cli.documents.judged import TONES, Judged
from hosting_cli.documents.words import Words
from inventory.controls import Control, Layer


@dataclass(frozen=True)
class _Relations:
    """Which controls support which, each with its number: shown beside a control, and counted nowhere."""

    numbers: Mapping[str, str]
    supporters: Mapping[str, tuple[tuple[str, str], ...]]

    @classmethod
    def of(cls, verdicts: Iterable[ControlVerdict]) -> "_Relations":
        numbers: dict[str, str] = {}
        supporters: dict[str, list[tuple[str, str]]] = {}
        for control in (verdict.control for verdict in verdicts):
            numbers[control.id] = control.number
            for name in control.supports:
                supporters.setdefault(name, []).append((control.id, control.number))
        return cls(numbers, {name: tuple(found) for name, found in supporters.items()})


def register(judged: Judged, words: Words, layer: Layer) -> Register:
    """Give the requirements of a layer, in the order of the catalogue."""
    relations = _Relations.of(judged.verdicts)
    entries = tuple(
        _entry(judged, words, verdict, relations) for verdict in judged.verdicts if verdict.control.layer is layer
    )
    framework = judged.frameworks.get(layer)
    notes = (words.of(framework.note),) if framework else ()
    return Register(f"layer-{layer.value}", words.say(f"layer-{layer.value}"), notes, entries)


def _entry(judged: Judged, words: Words, verdict: ControlVerdict, relations: _Relations) -> Entry:
    control, say = verdict.control, words.say
    return Entry(
        control.id,
        control.number,
        words.of(control.title),
        TONES[verdict.verdict],
        words.of(verdict.verdict.words),
        {
            say("report-layer"): say(f"layer-{control.layer.value}"),
            say("report-verdict"): words.of(verdict.verdict.words),
            say("report-force"): say(f"force-{control.force.value}"),
        },
        tuple(map(words.of, verdict.reasons)),
        tuple((label, words.set(value)) for label, value in _entry_facts(words, verdict)),
        tuple(found_below(judged, words, check, verdict.observations) for check in control.checks),
        tuple(_related(words, control, relations)),
    )


def _entry_facts(words: Words, verdict: ControlVerdict) -> Iterator[tuple[str, str]]:
    control, say = verdict.control, words.say
    authority = say(f"authority-{control.authority.value}")
    yield say("report-reference"), f"{authority} – {control.reference}"
    yield say("report-force"), say(f"force-{control.force.value}")
    for document in verdict.statements:
        yield (
            say("report-document"),
            say(
                "document",
                title=document.title,
                reference=document.reference,
                owner=document.owner,
                reviewed=words.day(document.reviewed),
                until=words.day(document.valid_until),
            ),
        )
        if document.sha256:
            yield say("report-document-digest"), document.sha256
    if control.document and not verdict.statements:
        yield say("report-document"), say("no-document")
    if verdict.exclusion is not None:
        exclusion = verdict.exclusion
        decided = say("decided", who=exclusion.decided_by, day=words.day(exclusion.decided))
        yield say("report-exclusion"), f"{exclusion.justification} ({decided})"
    for standing in verdict.waivers:
        yield (
            say("report-waiver"),
            say(
                "waiver",
                id=standing.waiver.id,
                state=say(f"waiver-{standing.state.value}"),
                until=words.day(standing.waiver.until),
                reason=standing.waiver.reason,
            ),
        )


def _related(
    words: Words, control: Control, relations: _Relations
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Name what a control supports, and what supports it."""
    up = tuple((name, relations.numbers[name]) for name in control.supports if name in relations.numbers)
    down = relations.supporters.get(control.id, ())
    if up:
        yield words.say("report-supports"), up
    if down:
        yield words.say("report-supported-by"), down
