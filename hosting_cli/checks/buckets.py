"""Checks of buckets: encryption, versions, who gets in, locks, and for how long logs are kept.  Pure."""

from collections.abc import Callable, Iterator

from hosting_cli.checks.check import NOTHING, Finding, decided
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.surveyed import each
from hosting_cli.resources import Bucket
from inventory import naming
from inventory.models import Region
from inventory.resource import Json
from inventory.rules.records import LONGEST_DAYS, SHORTEST_DAYS


def encrypted(facts: Facts) -> Iterator[Finding]:
    """Hold the transit key that a bucket encrypts by default against the one that its owner has."""

    def judge(wanted: Bucket, found: Bucket, raw: RawReading) -> Finding:
        key = found.encryption_key
        return decided(
            str(found.subject),
            key is not None and key == wanted.encryption_key,
            {"encryption_key": key},
            (f"chiffre chaque objet sous la clé {key}", f"encrypts every object under the key {key}"),
            (
                f"chiffre sous {key or 'aucune clé'} au lieu de {wanted.encryption_key}",
                f"encrypts under {key or 'no key'} instead of {wanted.encryption_key}",
            ),
            reading=raw,
        )

    return each(facts, Bucket, judge)


def versioned(facts: Facts) -> Iterator[Finding]:
    """Find buckets in which a deletion or an overwriting would be final."""

    def judge(wanted: Bucket, found: Bucket, raw: RawReading) -> Finding:
        return decided(
            str(found.subject),
            found.versioning,
            {"versioning": found.versioning},
            ("garde les versions antérieures", "keeps earlier versions"),
            ("ne garde pas les versions antérieures", "does not keep earlier versions"),
            reading=raw,
        )

    return each(facts, Bucket, judge)


def private(facts: Facts) -> Iterator[Finding]:
    """Find buckets that let in anybody else, or that lack the policy which refuses plain requests."""

    def judge(wanted: Bucket, found: Bucket, raw: RawReading) -> Finding:
        others = [*found.public_access, *found.cross_origin]
        observed: dict[str, Json] = {
            "public_access": list[Json](found.public_access),
            "cross_origin": list[Json](found.cross_origin),
            "policy_as_asked": found.policy == wanted.policy,
        }
        said = ", ".join(others) or "policy"
        return decided(
            str(found.subject),
            not others and found.policy == wanted.policy,
            observed,
            ("n'est ouvert à personne d'autre, et en TLS seulement", "is open to nobody else, and by TLS alone"),
            (f"n'est pas fermé comme demandé : {said}", f"is not closed as asked for: {said}"),
            reading=raw,
        )

    return each(facts, Bucket, judge)


def _locked(facts: Facts, chosen: Callable[[Bucket], bool]) -> Iterator[Finding]:
    def judge(wanted: Bucket, found: Bucket, raw: RawReading) -> Finding:
        observed: dict[str, Json] = {"lock_mode": found.lock_mode, "lock_days": found.lock_days}
        held = f"{found.lock_mode or NOTHING}, {found.lock_days or 0}"
        asked = f"{wanted.lock_mode}, {wanted.lock_days}"
        return decided(
            str(found.subject),
            found.lock_mode == wanted.lock_mode and (found.lock_days or 0) >= (wanted.lock_days or 0),
            observed,
            (f"verrouille chaque objet ({held} jours)", f"locks every object ({held} days)"),
            (
                f"verrouille {held} jours où {asked} est demandé",
                f"locks for {held} days where {asked} is asked for",
            ),
            reading=raw,
        )

    return each(facts, Bucket, judge, chosen)


def backups_locked(facts: Facts) -> Iterator[Finding]:
    """Hold the lock of every locked bucket but the platform's own, which are those of backups, against the files."""
    own = _own_buckets(facts.region)
    return _locked(facts, lambda bucket: bucket.lock_mode is not None and bucket.name not in own)


def evidence_locked(facts: Facts) -> Iterator[Finding]:
    """Hold the lock of the evidence against the files."""
    if facts.region.evidence is None:
        return iter(())
    return _locked(facts, lambda bucket: bucket.name == naming.evidence_bucket(facts.region))


def logs_kept(facts: Facts) -> Iterator[Finding]:
    """Hold how long logs are locked and when they go against the files, and both against what texts recommend.

    Where the files name another text as the source of another duration, only the files count.
    """
    logs = facts.region.logs
    if logs is None:
        return iter(())
    low, high = (1, logs.kept_days) if logs.source != type(logs).model_fields["source"].default else _RECOMMENDED

    def judge(wanted: Bucket, found: Bucket, raw: RawReading) -> Finding:
        days = found.lock_days or 0
        observed: dict[str, Json] = {"lock_days": found.lock_days, "expire_days": found.expire_days}
        as_asked = (found.lock_days, found.expire_days) == (wanted.lock_days, wanted.expire_days)
        return decided(
            str(found.subject),
            as_asked and low <= days <= high,
            observed,
            (f"garde les journaux {days} jours, puis les efface", f"keeps logs for {days} days, and then removes them"),
            (
                f"verrou {found.lock_days} jours, effacement après {found.expire_days} ; demandé : {wanted.lock_days}",
                f"locks for {found.lock_days} days, removes after {found.expire_days}; asked for: {wanted.lock_days}",
            ),
            reading=raw,
        )

    return each(facts, Bucket, judge, lambda bucket: bucket.name == naming.log_bucket(facts.region))


_RECOMMENDED = (SHORTEST_DAYS, LONGEST_DAYS)


def _own_buckets(region: Region) -> frozenset[str]:
    return frozenset({naming.evidence_bucket(region), naming.log_bucket(region)})
