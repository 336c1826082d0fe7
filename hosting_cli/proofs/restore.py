"""A file that was backed up and deleted comes back with the same bytes."""

import secrets

from hosting_cli.proofs.on_host import Hand, hand_on
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.session import Session
from inventory.models import Application, Volume

NAME = "backup-restores"
BACKUP_SECONDS = 900


def prove(session: Session, application: Application, host: str, volume: Volume) -> list[Proof]:
    """Write a file into *volume*, back it up as the timer does, delete it, restore it, compare."""
    mark = secrets.token_hex(8)
    path = f"{volume.mount_point}/.hosting-proof-{mark}"
    target = f"{volume.mount_point}/.hosting-restore-{mark}"
    with hand_on(session, host) as hand:
        try:
            hand.run(["tee", "--", path], stdin=secrets.token_hex(4096))
            before = hand.digest(path)
            _back_up(hand, f"hosting-backup-{application.id}.service")
            hand.run(["rm", "--", path])
            restore = ["hosting-agent", "restore", application.id, "latest", path, target]
            hand.run(restore, timeout_seconds=BACKUP_SECONDS)
            after = hand.digest(f"{target}{path}")
        finally:
            hand.attempt(["rm", "-rf", "--", path, target])
    return [judge(host, volume.mount_point, before, after)]


def _back_up(hand: Hand, unit: str) -> None:
    """Have everything that is written now copied: systemd lets whoever starts what is running wait for that run."""
    state = hand.run(["systemctl", "show", "--property=ActiveState", "--value", unit]).strip()
    for _ in range(2 if state == "activating" else 1):
        hand.run(["systemctl", "start", unit], timeout_seconds=BACKUP_SECONDS)


def judge(host: str, mount_point: str, before: str, after: str) -> Proof:
    """Say whether the bytes that came back are those that were written."""
    subject, observed = f"host {host}", {"mount_point": mount_point, "sha256": before, "restored_sha256": after}
    if before != after:
        return Proof(
            NAME, subject, Verdict.BROKEN, f"a file of {mount_point} came back with other bytes", dict(observed)
        )
    sentence = f"a file of {mount_point} was backed up, deleted and restored with the same bytes"
    return Proof(NAME, subject, Verdict.HELD, sentence, dict(observed))
