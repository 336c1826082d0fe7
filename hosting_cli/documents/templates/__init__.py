"""The looks of documents, and how they are filled in: whatever comes in is escaped."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def template(name: str) -> str:
    """Read a template, style or script."""
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def environment() -> "Environment":
    """Make what fills templates in: escaping everything, and refusing to leave out what nobody gave."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
