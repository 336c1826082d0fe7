"""One byte form for a value: RFC 8785, and digests that depend on nothing else."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.canonical import canonical, digest
from inventory.resource import Json

SAFE = 2**53 - 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}', id="sorted, without blanks"),
        pytest.param("Besançon", '"Besançon"'.encode(), id="letters as they are"),
        pytest.param("\u20ac$\x0f\nA'B\"\\\\\"/", b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"', id="RFC 3.2.2.2"),
        pytest.param([333333333.33333329, 1e30, 4.5], b"[333333333.3333333,1e+30,4.5]", id="RFC 3.2.2"),
        pytest.param(1.0, b"1", id="whole numbers have one form"),
        pytest.param(-0.0, b"0", id="no negative zero"),
        pytest.param(
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7},
            '{"\\r":2,"1":4,"\x80":6,"\xf6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'.encode(),
            id="RFC 3.2.3: keys by their UTF-16 units",
        ),
    ],
)  # fmt: skip
def test_the_form_is_that_of_the_standard(value: Json, expected: bytes) -> None:
    assert canonical(value) == expected


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (0x0000000000000001, b"5e-324"),
        (0x7FEFFFFFFFFFFFFF, b"1.7976931348623157e+308"),
        (0x4340000000000000, b"9007199254740992"),
        (0x44B52D02C7E14AF6, b"1e+23"),
        (0x3EB0C6F7A0B5ED8D, b"0.000001"),
        (0x3EB0C6F7A0B5ED8C, b"9.999999999999997e-7"),
    ],
)
def test_numbers_are_written_as_in_the_standards_appendix(bits: int, expected: bytes) -> None:
    (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    assert canonical(number) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53], ids=["nan", "infinity", "too long for JSON"])
def test_what_has_no_form_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé", max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_nothing_is_lost_and_the_form_is_its_own_form(value: Any) -> None:
    read_back = json.loads(canonical(value))
    assert read_back == value
    assert canonical(read_back) == canonical(value)


def test_the_order_of_keys_is_no_part_of_a_value() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_digest_is_the_sha256_of_the_form() -> None:
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
