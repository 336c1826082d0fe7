"""A part of an answer: its value, or the reason why there is none."""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from deploys.programs.parts.fork import Fork


def attempt(read: Callable[[Any, dict[str, Fork]], Any], wanted: Any, forks: dict[str, Fork]) -> dict[str, Any]:
    """Give a part's value, or the reason why there is none."""
    try:
        return {"value": read(wanted, forks)}
    except (OSError, ValueError, LookupError) as error:
        return {"unknown": f"{type(error).__name__}: {error}"}
