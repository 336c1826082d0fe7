"""The files that deploys write, each in its own language, and the one function that fills them in."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("deploys", "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # noqa: S701 these are configuration files, not HTML
)


Value = str | int | bool | tuple[str, ...]
"""What templates are filled in with."""


@lru_cache(maxsize=4096)  # most files are the same on every host
def render(name: str, **values: Value) -> str:
    """Fill in the template *name*; raise ``ValueError`` if a value would break out of its line."""
    for value in values.values():
        _refuse_control_characters(value)
    return _TEMPLATES.get_template(f"{name}.j2").render(values)


def _refuse_control_characters(value: Value) -> None:
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and not text.isprintable():
            raise ValueError(f"{text!r} cannot stand in a configuration file")
