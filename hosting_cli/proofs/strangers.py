"""Whoever has no credentials is refused on every bucket, whatever its settings are said to be."""

from collections.abc import Iterable, Mapping

from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.resources import Bucket
from hosting_cli.session import Session

NAME = "stranger-refused"
REFUSED = frozenset({401, 403})
NOBODYS_OBJECT = "hosting-proof/nobody"
"""What a stranger asks for where a bucket holds nothing: being told that it is not there is an answer, too."""


def prove(session: Session, buckets: Iterable[Bucket]) -> list[Proof]:
    """Try to list each of *buckets*, and to read and write an object, without any credentials.

    Nothing is written to a locked bucket: if a stranger could, nobody could remove it again.
    """
    return [judge(bucket.name, _try(session, bucket)) for bucket in buckets]


def _try(session: Session, bucket: Bucket) -> Mapping[str, int]:
    door = session.stores[bucket.store]
    name = next(iter(door.object_names(bucket.name, "", at_most=1)), NOBODYS_OBJECT)
    return door.answers_to_strangers(bucket.name, name, writing=bucket.lock_mode is None)


def judge(bucket: str, answers: Mapping[str, int]) -> Proof:
    """Say whether every attempt was refused; a store that fails (5xx) has refused nobody."""
    subject = f"bucket {bucket}"
    passed = [f"{verb} answered {status}" for verb, status in answers.items() if status not in REFUSED]
    failed = [status for status in answers.values() if status >= 500]
    if len(passed) > len(failed):
        sentence = f"somebody without credentials was not refused: {', '.join(passed)}"
        return Proof(NAME, subject, Verdict.BROKEN, sentence, dict(answers))
    if failed:
        sentence = f"the store itself failed, which refuses nobody: {', '.join(passed)}"
        return Proof(NAME, subject, Verdict.UNKNOWN, sentence, dict(answers))
    sentence = f"somebody without credentials was refused: {', '.join(answers)}"
    return Proof(NAME, subject, Verdict.HELD, sentence, dict(answers))
