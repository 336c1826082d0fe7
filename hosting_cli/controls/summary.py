"""How many controls of a layer have which verdict: by force, and never as one percentage.  Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hosting_cli.controls.verdict import ControlVerdict, Verdict
from inventory.controls import Force, Layer
from inventory.resource import Json


@dataclass(frozen=True)
class Count:
    """The verdicts of the controls of one layer that are equally binding."""

    layer: Layer
    force: Force
    verdicts: Mapping[Verdict, int]

    @property
    def total(self) -> int:
        """Say how many controls these are."""
        return sum(self.verdicts.values())

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "layer": self.layer.value,
            "force": self.force.value,
            "total": self.total,
            "verdicts": {verdict.value: self.verdicts.get(verdict, 0) for verdict in Verdict},
        }


def summary(judged: Iterable[ControlVerdict]) -> tuple[Count, ...]:
    """Count *judged* by layer and force, in their order; what nobody asks for is not listed."""
    counted: dict[tuple[Layer, Force], Counter[Verdict]] = {}
    for item in judged:
        counted.setdefault((item.control.layer, item.control.force), Counter())[item.verdict] += 1
    return tuple(
        Count(layer, force, counted[layer, force]) for layer in Layer for force in Force if (layer, force) in counted
    )
