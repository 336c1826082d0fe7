"""Real packets between the hosts of a region: what becomes of them is what the files say, and what the proof says."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hosts_in_namespaces import Hosts, hosts_of
from probed import DATABASE, GATEWAY, HOST, SECOND, STRANGER, probed_region
from sample import environment_of

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.network import listing
from hosting_cli.network.campaign import Plan, Wish, carry_out, plan
from hosting_cli.network.comparison import PATHS
from hosting_cli.network.evaluation import Evaluation
from hosting_cli.network.packets import Interfaces, Packets
from hosting_cli.network.probes import Kind, Probe
from hosting_cli.network.probing import Outcome
from hosting_cli.network.proving import Standing

pytestmark = pytest.mark.timeout(300)

REGION = probed_region()
ENVIRONMENT = environment_of(REGION)
PLACES = flows.topology(REGION)
RULES = {
    host.id: nftables.render(rule_set(PLACES, ENVIRONMENT, host)).replace('include "/etc', '#include "/etc')
    for host in REGION.hosts
}
ROUNDS = 6
DEAF = "table inet foreign {\n\tchain deaf {\n\t\ttype filter hook input priority -5; policy drop;\n\t}\n}\n"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with hosts_of(REGION) as hosts:
        yield hosts


@pytest.fixture
def in_order(hosts: Hosts) -> Hosts:
    for host, rules in RULES.items():
        hosts.load(host, rules)
    return hosts


def chosen(seed: int) -> Plan:
    return plan(REGION, PLACES, ENVIRONMENT, Wish(seed=seed), nonce=1 + 1000 * seed)


def test_under_the_rules_of_the_files_every_packet_does_what_the_files_say(in_order: Hosts) -> None:
    found = carry_out(in_order.meet, chosen(1))
    trials = found.trials
    assert found.standing is Standing.PROVEN
    assert [trial.to_json() for trial in trials if trial.standing is not Standing.PROVEN] == []
    outcomes = Counter((trial.probe.kind, trial.outcome) for trial in trials)
    for kind in Kind:
        assert outcomes[kind, Outcome.ARRIVED if kind is Kind.LISTED else Outcome.REFUSED] > 0, (kind, outcomes)
    assert {trial.at for trial in trials if trial.outcome is Outcome.REFUSED} == {GATEWAY, HOST, SECOND, DATABASE}
    assert {each.flow.destination.segment for each in found.plan.untried} == {"tunnel-beaune"}


def test_without_any_rules_every_packet_arrives_that_a_kernel_lets_in(in_order: Hosts) -> None:
    """So each refusal above was a rule's, and whatever was to be refused could have arrived."""
    for host in RULES:
        in_order.load(host, "")
    trials = carry_out(in_order.meet, chosen(2)).trials
    assert [trial.to_json() for trial in trials if trial.outcome is not Outcome.ARRIVED] == []


def said(hosts: Hosts, probes: Sequence[Probe]) -> dict[int, bool | None]:
    """Give what the proof says of each probe under the rules that kernels list; ``None``: either."""
    worked_out = {}
    for host in RULES:
        rules = listing.rule_set(hosts.listing(host))
        assert list(rules.not_understood) == []
        packets = Packets(Interfaces.of([*rules.interfaces, *(leg.name for leg in PLACES.legs[host])]))
        evaluation = Evaluation(rules, packets)
        worked_out[host] = packets, {hook: evaluation.passage(PATHS[hook]) for hook in PATHS}

    def passes(probe: Probe) -> bool | None:
        is_certain = True
        for hop in probe.hops:
            packets, passages = worked_out[hop.host]
            point = packets.first(probe.packet, hop.incoming, hop.outgoing)
            if point not in passages[hop.hook].accepted:
                return False
            is_certain = is_certain and point not in passages[hop.hook].dropped
        return True if is_certain else None

    return {id(probe): passes(probe) for probe in probes}


INSERTED = (
    "{family} daddr {address} {transport} dport {port} {verdict}",
    "{transport} dport {port} {verdict}",
    "{transport} sport {number}-65535 {verdict}",
    "{family} saddr {address} {verdict}",
    "icmp type {{ echo-request, timestamp-request }} {verdict}",
    "meta nfproto ipv6 {verdict}",
    "meta l4proto udp {verdict}",
)


def bent(rules: str, probes: Sequence[Probe], chance: Random) -> str:
    """Change a rule set as a hand or a bug might, near what is sent: rules put in, elements and rules lost."""
    for _ in range(chance.randrange(4)):
        if chance.random() < 0.6:
            packet = chance.choice(probes).packet
            line = chance.choice(INSERTED).format(
                family="ip" if packet.source.version == 4 else "ip6",
                address=chance.choice((packet.source, packet.destination)),
                transport="udp" if packet.protocol == "icmp" else packet.protocol,
                port=packet.port,
                number=packet.number,
                verdict=chance.choice(("accept", "accept", "drop")),
            )
            chain = chance.choice(("input", "forward", "output"))
            rules = re.sub(rf"(chain {chain} {{\n.*\n)", rf"\g<1>\t\t{line}\n", rules)
        else:
            lines = rules.splitlines(keepends=True)
            # Without its loopback a host is deaf, which is another test's.
            losable = [
                number
                for number, line in enumerate(lines)
                if re.search(r"accept|drop$|jump spoofed", line) and '"lo"' not in line
            ]
            del lines[chance.choice(losable)]
            rules = "".join(lines)
    return rules


@pytest.mark.parametrize("seed", range(10, 10 + ROUNDS))
def test_under_random_rules_packets_do_what_the_proof_says(hosts: Hosts, seed: int) -> None:
    chance, found = Random(seed), chosen(seed)
    probes = found.probes
    for host, rules in RULES.items():
        hosts.load(host, bent(rules, probes, chance))
    foretold = said(hosts, probes)
    seen = {id(trial.probe): trial for trial in carry_out(hosts.meet, found).trials}
    wrong = [
        (trial.to_json(), foretold[key])
        for key, trial in seen.items()
        if foretold[key] is not None and (trial.outcome is Outcome.ARRIVED) != foretold[key]
    ]
    assert wrong == []
    unclear = [trial for trial in seen.values() if trial.outcome is Outcome.UNKNOWN]
    assert [trial.to_json() for trial in unclear if "did not hear even" not in trial.at] == []
    assert len(unclear) < len(probes) / 2


def test_a_rule_too_many_and_a_rule_too_few_are_both_seen_where_they_are(in_order: Hosts) -> None:
    opened = RULES[DATABASE].replace("policy drop;\n", "policy drop;\n\t\tudp dport 11112 accept\n", 1)
    in_order.load(DATABASE, opened)
    in_order.load(SECOND, re.sub(r".* F-HTTPS\" : accept,\n", "", RULES[SECOND]))
    different = carry_out(in_order.meet, chosen(3)).of(Standing.DIFFERENT)
    assert different
    for trial in different:
        if trial.outcome is Outcome.ARRIVED:
            assert (trial.probe.receiver, trial.probe.packet.port) == (DATABASE, 11112)
        else:
            assert (trial.probe.kind, trial.at, trial.probe.flow.code) == (Kind.LISTED, SECOND, "F-HTTPS")
    assert {trial.outcome for trial in different} == {Outcome.ARRIVED, Outcome.REFUSED}


def test_a_host_that_cannot_hear_is_unknown_and_never_refused(in_order: Hosts) -> None:
    """The kernel drops even what the host says to itself, so that silence shows nothing."""
    in_order.load(HOST, DEAF)
    trials = [trial for trial in carry_out(in_order.meet, chosen(4)).trials if trial.probe.receiver == HOST]
    assert {trial.outcome for trial in trials if trial.probe.kind is not Kind.OWN_RULES} == {Outcome.UNKNOWN}
    assert "did not hear even a packet of its own" in trials[0].at


def test_a_packet_that_nobody_saw_is_unknown(in_order: Hosts) -> None:
    in_order.run(DATABASE, "ip", "link", "set", "eth1", "down")
    try:
        trials = carry_out(in_order.meet, chosen(5)).trials
    finally:
        in_order.run(DATABASE, "ip", "link", "set", "eth1", "up")
        in_order.route(PLACES, PLACES.hosts[DATABASE])
    sent_by_it = [trial for trial in trials if trial.probe.sender.host == DATABASE]
    assert {trial.outcome for trial in sent_by_it} == {Outcome.UNKNOWN}
    assert STRANGER in {trial.probe.sender.host for trial in trials}
