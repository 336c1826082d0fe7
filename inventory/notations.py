"""How days, addresses, paths, schedules and codes are written, as annotated types for the models.

Each is text in exactly one form, so that a file reads the same for people, editors and us.
"""

import re
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, PlainSerializer, PlainValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from inventory.identifiers import Shape, refused
from inventory.problems import quoted


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


class PortRange(NamedTuple):
    """Ports from the first to the last; one alone is both."""

    first: int
    last: int

    def __str__(self) -> str:
        """Write it as files do."""
        return str(self.written)

    @property
    def written(self) -> int | str:
        """Give the number or the text that files have."""
        return self.first if self.first == self.last else f"{self.first}-{self.last}"


MOST_PORTS = 1000
"""How many ports a range may have: relays are told to use a few hundred, and nearly all ports would be any port."""


def parse_port(value: object) -> PortRange:
    """Read a port from a number, or a range of ports from text."""
    if isinstance(value, PortRange):
        return value
    if isinstance(value, str):
        return _parse_range(value)
    if type(value) is not int:
        raise PydanticKnownError("int_type")
    if value < 1:
        raise PydanticKnownError("greater_than", {"gt": 0})
    if value > LAST_PORT:
        raise PydanticKnownError("less_than", {"lt": LAST_PORT + 1})
    return PortRange(value, value)


def _parse_range(text: str) -> PortRange:
    matched = re.fullmatch(PORT_RANGE, text)
    if matched is None:
        raise refused(
            f"{quoted(text)} is no range of ports", "it is two ports and a hyphen", 'write it like "50000-50199"'
        )
    first, last = int(matched["first"]), int(matched["last"])
    if not first < last <= LAST_PORT:
        why = f"its ports go up, to {LAST_PORT} at most"
        raise refused(f"{quoted(text)} is no range of ports", why, 'write it like "50000-50199"')
    if last - first >= MOST_PORTS:
        why = f"more than {MOST_PORTS} are nearly any port"
        raise refused(f"{quoted(text)} has {last - first + 1} ports", why, "have the server use fewer")
    return PortRange(first, last)


def parse_path(value: object) -> Path:
    """Read a path from text; whom it is relative to is for the reader of the file to say."""
    if isinstance(value, Path):
        return value
    text = as_text(value)
    if re.fullmatch(r"[^~\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*", text) is None:
        why = "it is empty, has control characters or starts with ~, which only a shell knows"
        raise refused(f"{quoted(text)} is no path", why, "write the path of a file")
    return Path(text)


FIRST_VLAN, LAST_VLAN = 2, 4094
"""Of the twelve bits of IEEE 802.1Q, 0 and 4095 are no VLAN, and 1 is where every switch puts what it was not told."""

RESERVED_VLANS = range(1002, 1006)
"""Token Ring and FDDI have them on many switches, which cannot be told otherwise."""


def check_vlan(number: int) -> int:
    """Give the number of a VLAN back, or refuse it."""
    if number in RESERVED_VLANS:
        why = f"switches keep {RESERVED_VLANS[0]} to {RESERVED_VLANS[-1]} for Token Ring and FDDI"
        raise refused(f"{number} is no VLAN of ours", why, "write another number")
    return number


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

LAST_PORT = 65535
PORT_RANGE = r"(?P<first>[1-9][0-9]{0,4})-(?P<last>[1-9][0-9]{0,4})"


@dataclass(frozen=True)
class WrittenAsPort:
    """Say to schemas how ports are written; that a range goes up and is not too wide, only we check."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number = {"type": "integer", "minimum": 1, "maximum": LAST_PORT}
        return {"anyOf": [number, {"type": "string", "pattern": r"^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$"}]}


Port = Annotated[
    PortRange,
    PlainValidator(parse_port),
    PlainSerializer(lambda port: port.written, return_type=int | str),
    WrittenAsPort(),
]
VlanNumber = Annotated[
    int,
    Field(
        ge=FIRST_VLAN,
        le=LAST_VLAN,
        json_schema_extra={"not": {"minimum": RESERVED_VLANS[0], "maximum": RESERVED_VLANS[-1]}},
    ),
    AfterValidator(check_vlan),
]
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
FiguresAddress = Annotated[
    str,
    Shape(
        r"^(https://[A-Za-z0-9.-]+|http://127\.0\.0\.1)(:[0-9]{1,5})?$",
        "the address of figures",
        "https://name:port, or http://127.0.0.1:port on one machine",
        "https://controller.example:9750",
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

DatabaseName = Annotated[
    str,
    Shape(
        r"^[a-z_][a-z0-9_]{0,62}$",
        "the name of a database",
        "lower-case letters, digits and underscores, at most 63, so that it needs no quotes anywhere",
        "imagerie",
    ),
]
Program = Annotated[
    str,
    Shape(r"^/[^\u0000-\u001f\u007f]+$", "a program", "an absolute path, since no shell looks for it", "/usr/bin/true"),
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
