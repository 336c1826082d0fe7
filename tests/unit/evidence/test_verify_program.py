"""What auditors verify with: whatever is done to a pack is found, and told where."""

import base64
import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chains import INTRUDER, SIGNER, Made, chain, contents_of, manifest_of, pack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.canonical import canonical
from hosting_cli.evidence.pack import program, zipped
from hosting_cli.evidence.programs import verify
from inventory.resource import Json

Contents = dict[str, bytes]
FIRST, SECOND, THIRD = (verify.record_name(number) for number in (1, 2, 3))


def faults(archive: bytes, **known: Any) -> set[tuple[str, str]]:
    return {(fault.where, fault.kind) for fault in verify.pack_faults(archive, **known)[0]}


def test_a_pack_that_nobody_touched_holds() -> None:
    archive = pack(contents_of(chain()))
    assert faults(archive, known_keys=[verify.fingerprint(SIGNER.public)]) == set()


def the_object(contents: Mapping[str, bytes], number: int) -> str:
    body = json.loads(contents[verify.record_name(number)].split(b"\n")[0])
    return verify.OBJECTS + str(body["objects"][0]["digest"])


# -- what an outsider does: everything but signing -----------------------------------------------------------------


def changed_reading(contents: Contents) -> Contents:
    return {**contents, the_object(contents, 2): b'{"reading":"all is well"}'}


def changed_report(contents: Contents) -> Contents:
    return {**contents, "report.html": b"<p>tout est conforme</p>"}


def changed_record(contents: Contents) -> Contents:
    return {**contents, SECOND: contents[SECOND].replace(b'"unknown":2', b'"unknown":0')}


def redated_record(contents: Contents) -> Contents:
    return {**contents, SECOND: contents[SECOND].replace(b"2026-11-22T", b"2026-11-21T")}


def redated_store(contents: Contents) -> Contents:
    said = json.loads(contents[verify.STORE])
    for item in said:
        if item["name"] == SECOND:
            item["stored"] = "2026-11-12T06:00:00.000Z"
    return {**contents, verify.STORE: canonical(said)}


def without(*names: str) -> Callable[[Contents], Contents]:
    return lambda contents: {name: content for name, content in contents.items() if name not in names}


def without_reading(contents: Contents) -> Contents:
    return without(the_object(contents, 2))(contents)


def cut(contents: Contents) -> Contents:
    return without(THIRD, the_object(contents, 3))(contents)


def added_reading(contents: Contents) -> Contents:
    content = b'{"reading":"invented"}'
    return {**contents, verify.OBJECTS + verify.sha256(content): content}


def added_record(contents: Contents) -> Contents:
    forged = chain(4, signer=INTRUDER)
    return {**contents, verify.record_name(4): forged.records[verify.record_name(4)]}


def added_file(contents: Contents) -> Contents:
    return {**contents, "note.txt": b"trust me"}


def swapped(contents: Contents) -> Contents:
    return {**contents, FIRST: contents[SECOND], SECOND: contents[FIRST]}


def other_signature(contents: Contents) -> Contents:
    message = contents[SECOND].split(b"\n")[0]
    return {**contents, SECOND: INTRUDER(message)}


CHANGES: list[tuple[Callable[[Contents], Contents], set[tuple[str, str]]]] = [
    (changed_report, {("report.html", "digest")}),
    (changed_record, {(SECOND, "signature"), (THIRD, "previous")}),
    (redated_record, {(SECOND, "signature"), (THIRD, "previous")}),
    (redated_store, {(SECOND, "stored"), (THIRD, "previous-stored")}),
    (without(SECOND), {(SECOND, "missing-record")}),
    (without("report.html"), {("report.html", "missing")}),
    (added_record, {(verify.record_name(4), "unknown-key")}),
    (added_file, {("note.txt", "added")}),
    (swapped, {(FIRST, "wrong-name"), (SECOND, "wrong-name"), (FIRST, "previous")}),
    (other_signature, {(SECOND, "unknown-key"), (THIRD, "previous")}),
]
IDS = [
    "changing the report",
    "changing a record",
    "re-dating a record",
    "re-dating what the store said",
    "removing a record in the middle",
    "removing the report",
    "adding a record",
    "adding a file",
    "reordering records",
    "signing a record with another key",
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=IDS)
def test_whatever_is_changed_under_the_signed_manifest_is_found_where_it_is(
    change: Callable[[Contents], Contents], expected: set[tuple[str, str]]
) -> None:
    contents = contents_of(chain())
    assert expected <= faults(pack(change(contents), manifest_of(contents)))


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=IDS)
def test_a_manifest_that_was_made_to_fit_is_found_too(
    change: Callable[[Contents], Contents], expected: set[tuple[str, str]]
) -> None:
    """Whoever cannot sign writes the manifest anew and keeps its signature, or signs with a key of their own."""
    contents = contents_of(chain())
    after = change(contents)
    body, signature = manifest_of(after).split(b"\n")[0], manifest_of(contents).split(b"\n")[1]
    assert (verify.MANIFEST, "signature") in faults(pack(after, body + b"\n" + signature + b"\n"))
    told = faults(pack(after, manifest_of(after, signer=INTRUDER)), known_keys=[verify.fingerprint(SIGNER.public)])
    assert (verify.fingerprint(INTRUDER.public), "other-key") in told


@pytest.mark.parametrize(
    ("change", "place", "kind"),
    [
        (changed_reading, lambda contents: the_object(contents, 2), "digest"),
        (without_reading, lambda contents: the_object(contents, 2), "missing"),
        (cut, lambda contents: THIRD, "head"),
        (added_reading, lambda contents: verify.OBJECTS + verify.sha256(b'{"reading":"invented"}'), "added"),
    ],
    ids=["changing a reading", "removing a reading", "cutting the chain", "adding a reading"],
)
def test_a_reading_is_found_by_the_digest_that_records_name(
    change: Callable[[Contents], Contents], place: Callable[[Contents], str], kind: str
) -> None:
    contents = contents_of(chain())
    assert (place(contents), kind) in faults(pack(change(contents), manifest_of(contents)))


# -- what an insider does: somebody who can have the vault sign ----------------------------------------------------


def test_an_insider_who_dates_a_record_back_is_contradicted_by_the_store() -> None:
    honest = chain()
    forged = chain(moved={2: -timedelta(hours=20)}, stored=honest.stored)
    assert (SECOND, "stored") in faults(pack(contents_of(forged)))


def test_an_insider_who_dates_a_record_before_the_one_in_front_is_found_without_the_store() -> None:
    contents = contents_of(chain(moved={2: -timedelta(hours=30)}))
    assert (SECOND, "backwards") in faults(pack(contents))


def test_an_insider_who_rewrites_all_or_cuts_the_end_is_found_by_whoever_noted_a_record() -> None:
    honest = chain()
    noted = verify.sha256(honest.records[THIRD])
    assert faults(pack(contents_of(honest)), noted_head=noted) == set()
    rewritten = pack(contents_of(chain(moved={1: timedelta(hours=1)})))
    assert faults(rewritten) == set(), "it agrees with itself: nothing but what somebody noted tells"
    assert faults(rewritten, noted_head=noted) == {(noted, "noted-head")}
    assert faults(pack(contents_of(chain(2))), noted_head=noted) == {(noted, "noted-head")}


def test_records_before_the_period_need_not_bring_their_readings() -> None:
    made = chain()
    first = json.loads(made.records[FIRST].split(b"\n")[0])["objects"][0]["digest"]
    objects = {name: content for name, content in made.objects.items() if name != verify.OBJECTS + first}
    contents = contents_of(Made(made.records, objects, made.stored))
    assert faults(pack(contents, manifest_of(contents, days=(2, 10)))) == set()
    assert faults(pack(contents)) == {(verify.OBJECTS + first, "missing")}


# -- the journal ---------------------------------------------------------------------------------------------------


def journal_line(sequence: int, previous: str, time: str) -> bytes:
    return canonical({"sequence": sequence, "time": time, "who": "a", "kind": "k", "data": {}, "previous": previous})


def with_journal(time: str) -> tuple[bytes, list[bytes]]:
    """Give a pack whose one record names the journal's one entry, and the journal."""
    line = journal_line(1, verify.GENESIS, time)
    made = chain(1)
    body = json.loads(made.records[FIRST].split(b"\n")[0])
    body["journal"] = {"sequence": 1, "digest": verify.sha256(line)}
    records = {FIRST: SIGNER(canonical(body))}
    return pack(contents_of(Made(records, made.objects, made.stored))), [line]


def test_the_journal_that_a_record_names_is_held_against_it() -> None:
    archive, lines = with_journal("2026-11-21T05:00:00.000Z")
    assert faults(archive, journal=lines) == set()
    assert faults(archive, journal=[lines[0].replace(b'"who":"a"', b'"who":"b"')]) == {(FIRST, "journal")}
    assert faults(archive, journal=[]) == {(FIRST, "journal")}
    assert ("journal:2", "journal-broken") in faults(archive, journal=[*lines, lines[0]])


def test_a_record_dated_before_the_journals_entry_that_it_names_is_found() -> None:
    archive, lines = with_journal("2026-11-21T07:00:00.000Z")
    assert faults(archive, journal=lines) == {(FIRST, "journal-time")}


# -- the archive itself --------------------------------------------------------------------------------------------


def rezipped(archive: bytes, **attributes: Any) -> bytes:
    """Write an archive anew with its second entry touched up."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened, zipfile.ZipFile(out, "w") as other:
        for place, entry in enumerate(opened.infolist()):
            fresh = zipfile.ZipInfo(entry.filename, entry.date_time)
            for name, value in attributes.items() if place == 1 else ():
                setattr(fresh, name, value)
            other.writestr(fresh, opened.read(entry))
    return out.getvalue()


@pytest.mark.parametrize(
    "attributes",
    [{"date_time": (2026, 11, 1, 0, 0, 0)}, {"comment": b"seen"}, {"extra": struct.pack("<HH", 0xCAFE, 0)}],
    ids=["re-dated", "commented", "given a field"],
)
def test_a_file_whose_entry_was_touched_up_is_found(attributes: dict[str, Any]) -> None:
    assert faults(rezipped(pack(contents_of(chain())), **attributes)) == {("report.html", "envelope")}


def test_a_file_with_a_second_name_is_found_whichever_of_the_two_is_read() -> None:
    """Later Pythons take the name that stands in the field, as programs do that unpack; earlier ones the entry's."""
    name = b"another.html"
    field = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"report.html")) + name
    found = faults(rezipped(pack(contents_of(chain())), extra=field))
    assert {place for place, kind in found if kind == "envelope"} <= {"report.html", "another.html"}
    assert "envelope" in {kind for _, kind in found}


def test_files_in_another_order_are_found() -> None:
    contents = contents_of(chain())
    manifest = manifest_of(contents)
    moved = dict(reversed(contents.items()))
    assert {kind for _, kind in faults(pack(moved, manifest))} == {"order"}


def test_a_file_that_is_there_twice_is_found() -> None:
    contents = contents_of(chain())
    out = io.BytesIO(pack(contents))
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo(SECOND, verify.ZIP_TIME)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(entry, b"another")
    assert (SECOND, "twice") in faults(out.getvalue())


@pytest.mark.parametrize("forge", [lambda archive: b"#!/bin/sh\n" + archive, lambda archive: archive + b"more"])
def test_bytes_around_the_files_are_found(forge: Callable[[bytes], bytes]) -> None:
    assert ("ZIP", "around") in faults(forge(pack(contents_of(chain()))))


def test_a_pack_without_a_manifest_is_none() -> None:
    assert faults(zipped(contents_of(chain()))) == {(verify.MANIFEST, "no-manifest")}


ARCHIVE = pack(contents_of(chain(1)))


@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_no_byte_changes_what_is_read_unnoticed(place: int, change: int) -> None:
    """What nobody finds is in fields of the ZIP that say nothing: every name and every content is what it was."""
    forged = bytearray(ARCHIVE)
    forged[place] ^= change
    try:
        found = faults(bytes(forged))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    if not found:
        assert verify.Pack(bytes(forged)).contents == verify.Pack(ARCHIVE).contents


ODD: list[Json] = [None, -1, 2**53 - 1, "", "x", [], [None], {}, {"x": None}, True]


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything within *value*."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inside:
        yield from places(item, (*path, name))


def with_odd(value: Json, path: tuple[Any, ...], odd: Json) -> Json:
    if not path:
        return odd
    assert isinstance(value, dict | list)
    changed: Any = value.copy()
    changed[path[0]] = with_odd(changed[path[0]], path[1:], odd)
    return changed


@pytest.mark.parametrize(
    ("name", "line"),
    [(FIRST, 0), (FIRST, 1), (verify.MANIFEST, 0), (verify.MANIFEST, 1), (verify.STORE, 0)],
    ids=["a record", "its signature", "the manifest", "its signature too", "what the store said"],
)
def test_whatever_stands_in_a_field_is_told_and_never_thrown(name: str, line: int, monkeypatch: Any) -> None:
    """Before a signature is verified anything may stand there; and somebody who can sign may write anything as well."""
    monkeypatch.setattr(verify, "is_signed", lambda *_: True)
    contents = contents_of(chain(1))
    whole = {verify.MANIFEST: manifest_of(contents), **contents}
    lines = whole[name].split(b"\n")
    body = json.loads(lines[line])
    for path in places(body):
        for odd in ODD:
            changed = canonical(with_odd(body, path, odd))
            archive = zipped({**whole, name: b"\n".join([*lines[:line], changed, *lines[line + 1 :]])})
            assert isinstance(verify.pack_faults(archive, journal=[])[0], list)


# -- Ed25519 -------------------------------------------------------------------------------------------------------

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_signatures_of_the_standard_hold(key: str, message: str, signature: str) -> None:
    assert verify.is_signed(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))
    assert not verify.is_signed(bytes.fromhex(key), bytes.fromhex(message) + b"x", bytes.fromhex(signature))


@given(st.binary(max_size=64), st.integers(0, 95), st.integers(0, 255))
def test_it_agrees_with_another_implementation_on_whatever_is_changed(message: bytes, place: int, change: int) -> None:
    key = SIGNER.private.public_key().public_bytes_raw()
    both = bytearray(key + SIGNER.private.sign(message))
    both[place] ^= change
    ours = verify.is_signed(bytes(both[:32]), message, bytes(both[32:]))
    assert ours is theirs(bytes(both[:32]), message, bytes(both[32:]))


def theirs(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_a_signature_whose_scalar_is_out_of_range_does_not_hold() -> None:
    """Or there would be two signatures of one message, and two files for one record."""
    signature = SIGNER.private.sign(b"x")
    scalar = int.from_bytes(signature[32:], "little") + verify._ORDER
    key = base64.b64decode(SIGNER.public)
    assert verify.is_signed(key, b"x", signature)
    assert not verify.is_signed(key, b"x", signature[:32] + scalar.to_bytes(32, "little"))


# -- as auditors run it --------------------------------------------------------------------------------------------


def run(folder: Path, archive: bytes, *options: str) -> tuple[int, str]:
    """Run the program alone, in an interpreter that finds no library but Python's own."""
    (folder / "verify.py").write_bytes(program())
    (folder / "pack.zip").write_bytes(archive)
    argv = [sys.executable, "-I", "-S", "verify.py", "pack.zip", *options]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_an_auditor_is_told_that_it_holds_and_what_to_compare(tmp_path: Path) -> None:
    status, said = run(tmp_path, pack(contents_of(chain())))
    assert status == 0
    assert said.startswith("INTACT : 3 enregistrements")
    assert verify.fingerprint(SIGNER.public) in said
    assert "--key" in said
    status, said = run(tmp_path, pack(contents_of(chain())), "--lang", "en", "--key", verify.fingerprint(SIGNER.public))
    assert (status, "Compare this key" in said) == (0, False)


def test_an_auditor_is_told_what_does_not_hold_and_where(tmp_path: Path) -> None:
    contents = contents_of(chain())
    status, said = run(tmp_path, pack(changed_record(contents), manifest_of(contents)))
    assert status == 1
    assert f"{SECOND}: sa signature ne tient pas" in said


def test_what_is_no_archive_is_told_as_such(tmp_path: Path) -> None:
    status, said = run(tmp_path, b"not a ZIP")
    assert (status, "illisible" in said) == (2, True)


def test_every_sentence_is_there_in_both_languages_and_fills_in_the_same() -> None:
    for french, english in (*verify.SENTENCES.values(), *verify.SAID.values()):
        assert {part for part in french.split() if "{" in part} != {""}
        assert french.count("{") == english.count("{")
        assert french != english
