"""Keep the secret half of an AppRole as a credential that only this host can decrypt, and use it."""

import json
import os
import time
from pathlib import Path

from .processes import run
from .settings import IDENTITIES, application, engines, write
from .vault import Session, Vault

CREDENTIALS = Path("/etc/credstore.encrypted")


def receive(name: str, token: str) -> None:
    """Take the secret-id that the wrapping *token* holds, try it, keep it, and only then say that we have it.

    Killed before the last step, the host has no identity on record and is given another one.
    """
    known = application(name)
    vault = Vault(engines())
    fresh = vault.unwrap(token, f"auth/approle/role/{known['role']}/secret-id")
    with vault.login(known["role"], fresh["secret_id"]):
        pass
    path = CREDENTIALS / known["credential"]
    _encrypt(known["credential"], fresh["secret_id"], path)
    record = {
        "role": known["role"],
        "accessor": fresh["secret_id_accessor"],
        "credential_file": str(path),
        "received_at": int(time.time()),
    }
    write(IDENTITIES / f"{name}.json", json.dumps(record, indent=2) + "\n")


def prove(name: str) -> dict[str, str]:
    """Log in with what is kept, and give the accessor by which the vault knows it; raise ``AgentError`` if it fails."""
    known = application(name)
    secret_id = _secret_id(known["credential"])
    with Vault(engines()).login(known["role"], secret_id) as session:
        return {"role": known["role"], "accessor": session.accessor_of(known["role"], secret_id)}


def _encrypt(credential: str, secret: str, path: Path) -> None:
    """Encrypt with the TPM where there is one, else with the key of this installation."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    run(["systemd-creds", "encrypt", f"--name={credential}", "-", str(fresh)], secret)
    fresh.replace(path)


def login(name: str) -> Session:
    """Log in as the application *name*."""
    known = application(name)
    return Vault(engines()).login(known["role"], _secret_id(known["credential"]))


def _secret_id(credential: str) -> str:
    """Take the credential that systemd decrypted for our unit; by hand, have it decrypted."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory:
        return (Path(directory) / credential).read_text()
    return run(["systemd-creds", "decrypt", f"--name={credential}", str(CREDENTIALS / credential), "-"])
