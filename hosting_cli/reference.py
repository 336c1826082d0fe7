"""Write what is known of commands from the commands themselves: ``python -m hosting_cli.reference``.

That is the reference in the documents, and the page of `hosting --help`.  Tests hold both files against this module, so
that they and the commands never differ.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from typer.main import get_command
from typer.models import ArgumentInfo, OptionInfo

from hosting_cli import help_page
from hosting_cli.app import COMMANDS, GROUPS, SHARED_OPTIONS, build, function_of
from hosting_cli.result import EXIT_STATUS_HELP, Result

FILE = Path(__file__).parents[1] / "docs/reference/commands.md"

UNWRAPPED = 10_000
"""Columns that no paragraph fills."""

HEAD = f"""\
# Commands

Written from the commands themselves by `python -m hosting_cli.reference`; a test keeps both alike.
`hosting COMMAND --help` says the same.

{textwrap.fill(EXIT_STATUS_HELP, 118)}

With `--output json` a command prints one document: `version`, `command`, `status`, `exit_status`, `data`, and `errors`
with what happened to which subject and what to do about it. Results go to standard output, progress and errors to
standard error; colours only to a terminal, and never when `NO_COLOR` is set. `hosting --install-completion` lets your
shell complete commands, options and their values.
"""


class Parameter(NamedTuple):
    """An argument or an option of a command, as its annotation describes it."""

    name: str
    info: ArgumentInfo | OptionInfo
    type: Any
    default: object

    @property
    def spellings(self) -> list[str]:
        """Give the ways to write it: for an option its flags with a word for the value."""
        word = self.info.metavar or self.name.upper()
        if isinstance(self.info, ArgumentInfo):
            return [word]
        # Within ``Annotated``, Typer takes the first flag for the default.
        flags = [flag for flag in (self.info.default, *(self.info.param_decls or ())) if isinstance(flag, str)]
        return flags if self.type is bool else [f"{flag} {word}" for flag in flags]

    @property
    def usage(self) -> str:
        """Give its place in the usage line."""
        return self.spellings[0] if self.default is inspect.Parameter.empty else f"[{self.spellings[0]}]"

    @property
    def meaning(self) -> str:
        """Say what it is for, which values there are, and where else one comes from."""
        sentences = [self.info.help or ""]
        if isinstance(self.type, type) and issubclass(self.type, StrEnum):
            sentences.append(f"One of {', '.join(f'`{choice.value}`' for choice in self.type)}.")
        if self.info.envvar:
            sentences.append(f"Or set `{self.info.envvar}`.")
        if self.default not in {None, False, inspect.Parameter.empty}:
            sentences.append(f"Otherwise `{self.default}`.")
        return " ".join(sentences)


def text() -> str:
    """Give the whole reference."""
    shared = [_parameter(name, annotation, default) for name, (annotation, default) in SHARED_OPTIONS.items()]
    parts = [HEAD, f"## Options of every command\n\n{_table(shared)}"]
    for group, names in COMMANDS.items():
        parts.append(
            f"## hosting {group}\n\n{GROUPS[group]}\n" if group else "## hosting\n\nThe life of an application.\n"
        )
        for name in names:
            parts.append(_command(" ".join(filter(None, ("hosting", group, name))), function_of(group, name)))
    return "\n".join(parts)


def parameters(function: Callable[..., Result]) -> Iterator[Parameter]:
    """Yield what a command takes of its own."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "session":
            yield _parameter(name, hints[name], parameter.default)


def _parameter(name: str, annotation: Any, default: object) -> Parameter:
    kind, info = get_args(annotation)
    return Parameter(name, info, kind, default)


def _command(name: str, function: Callable[..., Result]) -> str:
    own = list(parameters(function))
    usage = " ".join([name, *(parameter.usage for parameter in own)])
    described = inspect.cleandoc(function.__doc__ or "").replace(".  ", ". ").replace(":  ", ": ")
    return f"### {name}\n\n```sh\n{usage}\n```\n\n{described}\n" + (f"\n{_table(own)}" if own else "")


def _table(found: list[Parameter]) -> str:
    rows = (
        f"| {', '.join(f'`{spelling}`' for spelling in parameter.spellings)} | {parameter.meaning} |\n"
        for parameter in found
    )
    return "".join(["| | |\n|---|---|\n", *(row.replace("people|json", "people\\|json") for row in rows)])


def page_of_help(width: int | None = None) -> str:
    """Have typer write the page of `hosting --help`, *width* columns wide or as the terminal has it."""
    command = get_command(build())
    with command.make_context("hosting", [], resilient_parsing=True, terminal_width=width) as context:
        return f"{command.get_help(context)}\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())
    help_page.FILE.write_text(page_of_help(UNWRAPPED))
