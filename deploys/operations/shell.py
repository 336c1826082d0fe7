"""Compose shell text: every value is quoted, secrets and contents go over standard input."""

from collections.abc import Generator
from hashlib import sha256
from pathlib import PurePosixPath

from pyinfra.api.command import QuoteString, StringCommand

from deploys import names

Commands = Generator[StringCommand, None, None]
"""What an operation emits."""


def command(*words: str, stdin: str | None = None, timeout_seconds: int = 120) -> StringCommand:
    """Run one program with the given arguments."""
    return StringCommand(*(QuoteString(word) for word in words), _timeout=timeout_seconds, _stdin=stdin or "")


def sequence(*commands: StringCommand, timeout_seconds: int = 120) -> StringCommand:
    """Run *commands* one after another in one exec, up to the first that fails."""
    bits: list[object] = []
    for each in commands:
        bits += [*(["&&"] if bits else []), each]
    return StringCommand(*bits, _timeout=timeout_seconds)


def write_file(
    path: str, content: str, *, mode: str = "0644", owner: str = "root:root", notifies: tuple[str, ...] = ()
) -> StringCommand:
    """Replace a file in one step, with its mode from the first byte.

    The digest is compared on the host before the file takes its place: a connection that breaks ends the content early.
    The units it notifies are noted first, so that they are told even if we are killed in between.
    """
    fresh = f"{path}.hosting-new"
    line = f"{sha256(content.encode()).hexdigest()}  {fresh}"
    parts = [
        *note_pending(notifies),
        StringCommand("umask 022"),
        command("mkdir", "-p", str(PurePosixPath(path).parent)),
        StringCommand("umask 077"),
        command("rm", "-f", fresh),
        StringCommand("cat >", QuoteString(fresh)),
        StringCommand("printf '%s\\n'", QuoteString(line), "| sha256sum --check --status"),
        command("chown", owner, fresh),
        command("chmod", mode, fresh),
        command("sync", fresh),
        command("mv", "-f", fresh, path),
    ]
    whole = sequence(*parts)
    whole.connector_arguments["_stdin"] = content
    return whole


def note_pending(units: tuple[str, ...]) -> list[StringCommand]:
    """Note, where a reboot forgets it, that *units* must take note of a change."""
    if not units:
        return []
    flags = [f"{names.PENDING_DIRECTORY}/{unit}" for unit in units]
    return [command("mkdir", "-p", names.PENDING_DIRECTORY), command("touch", *flags)]


def forget_pending(unit: str) -> StringCommand:
    """Note that *unit* has taken note."""
    return command("rm", "-f", f"{names.PENDING_DIRECTORY}/{unit}")
