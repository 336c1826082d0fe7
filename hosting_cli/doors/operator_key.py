"""The key by which one run of `hosting` logs in to hosts: made in memory, certified by the vault, never on a disk."""

from collections.abc import Callable
from pathlib import Path

from hosting_cli.errors import UnreadableError
from hosting_cli.jobs import OperatorKey
from hosting_cli.secret import Secret


def make_operator_key(certify: Callable[[str], str | None]) -> OperatorKey:
    """Make an Ed25519 key pair and have its public half certified; *certify* may raise what its door raises."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return OperatorKey(Secret(private), certify(public))


def read_bootstrap_key(path: Path) -> Secret:
    """Read the private key of the first contact; raise ``UnreadableError`` if it cannot be read."""
    try:
        return Secret(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(
            f"bootstrap key {path}", f"could not be read ({error})", "Correct bootstrap_key in the environment file."
        ) from error
