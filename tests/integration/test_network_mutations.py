"""Hundreds of small edits of real rule sets: the proof finds each one that matters, and none that does not.

Whether an edit matters is decided without the proof: an interpreter walks the listing with some hundred packets, and an
oracle of a few lines says what must and what may pass.  Every example that the proof names is walked as well, so that
nothing is called a difference which is none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from random import Random
from typing import Any

import pytest
from interpreter import Packet, Tables, passes, tables
from listed_rules import listed
from mutations import EDITS, edited
from oracle import examples, may_pass, must_pass
from proven import position, text
from sample import GATEWAY, HOST

from hosting_cli.network import listing
from hosting_cli.network.comparison import Difference, judge

EDITS_OF_A_HOST, ROUNDS = 100, 4
HOOKS = ("input", "forward", "output")
INTERFACES = ("eth1", "eth1.100", "eth1.110", "ipsec1", "other", "lo")
STATES = ("new", "new", "new", "established", "related", "invalid")


@cache
def real(host: str) -> Any:
    """Give the rule set of *host* as a kernel lists it."""
    return listed(text(host))


# -- packets ------------------------------------------------------------------------------------------------------


def numbers(part: Any) -> Iterator[int]:
    """Yield every address and number that a listing speaks of, and its neighbours."""
    if isinstance(part, dict):
        if part.keys() == {"addr", "len"}:
            low = int(ip_address(part["addr"])) >> (32 - part["len"]) << (32 - part["len"])
            yield from (low - 1, low, low + (1 << 32 - part["len"]) - 1, low + (1 << 32 - part["len"]))
        for key, value in part.items():
            if key not in {"handle", "counter", "limit"}:
                yield from numbers(value)
    elif isinstance(part, list):
        for value in part:
            yield from numbers(value)
    elif isinstance(part, int):
        yield from (part - 1, part, part + 1)
    elif isinstance(part, str) and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", part):
        yield from (int(ip_address(part)) + step for step in (-1, 0, 1))


class Sampler:
    """Random packets near those that matter, and near the edges of what either listing speaks of."""

    def __init__(self, host: str, listings: list[Any], chance: Random) -> None:
        found = sorted({number for each in listings for number in numbers(each) if number >= 0})
        self.addresses = [number for number in found if 65535 < number < 1 << 32] or [1]
        self.ports = [number for number in found if number <= 65535]
        self.seeds = list(examples(host))
        self.chance = chance

    def packets(self, count: int) -> Iterator[Packet]:
        yield from filter(is_possible, self.seeds)
        for _ in range(count):
            packet = self.chance.choice(self.seeds)
            for _ in range(self.chance.choice([1, 1, 2, 3])):
                packet = self.bent(packet)
            if is_possible(packet):
                yield packet

    def bent(self, packet: Packet) -> Packet:
        """Change one thing of a packet."""
        pick = self.chance.choice
        kind = pick([0, 3, 5, 8, 11, 12, 135]) << 8
        changes: tuple[Callable[[], dict[str, Any]], ...] = (
            lambda: {"state": pick(STATES), "is_reply": pick([False, True])},
            lambda: {"incoming": pick(INTERFACES)},
            lambda: {"outgoing": pick(INTERFACES)},
            lambda: {"hook": pick(HOOKS), "incoming": pick(INTERFACES), "outgoing": ""},
            lambda: {"hook": pick(HOOKS), "incoming": "", "outgoing": pick(INTERFACES)},
            lambda: {"hook": "forward", "incoming": pick(INTERFACES), "outgoing": pick(INTERFACES)},
            lambda: {"source": pick(self.addresses)},
            lambda: {"destination": pick(self.addresses)},
            lambda: {"protocol": pick([1, 6, 17, 58, 132])},
            lambda: {"first": pick([pick(self.ports), kind]), "second": pick(self.ports)},
            lambda: {"mark": pick([0, 1, 0x686F])},
            lambda: {"version": 6, "source": 1, "destination": 2},
        )
        return replace(packet, **pick(changes)())


def is_possible(packet: Packet) -> bool:
    """Tell whether a kernel could ever see such a packet at its hook."""
    ways = {"input": (True, False), "forward": (True, True), "output": (False, True)}[packet.hook]
    is_forwarded_loop = packet.hook == "forward" and "lo" in {packet.incoming, packet.outgoing}
    is_odd_state = (packet.state == "new" and packet.is_reply) or (
        packet.state == "untracked" and (packet.version, packet.protocol) != (6, 58)
    )
    return (bool(packet.incoming), bool(packet.outgoing)) == ways and not is_forwarded_loop and not is_odd_state


# -- what is found ------------------------------------------------------------------------------------------------

WORDS = re.compile(
    r"(?P<protocol>protocol \d+|[a-z0-9]+) (?P<source>\S+) → (?P<destination>[^, ]+)"
    r"(?: (?P<what>port|type) (?P<number>\d+))?"
    r"(?:, in by (?P<incoming>[^,]+))?(?:, out by (?P<outgoing>[^,]+))?(?:, mark (?P<mark>0x[0-9a-f]+))?"
    r"(?:, (?P<state>[a-z]+))?"
)
PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "comp": 108,
}


def packet_of(hook: str, words: str) -> Packet:
    """Read an example back from its words."""
    found = WORDS.fullmatch(words)
    assert found, words
    source, destination = ip_address(found["source"]), ip_address(found["destination"])
    number = int(found["number"] or 0)
    named = found["protocol"]
    return Packet(
        hook=hook,
        state=found["state"] or "new",
        version=source.version,
        incoming=(found["incoming"] or "").replace("any other interface", "other"),
        outgoing=(found["outgoing"] or "").replace("any other interface", "other"),
        mark=int(found["mark"] or "0", 16),
        source=int(source),
        destination=int(destination),
        protocol=PROTOCOLS[named] if named in PROTOCOLS else int(named.split()[-1]),
        first=number << 8 if found["what"] == "type" else 0,
        second=number if found["what"] == "port" else 0,
    )


def differs(host: str, changed: Tables, packet: Packet) -> Difference | None:
    """Say by the interpreter and the oracle alone in which way a packet is treated wrongly, if it is."""
    treatments = {passes(changed, packet, within_limits=within) for within in (True, False)}
    if True in treatments and not may_pass(host, packet):
        return Difference.TOO_MUCH
    if False in treatments and must_pass(host, packet):
        return Difference.TOO_LITTLE
    return None


@pytest.mark.parametrize("host", [HOST, GATEWAY])
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_edit_that_matters_is_found_and_no_other(host: str, seed: int) -> None:
    chance = Random(f"{host} {seed}")
    outcomes: Counter[str] = Counter()
    for _ in range(EDITS_OF_A_HOST // ROUNDS):
        what, changed = edited(real(host), chance)
        held = tables(changed)
        judgement = judge(listing.rule_set(changed), position(host))
        assert judgement.not_understood == (), what
        found = {(each.hook.value, each.difference) for each in judgement.findings}
        for each in judgement.findings:
            packet = packet_of(each.hook.value, each.packet)
            assert differs(host, held, packet) is each.difference, f"{what}: {each.packet}"
        seen = {
            (packet.hook, difference): packet
            for packet in Sampler(host, [real(host), changed], chance).packets(200)
            if (difference := differs(host, held, packet)) is not None
        }
        for difference, packet in seen.items():
            assert difference in found, f"{what}: {packet}"
        outcomes["found" if found else "neutral"] += 1
    assert min(outcomes["found"], outcomes["neutral"]) >= 3, "edits of both kinds were tried"


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_the_oracle_and_the_interpreter_agree_with_the_rules_that_are_written(host: str) -> None:
    packets = list(Sampler(host, [real(host)], Random(0)).packets(3000))
    held = tables(real(host))
    assert [packet for packet in packets if differs(host, held, packet)] == []
    assert sum(must_pass(host, packet) for packet in packets) > 100


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_kind_of_edit_can_be_made(edit: Any) -> None:
    assert any(edit(deepcopy(real(GATEWAY))["nftables"], Random(seed)) for seed in range(20))
