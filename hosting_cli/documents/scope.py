"""Whom a document is for.  Pure."""

from dataclasses import dataclass

from hosting_cli.documents.words import Words
from inventory.identifiers import Finess
from inventory.models import Establishment, Region


@dataclass(frozen=True)
class Scope:
    """An application, an establishment, one within the other or, without either, the region."""

    application: str | None = None
    establishment: Finess | None = None


def establishment_of(region: Region, finess: str) -> Establishment:
    """Find an establishment; raise ``KeyError`` for one that the region does not have."""
    return {place.finess: place for member in region.members for place in member.establishments}[finess]


def scope_in_words(region: Region, scope: Scope, words: Words) -> str:
    """Name whom a document is for."""
    parts = []
    if scope.establishment is not None:
        place = establishment_of(region, scope.establishment)
        parts.append(words.say("scope-establishment", name=place.name, town=place.town, finess=place.finess))
    if scope.application is not None:
        application = next(item for item in region.applications if item.id == scope.application)
        parts.append(words.say("scope-application", name=application.name, id=application.id))
    return " · ".join(parts) or words.say("scope-region", name=region.name)
