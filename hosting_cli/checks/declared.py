"""Checks of what the region's files say: where data lies, whom to call, what is certified.  Pure."""

from collections.abc import Iterator

from hosting_cli.checks.check import Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import Sentence
from inventory.countries import is_in_eea
from inventory.models import Application, DataClass
from inventory.resource import Json

NOTICE_DAYS = 180
"""How long before its end a certificate of hosting is spoken of: an audit takes months."""

NO_BUCKET = Sentence("aucun compartiment à nous n'y est à interroger", "there is no bucket of ours to ask for")


def location_declared(facts: Facts) -> Iterator[Finding]:
    """Find sites that keep data and are declared to stand outside the European Economic Area."""
    region = facts.region
    keeping = {host.site for host in region.hosts} | {store.site for store in region.stores}
    for site in region.sites:
        if site.id in keeping:
            yield decided(
                f"site {site.id}",
                is_in_eea(site.country),
                {"country": site.country, "town": site.town},
                (f"conserve des données à {site.town} ({site.country})", f"keeps data at {site.town} ({site.country})"),
                (
                    f"conserve des données hors de l'EEE ({site.country})",
                    f"keeps data outside the EEA ({site.country})",
                ),
                reading=facts.files,
            )


def location_observed(facts: Facts) -> Iterator[Finding]:
    """Hold where a store says that buckets lie against the place that the files name of its provider.

    A store of the operator's own has no such name: it stands at the site of the files, which an auditor can visit.
    """
    for store in facts.region.stores:
        subject = f"object-store {store.id}"
        seen = facts.locations.get(store.id)
        if store.location is None:
            continue
        if seen is None:
            yield unknown(subject, facts.files, NO_BUCKET)
        elif seen.value is None:
            yield unknown(subject, seen.raw)
        else:
            yield decided(
                subject,
                seen.value == store.location,
                {"location": seen.value},
                (f"ses compartiments sont à {seen.value}", f"its buckets lie in {seen.value}"),
                (
                    f"ses compartiments sont à {seen.value}, et non à {store.location}",
                    f"its buckets lie in {seen.value}, not in {store.location}",
                ),
                reading=seen.raw,
            )


def client_contacts(facts: Facts) -> Iterator[Finding]:
    """Ask for a contact of every member that has something hosted, who can name a health professional (EXI 11)."""
    hosted = {finess for item in facts.region.applications for finess in item.establishments}
    for member in facts.region.members:
        if not hosted & {place.finess for place in member.establishments}:
            continue
        roles = [contact.role for contact in member.contacts if contact.email and contact.telephone]
        yield decided(
            f"member {member.id}",
            bool(roles),
            {"roles": list[Json](roles)},
            (f"se joint par : {', '.join(roles)}", f"is reached by: {', '.join(roles)}"),
            ("n'a personne que l'on puisse joindre", "has nobody who can be reached"),
            reading=facts.files,
        )


def incident_contacts(facts: Facts) -> Iterator[Finding]:
    """Ask every application with health data for the contact to be told of incidents (EXI 20)."""
    known = {contact.id: contact.role for member in facts.region.members for contact in member.contacts}
    known |= {contact.id: contact.role for contact in facts.region.contacts}
    for item in _with_health_data(facts):
        role = known.get(item.incident_contact or "")
        yield decided(
            f"application {item.id}",
            role is not None,
            {"contact": item.incident_contact},
            (f"un incident est dit à : {role}", f"an incident is told to: {role}"),
            ("personne n'est désigné pour les incidents", "nobody is named to be told of incidents"),
            reading=facts.files,
        )


def certificate(facts: Facts) -> Iterator[Finding]:
    """Ask for a certificate of hosting that is in force today, and say its end while there is time."""
    held = facts.region.operator.certificate
    days = (held.valid_until - facts.today).days
    observed: dict[str, Json] = {
        "number": held.number,
        "valid_from": held.valid_from.isoformat(),
        "valid_until": held.valid_until.isoformat(),
        "days_left": days,
    }
    soon = " ; renouvellement à préparer" if days < NOTICE_DAYS else ""
    renew = "; its renewal is to be prepared" if days < NOTICE_DAYS else ""
    yield decided(
        f"certificate {held.number}",
        held.valid_from <= facts.today <= held.valid_until,
        observed,
        (f"vaut encore {days} jours{soon}", f"is valid for {days} more days{renew}"),
        (f"ne vaut pas ce jour (fin : {held.valid_until})", f"is not valid today (end: {held.valid_until})"),
        reading=facts.files,
    )


def activities(facts: Facts) -> Iterator[Finding]:
    """Find applications with health data whose activities the certificate does not cover."""
    certified = set(facts.region.operator.certificate.activities)
    for item in _with_health_data(facts):
        lacking = [activity.value for activity in item.hds_activities if activity not in certified]
        named = ", ".join(lacking)
        yield decided(
            f"application {item.id}",
            bool(item.hds_activities) and not lacking,
            {"activities": [activity.value for activity in item.hds_activities], "not_certified": list[Json](lacking)},
            ("n'emploie que des activités certifiées", "uses certified activities alone"),
            (
                f"emploie des activités non certifiées : {named or 'aucune déclarée'}",
                f"uses activities that are not certified: {named or 'none is declared'}",
            ),
            reading=facts.files,
        )


def _with_health_data(facts: Facts) -> Iterator[Application]:
    return (item for item in facts.region.applications if item.data_class is DataClass.HEALTH)
