"""Sealed copies of headers: what was sealed comes back, and nothing else is taken for it."""

import base64
import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from hosting_cli.secret import Secret
from hosting_cli.volumes.sealed import HeaderCopy, NoSealError, seal, unseal, wrapped_version

IMAGE = base64.b64encode(b"the bytes of a header").decode()
COPY = HeaderCopy("imaging", "host-1", "data", "hosting-imaging-data", "uuid-1", "c0ffee", IMAGE)
NUMBERS = count()


def sealed(copy: HeaderCopy = COPY) -> bytes:
    def random_bytes(length: int) -> bytes:
        return next(NUMBERS).to_bytes(length)

    def wrap(value: Secret) -> str:
        return f"vault:v1:{value.reveal()}"

    return seal(copy, wrapped_by="hosting-imaging-volumes", wrap=wrap, random_bytes=random_bytes)


def unwrap(key: str, ciphertext: str) -> Secret:
    assert key == "hosting-imaging-volumes"
    return Secret(ciphertext.removeprefix("vault:v1:"))


def test_what_was_sealed_comes_back() -> None:
    assert unseal(sealed(), unwrap) == COPY


def test_it_says_by_which_version_of_the_transit_key_it_opens() -> None:
    assert wrapped_version(sealed()) == 1
    with pytest.raises(NoSealError, match="nothing that the vault knows"):
        wrapped_version(b'{"wrapped_key": "plain"}')


def test_nothing_of_the_header_is_readable_without_the_vault() -> None:
    body = sealed()
    assert b"the bytes of a header" not in body
    assert IMAGE.encode() not in body
    assert sealed() != body  # a key of its own each time
    assert IMAGE not in repr(COPY)


@pytest.mark.parametrize("name", ["application", "host", "volume", "label", "uuid", "checksum"])
def test_a_copy_that_says_it_is_of_something_else_is_refused(name: str) -> None:
    body: dict[str, Any] = json.loads(sealed())
    body["about"][name] = "another"
    with pytest.raises(NoSealError, match="its seal is broken"):
        unseal(json.dumps(body).encode(), unwrap)


def test_a_copy_under_another_key_is_refused() -> None:
    body: dict[str, Any] = json.loads(sealed())
    body["wrapped_key"] = json.loads(sealed(replace(COPY, uuid="uuid-2")))["wrapped_key"]
    with pytest.raises(NoSealError, match="its seal is broken"):
        unseal(json.dumps(body).encode(), unwrap)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"version": 9, "about": {}, "wrapped_by": "k"}'])
def test_what_is_no_sealed_copy_says_so(body: bytes) -> None:
    with pytest.raises(NoSealError, match=r"no sealed copy|of version 9"):
        unseal(body, unwrap)
