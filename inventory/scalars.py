"""What an unquoted YAML text is: text, a whole number, a truth value, or something that readers disagree on.

YAML 1.1 (PyYAML, Ansible) and 1.2 (editors, Go) type `no`, `010` or `12:30` differently, and a FINESS number such as
010000024 silently loses its zero.  Such values are refused, whatever key they stand at; days stay text.
"""

import re
from functools import lru_cache

from inventory.problems import Words

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
LEADING_ZERO = re.compile(r"0[0-9]+")
BASE_SIXTY = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
ODD_NUMBER = re.compile(
    r"[-+]?(0[xob][0-9A-Fa-f_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?"
    r"|\.(inf|Inf|INF))|\.(nan|NaN|NAN)"
)
NUMERIC_FIRST = frozenset("0123456789+-.")
LONGEST_WORD = len("false")
TRUTH = {"true": True, "false": False}
UNCLEAR = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
EMPTY = frozenset({"", "~", "null"})
SIGNS = frozenset({"=", "<<"})


@lru_cache(maxsize=1 << 14)  # a region says the same few words over and over
def read_plain(text: str) -> str | int | float | bool | Words:
    """Read an unquoted text; words say why it cannot be taken for anything."""
    if text[:1] in NUMERIC_FIRST:
        return _read_numeric(text)
    if len(text) > LONGEST_WORD:
        return text
    return TRUTH[text] if text in TRUTH else _check_word(text)


def _check_word(text: str) -> str | Words:
    word = text.lower()
    if word in EMPTY:
        return Words("no value is written here", "an empty value can mean anything", "write a value or remove the key")
    if word in UNCLEAR:
        why = "YAML 1.1 reads it as true or false and YAML 1.2 as text"
        return Words(f"{text} is ambiguous without quotes", why, f'write true or false, or "{text}" in quotes')
    if text in SIGNS:
        return Words(f"{text} is a sign of YAML 1.1", "it means something else than it says", "write it in quotes")
    return text


def _read_numeric(text: str) -> str | int | float | Words:
    if INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    reason = _number_trap(text)
    remedy = "put it in quotes if it is text, write it in plain decimal digits if it is a number"
    return Words(f"{text} is ambiguous without quotes", reason, remedy) if reason else text


def _number_trap(text: str) -> str | None:
    if LEADING_ZERO.fullmatch(text):
        return "YAML takes it for a number and can lose its leading zero"
    if BASE_SIXTY.fullmatch(text):
        return "YAML 1.1 reads it as a number in base 60"
    if ODD_NUMBER.fullmatch(text):
        return "YAML takes it for a number, and not always for the same"
    return None
