"""The flow matrix as a document: who may reach whom, by what, for what, until when, and who signs for it.  Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network

from hosting_cli.canonical import digest
from hosting_cli.documents.as_svg import graph
from hosting_cli.documents.document import (
    Column,
    Document,
    Fact,
    Look,
    Mark,
    Picture,
    Prose,
    Row,
    Signatory,
    Signatures,
    Stack,
    Table,
)
from hosting_cli.documents.flow_rows import End, FlowRow, Party, rows
from hosting_cli.documents.language import Language
from hosting_cli.documents.scope import Scope, establishment_of, scope_in_words
from hosting_cli.documents.words import Value, Words, words_of
from inventory.models import Region
from inventory.resource import Json

NOTICE_DAYS = 90
"""How long before its last day a row is shown as one to renew: a firewall team is asked in good time."""

VERSION_LENGTH = 12
"""Digits of the content's digest that name a version: enough that two of one scope never share it by chance."""

COLUMNS: tuple[tuple[str, Look, bool], ...] = (
    ("row", Look.CODE, False),
    ("application", Look.MINOR, True),
    ("source", Look.STRONG, False),
    ("source-addresses", Look.CODE, False),
    ("direction", Look.PLAIN, False),
    ("destination", Look.STRONG, False),
    ("destination-addresses", Look.CODE, False),
    ("code", Look.STRONG, True),
    ("protocol", Look.MINOR, False),
    ("transport", Look.PLAIN, False),
    ("ports", Look.STRONG, False),
    ("encryption", Look.PLAIN, True),
    ("data", Look.MINOR, False),
    ("crossing", Look.PLAIN, False),
    ("tunnel", Look.CODE, False),
    ("nat", Look.CODE, False),
    ("purpose", Look.PLAIN, False),
    ("owner", Look.MINOR, False),
    ("ticket", Look.CODE, False),
    ("expires", Look.STRONG, False),
    ("state", Look.MINOR, True),
    ("version", Look.CODE, False),
    ("day", Look.PLAIN, False),
    ("files-digest", Look.CODE, False),
    ("sign-establishment", Look.PLAIN, False),
    ("sign-operator", Look.PLAIN, False),
)
"""Every column: its id, how it is set, and whether readers narrow the matrix down by it."""

STACKS = (
    ("row", ("row", "application"), 11),
    ("source", ("source", "source-addresses"), 14),
    ("direction", ("direction",), 8),
    ("destination", ("destination", "destination-addresses"), 14),
    ("code", ("code", "protocol"), 13),
    ("ports", ("ports", "transport"), 6),
    ("encryption", ("encryption", "data"), 10),
    ("passage", ("crossing", "tunnel", "nat"), 10),
    ("purpose", ("purpose", "owner", "ticket"), 16),
    ("expires", ("expires", "state"), 10),
)
"""The cells of a row on a page: the word of its heading, which columns it holds, and its share of the width."""


@dataclass(frozen=True)
class Stamp:
    """What tells one state of a matrix from another."""

    day: date
    content_digest: str
    files_digest: str

    @property
    def version(self) -> str:
        """Name the state for people."""
        return self.content_digest[:VERSION_LENGTH]


@dataclass(frozen=True)
class Matrix:
    """A flow matrix: the document, and what there is to know of it without reading it."""

    document: Document
    stamp: Stamp
    marks: Mapping[Mark, int]

    @property
    def flows(self) -> int:
        """Count its rows."""
        return sum(self.marks.values())


def matrix(region: Region, scope: Scope, day: date, language: Language) -> Matrix:
    """Build the flow matrix of *scope* as it stands on *day*; what *scope* names must be in the region."""
    words, found = words_of(language), rows(region, scope)
    stamp = Stamp(day, digest([_content(row) for row in found]), digest_of_files(region))
    marks = Counter(mark_of(row, day) for row in found)
    document = Document(
        language,
        words.say("matrix-title"),
        scope_in_words(region, scope, words),
        region.operator.name,
        day,
        (*_facts(region, scope, stamp, marks, words), *_exceptions(region, found, words)),
        (
            _reading(words),
            _table(found, stamp, words),
            *_groups(found, words),
            *_picture(region, scope, language),
            _signatures(region, scope, stamp, words),
        ),
    )
    return Matrix(document, stamp, marks)


def digest_of_files(region: Region) -> str:
    """Name what the region's files say, by the SHA-256 of it."""
    return hashlib.sha256(region.model_dump_json().encode()).hexdigest()


def _content(row: FlowRow) -> dict[str, Json]:
    """Give what is signed of a row, in no language: who takes part, whatever the words for them are."""
    return {
        "application": row.application.id,
        "data_class": row.application.data_class.value,
        "flow": row.flow.model_dump(mode="json", exclude={"source", "destination"}),
        "protocol": {
            "transport": row.protocol.transport,
            "ports": [str(port) for port in row.protocol.ports],
            "encrypted": row.protocol.encrypted,
        },
        "source": [_party_content(party) for party in row.source.parties],
        "destination": [_party_content(party) for party in row.destination.parties],
    }


def _party_content(party: Party) -> dict[str, Json]:
    networks: list[Json] = [str(network) for network in party.networks]
    return {"segment": party.segment.id, "site": party.segment.site, "networks": networks}


def _facts(region: Region, scope: Scope, stamp: Stamp, marks: Mapping[Mark, int], words: Words) -> Iterator[Fact]:
    certificate = region.operator.certificate
    until = words.day(certificate.valid_until)
    yield Fact(words.say("fact-scope"), scope_in_words(region, scope, words), Look.STRONG)
    yield Fact(words.say("fact-operator"), region.operator.name)
    yield Fact(words.say("fact-certificate"), words.say("certificate", number=certificate.number, until=until))
    yield Fact(words.say("fact-day"), stamp.day)
    yield Fact(words.say("fact-rows"), words.count("rows", sum(marks.values())))
    yield Fact(words.say("fact-expiry"), _expiry_in_words(marks, words))
    yield Fact(words.say("fact-version"), stamp.version, Look.CODE)
    yield Fact(words.say("fact-content-digest"), stamp.content_digest, Look.CODE)
    yield Fact(words.say("fact-files-digest"), stamp.files_digest, Look.CODE)


def _exceptions(region: Region, found: Sequence[FlowRow], words: Words) -> Iterator[Fact]:
    """Name the tunnels among the rows that follow no note of ANSSI, who accepted that, and until when."""
    passed = {segment.id for row in found for segment in row.tunnels}
    roles = {contact.id: contact.role for contact in region.contacts}
    for tunnel in region.tunnels:
        if tunnel.wireguard is not None and tunnel.segment in passed:
            risk = tunnel.wireguard.accepted_risk
            role, until = roles[risk.accepted_by], words.day(risk.until)
            said = words.say("exception", segment=tunnel.segment, role=role, until=until)
            yield Fact(words.say("fact-exception"), said, Look.STRONG)


def _expiry_in_words(marks: Mapping[Mark, int], words: Words) -> Value:
    said = tuple(
        words.count(f"count-{mark.value}", marks[mark], days=NOTICE_DAYS)
        for mark in (Mark.OVER, Mark.SOON)
        if marks.get(mark)
    )
    return said or words.say("all-in-time", days=NOTICE_DAYS)


def mark_of(row: FlowRow, day: date) -> Mark:
    """Tell whether a row's last day is past, or near."""
    days_left = (row.flow.expires - day).days
    if days_left < 0:
        return Mark.OVER
    return Mark.SOON if days_left <= NOTICE_DAYS else Mark.NONE


def _reading(words: Words) -> Prose:
    said = ("default", "direction", "addresses", "classes", "version")
    return Prose("reading", words.say("reading"), tuple(words.say(f"reading-{name}") for name in said))


def _table(found: Sequence[FlowRow], stamp: Stamp, words: Words) -> Table:
    return Table(
        "flows",
        words.say("flows"),
        tuple(Column(name, words.say(f"column-{name}"), look, choice) for name, look, choice in COLUMNS),
        tuple(Stack(words.say(f"column-{name}"), columns, share) for name, columns, share in STACKS),
        tuple(_row(row, stamp, words) for row in found),
        words.say("no-flows"),
    )


def _row(row: FlowRow, stamp: Stamp, words: Words) -> Row:
    mark = mark_of(row, stamp.day)
    values: dict[str, Value] = {
        "row": f"{row.application.id}/{row.number}",
        "application": row.application.name,
        "source": _name(row.source, words),
        "source-addresses": _addresses(row.source.networks),
        "direction": words.say(f"direction-{row.flow.direction.value}"),
        "destination": _name(row.destination, words),
        "destination-addresses": _addresses(row.destination.networks),
        "code": row.protocol.code,
        "protocol": words.protocol(row.protocol),
        "transport": row.protocol.transport.upper(),
        "ports": ", ".join(map(str, row.protocol.ports)),
        "encryption": words.say("encrypted" if row.protocol.encrypted else "in-clear"),
        "data": row.application.data_class.value,
        "crossing": words.say("crosses" if row.is_crossing else "stays"),
        "tunnel": tuple(tunnel.id for tunnel in row.tunnels),
        "nat": tuple(f"NAT {tunnel.nat_pool}" for tunnel in row.tunnels if tunnel.nat_pool is not None),
        "purpose": row.flow.purpose,
        "owner": row.flow.owner,
        "ticket": row.flow.ticket or "",
        "expires": row.flow.expires,
        "state": words.say(f"state-{mark.value or 'good'}"),
        "version": stamp.version,
        "day": stamp.day,
        "files-digest": stamp.files_digest,
        "sign-establishment": "",
        "sign-operator": "",
    }
    return Row(tuple(values[name] for name, _, _ in COLUMNS), mark)


def _name(end: End, words: Words) -> str:
    if end.group is not None:
        return words.count("group", len(end.parties), name=end.group.name)
    return ", ".join(dict.fromkeys(name_of(party, words) for party in end.parties))


def name_of(party: Party, words: Words) -> str:
    """Name who takes part as people do: an establishment, a tier of an application, or a zone."""
    if party.tier is not None:
        return words.say("tier", application=party.application, tier=party.tier)
    return party.segment.id if party.establishment is None else party.establishment.name


def _addresses(networks: Sequence[IPv4Network]) -> tuple[str, ...]:
    """Write networks as people do: one address without its length."""
    return tuple(str(network.network_address if network.num_addresses == 1 else network) for network in networks)


def _groups(found: Sequence[FlowRow], words: Words) -> Iterator[Table]:
    """Give the table of who is in the groups that rows name, if any does."""
    groups = {end.group.id: end for row in found for end in (row.source, row.destination) if end.group is not None}
    rows_of_groups = tuple(
        Row((end.group.name, name_of(party, words), party.segment.id, _addresses(party.networks)))
        for end in groups.values()
        if end.group is not None
        for party in end.parties
    )
    if rows_of_groups:
        columns = (("group", Look.PLAIN), ("member", Look.STRONG), ("segment", Look.CODE), ("addresses", Look.CODE))
        yield Table(
            "groups",
            words.say("groups"),
            tuple(Column(name, words.say(f"column-{name}"), look, name == "group") for name, look in columns),
            tuple(Stack(words.say(f"column-{name}"), (name,), 1) for name, _ in columns),
            rows_of_groups,
            words.say("no-flows"),
        )


def _picture(region: Region, scope: Scope, language: Language) -> Iterator[Picture]:
    """Give the picture of what an application or an establishment has to do with; of a region it would say little."""
    if scope != Scope():
        drawn = graph(region, scope, language, is_alone=False)
        title = words_of(language).say("graph-title")
        yield Picture("picture", title, drawn.svg, "\n".join(drawn.in_words), drawn.width, drawn.height)


def _only_client(region: Region, scope: Scope) -> str | None:
    """Give the establishment that an application is for, if it is for one: where there are many, each signs its own."""
    clients = next((item.establishments for item in region.applications if item.id == scope.application), ())
    return clients[0] if len(clients) == 1 else None


def _signatures(region: Region, scope: Scope, stamp: Stamp, words: Words) -> Signatures:
    client = scope.establishment or _only_client(region, scope)
    blanks = tuple(words.say(f"sign-{name}") for name in ("name", "role", "day", "hand"))
    return Signatures(
        "signatures",
        words.say("signatures"),
        words.say("sign-statement", version=stamp.version, digest=stamp.content_digest),
        (
            Signatory(words.say("sign-establishment"), establishment_of(region, client).name if client else "", blanks),
            Signatory(words.say("sign-operator"), region.operator.name, blanks),
        ),
    )
