"""The lab's SSH keys: one pair per machine, its private half never on the controller's disk, and one pair to get in."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, repr=False)
class KeyPair:
    """An Ed25519 key in OpenSSH's formats."""

    private: bytes
    public: str


def generate() -> KeyPair:
    """Make a key pair."""
    return _pair(Ed25519PrivateKey.generate())


def _pair(key: Ed25519PrivateKey) -> KeyPair:
    encoding, none = serialization.Encoding, serialization.NoEncryption()
    private = key.private_bytes(encoding.PEM, serialization.PrivateFormat.OpenSSH, none)
    public = key.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private, public.decode())


def bootstrap_key_path(lab: Path) -> Path:
    """Name the file of the private key that machines accept until they are provisioned."""
    return lab / "bootstrap_key"


def obtain_bootstrap_key(lab: Path) -> KeyPair:
    """Read the lab's bootstrap key, made (mode 0600) when it is first asked for, by however many at once."""
    path = bootstrap_key_path(lab)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(generate().private)
        # Unlike a renaming, a link does not replace what another process was faster to make.
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = serialization.load_ssh_private_key(path.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 (only this function writes it)
    return _pair(key)
