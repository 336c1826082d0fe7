"""Read what is: every source at once, and then what only two doors together can tell."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deploys.resources import HostIdentity
from hosting_cli.resources import VAULT, AccessKey, SecretEntry, SecretPurpose
from inventory.resource import Reading

Reader = Callable[[], Sequence[Reading]]
"""Read some sources; it reports what it could not see, it does not raise."""


def read_all(readers: Sequence[Reader]) -> tuple[Reading, ...]:
    """Call every reader in a thread of its own."""
    with ThreadPoolExecutor(max_workers=max(1, len(readers))) as pool:
        return tuple(reading for found in pool.map(lambda reader: reader(), readers) for reading in found)


def without_credentials(reading: Reading, names: Collection[str]) -> Reading:
    """Leave the entries of S3 credentials called *names* out of the vault's reading: they are not planned singly.

    An entry that nobody names stays: its access key has left the files, and what it holds must not be forgotten.
    """
    if reading.source != VAULT or reading.resources is None:
        return reading
    kept = {
        subject: resource
        for subject, resource in reading.resources.items()
        if not (
            isinstance(resource, SecretEntry)
            and resource.purpose is SecretPurpose.S3_CREDENTIALS
            and resource.name in names
        )
    }
    return replace(reading, resources=kept)


def access_key(wanted: AccessKey, listed: Iterable[str], recorded: str | None) -> AccessKey | None:
    """Join what the store lists for a user with what the vault's entry records; ``None`` when neither has a key."""
    keys = frozenset(listed)
    match (recorded, keys):
        case (None, empty) if not empty:
            return None
        case (None, _):
            condition = "its secret is not in the vault"
        case (known, found) if known not in found:
            condition = "the store does not know it"
        case (_, found) if len(found) > 1:
            condition = "another key of the user is valid too"
        case _:
            condition = wanted.condition
    return replace(wanted, condition=condition)


def with_vault_view(reading: Reading, accessors: Mapping[str, frozenset[str]]) -> Reading:
    """Hold the identities in a host's reading against the secret-ids that the vault lists for their roles.

    A role that is missing in *accessors* could not be read; its identity then reads as unconfirmed, never as in use.
    """
    if reading.resources is None:
        return reading
    joined = dict(reading.resources)
    for subject, resource in reading.resources.items():
        if isinstance(resource, HostIdentity) and resource.accessor not in accessors.get(resource.role, frozenset()):
            joined[subject] = replace(resource, condition="the vault does not know its secret-id")
    return replace(reading, resources=joined)
