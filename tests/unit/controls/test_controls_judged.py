"""Verdicts: no data is never green, layers are never merged, a waiver covers what it names while it lasts."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sample import NOW, region

from hosting_cli.checks.observation import Observation, Outcome, Sentence
from hosting_cli.controls.judgement import judge
from hosting_cli.controls.summary import summary
from hosting_cli.controls.verdict import WORDS, ControlVerdict, Verdict, WaiverState
from inventory.bilingual import Bilingual
from inventory.compliance import Conclusion, Exclusion, Statement, Waiver
from inventory.controls import Authority, Control, Force, Layer
from inventory.models import Region

TODAY = NOW.date()
DAY = timedelta(days=1)


def control(**changes: Any) -> Control:
    about: dict[str, Any] = {
        "id": "TLS-1",
        "layer": Layer.RULE,
        "force": Force.REQUIRED,
        "authority": Authority.ANSSI,
        "number": "TLS-1",
        "reference": "a guide",
        "title": Bilingual(fr="versions", en="versions"),
        "checks": ("tls.versions",),
    }
    return Control(**{**about, **changes})


def seen(outcome: Outcome, subject: str = "endpoint vault", *, days_ago: int = 0) -> Observation:
    return Observation(
        check="tls.versions",
        subject=subject,
        outcome=outcome,
        observed=None,
        sentence=Sentence("vu", "seen"),
        source=subject,
        command="openssl",
        read_at=NOW - days_ago * DAY,
        maximum_age=7 * DAY,
        reading="0" * 64,
    )


def waiver(**changes: Any) -> Waiver:
    about: dict[str, Any] = {
        "id": "old-client",
        "control": "TLS-1",
        "check": "tls.versions",
        "subjects": ("endpoint vault",),
        "reason": "an old client",
        "compensation": "a network of its own",
        "requested_by": "astreinte",
        "approved_by": "securite",
        "since": TODAY - 10 * DAY,
        "until": TODAY + 10 * DAY,
    }
    return Waiver(**{**about, **changes})


def statement(**changes: Any) -> Statement:
    about: dict[str, Any] = {
        "id": "policy",
        "title": "Policy",
        "owner": "securite",
        "reference": "DOC-1",
        "reviewed": TODAY - 30 * DAY,
        "controls": ("TLS-1",),
    }
    return Statement(**{**about, **changes})


EXCLUSION = Exclusion(
    id="none", controls=("TLS-1",), justification="nothing is served", decided_by="securite", decided=TODAY
)


def judged(
    observations: tuple[Observation, ...], *, of: Control | None = None, now: datetime = NOW, **files: Any
) -> ControlVerdict:
    said: Region = region().model_copy(update={"statements": (), "exclusions": (), "waivers": (), **files})
    (verdict,) = judge([of or control()], said, observations, now)
    return verdict


MET, UNMET, UNKNOWN = seen(Outcome.MET), seen(Outcome.UNMET), seen(Outcome.UNKNOWN)
NONE = seen(Outcome.NOT_APPLICABLE)
OTHER_MET = seen(Outcome.MET, "endpoint store")
OTHER_UNMET = seen(Outcome.UNMET, "endpoint store")
DOCUMENT = control(checks=(), document=True)
BOTH = control(document=True)
FOLLOWED = statement(conclusion=Conclusion.FOLLOWED)

CASES: dict[str, tuple[Verdict, tuple[Observation, ...], Control, dict[str, Any]]] = {
    "everything is as asked for": (Verdict.CONFORMING, (MET, OTHER_MET), control(), {}),
    "one subject deviates": (Verdict.NON_CONFORMING, (MET, OTHER_UNMET), control(), {}),
    "one subject could not be read": (Verdict.NO_EVIDENCE, (MET, UNKNOWN), control(), {}),
    "a check said nothing at all": (Verdict.NO_EVIDENCE, (), control(), {}),
    "one of two checks said nothing": (Verdict.NO_EVIDENCE, (MET,), control(checks=("tls.versions", "tls.suites")), {}),
    "what was seen is too old": (Verdict.EXPIRED, (seen(Outcome.MET, days_ago=8),), control(), {}),
    "a deviation that was seen long ago": (Verdict.EXPIRED, (seen(Outcome.UNMET, days_ago=8),), control(), {}),
    "a deviation weighs more than what is too old": (
        Verdict.NON_CONFORMING, (OTHER_UNMET, seen(Outcome.MET, days_ago=8)), control(), {}),
    "there is nothing that it could be asked of": (Verdict.NOT_APPLICABLE, (NONE,), control(), {}),
    "of one there is none and of another all is well": (Verdict.CONFORMING, (NONE, OTHER_MET), control(), {}),
    "a waived deviation": (Verdict.WAIVED, (UNMET, OTHER_MET), control(), {"waivers": (waiver(),)}),
    "a waiver of something else": (
        Verdict.NON_CONFORMING, (UNMET,), control(), {"waivers": (waiver(subjects=("endpoint store",)),)}),
    "a waiver hides no other deviation": (
        Verdict.NON_CONFORMING, (UNMET, OTHER_UNMET), control(), {"waivers": (waiver(),)}),
    "a waiver hides nothing that is unknown": (Verdict.NO_EVIDENCE, (UNKNOWN,), control(), {"waivers": (waiver(),)}),
    "a waiver on its last day": (Verdict.WAIVED, (UNMET,), control(), {"waivers": (waiver(until=TODAY),)}),
    "a waiver on the day after": (
        Verdict.NON_CONFORMING, (UNMET,), control(), {"waivers": (waiver(until=TODAY - DAY),)}),
    "a waiver before its first day": (
        Verdict.NON_CONFORMING, (UNMET,), control(), {"waivers": (waiver(since=TODAY + DAY),)}),
    "a waiver of what does not deviate": (Verdict.CONFORMING, (MET,), control(), {"waivers": (waiver(),)}),
    "nobody answers for it": (Verdict.NO_EVIDENCE, (), DOCUMENT, {}),
    "a document that nobody says is followed": (Verdict.TO_ASSESS, (), DOCUMENT, {"statements": (statement(),)}),
    "a document that is followed": (Verdict.CONFORMING, (), DOCUMENT, {"statements": (FOLLOWED,)}),
    "a document that is not followed": (
        Verdict.NON_CONFORMING, (), DOCUMENT, {"statements": (statement(conclusion=Conclusion.NOT_FOLLOWED),)}),
    "a document whose review has ended": (
        Verdict.EXPIRED, (), DOCUMENT, {"statements": (statement(reviewed=TODAY - 366 * DAY),)}),
    "a document on the last day of its review": (
        Verdict.TO_ASSESS, (), DOCUMENT, {"statements": (statement(reviewed=TODAY - 365 * DAY),)}),
    "checks that are met do not replace a document": (Verdict.NO_EVIDENCE, (MET,), BOTH, {}),
    "a document does not replace a check that is unmet": (
        Verdict.NON_CONFORMING, (UNMET,), BOTH, {"statements": (FOLLOWED,)}),
    "checks and document together": (Verdict.CONFORMING, (MET,), BOTH, {"statements": (FOLLOWED,)}),
    "neither checks nor a document": (Verdict.TO_ASSESS, (), control(checks=()), {}),
    "an exclusion, whatever was seen": (Verdict.NOT_APPLICABLE, (UNMET,), control(), {"exclusions": (EXCLUSION,)}),
}  # fmt: skip


@pytest.mark.parametrize(("verdict", "observations", "of", "files"), CASES.values(), ids=CASES)
def test_a_verdict(verdict: Verdict, observations: tuple[Observation, ...], of: Control, files: dict[str, Any]) -> None:
    found = judged(observations, of=of, **files)
    assert found.verdict is verdict
    assert found.reasons, "every verdict says why"
    assert found.observations == observations, "whatever was seen stays visible"
    assert len(found.waivers) == len(files.get("waivers", ())), "a waiver is visible, in force or not"


@pytest.mark.parametrize("observations", [(), (UNKNOWN,), (seen(Outcome.MET, days_ago=8),)])
def test_no_data_is_never_green(observations: tuple[Observation, ...]) -> None:
    green = {Verdict.CONFORMING, Verdict.NOT_APPLICABLE}
    for of in (control(), DOCUMENT, BOTH, control(checks=("tls.versions", "tls.suites"))):
        assert judged(observations, of=of).verdict not in green


def test_a_waiver_ends_by_itself() -> None:
    files = {"waivers": (waiver(until=TODAY + DAY),)}
    of = {days: judged((seen(Outcome.UNMET, days_ago=-days),), now=NOW + days * DAY, **files) for days in (0, 1, 2)}
    assert [it.verdict for it in of.values()] == [Verdict.WAIVED, Verdict.WAIVED, Verdict.NON_CONFORMING]
    assert [it.waivers[0].state for it in of.values()] == [
        WaiverState.IN_FORCE,
        WaiverState.IN_FORCE,
        WaiverState.ENDED,
    ]
    assert of[0].waivers[0].covers == ("endpoint vault",)
    assert of[2].waivers[0].covers == ()


def test_what_is_decisive_is_said_first() -> None:
    reasons = judged((MET, OTHER_UNMET)).reasons
    assert reasons[0].en == "endpoint store: seen"
    assert reasons[0].fr == "endpoint store : vu"


def test_of_a_thousand_subjects_the_first_are_named_and_the_others_counted() -> None:
    found = judged(tuple(seen(Outcome.UNMET, f"host {number}") for number in range(1000)))
    assert len(found.reasons) == 13
    assert found.reasons[-1].en == "… and 988 more"


def test_layers_are_never_merged_in_a_verdict() -> None:
    rule = control(supports=("A.8.24",))
    above = control(id="A.8.24", layer=Layer.APPLICABILITY, checks=(), document=True)
    said = region().model_copy(update={"statements": (), "exclusions": (), "waivers": ()})
    verdicts = {it.control.id: it.verdict for it in judge([above, rule], said, (UNMET,), NOW)}
    assert verdicts == {"A.8.24": Verdict.NO_EVIDENCE, "TLS-1": Verdict.NON_CONFORMING}


def test_required_and_addressable_are_counted_apart() -> None:
    found = judge(
        [control(), control(id="TLS-2", force=Force.ADDRESSABLE), control(id="EXI-01", layer=Layer.HDS)],
        region(),
        (MET,),
        NOW,
    )
    counts = summary(found)
    assert [(it.layer, it.force, it.total) for it in counts] == [
        (Layer.HDS, Force.REQUIRED, 1),
        (Layer.RULE, Force.REQUIRED, 1),
        (Layer.RULE, Force.ADDRESSABLE, 1),
    ]
    assert all("percent" not in str(it.to_json()) for it in counts)


def test_every_verdict_has_its_words() -> None:
    assert WORDS.keys() == set(Verdict)
    assert Verdict.EXPIRED.words.fr == "preuve périmée"


def test_a_verdict_as_json_holds_all_that_it_rests_on() -> None:
    found = judged((UNMET,), waivers=(waiver(),), statements=(statement(),)).to_json()
    assert found["verdict"] == "waived"
    assert found["waivers"] == [
        {"waiver": waiver().model_dump(mode="json"), "state": "in-force", "covers": ["endpoint vault"]}
    ]
    assert date.fromisoformat(statement().model_dump(mode="json")["reviewed"]) == TODAY - 30 * DAY
