"""A secret shows itself to whoever asks by name, and to nobody else."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from string import Template

import pytest

from hosting_cli.secret import Secret

VALUE = "correct horse battery staple"


@dataclass(frozen=True)
class Holder:
    secret: Secret


def test_it_is_revealed_by_name() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "printed",
    [
        pytest.param(str, id="str"),
        pytest.param(repr, id="repr"),
        pytest.param(lambda secret: f"{secret} {secret!r} {secret!s:>40}", id="f-string"),
        pytest.param(lambda secret: f"{[secret]} { {'key': secret} }", id="within a collection"),
        pytest.param(lambda secret: Template("$it").substitute(it=secret), id="a template"),
        pytest.param(lambda secret: repr(Holder(secret)), id="within a dataclass"),
        pytest.param(lambda secret: json.dumps(secret, default=str), id="JSON with a default"),
        pytest.param(lambda secret: logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage(), id="a log"),
    ],
)
def test_printing_shows_a_mask(printed: Callable[[Secret], str]) -> None:
    text = printed(Secret(VALUE))
    assert VALUE not in text
    assert "<secret>" in text


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deep copy"),
        pytest.param(lambda secret: asdict(Holder(secret)), id="asdict"),
        pytest.param(json.dumps, id="JSON"),
        pytest.param(hash, id="hash"),
        pytest.param(vars, id="vars"),
        pytest.param(iter, id="iteration"),
        pytest.param(len, id="length"),
    ],
)
def test_what_would_carry_it_elsewhere_is_refused(leak: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        leak(Secret(VALUE))
    assert VALUE not in str(refusal.value)


def test_a_traceback_that_shows_variables_shows_a_mask() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError(secret)

    with pytest.raises(ValueError, match="<secret>") as raised:
        fail(Secret(VALUE))
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "secret = <secret>" in shown
    assert VALUE not in shown


def test_equality_is_that_of_the_values() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("another")
    assert Secret("é") == Secret("é")
    assert Secret(VALUE) != VALUE


def test_nothing_can_be_hung_on_it() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "seen"  # type: ignore[attr-defined]
