"""A pack of evidence: one ZIP that somebody verifies alone, with nothing but Python.

It holds the whole chain of records, which is what shows that none was left out; of a period, all that its records were
made from; what the store said of each; and the program that verifies it.  A signed manifest names every file.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from hosting_cli.canonical import canonical
from hosting_cli.evidence.period import Period
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.record import signed
from hosting_cli.evidence.verifying import Chain, fetched, locks
from hosting_cli.journal import timestamp
from hosting_cli.session import Session
from inventory.resource import Json
from vault_policies import render

PROGRAM = "verify.py"
SEEN = 0o644
"""How files come out of the ZIP: everybody may read them."""


@dataclass(frozen=True)
class Packed:
    """A pack: its bytes, and what its manifest says."""

    archive: bytes
    manifest: Mapping[str, Json]


def packed(session: Session, chain: Chain, period: Period, extra: Mapping[str, bytes]) -> Packed:
    """Pack what *chain* holds of *period*, with *extra* files; the vault signs the manifest.

    Raise ``EngineError`` when what its records were made from is not there.
    """
    head = chain.head
    within = [name for name, found in chain.records.items() if period.holds(verify.moment(found.body["time"]))]
    kept = {**chain.contents, **fetched(session, chain, {part for name in within for part in chain.parts(name)})}
    until = locks(session, chain, kept)
    contents = {
        **extra,
        PROGRAM: program(),
        verify.STORE: canonical([_as_stored(chain, name, until[name]) for name in sorted(kept)]),
        **dict(sorted(kept.items())),
    }
    manifest: dict[str, Json] = {
        "format": verify.PACK_FORMAT,
        "region": session.region.id,
        "environment": session.environment.environment,
        "period": {"since": timestamp(period.since), "until": timestamp(period.until)},
        "made_at": timestamp(session.clock()),
        "made_by": session.identity,
        "head": {"name": head[0] if head else "", "digest": head[1] if head else verify.sha256(b"")},
        "keys": [
            {"version": key.version, "made_at": timestamp(key.made_at), "public_key": key.value} for key in chain.keys
        ],
        "files": [
            {"name": name, "sha256": verify.sha256(content), "size": len(content)} for name, content in contents.items()
        ],
    }
    message = canonical(manifest)
    body = signed(message, session.vault.sign(render.SIGNING_KEY, message))
    return Packed(zipped({verify.MANIFEST: body, **contents}), json.loads(message))


def program() -> bytes:
    """Give the program that verifies a pack."""
    return (files("hosting_cli.evidence.programs") / PROGRAM).read_bytes()


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """Write a ZIP whose entries say nothing but their names and contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, verify.ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = SEEN << 16
            archive.writestr(entry, content)
    return out.getvalue()


def is_pack(content: bytes) -> bool:
    """Tell whether a file is a pack of ours."""
    return content.startswith(b"PK\x03\x04") and verify.MANIFEST.encode() in content[:64]


def _as_stored(chain: Chain, name: str, until: datetime | None) -> dict[str, Json]:
    return {
        "name": name,
        "version": chain.kept[name].version,
        "stored": timestamp(chain.kept[name].stored),
        "locked_until": timestamp(until) if until else None,
    }
