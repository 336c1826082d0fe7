"""The flow matrix as a value: whom each row concerns, what it says, and by what its states are told apart."""

from datetime import date, timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest
from sample import APPLICATION, NOW, region
from scenery import BEAUNE, OTHER, with_a_neighbour, with_a_shared_group, with_flows
from with_tunnels import with_tunnel

from hosting_cli.documents.document import Document, Mark, Signatures, Table
from hosting_cli.documents.language import Language
from hosting_cli.documents.matrix import NOTICE_DAYS, matrix
from hosting_cli.documents.scope import Scope
from hosting_cli.documents.words import Value
from inventory.models import DataClass, Region
from inventory.network import Direction
from inventory.tunnels import TunnelKind

DAY = NOW.date()
REGION = Scope()


def table(document: Document) -> Table:
    return next(section for section in document.sections if isinstance(section, Table))


def cells(changed: Region, scope: Scope = REGION, day: date = DAY) -> list[dict[str, Value]]:
    """Give every row of the English matrix, by column."""
    found = table(matrix(changed, scope, day, Language.ENGLISH).document)
    return [dict(zip((column.id for column in found.columns), row.values, strict=True)) for row in found.rows]


def test_a_row_says_all_that_a_firewall_team_needs() -> None:
    first, _ = cells(region())
    assert first | {"files-digest": "", "version": ""} == {
        "row": "imagerie-beaune/1",
        "application": "Échange d'images des Hospices civils de Beaune",
        "source": "Hospices civils de Beaune",
        "source-addresses": ("10.21.20.0/24", "172.20.21.0/24"),
        "direction": "→ One way",
        "destination": "imagerie-beaune, app",
        "destination-addresses": ("10.21.10.11",),
        "code": "F-DCMT",
        "protocol": "DICOM over TLS, both ends with a certificate",
        "transport": "TCP",
        "ports": "2762",
        "encryption": "Encrypted",
        "data": "D3",
        "crossing": "Leaves the site",
        "tunnel": ("tunnel-beaune",),
        "nat": (),
        "purpose": "Envoi des examens par la passerelle d'imagerie de l'établissement",
        "owner": "Direction des systèmes d'information, Hospices civils de Beaune",
        "ticket": "RACC-2026-014",
        "expires": date(2028, 12, 31),
        "state": "Valid",
        "version": "",
        "day": DAY,
        "files-digest": "",
        "sign-establishment": "",
        "sign-operator": "",
    }


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        ({"protocol": "F-RTC"}, "ports", "443, 3478, 5349"),
        ({"protocol": "F-RTCU"}, "transport", "UDP"),
        ({"protocol": "F-DCM"}, "encryption", "In clear"),
        ({"source": "dijon-imagerie"}, "crossing", "Within the site"),
        ({"source": "dijon-imagerie"}, "source", "dijon-imagerie"),
        ({"source": "dijon-imagerie"}, "tunnel", ()),
        ({"direction": Direction.BOTH_WAYS}, "direction", "↔ Both ways"),
        ({"source": "establishment:210987657"}, "source", "Hospices civils de Beaune"),
        ({"source": "group:lecteurs-imagerie"}, "tunnel", ("tunnel-beaune",)),
        (
            {"source": "group:lecteurs-imagerie"},
            "source",
            "Établissements dont les médecins consultent les examens (1 member)",
        ),
        ({"source": "dijon-imagerie", "ticket": None}, "ticket", ""),
        ({"source": "tier:app", "destination": "tunnel-beaune"}, "destination", "Hospices civils de Beaune"),
    ],
)
def test_a_row_says_what_its_words_stand_for(change: dict[str, Any], column: str, said: Value) -> None:
    (row,) = cells(with_flows(change))
    assert row[column] == said


def test_between_two_sites_a_row_leaves_its_site() -> None:
    tier, tunnel, *others = region().segments
    elsewhere = tunnel.model_copy(
        update={"kind": tier.kind, "site": "besancon", "establishment": None, "internal_ranges": ()}
    )
    (row,) = cells(with_flows({}).model_copy(update={"segments": (tier, elsewhere, *others)}))
    assert (row["crossing"], row["tunnel"]) == ("Leaves the site", ())


@pytest.mark.parametrize(
    ("days_left", "mark", "state"),
    [
        (-1, Mark.OVER, "Expired"),
        (0, Mark.SOON, "To be renewed"),
        (NOTICE_DAYS, Mark.SOON, "To be renewed"),
        (NOTICE_DAYS + 1, Mark.NONE, "Valid"),
    ],
    ids=["the day after its last", "its last day", "the first day of notice", "the day before that"],
)
def test_rows_near_their_end_are_marked_in_words_too(days_left: int, mark: Mark, state: str) -> None:
    made = matrix(with_flows({"expires": DAY + timedelta(days=days_left)}), REGION, DAY, Language.ENGLISH)
    (row,) = table(made.document).rows
    assert row.mark is mark
    assert state in row.values
    assert made.marks == {mark: 1}


# -- whom it is for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (REGION, ["imagerie-beaune/1", "imagerie-beaune/2", "neighbour-app/1"]),
        (Scope(application=APPLICATION), ["imagerie-beaune/1", "imagerie-beaune/2"]),
        (Scope(establishment=BEAUNE), ["imagerie-beaune/1", "imagerie-beaune/2"]),
        (Scope(establishment=OTHER), ["neighbour-app/1"]),
        (Scope(APPLICATION, OTHER), []),
    ],
    ids=["the region", "an application", "an establishment", "its neighbour", "one in the other's application"],
)
def test_everybody_sees_their_own_rows(scope: Scope, rows: list[str]) -> None:
    assert [row["row"] for row in cells(with_a_neighbour(), scope)] == rows


@pytest.mark.parametrize("scope", [Scope(establishment=BEAUNE), Scope(application=APPLICATION)])
@pytest.mark.parametrize("language", Language)
def test_nothing_of_a_neighbour_is_in_what_concerns_one_alone(scope: Scope, language: Language) -> None:
    said = repr(matrix(with_a_neighbour(), scope, DAY, language)).lower()
    assert "neighbour" not in said
    assert "10.21.30" not in said
    assert "10.21.40" not in said
    assert OTHER not in said


def test_of_a_group_an_establishment_sees_itself_alone() -> None:
    everybody = [row["source"] for row in cells(with_a_shared_group(), Scope(application=APPLICATION))]
    assert everybody[1] == "Établissements dont les médecins consultent les examens (2 members)"
    own = matrix(with_a_shared_group(), Scope(establishment=BEAUNE), DAY, Language.ENGLISH)
    assert "neighbour" not in repr(own).lower()
    assert [row["source"] for row in cells(with_a_shared_group(), Scope(establishment=BEAUNE))] == [
        "Hospices civils de Beaune",
        "Hospices civils de Beaune",
    ]
    assert own.stamp.version == version(region(), Scope(establishment=BEAUNE))


def test_who_is_in_a_group_stands_in_a_table_of_its_own() -> None:
    document = matrix(with_a_shared_group(), Scope(application=APPLICATION), DAY, Language.ENGLISH).document
    _, groups = (section for section in document.sections if isinstance(section, Table))
    assert [row.values[1:] for row in groups.rows] == [
        ("Hospices civils de Beaune", "tunnel-beaune", ("10.21.20.0/24", "172.20.21.0/24")),
        ("Neighbour hospital", "tunnel-neighbour", ("10.21.40.0/24",)),
    ]


def test_the_pool_of_a_tunnel_stands_for_the_addresses_behind_it() -> None:
    changed = with_flows({})
    tier, tunnel, *others = changed.segments
    pooled = tunnel.model_copy(update={"nat_pool": IPv4Network("10.21.64.0/28")})
    (row,) = cells(changed.model_copy(update={"segments": (tier, pooled, *others)}))
    assert (row["source-addresses"], row["nat"]) == (("10.21.20.0/24", "10.21.64.0/28"), ("NAT 10.21.64.0/28",))


def test_who_signs_is_named_where_it_is_known() -> None:
    def organisations(scope: Scope) -> list[str]:
        sections = matrix(region(), scope, DAY, Language.FRENCH).document.sections
        (found,) = (section for section in sections if isinstance(section, Signatures))
        return [signatory.organisation for signatory in found.signatories]

    operator = "GRADeS Bourgogne-Franche-Comté"
    assert organisations(Scope(establishment=BEAUNE)) == ["Hospices civils de Beaune", operator]
    assert organisations(Scope(application=APPLICATION)) == ["Hospices civils de Beaune", operator]
    assert organisations(REGION) == ["", operator]


# -- what a version is of ---------------------------------------------------------------------------------------------


def version(changed: Region, scope: Scope = REGION, day: date = DAY, language: Language = Language.FRENCH) -> str:
    return matrix(changed, scope, day, language).stamp.version


def test_a_version_is_of_the_rows_and_of_nothing_else() -> None:
    assert version(region(), language=Language.ENGLISH) == version(region())
    assert version(region(), day=DAY + timedelta(days=3000)) == version(region())
    assert version(with_a_neighbour(), Scope(establishment=BEAUNE)) == version(region())
    assert version(with_a_neighbour()) != version(region())


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "F-DCMW"},
        {"purpose": "another"},
        {"owner": "another"},
        {"expires": date(2028, 12, 30)},
        {"source": "dijon-imagerie"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_in_a_row_makes_another_version(change: dict[str, Any]) -> None:
    assert version(with_flows(change)) != version(with_flows({}))


def test_addresses_and_the_class_of_data_are_signed_too() -> None:
    changed = with_flows({}, data_class=DataClass.PROFESSIONAL)
    assert version(changed) != version(with_flows({}))
    tier, tunnel, *_ = region().segments
    moved = type(tunnel).model_validate(tunnel.model_dump() | {"network": "10.21.21.0/24"})
    assert version(with_flows({}).model_copy(update={"segments": (tier, moved)})) != version(with_flows({}))


def test_the_files_are_named_by_all_that_they_say() -> None:
    one, other = (
        matrix(found, Scope(APPLICATION), DAY, Language.FRENCH).stamp for found in (region(), with_a_neighbour())
    )
    assert one.files_digest != other.files_digest
    assert one.version == other.version


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (TunnelKind.IPSEC, []),
        (
            TunnelKind.WIREGUARD,
            [
                "tunnel-beaune : WireGuard, hors note DAT-NT-003 ; risque accepté jusqu'au 31/03/2027 par :"
                " Responsable de la sécurité des systèmes d'information"
            ],
        ),
    ],
)
def test_a_tunnel_that_follows_no_note_says_so_above_its_rows(kind: TunnelKind, said: list[str]) -> None:
    facts = matrix(with_tunnel(kind), Scope(), DAY, Language.FRENCH).document.facts
    typed = str.maketrans("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}", "  '")
    assert [str(fact.value).translate(typed) for fact in facts if "ANSSI" in fact.label] == said
