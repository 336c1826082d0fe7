"""A rotation as two people run it: asked for, approved, carried out, killed and stopped on the way."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

from dying import REPOSITORY, STORE, VAULT, Killed, after_change, dying_after
from lab_commands import OFFICER, begun, break_while_running, run, run_until_killed, session_of

from hosting_cli.commands import approve as approving
from hosting_cli.commands import key
from hosting_cli.console import Progress
from hosting_cli.lab import faults
from hosting_cli.lab.laboratory import Lab
from hosting_cli.result import ExitStatus


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


# -- in this process, where it is known what has happened when it ends ------------------------------------------------


def ask_here(lab: Lab, name: str, **options: Any) -> str:
    """Ask for a rotation, and have it approved; give its digest."""
    asked = key.rotate(session_of(lab), name, **options)
    assert asked.status is ExitStatus.PENDING
    digest: str = asked.data["procedure"]
    assert approving.approve(session_of(lab, OFFICER), digest).status is ExitStatus.DONE
    return digest


def rotate_dying(lab: Lab, name: str, numbers: Sequence[int], look: Callable[[], object], **options: Any) -> int:
    """Rotate *name*, dying after so many changes as *numbers* say in turn; *look* each time; give how often."""
    ask_here(lab, name, **options)
    return go_on_dying(lab, name, numbers, look, **options)


def go_on_dying(lab: Lab, name: str, numbers: Sequence[int], look: Callable[[], object], **options: Any) -> int:
    """Go on with what was asked for, likewise."""
    kills = 0
    for number in cycle(numbers):
        try:
            with dying_after(number, VAULT, REPOSITORY, STORE):
                done = key.rotate(session_of(lab), name, **options)
        except Killed:
            kills += 1
            look()
            assert kills < 40
        else:
            assert done.status is ExitStatus.DONE, done.errors
            return kills
    raise AssertionError


def rotate_under_a_seal(lab: Lab, name: str, number: int, look: Callable[[], object], **options: Any) -> None:
    """Rotate *name* while the vault is sealed after change *number*; *look* when it is opened; then go on."""
    ask_here(lab, name, **options)
    stop_by_a_seal(lab, name, number, **options)
    look()
    done = key.rotate(session_of(lab), name, **options)
    assert done.status is ExitStatus.DONE, done.errors


def stop_by_a_seal(lab: Lab, name: str, number: int, **options: Any) -> None:
    """Go on with a rotation until the vault is sealed after change *number*, and open it again."""
    sealed: list[object] = []

    def seal() -> None:
        faults.inject(lab, "vault-sealed", "")
        sealed.append(True)

    try:
        with after_change(number, seal, VAULT, REPOSITORY, STORE):
            stopped = key.rotate(session_of(lab), name, **options)
    finally:
        faults.mend(lab, "vault-sealed", "", Progress(quiet=True))
    assert (bool(sealed), stopped.status in {ExitStatus.FAILED, ExitStatus.UNKNOWN}) == (True, True)
