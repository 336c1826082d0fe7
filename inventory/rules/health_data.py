"""What hosting health data asks for: who answers for it, under which certificate, and a copy.

Each message names the text that asks, and no other: the HDS référentiel itself says nothing of encryption or of how
backups are made.
"""

from collections.abc import Iterator

from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application, DataClass
from inventory.problems import Problem, Words


def hosted_health_data(region: LocatedRegion) -> Iterator[Placed[Application]]:
    """Give the applications in production that hold identifiable health data."""
    for place in region.applications:
        if place.value.data_class is DataClass.HEALTH and place.value.is_production:
            yield place


def health_data_is_not_called_less(region: LocatedRegion) -> Iterator[Problem]:
    """Find applications said to hold less sensitive data than their service profile: rules would not apply to them."""
    profiles = region.index(Kind.PROFILE)
    for place in region.applications:
        profile = profiles.get(place.value.profile)
        if profile is not None and place.value.data_class < profile.value.data_class:
            what = f"data of class {place.value.data_class} is less than {profile.value.data_class}"
            why = f"profile {profile.value.id} handles {profile.value.data_class}"
            words = Words(what, why, f"write {profile.value.data_class} or choose another profile")
            yield place.problem(("data_class",), words)


def health_data_has_an_owner(region: LocatedRegion) -> Iterator[Problem]:
    """Find health data hosted for nobody."""
    for place in hosted_health_data(region):
        if not place.value.establishments:
            why = "CSP L.1111-8 has health data hosted under a contract with whom it is hosted for"
            words = Words("no establishment owns the health data", why, "add establishments with its FINESS number")
            yield place.problem(("establishments",), words)


def health_data_has_an_incident_contact(region: LocatedRegion) -> Iterator[Problem]:
    """Find health data without a client's contact for incidents, or with a contact of somebody else."""
    why = "HDS v2 EXI 20 (CSP R.1111-11, 5°) wants the client's contact for incidents named"
    for place in hosted_health_data(region):
        contact = place.value.incident_contact
        owners = _contacts_of_owners(region, place.value)
        if contact is None:
            remedy = "add incident_contact with the id of a contact of the member"
            yield place.problem(("incident_contact",), Words("nobody is called after an incident", why, remedy))
        elif owners and contact in region.index(Kind.CONTACT) and contact not in owners:
            what = f"{contact} is no contact of the members that own the data"
            remedy = f"write one of theirs, such as {owners[0]}"
            yield place.problem(("incident_contact",), Words(what, why, remedy))


def _contacts_of_owners(region: LocatedRegion, application: Application) -> list[str]:
    owners = {member.id: member for finess in application.establishments for member in region.owners.get(finess, ())}
    return [contact.id for member in owners.values() for contact in member.contacts]


def health_data_has_a_backup(region: LocatedRegion) -> Iterator[Problem]:
    """Find volumes with health data that are copied nowhere; buckets keep versions instead."""
    why = "ISO/IEC 27001:2022 A.8.13 asks for copies of what must not be lost"
    for place in hosted_health_data(region):
        application = place.value
        if application.backup is None:
            if any(tier.volumes for tier in application.tiers):
                words = Words("volumes with health data have no backup", why, "add a backup")
                yield place.problem(("backup",), words)
            continue
        for tier in place.each("tiers", application.tiers):
            for volume in tier.each("volumes", tier.value.volumes):
                if volume.value.id not in application.backup.volumes:
                    words = Words(f"volume {volume.value.id} is not in the backup", why, "add it to backup.volumes")
                    yield volume.problem(("id",), words)


def activities_are_declared(region: LocatedRegion) -> Iterator[Problem]:
    """Find health data whose hosting activities are not all said: those of the profile, and backup if there is one."""
    profiles = region.index(Kind.PROFILE)
    for place in hosted_health_data(region):
        application = place.value
        profile = profiles.get(application.profile)
        needed = profile.value.hds_activities if profile else ()
        lacking = [activity for activity in needed if activity not in application.hds_activities]
        if lacking or not application.hds_activities:
            what = f"hds_activities lacks {', '.join(lacking) or 'every activity'}"
            why = f"profile {application.profile} is hosted with them (CSP R.1111-9 names the six)"
            yield place.problem(("hds_activities",), Words(what, why, "add what is lacking"))


def activities_are_certified(region: LocatedRegion) -> Iterator[Problem]:
    """Find activities that the operator's certificate does not cover."""
    if region.sheet is None:
        return
    certificate = region.sheet.value.operator.certificate
    for place in hosted_health_data(region):
        for number, activity in enumerate(place.value.hds_activities):
            if activity not in certificate.activities:
                what = f"the operator's certificate does not cover {activity}"
                why = "hosting health data takes a certificate (CSP L.1111-8) that names the activity"
                remedy = "have the activity certified before production"
                yield place.problem(("hds_activities", number), Words(what, why, remedy))


def certificate_is_valid(region: LocatedRegion) -> Iterator[Problem]:
    """Find a certificate that ends before it begins, or is not valid on the day while health data is hosted."""
    if region.sheet is None:
        return
    steps = ("operator", "certificate")
    certificate = region.sheet.value.operator.certificate
    if certificate.valid_until < certificate.valid_from:
        why = f"its first day is {certificate.valid_from}"
        words = Words("the certificate ends before it begins", why, "correct one of the two days")
        yield region.sheet.problem((*steps, "valid_until"), words)
        return
    hosted = next(hosted_health_data(region), None)
    if region.today is None or hosted is None:
        return
    why = f"today is {region.today} and {hosted.value.id} hosts health data (CSP L.1111-8)"
    if region.today < certificate.valid_from:
        words = Words(f"the certificate begins on {certificate.valid_from}", why, "wait, or correct the day")
        yield region.sheet.problem((*steps, "valid_from"), words)
    if region.today > certificate.valid_until:
        words = Words(f"the certificate ended on {certificate.valid_until}", why, "write the renewed certificate")
        yield region.sheet.problem((*steps, "valid_until"), words)
