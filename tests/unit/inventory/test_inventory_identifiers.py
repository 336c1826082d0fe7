"""Numbers of the registers, of patients, and days: what passes, and which digit was expected."""

from datetime import date
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from stdnum.fr import nir as stdnum_nir
from stdnum.fr import siren as stdnum_siren
from stdnum.fr import siret as stdnum_siret

from inventory.countries import EUROPEAN_ECONOMIC_AREA, is_in_eea
from inventory.identifiers import Country, Finess, Siren, Siret, finess_key, luhn_key
from inventory.notations import Address, Day, InterfaceAddress, Network
from inventory.patients import find_nirs, masked, nir_key
from inventory.problems import Problem, quoted

FINESS: TypeAdapter[str] = TypeAdapter(Finess)
SIREN: TypeAdapter[str] = TypeAdapter(Siren)

SIRET: TypeAdapter[str] = TypeAdapter(Siret)

REAL = """
    210780581 210987558 250000015 250006954 710780958 710978263 100000017 100000090 700004591 900000365 210012175
    210987657 2A0000014 2B0000012 990000010 990000028 990000127
"""
INVENTED = "890000012 580000017 710100016 390000017 700100015 900100014 2A0100013 2B0100011"


def eight_of_finess() -> st.SearchStrategy[str]:
    departments = st.from_regex(r"[0-9]{2}|2[AB]", fullmatch=True, alphabet="0123456789AB")
    return st.builds(str.__add__, departments, st.text("0123456789", min_size=6, max_size=6))


@pytest.mark.parametrize("number", REAL.split())
def test_a_finess_number_of_the_register_passes(number: str) -> None:
    assert FINESS.validate_python(number) == number


@pytest.mark.parametrize("number", INVENTED.split())
def test_an_invented_finess_number_is_told_its_digit(number: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FINESS.validate_python(number)

    assert f"call for {finess_key(number[:8])} (Luhn)" in str(caught.value)


@given(eight_of_finess())
def test_exactly_one_key_fits_a_finess_number(first_eight: str) -> None:
    fitting = [key for key in "0123456789" if _passes(FINESS, first_eight + key)]

    assert fitting == [finess_key(first_eight)]


@given(eight_of_finess(), st.integers(2, 8), st.sampled_from("0123456789"))
def test_no_single_wrong_digit_passes_as_a_finess_number(first_eight: str, position: int, digit: str) -> None:
    number = first_eight + finess_key(first_eight)
    mistyped = number[:position] + digit + number[position + 1 :]

    assert _passes(FINESS, mistyped) == (mistyped == number)


@given(st.text("0123456789", min_size=8, max_size=8), st.sampled_from("0123456789"))
def test_a_siren_is_judged_as_python_stdnum_does(first_eight: str, key: str) -> None:
    assert _passes(SIREN, first_eight + key) == stdnum_siren.is_valid(first_eight + key)


@given(st.text("0123456789", min_size=8, max_size=8), st.text("0123456789", min_size=5, max_size=5))
def test_a_siret_is_judged_as_python_stdnum_does(first_eight: str, place: str) -> None:
    for number in (first_eight + luhn_key(first_eight) + place, "356000000" + place):
        assert _passes(SIRET, number) == stdnum_siret.is_valid(number)


def test_the_european_economic_area_has_thirty_countries() -> None:
    assert len(EUROPEAN_ECONOMIC_AREA) == 30
    assert {country for country in ("FR", "IS", "LI", "NO", "CH", "GB", "US") if is_in_eea(country)} == {
        "FR",
        "IS",
        "LI",
        "NO",
    }


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2))
def test_whatever_is_in_the_area_is_a_country(code: str) -> None:
    assert _passes(TypeAdapter(Country), code) or not is_in_eea(code)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Day, "2028-02-29", date(2028, 2, 29)),
        (Address, "10.21.10.11", IPv4Address("10.21.10.11")),
        (InterfaceAddress, "10.21.10.11/24", IPv4Interface("10.21.10.11/24")),
        (Network, "10.21.10.0/24", IPv4Network("10.21.10.0/24")),
    ],
)
def test_a_notation_is_read_once_and_kept(kind: Any, text: str, value: object) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(kind)

    assert adapter.validate_python(text) == value
    assert adapter.validate_python(value) == value
    assert adapter.validate_json(adapter.dump_json(value), strict=True) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Day, "20280229"),
        (Day, "2027-02-29"),
        (Day, "1835308800"),
        (Day, "2028-02-29T00:00:00"),
        (Day, " 2028-02-29"),
        (Address, "10.21.10"),
        (Address, "10.21.010.11"),
        (Address, "::1"),
        (InterfaceAddress, "10.21.10.11"),
        (InterfaceAddress, "10.21.10.11/255.255.255.0"),
        (InterfaceAddress, "10.21.10.11/33"),
        (Network, "10.21.10.1/24"),
        (Network, "10.21.10.0"),
    ],
)
def test_another_way_of_writing_is_refused(kind: Any, text: str) -> None:
    assert not _passes(TypeAdapter(kind), text)


# -- patients' numbers ------------------------------------------------------------------------------------------------


def nirs() -> st.SearchStrategy[tuple[str, str]]:
    """Give the first 13 characters of a NIR and its key."""
    return st.builds(
        lambda sex, born, department, place: (f"{sex}{born}{department}{place}",),
        st.sampled_from("12345678"),
        st.text("0123456789", min_size=4, max_size=4),
        st.one_of(st.text("0123456789", min_size=2, max_size=2), st.sampled_from(["2A", "2B"])),
        st.text("0123456789", min_size=6, max_size=6),
    ).map(lambda parts: (parts[0], nir_key(parts[0])))


@given(nirs(), st.sampled_from(["", " ", "\u00a0", ".", "-"]), st.text(), st.text())
def test_a_nir_is_found_wherever_it_stands_and_leaves_no_trace(
    nir: tuple[str, str], separator: str, before: str, after: str
) -> None:
    thirteen, key = nir
    groups = (thirteen[0], thirteen[1:3], thirteen[3:5], thirteen[5:7], thirteen[7:10], thirteen[10:], key)
    written = separator.join(groups)
    text = f"{before}|{written}|{after}"

    assert written in [match[0] for match in find_nirs(text)]
    assert written not in masked(text)
    problem = Problem("f", 1, 1, f"{quoted(written)} stands here", text, "remove it")
    assert written not in str(problem)
    assert "\n" not in str(problem)


@given(nirs(), st.integers(0, 99))
def test_only_the_right_key_makes_a_nir(nir: tuple[str, str], other: int) -> None:
    thirteen, key = nir

    assert bool(list(find_nirs(f"{thirteen}{other:02d}"))) == (f"{other:02d}" == key)


@given(nirs())
def test_the_key_of_a_nir_is_that_of_python_stdnum(nir: tuple[str, str]) -> None:
    assert nir[1] == stdnum_nir.calc_check_digits("".join(nir))


@pytest.mark.parametrize(
    "value",
    [
        "https://admin:canary-1@vault.example",
        "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-1\n",
        "hvs.canary-1",
        "s.canary-1",
    ],
)
def test_a_secret_put_into_a_file_by_mistake_is_not_told(value: str) -> None:
    problem = Problem("f", 1, 1, f"{quoted(value)} is not what belongs here", value, "remove it")

    assert "canary" not in str(problem) + str(problem.as_json())


def _passes(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
