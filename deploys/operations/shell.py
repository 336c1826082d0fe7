"""Compose shell text: every value is quoted; secrets, contents and programs go over standard input."""

from collections.abc import Generator, Iterable, Mapping

from pyinfra.api.command import QuoteString, StringCommand

from deploys import names
from deploys.programs import INTERPRETER, program
from inventory.resource import Json

Commands = Generator[StringCommand, None, None]
"""What an operation emits."""


def command(*words: str, stdin: str | None = None, timeout_seconds: int = 120) -> StringCommand:
    """Run one program with the given arguments."""
    return StringCommand(*(QuoteString(word) for word in words), _timeout=timeout_seconds, _stdin=stdin or "")


def sequence(*commands: StringCommand, timeout_seconds: int = 120) -> StringCommand:
    """Run *commands* one after another in one exec, up to the first that fails; the first has the standard input."""
    bits: list[object] = []
    for each in commands:
        bits += [*(["&&"] if bits else []), each]
    stdin = commands[0].connector_arguments.get("_stdin", "")
    return StringCommand(*bits, _timeout=timeout_seconds, _stdin=stdin)


def on_host(name: str, request: Json, *, timeout_seconds: int = 120) -> StringCommand:
    """Run one of our programs."""
    return command(*INTERPRETER, stdin=program(name, request), timeout_seconds=timeout_seconds)


def write_files(entries: Iterable[Mapping[str, Json]]) -> StringCommand:
    """Write or remove files; each is made by ``entry``."""
    return on_host("write_files", {"pending": names.PENDING_DIRECTORY, "files": [dict(entry) for entry in entries]})


def entry(
    path: str,
    content: str | None,
    *,
    mode: str = "0644",
    user: str = "root",
    group: str = "root",
    notifies: tuple[str, ...] = (),
) -> dict[str, Json]:
    """Describe a file to be written, or removed if it has no content."""
    return {
        "path": path,
        "content": content,
        "mode": mode,
        "user": user,
        "group": group,
        "notifies": list(notifies),
    }
