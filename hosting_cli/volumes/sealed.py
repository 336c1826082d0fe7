"""Copies of LUKS headers as the evidence keeps them: sealed under a key of their own, which a transit key wraps.  Pure.

AES-256-GCM; what the copy is of is authenticated with it, so that none can be taken for another's.  Whoever destroys
the application's transit key ends every copy, wherever it lies and however long it is locked.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hosting_cli.canonical import canonical
from hosting_cli.secret import Secret
from inventory.resource import Json

VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32


class NoSealError(ValueError):
    """What is not a sealed copy, or not one that this key opens, or not of what it says."""


@dataclass(frozen=True)
class HeaderCopy:
    """A copy of a volume's header: whose it is, and its bytes as the agent gives and takes them."""

    application: str
    host: str
    volume: str
    label: str
    uuid: str
    checksum: str
    image: str = field(repr=False)

    def about(self) -> dict[str, Json]:
        """Say what it is a copy of."""
        return {name: value for name, value in asdict(self).items() if name != "image"}


def seal(
    copy: HeaderCopy, *, wrapped_by: str, wrap: Callable[[Secret], str], random_bytes: Callable[[int], bytes]
) -> bytes:
    """Seal *copy* under a fresh key, which *wrap* has the vault wrap by the transit key *wrapped_by*."""
    key, nonce = random_bytes(KEY_BYTES), random_bytes(NONCE_BYTES)
    head: dict[str, Json] = {"version": VERSION, "about": copy.about(), "wrapped_by": wrapped_by}
    content = AESGCM(key).encrypt(nonce, base64.b64decode(copy.image), canonical(head))
    wrapped = wrap(Secret(base64.b64encode(key).decode()))
    body: Mapping[str, Json] = {**head, "wrapped_key": wrapped, "nonce": _text(nonce), "content": _text(content)}
    return canonical(body)


def unseal(body: bytes, unwrap: Callable[[str, str], Secret]) -> HeaderCopy:
    """Open what ``seal`` gave; *unwrap* is given a transit key and a ciphertext.  Raise ``NoSealError`` otherwise."""
    try:
        found: dict[str, Any] = json.loads(body)
        head = {name: found[name] for name in ("version", "about", "wrapped_by")}
        if head["version"] != VERSION:
            raise NoSealError(f"it is of version {head['version']}, which this release does not know")
        key = base64.b64decode(unwrap(found["wrapped_by"], found["wrapped_key"]).reveal())
        nonce, content = (base64.b64decode(found[name]) for name in ("nonce", "content"))
        image = AESGCM(key).decrypt(nonce, content, canonical(head))
        return HeaderCopy(**found["about"], image=_text(image))
    except InvalidTag:
        raise NoSealError("its seal is broken: it is not what was sealed, or not of what it says") from None
    except (ValueError, LookupError, TypeError) as error:
        raise NoSealError(f"it is no sealed copy of a header ({error})") from error


def wrapped_version(body: bytes) -> int:
    """Say by which version of the transit key a sealed copy's key is wrapped: one that is retired opens it no more."""
    found = re.fullmatch(r"vault:v(\d+):.*", str(json.loads(body)["wrapped_key"]))
    if found is None:
        raise NoSealError("its key is wrapped by nothing that the vault knows")
    return int(found[1])


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
