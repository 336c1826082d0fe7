"""The arguments and options that commands about backups share."""

from pathlib import Path
from typing import Annotated

import typer

ApplicationArgument = Annotated[str, typer.Argument(metavar="APPLICATION", help="The application's id.")]
HostOption = Annotated[str | None, typer.Option("--host", metavar="ID", help="Only the repository of this host.")]
OptionalApplicationArgument = Annotated[
    str | None, typer.Argument(metavar="APPLICATION", help="The application's id; not needed with --due.")
]
DueOption = Annotated[
    bool, typer.Option("--due", help="Only what the continuity class asks for by now, or what was not good last time.")
]
PartsOption = Annotated[
    int | None,
    typer.Option(
        "--parts",
        min=1,
        metavar="COUNT",
        help="Read one of so many parts of the data, each in turn; else what the continuity class says.",
    ),
]
SetAsideOption = Annotated[
    list[str] | None,
    typer.Option("--set-aside", metavar="SNAPSHOT", help="Remove this one, which the guard names and nobody believes."),
]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="SNAPSHOT", help="Believe this one, which the guard names as unusual: you looked."
    ),
]
DigestOption = Annotated[
    str | None, typer.Option("--digest", metavar="DIGEST", help="Carry out the prune that was shown under this digest.")
]
MomentOption = Annotated[
    str, typer.Option("--as-of", metavar="TIME", help="The last moment known to be good, like 2026-11-22T03:00Z.")
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="ID", help="On this store: the second copy; otherwise the first.")
]
FolderOption = Annotated[
    Path, typer.Option("--into", metavar="FOLDER", help="An empty folder, or an export begun there.")
]
UntilOption = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Only what the store had then, like 2026-11-22T03:00Z.")
]
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of an export.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be put back, and what hidden.")]
