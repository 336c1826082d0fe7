"""The steps of a destruction: controls, the end of each volume and key, and the proof that nothing can be read.

Volumes end before the keys: what opens them is in the vault's hands until then, and is tried on each device afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hosting_cli.destruction import Loss
from hosting_cli.erasure import on_hosts
from hosting_cli.erasure.copies import SealedHeaders
from hosting_cli.erasure.fates import Fate, FoundVolume
from hosting_cli.erasure.objects import BucketTrial
from hosting_cli.errors import EngineError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.resources import SecretEntry, TransitKey
from hosting_cli.session import Session
from inventory.resource import Subject


@dataclass(frozen=True)
class Destruction:
    """What is ended and tried, as this run found it."""

    session: Session
    loss: Loss
    keys: Sequence[str]
    volumes: tuple[FoundVolume, ...]
    buckets: tuple[BucketTrial, ...]

    def steps(self) -> Iterator[Step]:
        """Yield the steps; a killed run may have done some of them."""
        volumes = tuple(on_hosts.erasable(self.session, self.loss, self.volumes))
        copies = SealedHeaders(self.session, self.loss.application)
        for bucket in self.buckets:
            sentence = "read objects while their key is there, so that not reading them later says something"
            yield proof(bucket.bucket.subject, sentence, bucket.control)
        yield from copies.control()
        for volume in volumes:
            yield volume.ending()
        for key in self.keys:
            yield self._ending(key)
        for entry in self.loss.entries:
            yield proof(entry.subject, "fail to unwrap it", partial(self._unwrappable, entry))
        for bucket in self.buckets:
            yield proof(bucket.bucket.subject, "fail to read those objects", bucket.trial)
        for volume in volumes:
            yield volume.trial()
        yield from copies.trial()

    @property
    def limits(self) -> tuple[str, ...]:
        """Say, once the steps are done, what of the platform's own stayed as it was or was not proven."""
        untried = (
            f"bucket {trial.bucket.name}: nothing in it could be tried, so nothing is proven of it"
            for trial in self.buckets
            if not trial.was_tried
        )
        return (*(item.limit for item in self.volumes if item.limit is not None), *untried)

    @property
    def outstanding(self) -> tuple[str, ...]:
        """Name the volumes that a later run can still end."""
        return tuple(item.volume.name for item in self.volumes if item.fate is Fate.NOT_REACHED)

    def _ending(self, key: str) -> Step:
        destroy, is_gone = partial(self.session.vault.destroy_key, key), partial(self._is_gone, key)
        return Step(Subject(TransitKey.kind, key), "destroy it, for good", destroy, is_gone)

    def _is_gone(self, key: str) -> bool:
        return not self.session.vault.has_key(key)

    def _unwrappable(self, entry: SecretEntry) -> Observed:
        if self.session.vault.can_unwrap(entry):
            what = f"it can still be unwrapped, by {entry.wrapped_by}"
            raise EngineError(
                str(entry.subject), what, "Somebody made that key again, or brought it back: find out who."
            )
        return {"wrapped_by": entry.wrapped_by, "readable": False}


def found(session: Session, loss: Loss, keys: Sequence[str], procedure: str) -> Destruction:
    """Look at what is to end, on every host that answers."""
    volumes = on_hosts.find(session, loss.volumes)
    buckets = tuple(BucketTrial(session, bucket, keys, procedure) for bucket in loss.buckets)
    return Destruction(session, loss, keys, volumes, buckets)
