"""A rotation as two people run it: asked for, approved, carried out, killed and stopped on the way."""

from itertools import cycle
from typing import Any

from lab_commands import OFFICER, begun, break_while_running, run, run_until_killed, session_of

from hosting_cli.lab.laboratory import Lab


def ask(lab: Lab, name: str, *options: str) -> str:
    """Ask for a rotation, and have it approved; give its digest."""
    status, asked = run(lab, "key", "rotate", name, *options)
    assert (status, asked["status"]) == (3, "pending")
    digest: str = asked["data"]["procedure"]
    assert run(lab, "approve", digest, person=OFFICER)[0] == 0
    return digest


def rotate_through_kills(lab: Lab, name: str, *options: str) -> int:
    """Rotate *name*, killed a moment after each thing that it begins; give how often that was."""
    digest, delays, kills = ask(lab, name, *options), cycle((0, 0.01, 0.03, 0.1)), 0
    seen, status = set(begun(lab)), None
    while status is None and not is_completed(lab, digest):
        status = run_until_killed(lab, ("key", "rotate", name, *options), seen, next(delays))
        seen, kills = set(begun(lab)), kills + 1
        assert kills < 30
    assert status in {None, 0}
    assert is_completed(lab, digest)
    return kills


def is_completed(lab: Lab, digest: str) -> bool:
    """Tell whether the journal says so; a run may be killed when it has just written that."""
    entries = session_of(lab).journal.entries()
    return any(entry.kind == "completed" and entry.data["procedure"] == digest for entry in entries)


def seal_while_running(lab: Lab, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command, hold it as soon as it has begun something, seal the vault, and let it go on."""
    return break_while_running(lab, "vault-sealed", *arguments)
