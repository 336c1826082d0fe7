"""The files that deploys write, each in its own language, and the one function that fills them in."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("deploys", "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # noqa: S701 these are configuration files, not HTML
)


def render(name: str, **values: Any) -> str:
    """Fill in the template *name*; raise ``ValueError`` if a value would break out of its line."""
    for value in values.values():
        _refuse_control_characters(value)
    return _TEMPLATES.get_template(f"{name}.j2").render(values)


def _refuse_control_characters(value: Any) -> None:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError(f"{value!r} cannot stand in a configuration file")
    if isinstance(value, (list, tuple)):
        for item in value:
            _refuse_control_characters(item)
