"""A host that was restarted comes back by itself: volumes, firewall, timers, and the data on them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hosting_cli.errors import EngineError, HostingError, UnreadableError
from hosting_cli.plan import plan
from hosting_cli.proofs.on_host import Hand, hand_on
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.session import Session
from hosting_cli.survey import Survey, read_hosts
from inventory.models import Volume
from inventory.resource import Json

NAME = "survives-reboot"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
RESTART = ("systemd-run", "--on-active=1", "--timer-property=AccuracySec=10ms", "systemctl", "reboot")
"""A second later, so that the answer to the command still arrives; a timer is a minute late unless told otherwise."""
ATTEMPT_SECONDS = 15
"""How long a restarting host is given to answer: a connection that was begun too early never comes about."""
BOOT_SECONDS = 240
"""How long a host that answers again is given to start its services."""
PAUSE_SECONDS = 3
BACK_SECONDS = 420


@dataclass(frozen=True)
class Seen:
    """What a restart did to a host: its boot ids, the digest of a file by mount point, and what was not in order."""

    boot_before: str
    boot_after: str
    digests_before: Mapping[str, str]
    digests_after: Mapping[str, str]
    out_of_order: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """Give what was seen as evidence."""
        return {
            "boot_id": self.boot_before,
            "boot_id_afterwards": self.boot_after,
            "sha256": dict(self.digests_before),
            "sha256_afterwards": dict(self.digests_after),
            "out_of_order": list(self.out_of_order),
        }


def prove(session: Session, found: Survey, host: str, volumes: Sequence[Volume]) -> list[Proof]:
    """Write a file into each of *volumes*, restart *host*, wait until all desired on it is there again, read them."""
    paths = {volume.mount_point: f"{volume.mount_point}/.hosting-proof-{secrets.token_hex(8)}" for volume in volumes}
    with hand_on(session, host) as hand:
        for path in paths.values():
            hand.run(["tee", "--", path], stdin=secrets.token_hex(4096))
        hand.run(["sync"])
        before, boot_before = _digests(hand, paths), _boot_id(hand)
        hand.run(RESTART)
    session.progress(f"{host} restarts")
    left = _wait_until_in_order(session, found, host, boot_before)
    try:
        with hand_on(session, host) as hand:
            boot_after, after = _boot_id(hand), _digests(hand, paths)
            if paths:
                hand.run(["rm", "--", *paths.values()])
    except HostingError as error:
        # A host that is not back after all that time, or without its files, has broken the promise: it is not unknown.
        return [judge(host, Seen(boot_before, "unknown", before, {}, left or (str(error),)))]
    return [judge(host, Seen(boot_before, boot_after, before, after, left))]


def _digests(hand: Hand, paths: Mapping[str, str]) -> dict[str, str]:
    return {mount_point: hand.digest(path) for mount_point, path in paths.items()}


def _boot_id(hand: Hand, *, timeout_seconds: float = 120) -> str:
    return hand.run(["cat", BOOT_ID], timeout_seconds=timeout_seconds).strip()


def _wait_until_in_order(session: Session, found: Survey, host: str, boot_before: str) -> tuple[str, ...]:
    """Wait until *host* has booted anew and holds all it should; give back what it still lacks when time is up."""
    deadline = time.monotonic() + BACK_SECONDS
    left: tuple[str, ...] = ("it did not come back",)
    while left and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        try:
            if _has_booted(session, host, boot_before):
                session.progress(f"{host} is back")
                left = _out_of_order(session, found, host)
        except (EngineError, UnreadableError) as error:
            # A command that the shutdown ends fails, unlike one that found no way to the host.
            left = (str(error),)
    return left


def _has_booted(session: Session, host: str, boot_before: str) -> bool:
    """Tell whether *host* has booted anew; if so, once all that its boot starts was started or has failed."""
    with hand_on(session, host) as hand:
        if _boot_id(hand, timeout_seconds=ATTEMPT_SECONDS) == boot_before:
            return False
        hand.attempt(["systemctl", "is-system-running", "--wait"], timeout_seconds=BOOT_SECONDS)
        return True


def _out_of_order(session: Session, found: Survey, host: str) -> tuple[str, ...]:
    reading = read_hosts(session, found.desired, [host])[0]
    wanted = [resource for resource in found.desired.values() if resource.source == reading.source]
    now = plan(wanted, [reading], region=session.region.id, environment=session.environment.environment)
    return (
        *(f"{change.subject}: {', '.join(change.differing)}" for change in now.changes),
        *(f"{finding.subject}: {finding.reason}" for finding in (*now.unknown, *now.conflicts)),
    )


def judge(host: str, seen: Seen) -> Proof:
    """Say whether the host really restarted, and whether everything of it came back."""
    subject, observed = f"host {host}", seen.to_json()
    if seen.boot_before == seen.boot_after:
        return Proof(NAME, subject, Verdict.BROKEN, "the host was not restarted: its boot id is the same", observed)
    if seen.out_of_order:
        sentence = f"after a restart not everything came back: {'; '.join(seen.out_of_order)}"
        return Proof(NAME, subject, Verdict.BROKEN, sentence, observed)
    changed = [place for place, digest in seen.digests_before.items() if seen.digests_after.get(place) != digest]
    if changed:
        sentence = f"a file of {', '.join(changed)} changed over a restart"
        return Proof(NAME, subject, Verdict.BROKEN, sentence, observed)
    kept = "".join(f"{place} with its data, " for place in seen.digests_before)
    sentence = f"the host was restarted; {kept}firewall, timers and all else came back by itself"
    return Proof(NAME, subject, Verdict.HELD, sentence, observed)
