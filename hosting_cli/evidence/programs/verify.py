#!/usr/bin/env python3
"""Vérifie un dossier de preuves, hors ligne / Verify a pack of evidence, offline.

    python3 verify.py DOSSIER.zip [--key EMPREINTE]... [--head EMPREINTE] [--journal FICHIER] [--lang fr|en]

It needs Python 3.10 or later and nothing else.  The same program verifies the evidence where it is kept.

What it trusts is what you give it: ``--key`` is the fingerprint of the key that signs, as the vault or an earlier
report told it to you; ``--head`` the digest of a record that you noted earlier, which must still be in the chain.
Without them it tells whether the pack agrees with itself and with the key that it brings along, and says so.

Exit status: 0 it holds, 1 it does not (every fault is named with its place), 2 the command line or the file is wrong.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

RECORD_FORMAT = "hosting-evidence-record/1"
PACK_FORMAT = "hosting-evidence-pack/1"
GENESIS = "0" * 64
MANIFEST = "manifest.json"
STORE = "store.json"
RECORDS, OBJECTS = "records/", "objects/"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a pack: times that say something stand in what is signed."""

STORE_TOLERANCE = timedelta(minutes=10)
"""How far the store's clock and the collector's may be apart, with what lies between signing and storing."""

RECORD_FIELDS = frozenset(
    {
        "format",
        "region",
        "environment",
        "sequence",
        "previous",
        "previous_stored",
        "time",
        "who",
        "kind",
        "journal",
        "objects",
        "data",
    }
)

MANIFEST_FIELDS = frozenset(
    {"format", "region", "environment", "period", "made_at", "made_by", "head", "keys", "files"}
)

SENTENCES = {
    "no-record": ("n'est pas un enregistrement", "is no record"),
    "signature": ("sa signature ne tient pas : modifié après signature", "its signature does not hold: it was changed"),
    "unknown-key": ("signé par une clé inconnue, {key}", "signed by a key that is not known, {key}"),
    "wrong-name": ("porte le numéro {found}", "is numbered {found}"),
    "missing-record": (
        "manque : retiré, ou la chaîne a été tronquée",
        "is missing: it was removed, or the chain was cut",
    ),
    "previous": (
        "ne suit pas l'enregistrement précédent : l'un des deux a été modifié, retiré ou déplacé",
        "does not follow from the record before it: one of them was changed, removed or moved",
    ),
    "backwards": (
        "est daté du {found}, avant l'enregistrement précédent ({before})",
        "is dated {found}, before the record in front of it ({before})",
    ),
    "stored": (
        "est daté du {found}, mais le stockage l'a reçu le {stored}",
        "is dated {found}, but the store took it on {stored}",
    ),
    "not-stored": ("le stockage ne le connaît pas", "the store does not know it"),
    "previous-stored": (
        "dit que le stockage a reçu le précédent le {found}, le stockage dit le {stored}",
        "says that the store took the one before on {found}; the store says {stored}",
    ),
    "mixed": ("vient d'un autre hébergement : {found}", "is of another hosting: {found}"),
    "digest": (
        "son contenu a l'empreinte {found} : modifié ou remplacé",
        "its content has the digest {found}: it was changed or replaced",
    ),
    "missing": ("manque : retiré", "is missing: it was removed"),
    "added": ("n'est nommé nulle part : ajouté", "is named nowhere: it was added"),
    "order": ("n'est pas à sa place dans l'archive", "is not in its place in the archive"),
    "twice": ("est présent deux fois dans l'archive", "is twice in the archive"),
    "envelope": (
        "son entrée dans l'archive a été retouchée (date, commentaire ou champ ajouté)",
        "its entry in the archive was touched up (time, comment or field added)",
    ),
    "around": (
        "l'archive contient autre chose que ses fichiers",
        "the archive holds something else than its files",
    ),
    "no-manifest": ("n'est pas un manifeste de preuves", "is no manifest of evidence"),
    "head": (
        "la chaîne ne finit pas où le manifeste le dit ({wanted})",
        "the chain does not end where the manifest says ({wanted})",
    ),
    "noted-head": (
        "l'enregistrement noté auparavant n'est pas dans la chaîne : elle a été réécrite ou tronquée",
        "the record noted earlier is not in the chain: it was rewritten or cut",
    ),
    "other-key": ("n'est pas l'une des clés données par --key", "is none of the keys given by --key"),
    "journal": (
        "nomme l'entrée {sequence} du journal, qui n'y est pas avec cette empreinte",
        "names entry {sequence} of the journal, which is not there with that digest",
    ),
    "journal-time": (
        "est daté du {found}, avant l'entrée du journal qu'il nomme ({before})",
        "is dated {found}, before the entry of the journal that it names ({before})",
    ),
    "journal-broken": ("la chaîne du journal ne tient pas", "the chain of the journal does not hold"),
}


class Fault:
    """One thing that does not hold: where, what, and what was found there."""

    def __init__(self, where: str, kind: str, **found: object) -> None:
        self.where, self.kind, self.found = where, kind, found

    def sentence(self, language: str = "en") -> str:
        """Say what is wrong, in French or in English."""
        return SENTENCES[self.kind][language == "en"].format(**self.found)


# -- Ed25519 (RFC 8032), verification only ------------------------------------------------------------------------

Point = tuple[int, int, int, int]

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(one: Point, other: Point) -> Point:
    """Add two points in extended coordinates (x, y, z, t); complete on this curve, so it doubles as well."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum(number: int, point: Point, other_number: int, other: Point) -> Point:
    """Multiply two points and add them, in one go."""
    parts: tuple[Point, ...] = ((0, 1, 1, 0), point, other, _add(point, other))
    result = parts[0]
    for bit in reversed(range(max(number.bit_length(), other_number.bit_length()))):
        result = _add(result, result)
        chosen = (number >> bit & 1) + 2 * (other_number >> bit & 1)
        if chosen:
            result = _add(result, parts[chosen])
    return result


def _point(encoded: bytes) -> Point | None:
    """Read a point; None unless it is written in the one way that it may be, and lies on the curve."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if len(encoded) != 32 or y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether *signature* is that of *message* by *public_key*, all bytes."""
    point = _point(public_key)
    if point is None or len(signature) != 64:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= _ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + public_key + message).digest()
    minus = (_P - point[0], point[1], 1, _P - point[3])
    challenge = int.from_bytes(hashed, "little") % _ORDER
    return _encoded(_sum(scalar, _BASE, challenge, minus)) == signature[:32]


# -- what is signed -----------------------------------------------------------------------------------------------


def sha256(content: bytes) -> str:
    """Name bytes by their SHA-256."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(public_key: str) -> str:
    """Name a public key (base64) as people compare it."""
    return "SHA256:" + sha256(base64.b64decode(public_key))


def _must_be_texts(*values: object) -> None:
    """Raise ValueError unless all of them are texts: what nobody has verified yet may be anything."""
    if not all(isinstance(value, str) for value in values):
        raise ValueError("not a text")


class Signed:
    """A file of two lines: what is signed, as canonical JSON, and the signature of exactly those bytes."""

    def __init__(self, content: bytes) -> None:
        """Raise ValueError unless *content* has this form."""
        lines = content.split(b"\n")
        if len(lines) != 3 or lines[2]:
            raise ValueError("not two lines")
        self.message = lines[0]
        self.body: dict[str, Any] = json.loads(lines[0])
        self.signature: dict[str, str] = json.loads(lines[1])
        if not isinstance(self.body, dict) or set(self.signature) != {"algorithm", "key", "public_key", "signature"}:
            raise ValueError("not a signed file")
        _must_be_texts(*self.signature.values())
        if self.signature["algorithm"] != "Ed25519":
            raise ValueError("another algorithm")
        self.public_key = self.signature["public_key"]

    def holds(self) -> bool:
        """Tell whether the signature is that of the message, by the key beside it."""
        try:
            key, signature = (
                base64.b64decode(self.signature[name], validate=True) for name in ("public_key", "signature")
            )
        except (ValueError, TypeError):
            return False
        return is_signed(key, self.message, signature)


def moment(text: str) -> datetime:
    """Read a time as records write it; raise ValueError for another form."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", text):
        raise ValueError("not a time in UTC")
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def record_name(sequence: int) -> str:
    """Name the record of that number, wherever it is kept."""
    return f"{RECORDS}{sequence:012d}.json"


def read_record(content: bytes) -> Signed:
    """Read a record; raise ValueError for what is none."""
    signed = Signed(content)
    body = signed.body
    if set(body) != RECORD_FIELDS or body["format"] != RECORD_FORMAT or type(body["sequence"]) is not int:
        raise ValueError("not a record")
    moment(body["time"])
    if body["previous_stored"] is not None:
        moment(body["previous_stored"])
    if not all(re.fullmatch("[0-9a-f]{64}", item["digest"]) for item in body["objects"]):
        raise ValueError("an object without a digest")
    if type(body["journal"]["sequence"]) is not int or body["journal"]["sequence"] < 0:
        raise ValueError("not a place in the journal")
    _must_be_texts(body["previous"], body["journal"]["digest"], body["region"], body["environment"])
    return signed


Before = tuple[str, dict[str, Any] | None] | None
"""The record before: its name, and what it says unless that cannot be read."""


def chain_faults(
    records: Mapping[str, bytes], keys: Collection[str], stored: Mapping[str, str] | None = None
) -> tuple[list[Fault], dict[str, Signed]]:
    """Find what does not hold in a chain.

    *records* are bytes by name; *keys* the public keys (base64) that may have signed; *stored* says by name when the
    store took each (as a text), if that is known.  Give the faults, and the records that could be read, by name.
    """
    faults: list[Fault] = []
    read: dict[str, Signed] = {}
    last = max((int(name[len(RECORDS) : -5]) for name in records if _is_record_name(name)), default=0)
    before: Before = None
    for sequence in _numbers(records, last):
        name = record_name(sequence)
        if name not in records:
            faults.append(Fault(name, "missing-record"))
            before = None
            continue
        try:
            signed = read_record(records[name])
        except (ValueError, TypeError, KeyError, AttributeError):
            faults.append(Fault(name, "no-record"))
            before = (name, None)
            continue
        read[name] = signed
        faults.extend(_record_faults(name, signed, sequence, keys))
        faults.extend(_link_faults(name, signed.body, before, records))
        if stored is not None:
            faults.extend(_store_faults(name, signed.body, before, stored))
        before = (name, signed.body)
    faults.extend(Fault(name, "added") for name in sorted(records) if not _is_record_name(name))
    return faults, read


def _is_record_name(name: str) -> bool:
    return re.fullmatch(re.escape(RECORDS) + r"\d{12}\.json", name) is not None


def _numbers(records: Iterable[str], last: int) -> Sequence[int]:
    """Give every number that a record should have; behind a long gap, only what is there."""
    known = sorted({int(name[len(RECORDS) : -5]) for name in records if _is_record_name(name)})
    return range(1, last + 1) if last <= 2 * len(known) + 1000 else sorted({*range(1, len(known) + 1), *known})


def _record_faults(name: str, signed: Signed, sequence: int, keys: Collection[str]) -> Iterator[Fault]:
    body = signed.body
    if not signed.holds():
        yield Fault(name, "signature")
    elif signed.public_key not in keys:
        yield Fault(name, "unknown-key", key=fingerprint(signed.public_key))
    if body["sequence"] != sequence:
        yield Fault(name, "wrong-name", found=body["sequence"])


def _link_faults(name: str, body: dict[str, Any], before: Before, records: Mapping[str, bytes]) -> Iterator[Fault]:
    if before is None:
        if name == record_name(1) and body["previous"] != GENESIS:
            yield Fault(name, "previous")
        return
    if body["previous"] != sha256(records[before[0]]):
        yield Fault(name, "previous")
    if before[1] is None:
        return
    if moment(body["time"]) < moment(before[1]["time"]):
        yield Fault(name, "backwards", found=body["time"], before=before[1]["time"])
    for field in ("region", "environment"):
        if body[field] != before[1][field]:
            yield Fault(name, "mixed", found=body[field])


def _store_faults(name: str, body: dict[str, Any], before: Before, stored: Mapping[str, str]) -> Iterator[Fault]:
    if name not in stored:
        yield Fault(name, "not-stored")
    elif abs(moment(stored[name]) - moment(body["time"])) > STORE_TOLERANCE:
        yield Fault(name, "stored", found=body["time"], stored=stored[name])
    if before is not None and body["previous_stored"] != stored.get(before[0]):
        yield Fault(name, "previous-stored", found=body["previous_stored"], stored=stored.get(before[0]))


def object_faults(
    read: Mapping[str, Signed], contents: Mapping[str, bytes], is_wanted: Callable[[dict[str, Any]], bool]
) -> Iterator[Fault]:
    """Find objects that are missing, changed or named by no record.

    *contents* are bytes by name; *is_wanted* says of a record's body whether its objects must be there.
    """
    named = {OBJECTS + item["digest"] for signed in read.values() for item in signed.body["objects"]}
    wanted = {
        OBJECTS + item["digest"]
        for signed in read.values()
        if is_wanted(signed.body)
        for item in signed.body["objects"]
    }
    for name in sorted(wanted - set(contents)):
        yield Fault(name, "missing")
    for name in sorted(contents):
        if OBJECTS + sha256(contents[name]) != name:
            yield Fault(name, "digest", found=sha256(contents[name]))
        elif name not in named:
            yield Fault(name, "added")


def journal_faults(read: Mapping[str, Signed], lines: Iterable[bytes]) -> Iterator[Fault]:
    """Hold the heads of the journal that records name against the journal itself."""
    digests: list[str] = []
    times: list[str] = []
    previous = GENESIS
    for number, line in enumerate(lines, start=1):
        entry = json.loads(line)
        if entry["previous"] != previous or entry["sequence"] != number:
            yield Fault(f"journal:{number}", "journal-broken")
        previous = sha256(line)
        digests.append(previous)
        times.append(entry["time"])
    for name, signed in read.items():
        sequence, digest = signed.body["journal"]["sequence"], signed.body["journal"]["digest"]
        if sequence == 0:
            continue
        if sequence > len(digests) or digests[sequence - 1] != digest:
            yield Fault(name, "journal", sequence=sequence)
        elif moment(signed.body["time"]) < moment(times[sequence - 1]):
            yield Fault(name, "journal-time", found=signed.body["time"], before=times[sequence - 1])


# -- a pack ---------------------------------------------------------------------------------------------------------


class Pack:
    """What is in the ZIP, and what is wrong with the ZIP itself."""

    def __init__(self, archive: bytes) -> None:
        """Raise zipfile.BadZipFile or ValueError for what cannot be read at all."""
        self.contents: dict[str, bytes] = {}
        self.order: list[str] = []
        self.faults: list[Fault] = []
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = opened.infolist()
            if opened.comment or _has_strangers(archive, entries, opened.start_dir):
                self.faults.append(Fault("ZIP", "around"))
            for entry in entries:
                if entry.filename in self.contents:
                    self.faults.append(Fault(entry.filename, "twice"))
                    continue
                if entry.date_time != ZIP_TIME or entry.comment or entry.extra:
                    self.faults.append(Fault(entry.filename, "envelope"))
                self.order.append(entry.filename)
                self.contents[entry.filename] = self._content(opened, entry)

    def _content(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        """Give what an entry holds; however it is damaged, that is told as a fault of it, and the others are read."""
        try:
            return opened.read(entry)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error):
            self.faults.append(Fault(entry.filename, "digest", found="-"))
            return b""


def _has_strangers(archive: bytes, entries: Iterable[zipfile.ZipInfo], start_of_directory: int) -> bool:
    """Tell whether there are bytes before, between or behind the files and the directory of the archive."""
    place = 0
    for entry in sorted(entries, key=lambda item: item.header_offset):
        header = archive[entry.header_offset : entry.header_offset + 30]
        names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        if entry.header_offset != place:
            return True
        place = entry.header_offset + 30 + names + entry.compress_size
    return place != start_of_directory or archive[-22:-18] != b"PK\x05\x06"


def pack_faults(
    archive: bytes,
    known_keys: Collection[str] = (),
    noted_head: str | None = None,
    journal: Sequence[bytes] | None = None,
) -> tuple[list[Fault], dict[str, Any] | None]:
    """Verify a whole pack; give its faults and its manifest (None when there is none that can be read)."""
    pack = Pack(archive)
    faults, contents = list(pack.faults), pack.contents
    try:
        signed = _manifest(contents[MANIFEST])
    except (ValueError, TypeError, KeyError, AttributeError):
        return [*faults, Fault(MANIFEST, "no-manifest")], None
    manifest = signed.body
    files = {item["name"]: item for item in manifest["files"]}
    keys = {key["public_key"] for key in manifest["keys"]}
    since, until = moment(manifest["period"]["since"]), moment(manifest["period"]["until"])
    if not signed.holds():
        faults.append(Fault(MANIFEST, "signature"))
    elif signed.public_key not in keys:
        faults.append(Fault(MANIFEST, "unknown-key", key=fingerprint(signed.public_key)))
    faults += [
        Fault(fingerprint(key), "other-key")
        for key in sorted(keys)
        if known_keys and fingerprint(key) not in known_keys
    ]
    faults.extend(_file_faults(pack, [item["name"] for item in manifest["files"]], files))
    records = {name: content for name, content in contents.items() if name.startswith(RECORDS)}
    try:
        stored = _stored(contents.get(STORE, b"[]"))
    except (ValueError, TypeError, KeyError):
        faults.append(Fault(STORE, "digest", found="-"))
        stored = {}
    found, read = chain_faults(records, keys, stored)
    faults += found
    objects = {name: content for name, content in contents.items() if name.startswith(OBJECTS)}
    faults.extend(object_faults(read, objects, lambda body: since <= moment(body["time"]) < until))
    last = max(records, default="")
    if manifest["head"] != {"name": last, "digest": sha256(records.get(last, b""))}:
        faults.append(Fault(manifest["head"]["name"], "head", wanted=manifest["head"]["digest"]))
    if noted_head is not None and noted_head not in map(sha256, records.values()):
        faults.append(Fault(noted_head, "noted-head"))
    if journal is not None:
        faults.extend(journal_faults(read, journal))
    return _without_doubles(faults), manifest


def _manifest(content: bytes) -> Signed:
    """Read a manifest; raise for what is none."""
    signed = Signed(content)
    if set(signed.body) != MANIFEST_FIELDS or signed.body["format"] != PACK_FORMAT:
        raise ValueError("not a manifest")
    for name in ("since", "until"):
        moment(signed.body["period"][name])
    if {"name", "digest"} != set(signed.body["head"]):
        raise ValueError("no head")
    if any(set(item) != {"name", "sha256", "size"} for item in signed.body["files"]):
        raise ValueError("not a list of files")
    _must_be_texts(*signed.body["head"].values(), *(item["name"] for item in signed.body["files"]))
    for key in signed.body["keys"]:
        fingerprint(key["public_key"])
    return signed


def _stored(content: bytes) -> dict[str, str]:
    """Read what the store said; raise for what is none."""
    found = {item["name"]: item["stored"] for item in json.loads(content)}
    for name, time in found.items():
        _must_be_texts(name)
        moment(time)
    return found


def _file_faults(pack: Pack, order: Sequence[str], files: Mapping[str, dict[str, Any]]) -> Iterator[Fault]:
    for name in [*order, MANIFEST]:
        if name not in pack.contents:
            yield Fault(name, "missing")
    for name in pack.order:
        if name == MANIFEST:
            continue
        content = pack.contents[name]
        if name not in files:
            yield Fault(name, "added")
        elif (sha256(content), len(content)) != (files[name]["sha256"], files[name]["size"]):
            yield Fault(name, "digest", found=sha256(content))
    present = [name for name in [MANIFEST, *order] if name in pack.contents]
    placed = [name for name in pack.order if name in files or name == MANIFEST]
    moved = next((found for wanted, found in zip(present, placed, strict=False) if wanted != found), None)
    if moved is not None:
        yield Fault(moved, "order")


def _without_doubles(faults: Iterable[Fault]) -> list[Fault]:
    seen: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        seen.setdefault((fault.where, fault.sentence()), fault)
    return list(seen.values())


# -- for people -----------------------------------------------------------------------------------------------------

SAID = {
    "holds": ("INTACT : {records} enregistrements, {files} fichiers.", "INTACT: {records} records, {files} files."),
    "broken": ("ALTÉRÉ : {count} anomalie(s).", "ALTERED: {count} fault(s)."),
    "head": ("Dernier enregistrement : {name}, {digest}", "Last record: {name}, {digest}"),
    "key": ("Clé de signature : {key}", "Signing key: {key}"),
    "no-key": (
        "Comparez cette clé à celle que le coffre ou un rapport antérieur vous a donnée (--key) : sans cela, "
        "quiconque a pu signer.",
        "Compare this key with the one that the vault or an earlier report gave you (--key): without that, "
        "anybody may have signed.",
    ),
    "unreadable": ("{file} : illisible ({error})", "{file}: cannot be read ({error})"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one pack, and say what came of it."""
    parser = argparse.ArgumentParser(prog="verify.py", description=__doc__.partition("\n")[0])
    parser.add_argument("pack", metavar="ZIP")
    parser.add_argument("--key", action="append", default=[], help="SHA256:…")
    parser.add_argument("--head", help="SHA-256")
    parser.add_argument("--journal", help="journal.jsonl")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")
    asked = parser.parse_args(arguments)

    def say(phrase: str, **values: object) -> None:
        print(SAID[phrase][asked.lang == "en"].format(**values))

    try:
        archive = Path(asked.pack).read_bytes()
        journal = Path(asked.journal).read_bytes().split(b"\n")[:-1] if asked.journal else None
        faults, manifest = pack_faults(archive, asked.key, asked.head, journal)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        say("unreadable", file=asked.pack, error=error)
        return 2
    if faults or manifest is None:
        say("broken", count=len(faults))
        for fault in faults:
            print(f"  {fault.where}: {fault.sentence(asked.lang)}")
        return 1
    names = [item["name"] for item in manifest["files"]]
    say("holds", records=sum(name.startswith(RECORDS) for name in names), files=len(names))
    say("head", **manifest["head"])
    for key in manifest["keys"]:
        say("key", key=fingerprint(key["public_key"]))
    if not asked.key:
        say("no-key")
    return 0


if __name__ == "__main__":
    sys.exit(main())
