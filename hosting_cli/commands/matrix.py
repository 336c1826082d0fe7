"""The flow matrix and its picture, for establishments and auditors."""

from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.document_files import REMEDY, ForceOption, LanguageOption, forms_of
from hosting_cli.documents.language import Language
from hosting_cli.errors import UsageError
from hosting_cli.result import Result, text
from hosting_cli.session import Session
from hosting_cli.whole_files import refuse_foreign, replace_file

if TYPE_CHECKING:
    from hosting_cli.documents.scope import Scope

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Where to write it, as what the name ends in: .html, .pdf or .csv."),
]
PictureArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it: a name that ends in .svg.")]
ApplicationOption = Annotated[
    str | None, typer.Option("--application", "-a", metavar="ID", help="Only the flows of this application.")
]
EstablishmentOption = Annotated[
    str | None,
    typer.Option("--establishment", metavar="FINESS", help="Only the flows from or to this establishment."),
]
DayOption = Annotated[
    datetime | None,
    typer.Option(
        "--day", metavar="DAY", formats=["%Y-%m-%d"], help="Mark flows as they will stand on this day, not today."
    ),
]


def matrix(
    session: Session,
    files: FilesArgument,
    *,
    application: ApplicationOption = None,
    establishment: EstablishmentOption = None,
    lang: LanguageOption = Language.FRENCH,
    day: DayOption = None,
    force: ForceOption = False,
) -> Result:
    """Write the flow matrix, to be read, signed or worked on.

    It is made from the region's files alone, and says what may pass and for how long, with fields for both sides to
    sign.  An establishment's shows nothing that does not concern it.  What this command wrote before is replaced.
    """
    from hosting_cli.documents.document import Mark
    from hosting_cli.documents.matrix import matrix as written
    from hosting_cli.documents.render import render

    forms = forms_of(files, "html", "pdf", "csv", force=force)
    made = written(session.region, scope_of(session, application, establishment), _day(session, day), lang)
    for file, form in forms.items():
        session.progress(f"writing {file}")
        replace_file(file, render(made.document, form), remedy=REMEDY)
    expired, to_be_renewed = made.marks.get(Mark.OVER, 0), made.marks.get(Mark.SOON, 0)
    data = {
        "scope": made.document.scope,
        "day": made.stamp.day.isoformat(),
        "flows": made.flows,
        "expired": expired,
        "to_be_renewed": to_be_renewed,
        "version": made.stamp.version,
        "content_digest": made.stamp.content_digest,
        "files_digest": made.stamp.files_digest,
        "files": [str(file) for file in forms],
    }
    standing = f"{made.flows} flows, {to_be_renewed} to be renewed, {expired} expired"
    lines = (
        f"{made.document.scope}: {standing}; version {made.stamp.version}",
        *(f"Written: {file}" for file in forms),
    )
    return Result("network matrix", data, (text(*lines),))


def graph(
    session: Session,
    file: PictureArgument,
    *,
    application: ApplicationOption = None,
    establishment: EstablishmentOption = None,
    lang: LanguageOption = Language.FRENCH,
    force: ForceOption = False,
) -> Result:
    """Draw who may reach whom, as a picture for people (SVG).

    Establishments stand at the edge with their tunnels, sites as frames with their segments, flows as arrows by their
    codes.  Where there are too many to be told apart, those with the same flows share a box.
    """
    from hosting_cli.documents.as_svg import graph as drawn
    from hosting_cli.documents.render import is_marked

    if file.suffix.lower() != ".svg":
        raise UsageError(f"file {file}", "is to be a picture", "Let its name end in .svg.")
    if not force:
        refuse_foreign(file, is_marked)
    made = drawn(session.region, scope_of(session, application, establishment), lang)
    replace_file(file, made.svg.encode(), remedy=REMEDY)
    data = {"boxes": made.boxes, "arrows": made.arrows, "in_words": list(made.in_words), "files": [str(file)]}
    return Result("network graph", data, (text(*made.in_words, f"Written: {file}"),))


def _day(session: Session, day: datetime | None) -> date:
    return session.today if day is None else day.date()


def scope_of(session: Session, application: str | None, establishment: str | None) -> "Scope":
    """Say whom a document is for; raise ``UsageError`` for somebody whom the region does not have."""
    from hosting_cli.documents.scope import Scope

    if application is not None:
        session.application(application)
    known = {place.finess for member in session.region.members for place in member.establishments}
    if establishment is not None and establishment not in known:
        close = get_close_matches(establishment, sorted(known), n=3)
        remedy = f"Did you mean {' or '.join(close)}?" if close else "Its number (FINESS ET) is in its member's file."
        raise UsageError(f"establishment {establishment}", "is not in the region", remedy)
    return Scope(application, establishment)
