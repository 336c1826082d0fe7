"""Checks of backups: how old the newest is, when one was last restored, whether repositories are whole.  Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from hosting_cli.backups.standing import Rpo, Standing
from hosting_cli.checks.check import Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, written
from inventory.backups import longest_age_minutes, rhythm_of
from inventory.models import Application, Region
from inventory.resource import Json


def _each(facts: Facts, judge: Callable[[str, Standing, RawReading], Finding | None]) -> Iterator[Finding]:
    for name, seen in facts.backups.items():
        subject = f"repository {name}"
        if seen.value is None:
            yield unknown(subject, seen.raw)
        elif (found := judge(subject, seen.value, seen.raw)) is not None:
            yield found


def fresh(facts: Facts) -> Iterator[Finding]:
    """Hold the age of the newest snapshot, by the store's own clock, against what the schedule or the class allows."""

    def judge(subject: str, standing: Standing, raw: RawReading) -> Finding:
        if standing.rpo is Rpo.UNKNOWN:
            return unknown(subject, raw, str(standing.error))
        most = longest_age_minutes(facts.region, _application(facts.region, standing))
        minutes = None if standing.age is None else round(standing.age.total_seconds() / 60)
        return decided(
            subject,
            minutes is not None and minutes <= most,
            {"age_minutes": minutes, "most_minutes": most, "last": _moment(standing.last)},
            (
                f"dernière sauvegarde il y a {minutes} min ({most} au plus)",
                f"last backup {minutes} min ago ({most} at most)",
            ),
            (
                "aucune sauvegarde" if minutes is None else f"dernière sauvegarde il y a {minutes} min, pour {most}",
                "no backup was ever made" if minutes is None else f"last backup {minutes} min ago, for {most}",
            ),
            reading=raw,
        )

    return _each(facts, judge)


def restored(facts: Facts) -> Iterator[Finding]:
    """Hold when a restore last gave the right bytes against the rhythm of drills: a backup is what was restored."""

    def judge(subject: str, standing: Standing, raw: RawReading) -> Finding:
        days = rhythm_of(facts.region, _application(facts.region, standing)).drill_days
        return _since(subject, facts.now, standing.last_drill, days, ("restauration réussie", "good restore"), raw=raw)

    return _each(facts, judge)


def checked(facts: Facts) -> Iterator[Finding]:
    """Hold when a repository was last checked, and what was found, against the rhythm of checks."""

    def judge(subject: str, standing: Standing, raw: RawReading) -> Finding:
        check = standing.last_check
        days = rhythm_of(facts.region, _application(facts.region, standing)).check_days
        if check is not None and check.damage is not None:
            observed: dict[str, Json] = {"last": _moment(check.time), "damage": check.damage}
            said = (f"endommagé : {check.damage}", f"damaged: {check.damage}")
            return decided(subject, False, observed, said, said, reading=raw)
        return _since(subject, facts.now, check.time if check else None, days, ("vérification", "check"), raw=raw)

    return _each(facts, judge)


def second_copy(facts: Facts) -> Iterator[Finding]:
    """Find second copies that are further behind than they should be; only where the files ask for one."""

    def judge(subject: str, standing: Standing, raw: RawReading) -> Finding | None:
        if standing.second_store is None:
            return None
        if standing.copy_error is not None or standing.lag is None:
            return unknown(subject, raw, str(standing.copy_error or standing.error))
        lacking = standing.lag.lacking_snapshots
        return decided(
            subject,
            not standing.is_copied_late,
            {"second_store": standing.second_store, "lacking_snapshots": lacking},
            (f"seconde copie à jour sur {standing.second_store}", f"second copy up to date on {standing.second_store}"),
            (
                f"la seconde copie sur {standing.second_store} est en retard de {lacking} instantanés",
                f"the second copy on {standing.second_store} lacks {lacking} snapshots",
            ),
            reading=raw,
        )

    return _each(facts, judge)


def _since(
    subject: str, now: datetime, last: datetime | None, days: int, what: tuple[str, str], *, raw: RawReading
) -> Finding:
    fr, en = what
    age = None if last is None else (now - last).days
    return decided(
        subject,
        last is not None and now - last <= timedelta(days=days),
        {"last": _moment(last), "age_days": age, "most_days": days},
        (f"dernière {fr} il y a {age} j ({days} au plus)", f"last {en} {age} days ago ({days} at most)"),
        (
            f"aucune {fr}" if age is None else f"dernière {fr} il y a {age} j, pour {days}",
            f"no {en} was ever seen" if age is None else f"last {en} {age} days ago, for {days}",
        ),
        reading=raw,
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)


def _application(region: Region, standing: Standing) -> Application:
    return next(item for item in region.applications if item.id == standing.place.application)
