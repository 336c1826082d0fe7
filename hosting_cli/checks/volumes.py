"""Checks of encrypted volumes: the cipher, what opens them, and the copies of their headers.  Pure."""

from collections.abc import Iterator

from deploys.resources import HostVolume
from hosting_cli.checks.check import NOTHING, Finding, decided
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.surveyed import each
from hosting_cli.resources import HeaderCopy
from inventory.resource import Json


def encrypted(facts: Facts) -> Iterator[Finding]:
    """Hold the cipher and the width of its key against what the files ask for; a lost header encrypts nothing."""

    def judge(wanted: HostVolume, found: HostVolume, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {"cipher": found.cipher, "key_bits": found.key_bits, "header": found.header}
        asked: dict[str, Json] = {"cipher": wanted.cipher, "key_bits": wanted.key_bits, "header": wanted.header}
        said = f"{found.cipher or NOTHING}, {found.key_bits or 0} bits"
        return decided(
            str(found.subject),
            observed == asked,
            observed,
            (f"est chiffré en LUKS2 : {said}", f"is encrypted with LUKS2: {said}"),
            (
                f"n'est pas chiffré comme demandé : {said} ; en-tête : {found.header}",
                f"is not encrypted as asked for: {said}; header: {found.header}",
            ),
            reading=raw,
        )

    return each(facts, HostVolume, judge)


def derived(facts: Facts) -> Iterator[Finding]:
    """Hold the work that trying a passphrase takes against the environment's profile."""

    def judge(wanted: HostVolume, found: HostVolume, raw: RawReading) -> Finding:
        names = ("pbkdf", "memory_kib", "iterations", "lanes")
        observed: dict[str, Json] = {name: getattr(found, name) for name in names}
        asked: dict[str, Json] = {name: getattr(wanted, name) for name in names}
        said = f"{found.pbkdf or NOTHING}, {found.memory_kib or 0} KiB × {found.iterations or 0}"
        return decided(
            str(found.subject),
            observed == asked,
            observed,
            (f"dérive ses clés par {said}", f"derives its keys by {said}"),
            (f"dérive ses clés autrement que demandé : {said}", f"derives its keys otherwise than asked for: {said}"),
            reading=raw,
        )

    return each(facts, HostVolume, judge)


def slots(facts: Facts) -> Iterator[Finding]:
    """Find volumes that lack one of their two passphrases, or that somebody else's opens."""

    def judge(wanted: HostVolume, found: HostVolume, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {"slots": list[Json](found.slots), "stray": list[Json](found.stray_slots)}
        held, stray = ", ".join(found.slots) or NOTHING, ", ".join(found.stray_slots) or NOTHING
        return decided(
            str(found.subject),
            set(found.slots) == set(wanted.slots) and not found.stray_slots,
            observed,
            (f"s'ouvre par ses deux phrases et rien d'autre : {held}", f"opens by its two passphrases alone: {held}"),
            (
                f"emplacements présents : {held} ; en trop : {stray}",
                f"slots that are there: {held}; of nobody: {stray}",
            ),
            reading=raw,
        )

    return each(facts, HostVolume, judge)


def header_copies(facts: Facts) -> Iterator[Finding]:
    """Find volumes whose present header is not kept in the evidence, by a copy that opened."""

    def judge(wanted: HeaderCopy, found: HeaderCopy, raw: RawReading) -> Finding:
        return decided(
            str(found.subject),
            found.condition == wanted.condition,
            {"condition": found.condition},
            ("l'en-tête actuel a une copie scellée, essayée", "the present header has a sealed copy, which opened"),
            ("la copie scellée n'est pas celle de l'en-tête actuel", f"the copy is {found.condition}"),
            reading=raw,
        )

    return each(facts, HeaderCopy, judge)
