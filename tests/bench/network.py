"""What the firewall costs: packets through the whole region's rules, and the time to generate, load and read them.

Ratios are of processor time.  A packet is sent, forwarded and taken by one thread, in which the kernel does all of it;
so that is what a packet costs whatever else the machine does, and on a quiet one it is the time that passes.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from deploys import nftables
from deploys.programs import INTERPRETER, program
from hosting_cli.lab.progress import Progress
from tests.bench import network_path, region
from tests.bench.measure import Chapter, Figure, Goal, Series
from tests.bench.network_path import Route, Way
from tests.bench.network_rules import FILES, LINEAR, ROUTE, RULES
from tests.bench.processes import checked, measured
from tests.unit.inventory.large_region import ESTABLISHMENTS

PACKET_ROUNDS, ROUNDS = 25, 5
PER = 10_000
"""How many packets a figure is given for, however many were sent."""

SIZES: Mapping[str, float] = {"3 establishments": 3 / ESTABLISHMENTS, "the region": 1, "2 × the region": 2}
"""As many times as large as the real one; in proportion, an application needs three establishments."""

TRACKING = "ct state vmap { established : accept, related : accept, invalid : drop }"
ACCEPT = "table inet empty {\nchain forward {\ntype filter hook forward priority filter; policy accept;\n%s\n}\n}\n"
EMPTY, TRACKED, OURS, ONE_BY_ONE = "nothing", "tracking", "the region", "linear"
_NAMED = {
    EMPTY: "an empty accept rule set, connections not tracked",
    TRACKED: "an empty accept rule set that tracks connections",
    OURS: "the region's rule set",
    ONE_BY_ONE: "the same rules one after another",
}
_BURSTS: Mapping[tuple[str, str], int] = {
    **{("established", name): 20_000 for name in _NAMED},
    **{("new", name): 2_000 for name in (EMPTY, TRACKED, OURS)},
    ("new", ONE_BY_ONE): 1_000,
}
"""Packets sent at once; a connection that is new is in the gateway's table of them for half a minute."""


@dataclass(frozen=True)
class _Generated:
    """A region's files, with what was generated from them."""

    folder: Path
    elements: int

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


def measure(progress: Progress) -> Chapter:
    """Measure all candidates in turn, round by round."""
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        folders = {size: Path(name) / str(number) for number, size in enumerate(SIZES)}
        for size, folder in folders.items():
            region.write(folder / FILES, SIZES[size])
        times: dict[tuple[str, str], list[Figure]] = {}
        for turn in range(ROUNDS):
            progress(f"round {turn + 1} of {ROUNDS}: generating, loading and reading back")
            generated = {size: _generated_loaded_read(size, folder, times) for size, folder in folders.items()}
        packets = _packets(generated["the region"], progress)
    return _chapter(times, packets, generated)


def _generated_loaded_read(size: str, folder: Path, times: dict[tuple[str, str], list[Figure]]) -> _Generated:
    run = checked(measured([sys.executable, "-m", "tests.bench.network_rules", str(folder)]))
    found = json.loads(run.stdout)
    generated = _Generated(folder, found["elements"])
    request = program("read_host", {"timeout_seconds": 60, "firewall": nftables.READING})
    with network_path.namespace() as gateway:
        loaded = _in(gateway, "nft", "-f", str(folder / RULES))
        read = _in(gateway, *INTERPRETER, stdin=request)
    figures = {"generate": Figure(found["seconds"], found["seconds"], 0), "load": loaded, "read back": read}
    for work, figure in figures.items():
        times.setdefault((work, size), []).append(figure)
    return generated


def _in(gateway: int, *argv: str, stdin: str = "") -> Figure:
    run = checked(measured(network_path.inside(gateway, *argv), stdin=stdin))
    return Figure(run.wall_seconds, run.user_seconds, run.system_seconds)


def _packets(generated: _Generated, progress: Progress) -> dict[tuple[str, str], Series]:
    rules: dict[str, str] = {
        EMPTY: ACCEPT % "",
        TRACKED: ACCEPT % TRACKING,
        OURS: generated.text(RULES),
        ONE_BY_ONE: generated.text(LINEAR),
    }
    route = Route(**json.loads(generated.text(ROUTE)))
    figures: dict[tuple[str, str], list[Figure]] = {of: [] for of in _BURSTS}
    with ExitStack() as stack:
        progress("bringing a gateway up for each rule set")
        ways: dict[str, Way] = {
            name: stack.enter_context(network_path.way(route, text)) for name, text in rules.items()
        }
        progress(f"sending packets, {PACKET_ROUNDS} times")
        for turn in range(PACKET_ROUNDS + 1):
            for (kind, name), packets in _BURSTS.items():
                passed, worked = (seconds * PER / packets for seconds in ways[name].send(kind, packets))
                if turn > 0:  # the first is to warm up
                    figures[kind, name].append(Figure(passed, 0, worked))
    return {
        (kind, name): Series(f"{PER:,} packets, {kind}: {_NAMED[name]}", tuple(found))
        for (kind, name), found in figures.items()
    }


def _chapter(
    times: Mapping[tuple[str, str], list[Figure]],
    packets: Mapping[tuple[str, str], Series],
    generated: Mapping[str, _Generated],
) -> Chapter:
    works = {of: Series(f"{of[0]}, {of[1]}", tuple(found)) for of, found in sorted(times.items())}

    def share(kind: str, against: str) -> float:
        return packets[kind, against].cpu[1] / packets[kind, OURS].cpu[1]

    goals = [
        Goal(
            "packets of established connections: the region's rules against an empty set that tracks connections",
            share("established", TRACKED),
            at_least=0.9,
        ),
        *(
            Goal(
                f"twice the region: {work}",
                works[work, "2 × the region"].cpu[1] / works[work, "the region"].cpu[1],
                at_most=2.3,
            )
            for work in ("generate", "load", "read back")
        ),
    ]
    return Chapter(
        "A gateway of the whole region: packets through its rules; rules generated, loaded and read back",
        (*packets.values(), *works.values()),
        tuple(goals),
        tuple(_notes(packets, share, generated)),
    )


def _notes(
    packets: Mapping[tuple[str, str], Series],
    share: Callable[[str, str], float],
    generated: Mapping[str, _Generated],
) -> list[str]:
    """Say what no goal does: speeds, other comparisons, and how large the rules are."""
    return [
        *(
            f"{kind}: {PER / packets[kind, OURS].cpu[1]:,.0f} packets a second of processor through the region's rules;"
            f" {share(kind, TRACKED):.2f} × an empty set that tracks, {share(kind, EMPTY):.2f} × one that does not,"
            f" {share(kind, ONE_BY_ONE):.1f} × the same rules one after another"
            for kind in ("established", "new")
        ),
        ", ".join(f"{size}: {found.elements:,} elements" for size, found in generated.items()),
    ]
