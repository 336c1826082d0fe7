"""Fit a document to a model: a frozen value, or every problem of its shape at the place that has it.

Values are handed to pydantic as JSON, strictly: `1` is not text, `"1"` is not a number, and a sequence may become a
tuple.  So what a file may say is what its JSON Schema says.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from inventory.documents import Document, Steps
from inventory.identifiers import REFUSED
from inventory.problems import Problem, Words, quoted

Fitted = TypeVar("Fitted", bound=BaseModel)
Model: TypeAlias = type[BaseModel]

AS_KEY = "[key]"
"""What pydantic ends the way to a dictionary's key with."""


def fit(document: Document, model: type[Fitted]) -> tuple[Fitted | None, list[Problem]]:
    """Make *document* a value of *model*, or say everything that keeps it from being one.

    What was refused while reading is not judged again, but leaves no value.
    """
    try:
        value = model.model_validate_json(json.dumps(document.root.value), strict=True)
    except ValidationError as error:
        return None, list(_problems(document, model, error.errors(include_url=False)))
    return value if document.is_complete else None, []


def _problems(document: Document, model: Model, errors: Sequence[ErrorDetails]) -> Iterator[Problem]:
    missing: dict[Steps, list[str]] = defaultdict(list)
    misspelt: set[Steps] = set()
    for error in errors:
        steps = error["loc"]
        if error["type"] == "missing":
            missing[steps[:-1]].append(str(steps[-1]))
        elif error["type"] == "extra_forbidden":
            meant = _meant(model, steps)
            misspelt.add((*steps[:-1], meant or ""))
            yield document.problem(steps, _unknown_key(model, steps, meant), at_key=True)
        elif steps and steps[-1] == AS_KEY:
            yield document.problem(steps[:-1], _words(error), at_key=True)
        elif not _is_consequence(document, error):
            yield document.problem(steps, _words(error))
    for steps, names in missing.items():
        if lacking := [name for name in names if (*steps, name) not in misspelt]:
            yield document.problem(steps, _lacking(model, steps, lacking))


def _is_consequence(document: Document, error: ErrorDetails) -> bool:
    """Tell whether the error only repeats another: of a refused value, or of the items of a list."""
    if error["type"] == "too_short" and error["input"]:
        return True
    return any(node.refused for node in document.walk(error["loc"]))


# -- keys -----------------------------------------------------------------------------------------------------------


def model_at(model: Model, steps: Steps) -> Model | None:
    """Find the model that describes the mapping at *steps* of a document of *model*."""
    annotation: Any = model
    for step in steps:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if step not in annotation.model_fields:
                return None
            annotation = _inner(annotation.model_fields[str(step)].annotation)
        elif get_origin(annotation) in (tuple, dict):
            annotation = _inner(next(kind for kind in reversed(get_args(annotation)) if kind is not ...))
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _inner(annotation: Any) -> Any:
    """Take the ``| None`` off an annotation."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kinds[0] if type(None) in get_args(annotation) else annotation


def noun(model: Model | None) -> str:
    """Give the word for what *model* describes."""
    if model is None:
        return "file"
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
    return spaced.removesuffix(" sheet")


def with_article(word: str) -> str:
    """Put ``a`` or ``an`` before *word*."""
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"


def _known_keys(model: Model, steps: Steps) -> list[str]:
    around = model_at(model, steps[:-1])
    return list(around.model_fields) if around else []


def _meant(model: Model, steps: Steps) -> str | None:
    """Guess which key somebody meant by the unknown one at *steps*."""
    return next(iter(get_close_matches(str(steps[-1]), _known_keys(model, steps), n=1)), None)


def _unknown_key(model: Model, steps: Steps, meant: str | None) -> Words:
    why = f"{with_article(noun(model_at(model, steps[:-1])))} has only {', '.join(_known_keys(model, steps))}"
    return Words(f"unknown key {quoted(steps[-1])}", why, f"write {meant}" if meant else "remove it")


def _lacking(model: Model, steps: Steps, names: list[str]) -> Words:
    what = f"the {noun(model_at(model, steps))} lacks {_enumerated(names)}"
    pronoun = "it has" if len(names) == 1 else "they have"
    return Words(what, f"{pronoun} no default", f"add {'it' if len(names) == 1 else 'them'}")


def _enumerated(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


# -- values ---------------------------------------------------------------------------------------------------------


def _words(error: ErrorDetails) -> Words:
    if error["type"] == REFUSED:
        return Words(**error["ctx"])
    explain = EXPLANATIONS.get(error["type"])
    if explain is not None:
        return explain(_name(error), error["input"], error.get("ctx", {}))
    return Words(f"{quoted(error['input'])} does not fit", error["msg"], "compare with the schema of the file")


def _name(error: ErrorDetails) -> str:
    """Give the key that the value stands at, or the one of its list."""
    steps = error["loc"][:-2] if error["loc"][-1:] == (AS_KEY,) else error["loc"]
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return "the file"
    return names[-1] if names[-1] == steps[-1] else f"each of {names[-1]}"


def kind_of(value: object) -> str:
    """Give the word for what YAML made of a value."""
    match value:
        case bool():
            return f"{str(value).lower()} is a truth value"
        case int() | float():
            return f"{value} is a number"
        case str():
            return f"{quoted(value)} is text"
        case list():
            return "a list stands here"
    return "keys and values stand here"


def _not_text(name: str, value: object, _context: dict[str, Any]) -> Words:
    if isinstance(value, list | dict):
        return Words(kind_of(value), f"{name} is text", "write one text")
    return Words(kind_of(value), f"{name} is text", "put it in quotes")


def _not_whole(name: str, value: object, _context: dict[str, Any]) -> Words:
    is_quoted_number = isinstance(value, str) and value.isdecimal()
    remedy = "remove the quotes" if is_quoted_number else "write a number such as 2"
    return Words(kind_of(value), f"{name} is a whole number", remedy)


def _not_truth(name: str, value: object, _context: dict[str, Any]) -> Words:
    return Words(kind_of(value), f"{name} is a truth value", "write true or false without quotes")


def _not_list(name: str, value: object, _context: dict[str, Any]) -> Words:
    return Words(kind_of(value), f"{name} is a list", "write each item on a line of its own after a hyphen")


def _not_mapping(name: str, value: object, _context: dict[str, Any]) -> Words:
    return Words(kind_of(value), f"{name} consists of keys and values", "write key: value lines")


def _empty_list(name: str, _value: object, _context: dict[str, Any]) -> Words:
    return Words("the list is empty", f"{name} needs at least one item", "add one")


def _not_among(name: str, value: object, context: dict[str, Any]) -> Words:
    expected = re.findall(r"'([^']*)'", context["expected"])
    close = get_close_matches(str(value), expected, n=1)
    remedy = f"write {close[0]}" if close else "write one of them"
    return Words(f"{quoted(value)} is not a value of {name}", f"it is one of {', '.join(expected)}", remedy)


def _bounded(words: str, key: str) -> Callable[[str, object, dict[str, Any]], Words]:
    def explain(name: str, value: object, context: dict[str, Any]) -> Words:
        what = f"{value} is too {'small' if key in ('gt', 'ge') else 'large'}"
        return Words(what, f"{name} must be {words} {context[key]}", "write another number")

    return explain


EXPLANATIONS: dict[str, Callable[[str, Any, dict[str, Any]], Words]] = {
    "string_type": _not_text,
    "int_type": _not_whole,
    "int_from_float": _not_whole,
    "bool_type": _not_truth,
    "tuple_type": _not_list,
    "model_type": _not_mapping,
    "dict_type": _not_mapping,
    "too_short": _empty_list,
    "enum": _not_among,
    "greater_than": _bounded("greater than", "gt"),
    "greater_than_equal": _bounded("at least", "ge"),
    "less_than": _bounded("less than", "lt"),
    "less_than_equal": _bounded("at most", "le"),
}
