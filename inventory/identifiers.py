"""Identifiers of the field and the checks that they carry: FINESS, SIREN, SIRET, countries, names, addresses.

Each is an annotated type for the models.  A value that fails raises a pydantic error whose context is the three parts
of a problem (what, why, remedy), so that a report can be written without knowing the type.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema
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
        return core_schema.no_info_after_validator_function(self.check, handler(source))

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


def check_siret(number: str) -> str:
    """Refuse a number that SIRENE could not have given; La Poste's places follow a rule of their own."""
    check_siren(number[:9])
    if number.startswith(LA_POSTE) and sum(map(int, number)) % 5 == 0:
        return number
    expected = luhn_key(number[:13])
    if number[13] != expected:
        also = " or a digit sum that is a multiple of 5 (La Poste)" if number.startswith(LA_POSTE) else ""
        raise refused(
            f"SIRET {number} has the wrong check digit {number[13]}",
            f"the first thirteen digits {number[:13]} call for {expected} (Luhn){also}",
            "copy the number again from the SIRENE register",
        )
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

# -- dates, networks, paths -----------------------------------------------------------------------------------------


def parse_day(value: object) -> date:
    """Read a day from text in exactly one form, so that no number is ever taken for one."""
    if isinstance(value, date):
        return value
    text = as_text(value)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        raise refused(f"{quoted(text)} is no day", "a day is year-month-day with its zeros", "write it like 2029-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refused(f"{quoted(text)} is no day", f"in the calendar {error}", "write a day that exists") from None


def parse_address(value: object) -> IPv4Address:
    """Read an IPv4 address from text."""
    if isinstance(value, IPv4Address):
        return value
    try:
        return IPv4Address(as_text(value))
    except ValueError as error:
        raise not_an_address(value, "an IPv4 address", str(error), "10.21.10.11") from None


def parse_interface(value: object) -> IPv4Interface:
    """Read an IPv4 address and its prefix length from text."""
    if isinstance(value, IPv4Interface):
        return value
    noun, example = "an IPv4 address with its prefix", "10.21.10.11/24"
    text = as_text(value)
    if re.fullmatch(r"[^/]+/[0-9]{1,2}", text) is None:
        raise not_an_address(value, noun, "the length of the prefix is missing", example)
    try:
        return IPv4Interface(text)
    except ValueError as error:
        raise not_an_address(value, noun, str(error), example) from None


def parse_network(value: object) -> IPv4Network:
    """Read an IPv4 network from text; say which network an address with host bits belongs to."""
    if isinstance(value, IPv4Network):
        return value
    interface = parse_interface(value)
    if interface.ip != interface.network.network_address:
        why = f"{interface.ip} is an address inside {interface.network}"
        raise refused(f"{quoted(value)} is no network", why, f"write {interface.network}")
    return interface.network


def parse_path(value: object) -> Path:
    """Read a path from text; whom it is relative to is for the reader of the file to say."""
    if isinstance(value, Path):
        return value
    text = as_text(value)
    if re.fullmatch(r"[^~\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*", text) is None:
        why = "it is empty, has control characters or starts with ~, which only a shell knows"
        raise refused(f"{quoted(text)} is no path", why, "write the path of a file")
    return Path(text)


def as_text(value: object) -> str:
    """Give *value* if it is text, else raise what pydantic raises for it."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def not_an_address(value: object, noun: str, why: str, example: str) -> PydanticCustomError:
    """Build the error of a text that is not *noun*."""
    return refused(f"{quoted(value)} is not {noun}", why, f"write it like {example}")


@dataclass(frozen=True)
class Written:
    """Say to schemas in which form a parsed value is written."""

    pattern: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": self.pattern}


BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
DOTTED = rf"{BYTE}(\.{BYTE}){{3}}"
PREFIX_LENGTH = r"(3[0-2]|[12]?[0-9])"

Day = Annotated[date, BeforeValidator(parse_day), Written(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Address = Annotated[IPv4Address, PlainValidator(parse_address), Written(f"^{DOTTED}$")]
InterfaceAddress = Annotated[IPv4Interface, PlainValidator(parse_interface), Written(f"^{DOTTED}/{PREFIX_LENGTH}$")]
Network = Annotated[IPv4Network, PlainValidator(parse_network), Written(f"^{DOTTED}/{PREFIX_LENGTH}$")]
FilePath = Annotated[Path, PlainValidator(parse_path), Written(r"^[^~\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$")]

HttpsAddress = Annotated[
    str,
    Shape(
        r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
        "the address of an engine",
        "https://name:port, without path and credentials",
        "https://vault.example:8200",
    ),
]
MountPoint = Annotated[
    str,
    Shape(
        r"^/srv(/[a-z0-9][a-z0-9-]*)+$",
        "a mount point",
        "a folder below /srv in lower-case letters, digits and hyphens",
        "/srv/imagerie",
    ),
]
DevicePath = Annotated[
    str,
    Shape(
        r"^/dev/disk/by-id/[A-Za-z0-9._:-]+$",
        "a name that a device keeps",
        "below /dev/disk/by-id (/dev/vdb can become another disk at the next boot)",
        "/dev/disk/by-id/virtio-data",
    ),
]
InterfaceName = Annotated[
    str,
    Shape(
        r"^[a-z][a-z0-9.]{1,14}$", "the name of a network card", "what Linux calls it, at most 15 characters", "eth1"
    ),
]
ProtocolCode = Annotated[
    str, Shape(r"^F-[A-Z0-9]+$", "a flow code", "F- and capital letters, as in the catalogue", "F-HTTPS")
]
Continuity = Annotated[str, Shape(r"^C[0-4]$", "a continuity class", "C0 (vital) to C4 (deferred)", "C1")]
HostKey = Annotated[
    str,
    Shape(
        r"^ssh-ed25519 [A-Za-z0-9+/=]+$", "a host key", "ssh-ed25519 and its base64, no comment", "ssh-ed25519 AAAA…"
    ),
]

Product = Annotated[
    str, Shape(r"^(seaweedfs|ceph-rgw)$", "a product that is known here", "seaweedfs or ceph-rgw", "seaweedfs")
]
Transport = Annotated[str, Shape(r"^(tcp|udp)$", "a transport", "tcp or udp", "tcp")]

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def weekdays_from(day: int) -> str:
    """Give the pattern of a weekday, alone or up to a later one of the same week: systemd knows no Fri..Mon."""
    later = "|".join(WEEK[day + 1 :])
    return WEEK[day] + (rf"(\.\.({later}))?" if later else "")


WEEKDAY = "(" + "|".join(weekdays_from(day) for day in range(len(WEEK))) + ")"
WEEKDAYS = f"{WEEKDAY}(,{WEEKDAY})*"
HOUR = "([01][0-9]|2[0-3])"
HOURS = rf"(\*|{HOUR}(,{HOUR})*|{HOUR}/(1[0-9]|2[0-3]|[1-9]))"
MINUTE = "[0-5][0-9]"
MINUTES = rf"({MINUTE}(,{MINUTE})*|{MINUTE}/([1-5][0-9]|[1-9]))"

Schedule = Annotated[
    str,
    Shape(
        rf"^(hourly|daily|weekly|({WEEKDAYS} )?(\*-\*-\* )?{HOURS}:{MINUTES}(:00)?)$",
        "a schedule",
        "hourly, daily, weekly, or systemd's hours and minutes of every day or of weekdays",
        '"*-*-* 02:30" or "Mon..Fri *-*-* 00/4:15"',
    ),
]
"""A strict part of systemd's OnCalendar: no months, no years, no seconds, no time zones."""
