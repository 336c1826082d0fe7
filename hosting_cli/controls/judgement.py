"""Give each control one verdict, from its own evidence and as of one moment.  Pure.

What counts, from worst to best: a deviation that nobody waived, evidence that is too old, evidence that is not there,
what only a person can judge, a deviation that is waived, and only then conformity.  So no absence is ever green, and
no waiver hides another deviation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hosting_cli.checks.observation import Observation, Outcome, Sentence
from hosting_cli.controls.verdict import ControlVerdict, StandingWaiver, Verdict, WaiverState
from inventory.compliance import Conclusion, Exclusion, Statement, Waiver
from inventory.controls import Control
from inventory.models import Region

WORST_FIRST = (
    Verdict.NON_CONFORMING,
    Verdict.EXPIRED,
    Verdict.NO_EVIDENCE,
    Verdict.TO_ASSESS,
    Verdict.WAIVED,
    Verdict.CONFORMING,
    Verdict.NOT_APPLICABLE,
)

MOST_REASONS = 12
"""How many subjects a verdict names one by one before it only counts them."""


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for a verdict."""

    verdict: Verdict
    sentence: Sentence


def judge(
    controls: Iterable[Control], region: Region, observations: Sequence[Observation], now: datetime
) -> tuple[ControlVerdict, ...]:
    """Judge *controls* in their order, by what *region* says of them and what was observed, as of *now*."""
    by_check: dict[str, list[Observation]] = {}
    for observation in observations:
        by_check.setdefault(observation.check, []).append(observation)
    return tuple(_judged(control, region, by_check, now) for control in controls)


def _judged(
    control: Control, region: Region, by_check: Mapping[str, Sequence[Observation]], now: datetime
) -> ControlVerdict:
    own = tuple(observation for check in control.checks for observation in by_check.get(check, ()))
    basis = _Basis(
        control=control,
        observations=own,
        statements=tuple(item for item in region.statements if control.id in item.controls),
        exclusion=next((item for item in region.exclusions if control.id in item.controls), None),
        waivers=tuple(_standing(item, own, now) for item in region.waivers if item.control == control.id),
    )
    reasons = sorted(_reasons(basis, now), key=lambda reason: WORST_FIRST.index(reason.verdict))
    return ControlVerdict(
        control=control,
        verdict=reasons[0].verdict,
        judged_at=now,
        reasons=_shortened(reasons),
        observations=basis.observations,
        statements=basis.statements,
        exclusion=basis.exclusion,
        waivers=basis.waivers,
    )


@dataclass(frozen=True, kw_only=True)
class _Basis:
    """All that a verdict may rest on."""

    control: Control
    observations: tuple[Observation, ...]
    statements: tuple[Statement, ...]
    exclusion: Exclusion | None
    waivers: tuple[StandingWaiver, ...]


def _reasons(basis: _Basis, now: datetime) -> Iterator[Reason]:
    """Yield at least one reason: a control of which nothing is known is not evidenced, or left to a person."""
    if basis.exclusion is not None:
        said = basis.exclusion.justification
        yield Reason(Verdict.NOT_APPLICABLE, Sentence(f"exclu : {said}", f"excluded: {said}"))
        return
    seen = {observation.check for observation in basis.observations}
    for check in basis.control.checks:
        if check not in seen:
            yield Reason(Verdict.NO_EVIDENCE, Sentence(f"{check} n'a rien relevé", f"{check} observed nothing"))
    covered = {(item.waiver.check, subject): item for item in basis.waivers for subject in item.covers}
    for observation in basis.observations:
        yield _of_observation(observation, covered.get((observation.check, observation.subject)), now)
    if basis.control.document:
        yield from _of_document(basis.statements, now.date())
    elif not basis.control.checks:
        yield Reason(Verdict.TO_ASSESS, Sentence("rien ne se mesure ici", "nothing is measured here"))


def _of_observation(observation: Observation, waiver: StandingWaiver | None, now: datetime) -> Reason:
    said = observation.sentence
    fr, en = f"{observation.subject} : {said.fr}", f"{observation.subject}: {said.en}"
    if observation.is_stale(now):
        day = observation.read_at.date()
        return Reason(Verdict.EXPIRED, Sentence(f"{fr} (relevé du {day}, périmé)", f"{en} (read on {day}, expired)"))
    match observation.outcome:
        case Outcome.MET:
            return Reason(Verdict.CONFORMING, Sentence(fr, en))
        case Outcome.NOT_APPLICABLE:
            return Reason(Verdict.NOT_APPLICABLE, Sentence(fr, en))
        case Outcome.UNKNOWN:
            return Reason(Verdict.NO_EVIDENCE, Sentence(fr, en))
    if waiver is not None:
        until = waiver.waiver.until
        waived = Sentence(f"{fr} (dérogation jusqu'au {until})", f"{en} (waived until {until})")
        return Reason(Verdict.WAIVED, waived)
    return Reason(Verdict.NON_CONFORMING, Sentence(fr, en))


def _of_document(statements: Sequence[Statement], today: date) -> Iterator[Reason]:
    """Say what the documents of a control are worth: none, too old, found not to be followed, or to be judged."""
    if not statements:
        yield Reason(Verdict.NO_EVIDENCE, Sentence("aucun document n'en répond", "no document answers for it"))
    for item in statements:
        fr = f"{item.title} ({item.reference}), revu le {item.reviewed}"
        en = f"{item.title} ({item.reference}), reviewed on {item.reviewed}"
        if item.valid_until < today:
            ended = Sentence(
                f"{fr} : à revoir depuis le {item.valid_until}", f"{en}: its review ended {item.valid_until}"
            )
            yield Reason(Verdict.EXPIRED, ended)
            continue
        match item.conclusion:
            case Conclusion.FOLLOWED:
                yield Reason(Verdict.CONFORMING, Sentence(f"{fr} : appliqué", f"{en}: followed"))
            case Conclusion.NOT_FOLLOWED:
                yield Reason(Verdict.NON_CONFORMING, Sentence(f"{fr} : non appliqué", f"{en}: not followed"))
            case None:
                open_ = Sentence(f"{fr} : application à évaluer", f"{en}: whether it is followed is to be assessed")
                yield Reason(Verdict.TO_ASSESS, open_)


def _standing(waiver: Waiver, own: Sequence[Observation], now: datetime) -> StandingWaiver:
    """Say how a waiver stands today, and which deviations it covers: those of its subjects, while it is in force."""
    today = now.date()
    if not waiver.is_in_force(today):
        state = WaiverState.COMING if today < waiver.since else WaiverState.ENDED
        return StandingWaiver(waiver, state, ())
    unmet = [
        item for item in own if item.check == waiver.check and item.outcome is Outcome.UNMET and not item.is_stale(now)
    ]
    covers = tuple(item.subject for item in unmet if item.subject in waiver.subjects)
    return StandingWaiver(waiver, WaiverState.IN_FORCE, covers)


def _shortened(reasons: Sequence[Reason]) -> tuple[Sentence, ...]:
    """Name the first, and count the others: a region of a thousand hosts stays readable."""
    shown = tuple(reason.sentence for reason in reasons[:MOST_REASONS])
    more = len(reasons) - len(shown)
    return (*shown, Sentence(f"… et {more} autres", f"… and {more} more")) if more else shown
