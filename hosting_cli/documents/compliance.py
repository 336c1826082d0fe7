"""The compliance report as a document: what is asked, what was found, and what that was found in.  Pure.

Three layers, never merged: what HDS asks, what the operator declares applicable, and the technical rules with whoever
really asks for them.  What is required and what is addressable is counted apart, and nothing is a percentage.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from hosting_cli.checks.observation import Observation, Outcome, RawReading, Sentence
from hosting_cli.controls.history import RecordSeen, changes
from hosting_cli.controls.verdict import ControlVerdict, StandingWaiver, Verdict, WaiverState
from hosting_cli.documents.document import Column, Document, Fact, Look, Mark, Prose, Row, Section, Stack, Table
from hosting_cli.documents.entries import (
    AllFound,
    Count,
    Entry,
    Finding,
    Found,
    Raw,
    RawReadings,
    Register,
    Tally,
    TallyRow,
    Tone,
)
from hosting_cli.documents.language import Language
from hosting_cli.documents.words import Words, words_of
from inventory.bilingual import Bilingual
from inventory.controls import Force, Framework, Layer
from inventory.models import Region
from inventory.resource import Json

TONES = {
    Verdict.CONFORMING: Tone.GOOD,
    Verdict.NON_CONFORMING: Tone.BAD,
    Verdict.WAIVED: Tone.LEAVE,
    Verdict.EXPIRED: Tone.OLD,
    Verdict.NO_EVIDENCE: Tone.MISSING,
    Verdict.TO_ASSESS: Tone.OPEN,
    Verdict.NOT_APPLICABLE: Tone.OUT,
}
"""In the order in which they are counted."""

OUTCOMES = {
    Outcome.UNMET: Tone.BAD,
    Outcome.UNKNOWN: Tone.MISSING,
    Outcome.MET: Tone.GOOD,
    Outcome.NOT_APPLICABLE: Tone.OUT,
}
"""The worst first, as they are shown."""

URGENT = (Verdict.NON_CONFORMING, Verdict.EXPIRED, Verdict.NO_EVIDENCE)

ALIKE = 3
"""How many requirements of a layer may lack the same before that is said once of all of them."""

INLINE = 8
"""How many findings of a check stand below an entry; all of them stand once, in the annex."""

EXCERPT_CHARACTERS = 12_000
"""How much of a raw reading a report shows; all of it is in the pack, under the same digest."""

LONGEST_OBSERVED = 400
"""How long an observed value is shown beside its sentence; all of it is in the raw reading."""


@dataclass(frozen=True)
class Judged:
    """What a report is made of: verdicts and readings, and the records of the period that they come from."""

    since: datetime
    until: datetime
    made_at: datetime
    environment: str
    frameworks: Mapping[Layer, Framework]
    verdicts: tuple[ControlVerdict, ...]
    titles: Mapping[str, Sentence]
    """What each check asks, by its id."""
    readings: Mapping[str, RawReading]
    records: tuple[RecordSeen, ...]
    key: str
    catalogue_digest: str
    files_digest: str
    faults: int = 0
    """In how many places the chain of evidence does not hold."""


def compliance(region: Region, judged: Judged, language: Language) -> Document:
    """Build the report in one language."""
    return Report(region, judged, language).document()


@dataclass(frozen=True)
class Report:
    """The making of one report."""

    region: Region
    judged: Judged
    language: Language

    @property
    def words(self) -> Words:
        """Give the phrases of its language."""
        return words_of(self.language)

    def document(self) -> Document:
        """Put it together."""
        return Document(
            self.language,
            self.words.say("compliance-title"),
            self.words.say("scope-region", name=self.region.name),
            self.region.operator.name,
            self.judged.made_at.date(),
            tuple(self._facts()),
            tuple(self._sections()),
        )

    def _of(self, text: Sentence | Bilingual) -> str:
        return self.words.set(self.language.of(text))

    def _facts(self) -> Iterator[Fact]:
        say, judged = self.words.say, self.judged
        yield Fact(say("fact-operator"), self.region.operator.name, Look.STRONG)
        certificate = self.region.operator.certificate
        until = self.words.day(certificate.valid_until)
        yield Fact(say("fact-certificate"), say("certificate", number=certificate.number, until=until))
        yield Fact(say("fact-environment"), judged.environment)
        last = judged.until - timedelta(seconds=1)
        yield Fact(
            say("fact-period"),
            say("from-to", since=self.words.day(judged.since.date()), until=self.words.day(last.date())),
            Look.STRONG,
        )
        yield Fact(say("fact-judged"), self.words.moment(judged.made_at))
        for layer, framework in judged.frameworks.items():
            yield Fact(say(f"layer-{layer.value}"), f"{self._of(framework.name)}, {framework.edition}")
        yield Fact(say("fact-records"), self.words.count("records", len(judged.records)))
        yield Fact(
            say("fact-chain"),
            self.words.count("chain-broken", judged.faults) if judged.faults else say("chain-holds"),
            Look.STRONG if judged.faults else Look.PLAIN,
        )
        if judged.records:
            yield Fact(say("fact-record-digest"), judged.records[-1].digest, Look.CODE)
        yield Fact(say("fact-catalogue-digest"), judged.catalogue_digest, Look.CODE)
        yield Fact(say("fact-files-digest"), judged.files_digest, Look.CODE)
        yield Fact(say("fact-key"), judged.key, Look.CODE)

    def _sections(self) -> Iterator[Section]:
        yield self._tally()
        yield self._urgent()
        yield self._waivers()
        yield self._history()
        for layer in Layer:
            yield self._register(layer)
        yield Prose("method", self.words.say("method"), tuple(self.words.say(f"method-{name}") for name in METHOD))
        yield self._all_found()
        yield self._raw()
        yield self._signed_records()

    # -- in brief -------------------------------------------------------------------------------------------------

    def _tally(self) -> Tally:
        words = tuple(Count(tone, self._of(verdict.words), 0) for verdict, tone in TONES.items())
        rows = []
        for layer in Layer:
            for force in Force:
                chosen = [
                    it.verdict for it in self.judged.verdicts if (it.control.layer, it.control.force) == (layer, force)
                ]
                if chosen:
                    counts = tuple(
                        Count(tone, self._of(verdict.words), chosen.count(verdict)) for verdict, tone in TONES.items()
                    )
                    heading = self.words.say(f"layer-{layer.value}")
                    rows.append(TallyRow(heading, self.words.say(f"force-{force.value}"), counts))
        notes = (self.words.say("tally-note"),)
        return Tally("tally", self.words.say("tally"), words, tuple(rows), notes)

    def _urgent(self) -> Table:
        """Say what has to be looked at first: in each layer what does not conform, and what nobody can tell."""
        alike: dict[tuple[Layer, Verdict, str], list[ControlVerdict]] = {}
        for wanted in URGENT:
            for verdict in self.judged.verdicts:
                if verdict.verdict is wanted:
                    reason = self._of(verdict.reasons[0]) if verdict.reasons else ""
                    alike.setdefault((verdict.control.layer, wanted, reason), []).append(verdict)
        rows = tuple(
            self._urgent_row(group, reason)
            for (_, _, reason), found in alike.items()
            for group in ([found] if len(found) > ALIKE else [[verdict] for verdict in found])
        )
        return self._table(
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

    def _urgent_row(self, group: Sequence[ControlVerdict], reason: str) -> Row:
        """Say it of one requirement, or once of all that lack the same."""
        control, verdict = group[0].control, group[0].verdict
        is_one = len(group) == 1
        return Row(
            (
                control.number if is_one else self.words.count("requirements", len(group)),
                self.words.say(f"layer-{control.layer.value}"),
                self._of(control.title) if is_one else ", ".join(item.control.number for item in group),
                self._of(verdict.words),
                reason,
            ),
            Mark.OVER if verdict is Verdict.NON_CONFORMING else Mark.SOON,
        )

    def _waivers(self) -> Table:
        """Show every waiver, in force or not: what is tolerated stays in sight."""
        rows = tuple(self._waiver(verdict, waiver) for verdict in self.judged.verdicts for waiver in verdict.waivers)
        return self._table(
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

    def _waiver(self, verdict: ControlVerdict, standing: StandingWaiver) -> Row:
        waiver, say = standing.waiver, self.words.say
        people = (say("requested-by", who=waiver.requested_by), say("approved-by", who=waiver.approved_by))
        until = say("from-to", since=self.words.day(waiver.since), until=self.words.day(waiver.until))
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

    def _history(self) -> Table:
        """Say what became of verdicts in the period, record by record."""
        known = {it.control.id: it.control for it in self.judged.verdicts}
        rows = tuple(
            Row(
                (
                    known[change.control].number,
                    self._of(known[change.control].title),
                    f"{self._of(change.before.words)} → {self._of(change.after.words)}",
                    self.words.moment(change.time),
                ),
                Mark.OVER if change.after is Verdict.NON_CONFORMING else Mark.NONE,
            )
            for change in changes(self.judged.records)
            if change.control in known
        )
        return self._table(
            "history",
            (("number", Look.STRONG), ("title", Look.PLAIN), ("change", Look.STRONG), ("time", Look.PLAIN)),
            ((("number",), 14), (("title",), 42), (("change",), 28), (("time",), 16)),
            rows,
        )

    def _signed_records(self) -> Table:
        rows = tuple(
            Row((record.name, self.words.moment(record.time), record.who, record.digest))
            for record in self.judged.records
        )
        return self._table(
            "records",
            (("record", Look.CODE), ("time", Look.PLAIN), ("who", Look.PLAIN), ("digest", Look.CODE)),
            ((("record",), 22), (("time",), 16), (("who",), 16), (("digest",), 46)),
            rows,
        )

    def _table(
        self,
        name: str,
        columns: Sequence[tuple[str, Look]],
        stacks: Sequence[tuple[tuple[str, ...], int]],
        rows: tuple[Row, ...],
        *,
        choices: Sequence[str] = (),
    ) -> Table:
        say = self.words.say
        return Table(
            name,
            say(name),
            tuple(Column(column, say(f"report-{column}"), look, column in choices) for column, look in columns),
            tuple(Stack(say(f"report-{names[0]}"), names, share) for names, share in stacks),
            rows,
            say(f"no-{name}"),
        )

    # -- requirements ---------------------------------------------------------------------------------------------

    def _register(self, layer: Layer) -> Register:
        entries = tuple(self._entry(verdict) for verdict in self.judged.verdicts if verdict.control.layer is layer)
        framework = self.judged.frameworks.get(layer)
        notes = (self._of(framework.note),) if framework else ()
        return Register(f"layer-{layer.value}", self.words.say(f"layer-{layer.value}"), notes, entries)

    def _entry(self, verdict: ControlVerdict) -> Entry:
        control, say = verdict.control, self.words.say
        return Entry(
            control.id,
            control.number,
            self._of(control.title),
            TONES[verdict.verdict],
            self._of(verdict.verdict.words),
            {
                say("report-layer"): say(f"layer-{control.layer.value}"),
                say("report-verdict"): self._of(verdict.verdict.words),
                say("report-force"): say(f"force-{control.force.value}"),
            },
            tuple(map(self._of, verdict.reasons)),
            tuple((label, self.words.set(value)) for label, value in self._entry_facts(verdict)),
            tuple(self._found_below(check, verdict.observations) for check in control.checks),
            tuple(self._related(verdict)),
        )

    def _entry_facts(self, verdict: ControlVerdict) -> Iterator[tuple[str, str]]:
        control, say = verdict.control, self.words.say
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
                    reviewed=self.words.day(document.reviewed),
                    until=self.words.day(document.valid_until),
                ),
            )
            if document.sha256:
                yield say("report-document-digest"), document.sha256
        if control.document and not verdict.statements:
            yield say("report-document"), say("no-document")
        if verdict.exclusion is not None:
            exclusion = verdict.exclusion
            decided = say("decided", who=exclusion.decided_by, day=self.words.day(exclusion.decided))
            yield say("report-exclusion"), f"{exclusion.justification} ({decided})"
        for standing in verdict.waivers:
            yield (
                say("report-waiver"),
                say(
                    "waiver",
                    id=standing.waiver.id,
                    state=say(f"waiver-{standing.state.value}"),
                    until=self.words.day(standing.waiver.until),
                    reason=standing.waiver.reason,
                ),
            )

    def _related(self, verdict: ControlVerdict) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """Name what this supports, and what supports this: shown beside it, and counted nowhere."""
        numbers = {it.control.id: it.control.number for it in self.judged.verdicts}
        up = tuple((name, numbers[name]) for name in verdict.control.supports if name in numbers)
        down = self._supporters.get(verdict.control.id, ())
        if up:
            yield self.words.say("report-supports"), up
        if down:
            yield self.words.say("report-supported-by"), down

    @cached_property
    def _supporters(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for verdict in self.judged.verdicts:
            for name in verdict.control.supports:
                found.setdefault(name, []).append((verdict.control.id, verdict.control.number))
        return {name: tuple(items) for name, items in found.items()}

    # -- what was found -------------------------------------------------------------------------------------------

    def _found_below(self, check: str, observations: Iterable[Observation]) -> Found:
        """Give the worst of what a check found; all of it stands in the annex."""
        own = _worst_first(item for item in observations if item.check == check)
        more = self.words.say("all-found", number=len(own)) if len(own) > INLINE else ""
        return self._found(check, own, own[:INLINE], more)

    def _all_found(self) -> AllFound:
        checks: dict[str, dict[tuple[str, str], Observation]] = {}
        for verdict in self.judged.verdicts:
            for item in verdict.observations:
                checks.setdefault(item.check, {})[item.subject, item.reading] = item
        found = []
        for check, by_subject in sorted(checks.items()):
            own = _worst_first(by_subject.values())
            found.append(self._found(check, own, own, ""))
        return AllFound("all-found", self.words.say("annex-found"), (self.words.say("annex-found-note"),), tuple(found))

    def _found(self, check: str, own: Sequence[Observation], shown: Sequence[Observation], more: str) -> Found:
        counts = Counter(item.outcome for item in own)
        counted = ", ".join(
            self.words.say("counted", what=self.words.say(f"outcome-{outcome.value}"), number=counts[outcome])
            for outcome in OUTCOMES
            if counts[outcome]
        )
        title = self._of(self.judged.titles[check]) if check in self.judged.titles else check
        command = own[0].command if own else ""
        return Found(
            f"check-{check}",
            title,
            command,
            counted or self.words.say("nothing-found"),
            tuple(map(self._finding, shown)),
            more,
        )

    def _finding(self, item: Observation) -> Finding:
        observed = "" if item.observed is None else json.dumps(item.observed, ensure_ascii=False, sort_keys=True)
        return Finding(
            OUTCOMES[item.outcome],
            self.words.say(f"outcome-{item.outcome.value}"),
            item.subject,
            self._of(item.sentence),
            observed if len(observed) <= LONGEST_OBSERVED else observed[:LONGEST_OBSERVED] + " …",
            item.read_at,
            item.reading,
        )

    def _raw(self) -> RawReadings:
        readings = sorted(self.judged.readings.items(), key=lambda item: (item[1].source, item[1].command, item[0]))
        return RawReadings(
            "raw",
            self.words.say("annex-raw"),
            (self.words.say("annex-raw-note"),),
            tuple(self._one_raw(digest, reading) for digest, reading in readings),
        )

    def _one_raw(self, digest: str, reading: RawReading) -> Raw:
        if reading.content is None:
            text, is_cut = self.words.say("not-read", reason=reading.reason or ""), False
        else:
            text, is_cut = _beginning(reading.content)
        cut = self.words.say("cut", shown=EXCERPT_CHARACTERS, digest=digest) if is_cut else ""
        return Raw(digest, reading.source, reading.command, reading.read_at, text, cut)


METHOD = ("layers", "verdicts", "force", "age", "evidence", "verify", "limits")
"""The paragraphs on how it was made, in their order."""


def _worst_first(observations: Iterable[Observation]) -> list[Observation]:
    order = list(OUTCOMES)
    return sorted(observations, key=lambda item: (order.index(item.outcome), item.subject))


def _beginning(content: Json) -> tuple[str, bool]:
    """Write what was read, line by line, as far as a report shows it; say whether that is not all."""
    parts, length = [], 0
    for part in json.JSONEncoder(ensure_ascii=False, indent=1, sort_keys=True).iterencode(content):
        parts.append(part)
        length += len(part)
        if length > EXCERPT_CHARACTERS:
            return "".join(parts)[:EXCERPT_CHARACTERS], True
    return "".join(parts), False
