"""Identifiers of the field and the checks that they carry: FINESS, SIREN, SIRET, countries, names of ours.

Each is an annotated type for the models.  A value that fails raises a pydantic error whose context is the three parts
of a problem (what, why, remedy), so that a report can be written without knowing the type.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from stdnum import luhn

from inventory.countries import COUNTRIES, OFTEN_MISTAKEN
from inventory.problems import quoted

REFUSED = "refused"
"""The type of the errors raised here, among pydantic's own."""


def refused(what: str, why: str, remedy: str) -> PydanticCustomError:
    """Build the error of a value that a check refuses."""
    return PydanticCustomError(REFUSED, "{what}, {why}, {remedy}", {"what": what, "why": why, "remedy": remedy})


@dataclass(frozen=True)
class Shape:
    """Require a text of a given form; the words name the form for people, the pattern for schemas.

    The pattern is one that Python and ECMAScript read alike, since editors check it too.
    """

    pattern: str
    noun: str
    rule: str
    example: str
    max_length: int | None = None

    @cached_property
    def matches(self) -> Callable[[str], re.Match[str] | None]:
        """Match a whole text; compiled once, since a region has a hundred thousand of them."""
        return re.compile(self.pattern).fullmatch

    def check(self, text: str) -> str:
        """Give *text* back, or refuse it."""
        if self.matches(text) is None:
            raise refused(f"{quoted(text)} is not {self.noun}", f"it is {self.rule}", f"write it like {self.example}")
        if self.max_length is not None and len(text) > self.max_length:
            what = f"{quoted(text)} has {len(text)} characters"
            raise refused(what, f"{self.noun} has at most {self.max_length} here", "shorten it")
        return text

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        check = lru_cache(maxsize=4096)(self.check)  # a region names the same things over and over
        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        limits = {} if self.max_length is None else {"maxLength": self.max_length}
        return {**handler(schema), "pattern": self.pattern, "description": f"{self.noun}: {self.rule}", **limits}


def identifier(max_length: int) -> Shape:
    """Give the shape of a name of ours, at most *max_length* characters long."""
    rule = "lower-case letters, digits and single hyphens, a letter first"
    return Shape(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "an identifier", rule, "imagerie-beaune", max_length)


Identifier = Annotated[str, identifier(63)]
ApplicationIdentifier = Annotated[str, identifier(24)]
RegionIdentifier = Annotated[str, identifier(32)]
RegionShort = Annotated[str, identifier(8)]

NonEmpty = Annotated[
    str,
    Shape(
        r"^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$",
        "a text",
        "one line that is not blank",
        "Hospices civils de Beaune",
    ),
]
Size = Annotated[int, Field(gt=0, le=1 << 20)]

# -- numbers of the registers ---------------------------------------------------------------------------------------


def luhn_key(digits: str) -> str:
    """Give the digit that must follow *digits* for Luhn's sum to be a multiple of ten."""
    return str(luhn.calc_check_digit(digits))


def finess_key(first_eight: str) -> str:
    """Give the ninth character of a FINESS number: Luhn, with Corsica's A read as 1 and B as 2."""
    return luhn_key(first_eight.replace("A", "1").replace("B", "2"))


def check_finess(number: str) -> str:
    """Refuse a number whose last digit is not its key."""
    expected = finess_key(number[:8])
    if number[8] != expected:
        raise refused(
            f"FINESS {number} has the wrong check digit {number[8]}",
            f"the first eight characters {number[:8]} call for {expected} (Luhn)",
            "copy the number again from the FINESS register",
        )
    return number


def check_siren(number: str) -> str:
    """Refuse a number whose last digit is not its Luhn key."""
    expected = luhn_key(number[:8])
    if number[8] != expected:
        raise refused(
            f"SIREN {number} has the wrong check digit {number[8]}",
            f"the first eight digits {number[:8]} call for {expected} (Luhn)",
            "copy the number again from the SIRENE register",
        )
    return number


LA_POSTE = "356000000"
LA_POSTE_SEAT = "35600000000048"
"""The one place of La Poste that follows Luhn; for the others the digits add up to a multiple of 5."""


def check_siret(number: str) -> str:
    """Refuse a number that SIRENE could not have given; La Poste's places follow a rule of their own."""
    check_siren(number[:9])
    remedy = "copy the number again from the SIRENE register"
    if number.startswith(LA_POSTE) and number != LA_POSTE_SEAT:
        total = sum(map(int, number))
        if total % 5:
            why = "at La Poste they add up to a multiple of 5"
            raise refused(f"the digits of SIRET {number} add up to {total}", why, remedy)
        return number
    expected = luhn_key(number[:13])
    if number[13] != expected:
        what = f"SIRET {number} has the wrong check digit {number[13]}"
        raise refused(what, f"the first thirteen digits {number[:13]} call for {expected} (Luhn)", remedy)
    return number


def check_country(code: str) -> str:
    """Refuse what is no country of ISO 3166-1, and say what was probably meant."""
    if code in COUNTRIES:
        return code
    meant = OFTEN_MISTAKEN.get(code)
    remedy = f"write {meant}" if meant else "write the two letters of the country, FR for France"
    raise refused(f"{quoted(code)} is no country", "ISO 3166-1 does not give these two letters to any", remedy)


Finess = Annotated[
    str,
    Shape(r"^([0-9]{2}|2[AB])[0-9]{7}$", "a FINESS number", "nine digits (Corsica: 2A or 2B first)", '"210012175"'),
    AfterValidator(check_finess),
]
Siren = Annotated[
    str,
    Shape(r"^[0-9]{9}$", "a SIREN number", "nine digits without spaces", '"200047827"'),
    AfterValidator(check_siren),
]
Siret = Annotated[
    str,
    Shape(
        r"^[0-9]{14}$",
        "a SIRET number",
        "fourteen digits without spaces (nine alone are a SIREN)",
        '"20004782700015"',
    ),
    AfterValidator(check_siret),
]
Country = Annotated[
    str,
    Shape(r"^[A-Z]{2}$", "a country", "the two capital letters of ISO 3166-1", "FR"),
    AfterValidator(check_country),
]
PostalCode = Annotated[str, Shape(r"^[0-9]{5}$", "a French postal code", "five digits", '"21200"')]
Email = Annotated[
    str,
    Shape(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$", "an e-mail address", "mailbox@domain", "astreinte@hebergement.example"),
]
Telephone = Annotated[
    str,
    Shape(
        r"^\+?[0-9][0-9 .]{4,22}[0-9]$",
        "a telephone number",
        "digits and spaces, with + first from abroad",
        '"+33 3 53 01 00 10"',
    ),
]
