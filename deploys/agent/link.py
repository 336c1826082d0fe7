"""Keep what a gateway shows the peers of its tunnels, and what it believes them by.

The key is made here and never leaves: the vault is sent a request, by the gateway's own identity.  Which authorities to
believe and what they have revoked, the vault tells whoever asks; without a list that is valid nobody is let in.
"""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .identity import login
from .locks import alone
from .processes import attempt, run
from .record import note_link
from .settings import AgentError, application, engines, write, write_secret
from .vault import Vault

FOLDER = Path("/etc/swanctl")
OURS = "hosting-"
PLATFORM = "platform"
DAY_SECONDS = 24 * 3600
DAEMON = "strongswan.service"


def renew() -> dict[str, object]:
    """Bring authorities and lists up to date, and the certificate when it is due; say what changed.

    Killed at any moment, the gateway has a certificate with its key, and the next run goes on: it also has the daemon
    load what a killed one left to be loaded.
    """
    with alone("link"):
        known = _known()
        changed = _keep_authorities(Vault(engines()))
        certificate, seconds = _present(known), _renewed_before(known)
        due = _due(certificate, seconds)
        if due:
            if _due(_following(known), seconds):
                _certify(_following(known), known)
            _show_following(known)
        _forget_keys(known)
        ends = run(["openssl", "x509", "-in", str(certificate), "-noout", "-enddate"]).strip().partition("=")[2]
        note_link(datetime.strptime(ends, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp())
        if _to_load().exists():
            # Not waited for: at boot the daemon comes after us, and loads all of it then.
            _have_loaded("--no-block")
    return {"renewed": due, "changed": changed, "valid_until": ends}


# -- one by one, as a rotation has it done ------------------------------------------------------------------------


def tell() -> dict[str, object]:
    """Give the certificate that peers are shown, the next one if there is one, and how many keys are of neither.

    And whether the daemon was told of all that changed here since it last loaded anything.
    """
    known = _known()
    kept = {_key_of(path) for path in (_present(known), _following(known)) if path.exists()}
    return {
        "present": _text(_present(known)),
        "next": _text(_following(known)),
        "former_keys": len(set((FOLDER / "private").glob(f"{OURS}*.pem")) - kept),
        "is_loaded": not _to_load().exists(),
    }


def make_next() -> None:
    """Make a key and have it certified, beside what peers are shown and go on being shown."""
    with alone("link"):
        known = _known()
        _keep_authorities(Vault(engines()))
        if _due(_following(known), _renewed_before(known)):
            _certify(_following(known), known)


def use_next() -> None:
    """Show peers the next certificate from now on; whoever is in a tunnel stays in it."""
    with alone("link"):
        known = _known()
        if _following(known).exists():
            _show_following(known)
        _have_loaded()


def prove() -> dict[str, object]:
    """Have the daemon load what is here; verify the next certificate, else the one shown, and that it has its key.

    Raise ``AgentError`` if the authorities do not vouch for it, if their list names it, or if the daemon lacks it.
    """
    with alone("link"):
        known = _known()
        certificate = _following(known) if _following(known).exists() else _present(known)
        _verify(certificate)
        _have_loaded()
        shown = run(["swanctl", "--list-certs", "--type", "x509", "--raw"])
        if _fingerprint(certificate) not in usable_certificates(shown):
            raise AgentError(f"the daemon of tunnels has not loaded {certificate.name} with its key")
        return {"certificate": certificate.read_text(), "verified": True, "loaded": True}


def forget_former() -> None:
    """Remove the keys of no certificate that is here, and have the daemon do the same."""
    with alone("link"):
        _forget_keys(_known())
        _have_loaded()


def usable_certificates(shown: str) -> frozenset[str]:
    """Name by its digest each certificate whose key the daemon says it has, too (`swanctl --list-certs --raw`)."""
    events = re.findall(r"list-cert event \{(.*)\}", shown)
    found = (re.search(r"\bdata=0x([0-9a-f]+)", event) for event in events if re.search(r"\bhas_privkey=yes\b", event))
    return frozenset(hashlib.sha256(bytes.fromhex(each[1])).hexdigest() for each in found if each)


# ------------------------------------------------------------------------------------------------------------------


def _known() -> dict[str, Any]:
    known: dict[str, Any] = application(PLATFORM)["link"]
    return known


def _present(known: dict[str, Any]) -> Path:
    return FOLDER / "x509" / str(known["certificate"])


def _following(known: dict[str, Any]) -> Path:
    """Name the next certificate's file, where the daemon finds it: what it cannot use, peers are never shown."""
    return FOLDER / "x509" / f"next-{known['certificate']}"


def _to_load() -> Path:
    """Name the file that is there from before a change until the daemon has loaded it, whoever was killed between."""
    return FOLDER / "to-load"


def _have_loaded(*options: str) -> None:
    run(["systemctl", *options, "try-reload-or-restart", DAEMON])
    _to_load().unlink(missing_ok=True)


def _renewed_before(known: dict[str, Any]) -> int:
    return int(known["renew_days"]) * DAY_SECONDS


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _keep_authorities(vault: Vault) -> bool:
    """Hold the certificate of every authority and its list of what was revoked, and none that is no more."""
    wanted: dict[Path, str] = {}
    listed = vault.call("LIST", "pki/issuers")["data"]["key_info"]
    for identifier, about in listed.items():
        if about["key_id"]:
            found = vault.call("GET", f"pki/issuer/{identifier}/json")["data"]["certificate"]
            wanted[FOLDER / "x509ca" / f"{OURS}{identifier}.pem"] = f"{found.strip()}\n"
            revoked = vault.call("GET", f"pki/issuer/{identifier}/crl")["data"]["crl"]
            wanted[FOLDER / "x509crl" / f"{OURS}{identifier}.pem"] = f"{revoked.strip()}\n"
    if not wanted:
        raise AgentError("the vault has no authority of links: nobody could be believed")
    former = {path for name in ("x509ca", "x509crl") for path in (FOLDER / name).glob(f"{OURS}*.pem")}
    changed = [path for path, content in wanted.items() if path not in former or path.read_text() != content]
    stray = former - wanted.keys()
    if changed or stray:
        _to_load().touch()
    for path in changed:
        write(path, wanted[path])
    for path in stray:
        path.unlink()
    return bool(changed or stray)


def _due(certificate: Path, seconds: int) -> bool:
    """Tell whether there is no certificate, none for so long any more, or none of a key that is here."""
    lasts = ["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(seconds)]
    if not certificate.exists() or attempt(lasts).returncode != 0:
        return True
    return not _key_of(certificate).exists()


def _key_of(certificate: Path) -> Path:
    return FOLDER / "private" / _key_name(run(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"]))


def _key_name(public: str) -> str:
    """Name the file of a private key by its public half, so that the key of a certificate can be told."""
    return f"{OURS}{hashlib.sha256(public.encode()).hexdigest()[:16]}.pem"


def _certify(certificate: Path, known: dict[str, Any]) -> None:
    """Make a key and have the vault certify it; nothing that is there goes."""
    private = run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
    key = FOLDER / "private" / _key_name(run(["openssl", "pkey", "-pubout"], private))
    write_secret(key, private)
    identity = known["identity"]
    subject = ["-subj", f"/CN={identity}", "-addext", f"subjectAltName=DNS:{identity}"]
    request = run(["openssl", "req", "-new", "-sha384", "-key", str(key), *subject])
    with login(PLATFORM) as session:
        certified = session.certify(known["role"], request, identity)
    write(certificate, f"{certified.strip()}\n")


def _show_following(known: dict[str, Any]) -> None:
    """Put the next certificate in the place of the one that peers are shown."""
    _to_load().touch()
    _following(known).replace(_present(known))


def _forget_keys(known: dict[str, Any]) -> None:
    """Remove every key of ours but those of the certificates that are here."""
    kept = {_key_of(path) for path in (_present(known), _following(known)) if path.exists()}
    former = set((FOLDER / "private").glob(f"{OURS}*.pem")) - kept
    if former:
        _to_load().touch()
    for path in former:
        path.unlink()


def _verify(certificate: Path) -> None:
    """Hold a certificate against the authorities and lists that are here."""
    believed = [
        argument
        for option, folder in (("-CAfile", "x509ca"), ("-CRLfile", "x509crl"))
        for path in sorted((FOLDER / folder).glob(f"{OURS}*.pem"))
        for argument in (option, str(path))
    ]
    run(["openssl", "verify", "-partial_chain", "-crl_check", *believed, str(certificate)])


def _fingerprint(certificate: Path) -> str:
    told = run(["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"])
    return told.strip().partition("=")[2].replace(":", "").lower()
