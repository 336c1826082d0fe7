"""What is handed to the door of pyinfra, and what it tells: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deploys.resources import HostResource
from hosting_cli.errors import EngineError
from hosting_cli.secret import Secret
from inventory.environment import HostAccess
from inventory.resource import Subject


@dataclass(frozen=True)
class OperatorKey:
    """A private key in OpenSSH's format, and the certificate line for it (``None``: the vault has no authority yet)."""

    private_key: Secret
    certificate: str | None


class EventKind(StrEnum):
    """What the child tells."""

    CONNECTED = "connected"
    START = "start"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    OUTPUT = "output"
    HOST_FAILED = "host_failed"
    RESULT = "result"


@dataclass(frozen=True)
class Event:
    """One thing that happened on a host; *changed* says whether a resource that is done had to be changed."""

    kind: EventKind
    host: str
    subject: Subject | None = None
    text: str = ""
    changed: bool = False


@dataclass(frozen=True)
class HostJob:
    """What a host should be, what it should lose, and what is handed over for it.

    *resources* is everything desired on the host, in order: each is left alone if it is right already.
    *removed* are resources that a reading found and nobody desires any more; a data-bearing one is refused.
    *secrets* are named as ``deploys.desired.secrets_of`` names them; only those of resources to be made are needed.
    """

    access: HostAccess
    resources: tuple[HostResource, ...]
    removed: tuple[HostResource, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Job:
    """What to carry out: one entry per host, and the operator's key."""

    hosts: Mapping[str, HostJob]
    key: OperatorKey


@dataclass(frozen=True)
class Outcome:
    """What became of a job: the resources that failed or were left alone, and the hosts that were lost on the way."""

    failed: Mapping[Subject, EngineError]
    lost_hosts: Mapping[str, EngineError]
    changed: tuple[Subject, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether everything asked for was carried out."""
        return not (self.failed or self.lost_hosts)
