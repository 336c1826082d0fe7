"""Write what was measured: a table for people, a JSON document for machines.  Pure."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict

from inventory.resource import Json
from tests.bench.measure import Chapter, Series

_HEADINGS = ("", "runs", "min s", "median s", "max s", "CPU s", "hosts' CPU s", "MiB")


def for_people(chapters: Sequence[Chapter]) -> str:
    """Write every chapter: its runs, then each goal with what was reached."""
    return "\n\n".join("\n".join(_chapter(chapter)) for chapter in chapters)


def _chapter(chapter: Chapter) -> list[str]:
    table = [_HEADINGS, *map(_cells, chapter.series)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEADINGS))]
    rows = [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in table
    ]
    goals = [
        f"  {'met   ' if goal.is_met else 'MISSED'}  {goal.measured:.2f} {goal.unit}  (goal {goal.limit})  {goal.text}"
        for goal in chapter.goals
    ]
    return [chapter.title, *(row.rstrip() for row in rows), *goals, *(f"  {note}" for note in chapter.notes)]


def _cells(series: Series) -> tuple[str, ...]:
    hosts = "" if series.hosts is None else f"{series.hosts:.2f}"
    memory = "" if series.memory is None else f"{series.memory:.0f}"
    wall = (f"{seconds:.3f}" for seconds in series.wall)
    return (series.name, str(len(series.figures)), *wall, f"{series.cpu[1]:.2f}", hosts, memory)


def for_machines(chapters: Sequence[Chapter]) -> Json:
    """Give every figure, goal and note as plain JSON, with what they were measured on."""
    return {
        "version": 1,
        "machine": {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()},
        "chapters": [
            {
                "title": chapter.title,
                "series": [
                    {"name": series.name, "figures": [asdict(figure) for figure in series.figures]}
                    for series in chapter.series
                ],
                "goals": [{**asdict(goal), "met": goal.is_met} for goal in chapter.goals],
                "notes": list(chapter.notes),
            }
            for chapter in chapters
        ],
    }
