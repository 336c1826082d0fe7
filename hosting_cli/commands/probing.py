"""The network: real packets, to see that what the files say is what becomes of them."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.matrix import ApplicationOption, EstablishmentOption, scope_of
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.network.campaign import Campaign
    from hosting_cli.network.probing import Trial

SHOWN = 20
"""How many rows a table shows to people; programs get all."""

SampleOption = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", min=1, help="Only so many of the ways that rows open, of every kind; otherwise all."
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="NUMBER", min=0, help="Choose as the run with this seed did; otherwise by chance."),
]


def probe(
    session: Session,
    application: ApplicationOption = None,
    establishment: EstablishmentOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
) -> Result:
    """Send real packets: what must arrive, and what must not.

    For each way that a row of the flow matrix opens, a packet goes to each of its receivers, and beside it packets that
    differ in one thing: another port, protocol or source, a source that is somebody else's, the other direction, ICMP,
    IPv6.  What is listed is sent as programs of the host send; what is not, past its own rules too, as from a host
    that somebody took over.  Each is the first packet of something and no more: a SYN, an empty datagram.  A packet is
    refused only if it was seen in front of the rules that stopped it, and its receiver hears; otherwise it is unknown.
    Where a row begins at no host of ours (behind a tunnel), the gateway stands in for it towards the receiver; what
    cannot be tried is counted and named.  Recorded in the journal.  Exit status 0 as the files say, 3 different,
    4 unknown.
    """
    from deploys import flows
    from hosting_cli.network.campaign import NONCES, Wish, carry_out, plan

    scope_of(session, application, establishment)
    wish = Wish(application, establishment, sample, secrets.randbelow(1 << 32) if seed is None else seed)
    with session.progress.stage("choosing what to send"):
        places = flows.topology(session.region)
        chosen = plan(session.region, places, session.environment, wish, secrets.choice(NONCES))
    with session.progress.stage(f"sending {len(chosen.probes):,} packets between hosts"):
        campaign = carry_out(session.hosts.meet, chosen)
    session.journal.append("network-probe", campaign.entry(wish))
    return _result(campaign, wish.seed)


def _result(campaign: "Campaign", seed: int) -> Result:
    from hosting_cli.network.proving import Standing

    statuses = {
        Standing.PROVEN: ExitStatus.DONE,
        Standing.DIFFERENT: ExitStatus.PENDING,
        Standing.UNKNOWN: ExitStatus.UNKNOWN,
    }
    data = {"seed": seed, **campaign.to_json()}
    return Result("network probe", data, tuple(_blocks(campaign, seed)), statuses[campaign.standing])


def _blocks(campaign: "Campaign", seed: int) -> Iterator[Block]:
    from hosting_cli.network.proving import Standing

    if campaign.trials:
        yield Table("", ("packets", "sent", "arrived", "refused", "unknown", "must"), tuple(_kinds(campaign.trials)))
    if different := campaign.of(Standing.DIFFERENT):
        columns = ("what", "packet", "from", "to", "row", "at")
        yield _table("not as the files say", columns, [_different(trial) for trial in different])
    if unclear := campaign.of(Standing.UNKNOWN):
        counted = Counter(trial.at for trial in unclear).most_common()
        yield _table("unknown", ("packets", "why"), [(f"{count:,}", why) for why, count in counted])
    if campaign.plan.untried:
        reasons = Counter((each.flow.comment, each.why) for each in campaign.plan.untried)
        rows = [("not probed", f"{count:,}", row, why) for (row, why), count in reasons.items()]
        yield _table("ways that were not probed", ("state", "ways", "row", "why"), rows)
    yield text(*_summary(campaign, seed))


def _kinds(trials: "Iterable[Trial]") -> Iterator[tuple[str, ...]]:
    """Count each kind of packet by what became of it."""
    from hosting_cli.network.probes import Kind
    from hosting_cli.network.probing import Outcome

    counts = Counter((trial.probe.kind, trial.outcome) for trial in trials)
    for kind in Kind:
        numbers = [counts[kind, outcome] for outcome in Outcome]
        must = "arrive" if kind is Kind.LISTED else "be refused"
        if any(numbers):
            yield (kind.value, *(f"{number:,}" for number in (sum(numbers), *numbers)), must)


def _different(trial: "Trial") -> tuple[str, ...]:
    from hosting_cli.network.probing import Outcome

    what = "passes" if trial.outcome is Outcome.ARRIVED else "stopped"
    kind = f"{trial.probe.packet} ({trial.probe.kind})"
    return (what, kind, trial.probe.sender.host, trial.probe.receiver, trial.probe.flow.comment, trial.at)


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    more = f" (the first {SHOWN} of {len(rows)}; --output json has all)" if len(rows) > SHOWN else ""
    return Table(f"{title}{more}", columns, tuple(rows[:SHOWN]))


def _summary(campaign: "Campaign", seed: int) -> Iterator[str]:
    from hosting_cli.network.proving import Standing

    plan = campaign.plan
    probed = plan.taken - len(plan.untried)
    left = f"; {len(plan.untried):,} could not be probed" if plan.untried else ""
    yield f"Ways that rows of the flow matrix open: {probed:,} of {plan.ways:,} probed{left}. Seed {seed}."
    if campaign.stood_in:
        yield (
            f"In {campaign.stood_in:,} of them a gateway stood in for an end that is no host of ours: "
            "their receivers' rules were tried, the gateway's own were not."
        )
    match campaign.standing:
        case Standing.PROVEN:
            yield "As the files say: what is listed arrived, and its neighbours were refused."
        case Standing.DIFFERENT:
            yield "Not as the files say. What decides about it: hosting network prove."
        case Standing.UNKNOWN:
            yield "Unknown: nothing was sent, or nobody can tell what became of it."
