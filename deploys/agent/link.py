"""Keep what a gateway shows the peers of its tunnels, and what it believes them by.

The key is made here and never leaves: the vault is sent a request, by the gateway's own identity.  Which authorities to
believe and what they have revoked, the vault tells whoever asks; without a list that is valid nobody is let in.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from .identity import login
from .processes import attempt, run
from .record import note_link
from .settings import AgentError, application, engines, write, write_secret
from .vault import Vault

FOLDER = Path("/etc/swanctl")
OURS = "hosting-"
PLATFORM = "platform"
DAY_SECONDS = 24 * 3600


def renew() -> dict[str, object]:
    """Bring authorities and lists up to date, and the certificate when it is due; say what changed.

    Killed at any moment, the gateway has a certificate with its key, and the next run goes on.
    """
    known = application(PLATFORM)["link"]
    vault = Vault(engines())
    changed = _keep_authorities(vault)
    certificate = FOLDER / "x509" / known["certificate"]
    due = _due(certificate, known["renew_days"] * DAY_SECONDS)
    if due:
        _certify(certificate, known["identity"], known["role"])
    ends = run(["openssl", "x509", "-in", str(certificate), "-noout", "-enddate"]).strip().partition("=")[2]
    note_link(datetime.strptime(ends, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp())
    if changed or due:
        # Not waited for: at boot the daemon comes after us, and loads all of it then.
        run(["systemctl", "--no-block", "try-reload-or-restart", "strongswan.service"])
    return {"renewed": due, "changed": changed, "valid_until": ends}


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
    for path in changed:
        write(path, wanted[path])
    for path in former - wanted.keys():
        path.unlink()
    return bool(changed or former - wanted.keys())


def _due(certificate: Path, seconds: int) -> bool:
    """Tell whether there is no certificate, none for so long any more, or none of a key that is here."""
    lasts = ["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(seconds)]
    if not certificate.exists() or attempt(lasts).returncode != 0:
        return True
    return not (
        FOLDER / "private" / _key_name(run(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"]))
    ).exists()


def _key_name(public: str) -> str:
    """Name the file of a private key by its public half, so that the key of a certificate can be told."""
    return f"{OURS}{hashlib.sha256(public.encode()).hexdigest()[:16]}.pem"


def _certify(certificate: Path, identity: str, role: str) -> None:
    """Make a key, have the vault certify it, and let former keys go only when the new certificate is there."""
    private = run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
    key = FOLDER / "private" / _key_name(run(["openssl", "pkey", "-pubout"], private))
    write_secret(key, private)
    subject = ["-subj", f"/CN={identity}", "-addext", f"subjectAltName=DNS:{identity}"]
    request = run(["openssl", "req", "-new", "-sha384", "-key", str(key), *subject])
    with login(PLATFORM) as session:
        certified = session.certify(role, request, identity)
    write(certificate, f"{certified.strip()}\n")
    for path in key.parent.glob(f"{OURS}*.pem"):
        if path != key:
            path.unlink()
