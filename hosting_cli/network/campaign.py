"""A campaign of probes: which rows are asked for, what is sent for them, and what came of all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from deploys.flows import ResolvedFlow, Topology
from hosting_cli.network import probing
from hosting_cli.network.choosing import Chooser, Untried
from hosting_cli.network.probes import Probe
from hosting_cli.network.probing import Meet, Outcome, Trial
from hosting_cli.network.proving import Standing
from inventory.ends import Directory
from inventory.environment import Environment
from inventory.models import Region
from inventory.resource import Json

NONCES = range(1, 1 << 16)
"""What tells one campaign's packets from another's: by chance, or kernels might still know the connections."""
RECORDED = 50
"""How many of the trials that are not as they should be the journal names; it counts all of them."""


@dataclass(frozen=True)
class Wish:
    """What is to be probed: which rows, how many of their ways (all without a number), and the seed of what is chosen.

    The same wish on the same files sends the same packets, but for the numbers that they bear.
    """

    application: str | None = None
    establishment: str | None = None
    sample: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """What is to be sent, for how many of the ways that rows open; and the ways for which nothing can be."""

    probes: tuple[Probe, ...]
    ways: int
    taken: int
    untried: tuple[Untried, ...]
    nonce: int


@dataclass(frozen=True)
class Campaign:
    """What came of a plan."""

    plan: Plan
    trials: tuple[Trial, ...]

    @property
    def standing(self) -> Standing:
        """Sum it up: unknown outweighs different, and nothing sent shows nothing."""
        found = {trial.standing for trial in self.trials}
        if not found:
            return Standing.UNKNOWN
        return next((worst for worst in (Standing.UNKNOWN, Standing.DIFFERENT) if worst in found), Standing.PROVEN)

    def of(self, standing: Standing) -> tuple[Trial, ...]:
        """Give the trials that stand so."""
        return tuple(trial for trial in self.trials if trial.standing is standing)

    @property
    def stood_in(self) -> int:
        """Count the ways that a gateway began in somebody's place."""
        return len({id(trial.probe.flow) for trial in self.trials if trial.probe.stands_in})

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            **self.counts(),
            "probes": [trial.to_json() for trial in self.trials],
            "not_probed": [each.to_json() for each in self.plan.untried],
        }

    def entry(self, wish: Wish) -> dict[str, Json]:
        """Give it as the journal keeps it."""
        wrong = (*self.of(Standing.DIFFERENT), *self.of(Standing.UNKNOWN))
        asked: dict[str, Json] = {
            "application": wish.application,
            "establishment": wish.establishment,
            "sample": wish.sample,
            "seed": wish.seed,
        }
        named = list[Json](trial.to_json() for trial in wrong[:RECORDED])
        return {"asked": asked, **self.counts(), "not_as_they_should_be": named}

    def counts(self) -> dict[str, Json]:
        """Give how much was tried and how it came out."""
        return {
            "standing": self.standing.value,
            "ways": self.plan.ways,
            "ways_taken": self.plan.taken,
            "ways_not_probed": len(self.plan.untried),
            "ways_begun_by_a_gateway": self.stood_in,
            "sent": len(self.trials),
            **{outcome.value: sum(trial.outcome is outcome for trial in self.trials) for outcome in Outcome},
            "different": len(self.of(Standing.DIFFERENT)),
        }


def plan(region: Region, places: Topology, environment: Environment, wish: Wish, nonce: int) -> Plan:
    """Choose what to send."""
    chance = Random(wish.seed)  # noqa: S311 what is chosen is no secret, and must be chosen again by the same seed
    chooser = Chooser(places, environment, chance, nonce)
    asked_for = [flow for flow in _flows(places) if _concerns(region, flow, wish)]
    taken = asked_for if wish.sample is None else chooser.sample(asked_for, wish.sample)
    probes: list[Probe] = []
    untried: list[Untried] = []
    for found in map(chooser.probes, taken):
        if isinstance(found, Untried):
            untried.append(found)
        else:
            probes += found
    return Plan(tuple(probes), len(asked_for), len(taken), tuple(untried), nonce)


def carry_out(meet: Meet, chosen: Plan) -> Campaign:
    """Send what was chosen, from all hosts at once."""
    return Campaign(chosen, probing.run(meet, chosen.probes, chosen.nonce))


def _flows(places: Topology) -> Sequence[ResolvedFlow]:
    return [flow for flows in places.flows_to.values() for flow in flows]


def _concerns(region: Region, flow: ResolvedFlow, wish: Wish) -> bool:
    if wish.application is not None and flow.application != wish.application:
        return False
    if wish.establishment is None:
        return True
    return bool({flow.source.segment, flow.destination.segment} & _segments_of(region, wish.establishment))


def _segments_of(region: Region, establishment: str) -> set[str]:
    return {place.segment for place in Directory.of(region).tunnels.get(establishment, ())}
