"""Checks of how our endpoints speak TLS, by what ANSSI's guide asks for (SDE-NT-35 v1.2).  Pure."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from hosting_cli.checks.check import NOTHING, Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, written
from hosting_cli.checks.seen import Endpoint
from inventory.resource import Json

ACCEPTED = frozenset({"TLSv1.2", "TLSv1.3"})
"""R3 and R4: 1.3 preferred, 1.2 accepted, everything older banned."""

FAMILIES = {"RSA": 2048, "EC": 256, "Ed25519": 256}
"""R31 and PG-083: which keys of certificates, and how wide at least."""

RSA_2048_ENDS = datetime(2030, 12, 31, tzinfo=UTC)
"""PG-083 v3.00: RSA of less than 3072 bits is not used beyond 2030."""

HASHES = frozenset({"sha256", "sha384", "sha512", "ed25519"})

NOTICE = timedelta(days=30)


def _each(facts: Facts, judge: Callable[[str, Endpoint, RawReading], Finding]) -> Iterator[Finding]:
    for name, seen in facts.endpoints.items():
        yield unknown(name, seen.raw) if seen.value is None else judge(name, seen.value, seen.raw)


def versions(facts: Facts) -> Iterator[Finding]:
    """Find endpoints that take a version older than 1.2, or none of the two that count."""

    def judge(subject: str, endpoint: Endpoint, raw: RawReading) -> Finding:
        taken = sorted(version for version, suite in endpoint.versions.items() if suite is not None)
        said = ", ".join(taken) or NOTHING
        return decided(
            subject,
            bool(taken) and set(taken) <= ACCEPTED,
            {"versions": list[Json](taken)},
            (f"n'accepte que {said}", f"accepts {said} alone"),
            (f"accepte {said}", f"accepts {said}"),
            reading=raw,
        )

    return _each(facts, judge)


def suites(facts: Facts) -> Iterator[Finding]:
    """Find endpoints that would take a suite without an ephemeral key or without authenticated encryption."""

    def judge(subject: str, endpoint: Endpoint, raw: RawReading) -> Finding:
        chosen = sorted({suite for suite in endpoint.versions.values() if suite is not None})
        said, weak = ", ".join(chosen) or NOTHING, ", ".join(endpoint.weak)
        return decided(
            subject,
            bool(chosen) and not endpoint.weak,
            {"chosen": list[Json](chosen), "weak": list[Json](endpoint.weak)},
            (f"négocie {said} et refuse les suites faibles", f"negotiates {said} and refuses weak suites"),
            (f"accepte des suites faibles : {weak or said}", f"accepts weak suites: {weak or said}"),
            reading=raw,
        )

    return _each(facts, judge)


def certificates(facts: Facts) -> Iterator[Finding]:
    """Hold key and signature of the certificate that an endpoint shows against ANSSI's minima."""

    def judge(subject: str, endpoint: Endpoint, raw: RawReading) -> Finding:
        shown = endpoint.certificate
        said = f"{shown.key} {shown.key_bits} bits, {shown.signature_hash}"
        wide = shown.key_bits >= FAMILIES.get(shown.key, 1 << 30)
        dated = shown.key == "RSA" and shown.key_bits < 3072 and shown.not_after > RSA_2048_ENDS
        observed: dict[str, Json] = {
            "key": shown.key,
            "key_bits": shown.key_bits,
            "signature_hash": shown.signature_hash,
            "not_after": written(shown.not_after),
        }
        return decided(
            subject,
            wide and not dated and shown.signature_hash in HASHES,
            observed,
            (f"présente un certificat {said}", f"shows a certificate of {said}"),
            (
                f"présente un certificat trop faible : {said}, jusqu'au {shown.not_after.date()}",
                f"shows a certificate that is too weak: {said}, until {shown.not_after.date()}",
            ),
            reading=raw,
        )

    return _each(facts, judge)


def ends(facts: Facts) -> Iterator[Finding]:
    """Find certificates that have ended, or will within the notice."""

    def judge(subject: str, endpoint: Endpoint, raw: RawReading) -> Finding:
        shown = endpoint.certificate
        days = (shown.not_after - facts.now).days
        return decided(
            subject,
            shown.not_before <= facts.now and shown.not_after - facts.now > NOTICE,
            {"not_before": written(shown.not_before), "not_after": written(shown.not_after), "days_left": days},
            (f"son certificat vaut encore {days} jours", f"its certificate is valid for {days} more days"),
            (
                f"son certificat finit le {shown.not_after.date()} ({days} jours)",
                f"its certificate ends on {shown.not_after.date()} ({days} days)",
            ),
            reading=raw,
        )

    return _each(facts, judge)
