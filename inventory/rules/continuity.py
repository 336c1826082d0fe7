"""What depends on what, and whether that can be promised."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from inventory.located import Kind, LocatedRegion
from inventory.problems import Problem, Words


def find_cycles(depends_on: dict[str, list[str]]) -> Iterator[list[str]]:
    """Find chains of dependencies that come back to where they began, each told from its first name on.

    After a chain is told its last link is left out, so that the next one shows.
    """
    graph = {name: list(others) for name, others in sorted(depends_on.items())}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            # graphlib names each node before the one that depends on it, and the first again at the end.
            cycle = list(reversed(error.args[1]))[:-1]
            start = cycle.index(min(cycle))
            cycle = cycle[start:] + cycle[:start]
            yield cycle
            graph[cycle[0]].remove(cycle[1 % len(cycle)])
        else:
            return


def dependencies_have_no_cycle(region: LocatedRegion) -> Iterator[Problem]:
    """Find applications that wait for themselves: no order of starting them exists."""
    applications = region.index(Kind.APPLICATION)
    graph = {
        name: list(dict.fromkeys(other for other in place.value.depends_on if other in applications))
        for name, place in applications.items()
    }
    for cycle in find_cycles(graph):
        place = applications[cycle[0]]
        number = place.value.depends_on.index(cycle[1 % len(cycle)])
        chain = ", which needs ".join([*cycle[1:], cycle[0]])
        words = Words(
            f"{cycle[0]} needs {chain}", "none of them could be started first", "remove one of these dependencies"
        )
        yield place.problem(("depends_on", number), words)


def dependencies_are_as_continuous(region: LocatedRegion) -> Iterator[Problem]:
    """Find applications of a better continuity class than something that they need (C0 is the best)."""
    applications = region.index(Kind.APPLICATION)
    for place in region.applications:
        application = place.value
        for number, name in enumerate(application.depends_on):
            other = applications.get(name)
            if other is not None and other.value.continuity > application.continuity:
                promise = f"{application.id} promises {application.continuity}"
                what = f"{promise} and needs {name}, which has {other.value.continuity}"
                why = "no application is more available than what it depends on"
                yield place.problem(("depends_on", number), Words(what, why, "raise the other class or lower this one"))
