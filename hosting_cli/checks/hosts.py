"""Checks of hosts themselves: what their sshd goes by, who may log in, their clocks and patches.  Pure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from deploys.resources import HostLogin
from hosting_cli.checks.check import NOTHING, Finding, decided, unknown
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading, Sentence, written
from hosting_cli.checks.seen import Clock, HostPosture, Part, Patches
from hosting_cli.checks.surveyed import each
from inventory.resource import Json

Value = TypeVar("Value")

CERTIFICATES_ONLY = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "hostbasedauthentication": "no",
    "gssapiauthentication": "no",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
    "authenticationmethods": "publickey",
    "authorizedkeysfile": "none",
}
"""What `sshd -T` says where nothing but a certificate opens; that an authority is trusted is asked besides."""

HARDENED = {
    "permitrootlogin": frozenset({"no", "prohibit-password", "without-password"}),
    "x11forwarding": frozenset({"no"}),
    "allowtcpforwarding": frozenset({"no"}),
    "allowagentforwarding": frozenset({"no"}),
    "permituserenvironment": frozenset({"no"}),
    "gatewayports": frozenset({"no"}),
    "permittunnel": frozenset({"no"}),
}
"""SSH note R23, R27, R28: no environment of the client, no forwarding of any kind."""

WEAK = ("3des", "arcfour", "blowfish", "cast128", "-cbc", "md5", "sha1", "umac-64", "group1-", "group14-sha1", "dss")
"""What names of ciphers, MACs and key exchanges may not contain."""

LISTS = ("ciphers", "macs", "kexalgorithms")

LARGEST_OFFSET_SECONDS = 1.0
"""ANSSI-PA-012 R4: clocks to a second or better."""

ITSELF = "7F7F0101"
"""What chrony calls the reference of a clock that is only given out as if it were right."""

OLDEST_LISTS = timedelta(days=7)
"""Lists of packages that are older tell nothing of today's patches."""


def _each(
    facts: Facts, part: Callable[[HostPosture], Part[Value]], judge: Callable[[str, Value, RawReading], Finding]
) -> Iterator[Finding]:
    for host, seen in facts.postures.items():
        subject = f"host {host}"
        found = None if seen.value is None else part(seen.value)
        if found is None:
            yield unknown(subject, seen.raw)
        elif found.value is None:
            yield unknown(subject, seen.raw, found.unknown)
        else:
            yield judge(subject, found.value, seen.raw)


def certificates_only(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose sshd would take anything but a certificate of an authority."""

    def judge(subject: str, sshd: Mapping[str, str], raw: RawReading) -> Finding:
        asked = (*CERTIFICATES_ONLY, "trustedusercakeys")
        observed: dict[str, Json] = {name: sshd.get(name) for name in asked}
        wrong = [name for name, value in CERTIFICATES_ONLY.items() if sshd.get(name) != value]
        wrong += ["trustedusercakeys"] if sshd.get("trustedusercakeys", "none") == "none" else []
        said = ", ".join(f"{name} {sshd.get(name)}" for name in wrong)
        return decided(
            subject,
            not wrong,
            observed,
            ("sshd n'accepte que des certificats de l'autorité", "sshd takes certificates of the authority alone"),
            (f"sshd accepte autre chose que des certificats : {said}", f"sshd takes more than certificates: {said}"),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.sshd, judge)


def sshd_hardened(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose sshd forwards, or takes algorithms that are out of date."""

    def judge(subject: str, sshd: Mapping[str, str], raw: RawReading) -> Finding:
        wrong = [f"{name} {sshd.get(name)}" for name, good in HARDENED.items() if sshd.get(name) not in good]
        for name in LISTS:
            offered = sshd.get(name, "").split(",")
            weak = [item for item in offered if not item or any(word in item for word in WEAK)]
            wrong += [f"{name} {','.join(weak) or NOTHING}"] if weak else []
        observed: dict[str, Json] = {name: sshd.get(name) for name in (*HARDENED, *LISTS)}
        said = "; ".join(wrong)
        return decided(
            subject,
            not wrong,
            observed,
            ("sshd n'offre ni relais ni algorithme périmé", "sshd offers no forwarding and no algorithm of the past"),
            (f"sshd est plus ouvert que demandé : {said}", f"sshd is more open than asked for: {said}"),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.sshd, judge)


def logins(facts: Facts) -> Iterator[Finding]:
    """Find hosts that trust another authority than the vault's, let other names in, or where plain keys lie about."""

    def judge(wanted: HostLogin, found: HostLogin, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {
            "authority": found.authority,
            "principals": None if found.principals is None else list[Json](found.principals),
            "stray_keys": list[Json](found.stray_keys),
        }
        said = f"{found.authority}; {', '.join(found.principals or ())}; {', '.join(found.stray_keys) or NOTHING}"
        return decided(
            str(found.subject),
            (found.authority, found.principals, found.stray_keys) == (wanted.authority, wanted.principals, ()),
            observed,
            ("ne fait confiance qu'à l'autorité du coffre", "trusts the authority of the vault alone"),
            (f"laisse entrer autrement que demandé : {said}", f"lets in otherwise than asked for: {said}"),
            reading=raw,
        )

    return each(facts, HostLogin, judge)


def clock(facts: Facts) -> Iterator[Finding]:
    """Find hosts whose clock follows nobody, or is off by a second or more."""

    def judge(subject: str, seen: Clock, raw: RawReading) -> Finding:
        off = abs(seen.offset_seconds)
        follows = seen.leap != "Not synchronised" and seen.reference != ITSELF and 0 < seen.stratum < 16
        fr, en = (seen.leap,) * 2 if seen.reference != ITSELF else ("ne suit qu'elle-même", "it follows itself")
        observed: dict[str, Json] = {
            "reference": seen.reference,
            "stratum": seen.stratum,
            "offset_seconds": seen.offset_seconds,
            "leap": seen.leap,
        }
        return decided(
            subject,
            off < LARGEST_OFFSET_SECONDS and follows,
            observed,
            (f"suit {seen.reference}, à {off:.6f} s près", f"follows {seen.reference}, to {off:.6f} s"),
            (
                f"son horloge n'est pas à l'heure : {fr}, {off:.3f} s",
                f"its clock is not on time: {en}, {off:.3f} s",
            ),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.clock, judge)


def _too_old(listed_at: datetime | None) -> Sentence:
    fr, en = ("jamais", "never") if listed_at is None else (str(listed_at.date()),) * 2
    return Sentence(
        f"les listes de mises à jour de sécurité sont trop anciennes (obtenues : {fr})",
        f"the lists of security updates are too old to tell (fetched: {en})",
    )


def patched(facts: Facts) -> Iterator[Finding]:
    """Find hosts on which a security update waits, or whose lists are too old to tell."""

    def judge(subject: str, seen: Patches, raw: RawReading) -> Finding:
        if seen.listed_at is None or raw.read_at - seen.listed_at > OLDEST_LISTS:
            return unknown(subject, raw, _too_old(seen.listed_at))
        observed: dict[str, Json] = {
            "security": list[Json](seen.security),
            "pending": len(seen.pending),
            "listed_at": written(seen.listed_at),
        }
        waiting = f"{', '.join(seen.security[:5])}{'…' if len(seen.security) > 5 else ''}"
        return decided(
            subject,
            not seen.security,
            observed,
            (
                f"aucune mise à jour de sécurité en attente (listes du {seen.listed_at.date()})",
                f"no security update waits (lists of {seen.listed_at.date()})",
            ),
            (
                f"{len(seen.security)} mises à jour de sécurité en attente : {waiting}",
                f"{len(seen.security)} security updates wait: {waiting}",
            ),
            reading=raw,
        )

    return _each(facts, lambda posture: posture.patches, judge)
