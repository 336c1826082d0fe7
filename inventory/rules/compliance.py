"""What the files say to auditors: about controls that there are, by two people, with an end."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches

from inventory.compliance import Exclusion, Statement
from inventory.control_catalogue import load_controls
from inventory.controls import Force, Layer
from inventory.located import LocatedRegion, Placed
from inventory.problems import Problem, Words, quoted

LONGEST_WAIVER_DAYS = 366


def controls_exist(region: LocatedRegion) -> Iterator[Problem]:
    """Find statements, exclusions and waivers about a control that no layer has."""
    places: tuple[Placed[Statement] | Placed[Exclusion], ...] = (*region.statements, *region.exclusions)
    for place in places:
        for number, control in enumerate(place.value.controls):
            if control not in load_controls():
                yield place.problem(("controls", number), _no_control(control))
    for waiver in region.waivers:
        if waiver.value.control not in load_controls():
            yield waiver.problem(("control",), _no_control(waiver.value.control))


def _no_control(control: str) -> Words:
    meant = _nearest(control, load_controls())
    remedy = f"write {meant}" if meant else "`hosting control list` shows all of them"
    return Words(f"there is no control {quoted(control)}", "no layer of the catalogue has it", remedy)


def _nearest(name: str, names: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.7)), None)


def controls_stand_once(region: LocatedRegion) -> Iterator[Problem]:
    """Find a control that a statement or an exclusion names twice, or that is answered for and excluded."""
    excluded = {control for place in region.exclusions for control in place.value.controls}
    places: tuple[Placed[Statement] | Placed[Exclusion], ...] = (*region.statements, *region.exclusions)
    for place in places:
        for number, control in enumerate(place.value.controls):
            if control in place.value.controls[:number]:
                why = "one mention says all there is to say"
                yield place.problem(("controls", number), Words(f"{control} stands twice", why, "remove one"))
            elif isinstance(place.value, Statement) and control in excluded:
                why = "a control either applies or does not"
                words = Words(f"{control} is answered for and excluded", why, "remove it here, or from the exclusion")
                yield place.problem(("controls", number), words)


def only_what_may_be_excluded_is(region: LocatedRegion) -> Iterator[Problem]:
    """Find exclusions of what the framework or the operator's own policy asks for as it stands."""
    for place in region.exclusions:
        for number, identifier in enumerate(place.value.controls):
            control = load_controls().get(identifier)
            if control is not None and control.layer is not Layer.HDS and control.force is Force.REQUIRED:
                why = "the operator's own policy asks for it"
                words = Words(f"{identifier} cannot be excluded", why, "waive a deviation of it, for a while")
                yield place.problem(("controls", number), words)


def reviews_were_made(region: LocatedRegion) -> Iterator[Problem]:
    """Find reviews and decisions that are dated in the future, if a day is to be judged by."""
    if region.today is None:
        return
    for statement in region.statements:
        if statement.value.reviewed > region.today:
            words = Words(f"it was reviewed on {statement.value.reviewed}", f"today is {region.today}", "correct it")
            yield statement.problem(("reviewed",), words)
    for exclusion in region.exclusions:
        if exclusion.value.decided > region.today:
            words = Words(f"it was decided on {exclusion.value.decided}", f"today is {region.today}", "correct it")
            yield exclusion.problem(("decided",), words)


def waivers_are_of_their_control(region: LocatedRegion) -> Iterator[Problem]:
    """Find waivers of a check that their control does not have."""
    for place in region.waivers:
        control = load_controls().get(place.value.control)
        if control is None or place.value.check in control.checks:
            continue
        meant = _nearest(place.value.check, control.checks)
        known = ", ".join(control.checks) or "none"
        why = f"the checks of {control.id} are: {known}"
        remedy = (
            f"write {meant or 'one of these'}" if control.checks else "a control without checks has nothing to waive"
        )
        yield place.problem(("check",), Words(f"{quoted(place.value.check)} is no check of it", why, remedy))


def waivers_take_two(region: LocatedRegion) -> Iterator[Problem]:
    """Find waivers that whoever asked for them approved."""
    for place in region.waivers:
        if place.value.approved_by == place.value.requested_by:
            what, why = f"{place.value.approved_by} asks and approves", "nobody waives what he or she answers for"
            yield place.problem(("approved_by",), Words(what, why, "have somebody else approve it"))


def waivers_end(region: LocatedRegion) -> Iterator[Problem]:
    """Find waivers for longer than they are reviewed, or for no time at all."""
    for place in region.waivers:
        waiver = place.value
        last = waiver.since + timedelta(days=LONGEST_WAIVER_DAYS)
        if waiver.until < waiver.since:
            words = Words(f"it ends on {waiver.until}", f"it begins on {waiver.since}", "write a later day")
            yield place.problem(("until",), words)
        elif waiver.until > last:
            why = f"a deviation is looked at again after {LONGEST_WAIVER_DAYS} days"
            words = Words(f"it ends on {waiver.until}", why, f"write {last} at the latest")
            yield place.problem(("until",), words)
