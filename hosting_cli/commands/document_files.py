"""What all commands that write documents ask for: the files, whose names say their forms, and the language."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.documents.language import Language
from hosting_cli.errors import UsageError
from hosting_cli.whole_files import refuse_foreign

if TYPE_CHECKING:
    from hosting_cli.documents.render import Form

LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of the document.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over files that are not ours, too.")]

REMEDY = "Give another FILE."


def forms_of(files: Sequence[Path], *known: str, force: bool) -> "dict[Path, Form]":
    """Say which form each file is to have, one of *known*.

    Raise ``UsageError`` for a name that does not say, and ``RefusedError`` for a file that is there and not ours.
    """
    from hosting_cli.documents.render import is_ours

    forms = {file: _form(file, known) for file in files}
    if not force:
        for file, form in forms.items():
            refuse_foreign(file, partial(is_ours, form=form))
    return forms


def _form(file: Path, known: Sequence[str]) -> "Form":
    from hosting_cli.documents.render import Form

    ending = file.suffix.removeprefix(".").lower()
    if ending not in known:
        endings = ", ".join(f".{form}" for form in known)
        raise UsageError(f"file {file}", "does not say what it is to be", f"Let its name end in {endings}.")
    return Form(ending)
