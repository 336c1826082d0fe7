"""A flow of the manifest passes, and one that is not listed is dropped: real packets, from host to host."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from deploys import flows
from hosting_cli.network.campaign import NONCES, Wish, carry_out, plan
from hosting_cli.network.choosing import Untried
from hosting_cli.network.probes import Kind
from hosting_cli.network.probing import Outcome, Trial
from hosting_cli.network.proving import Standing
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.session import Session
from inventory.models import Application
from inventory.resource import Json

PASSES = "flow-passes"
DROPPED = "unlisted-flow-dropped"
NAMED = 3
"""How many packets a sentence names."""


def prove(session: Session, application: Application) -> list[Proof]:
    """Send a packet for every way that the rows of *application* open, and its neighbours, all at once."""
    wish, nonce = Wish(application=application.id), secrets.choice(NONCES)
    chosen = plan(session.region, flows.topology(session.region), session.environment, wish, nonce)
    campaign = carry_out(session.hosts.meet, chosen)
    return [*judge(campaign.trials), *untried(application.id, chosen.untried)]


def judge(trials: Iterable[Trial]) -> list[Proof]:
    """Say of each host whether what is listed reached it, and whether the neighbours of that did not."""
    of_receiver: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        of_receiver[trial.probe.receiver].append(trial)
    return [proof for host, found in of_receiver.items() for proof in _of_host(host, found)]


def _of_host(host: str, trials: Sequence[Trial]) -> Iterator[Proof]:
    listed = [trial for trial in trials if trial.probe.kind is Kind.LISTED]
    others = [trial for trial in trials if trial.probe.kind is not Kind.LISTED]
    if listed:
        yield _judged(PASSES, host, listed, "listed packets arrive")
    if others:
        yield _judged(DROPPED, host, others, "packets that no row lists are dropped")


def _judged(name: str, host: str, trials: Sequence[Trial], promise: str) -> Proof:
    subject = f"host {host}"
    observed: dict[str, Json] = {"packets": list[Json](trial.to_json() for trial in trials)}
    wrong = [trial for trial in trials if trial.standing is Standing.DIFFERENT]
    unclear = [trial for trial in trials if trial.standing is Standing.UNKNOWN]
    if wrong:
        sentence = f"{len(wrong)} of {len(trials)} came out otherwise: {_named(map(_in_words, wrong))}"
        return Proof(name, subject, Verdict.BROKEN, sentence, observed)
    if unclear:
        sentence = f"of {len(unclear)} of {len(trials)} nobody can tell: {_named(trial.at for trial in unclear)}"
        return Proof(name, subject, Verdict.UNKNOWN, sentence, observed)
    senders = sorted({trial.probe.sender.host for trial in trials})
    sentence = f"{promise}: {len(trials)} from {', '.join(senders)}"
    return Proof(name, subject, Verdict.HELD, sentence, observed)


def _in_words(trial: Trial) -> str:
    became = "passes" if trial.outcome is Outcome.ARRIVED else f"is stopped at {trial.at}"
    return f"{trial.probe.packet} ({trial.probe.kind}) {became}"


def _named(words: Iterable[str]) -> str:
    each = list(dict.fromkeys(words))
    more = [f"and {len(each) - NAMED} more"] if len(each) > NAMED else []
    return "; ".join([*each[:NAMED], *more])


def untried(application: str, ways: Sequence[Untried]) -> list[Proof]:
    """Say which rows of the flow matrix open ways for which no packet could be sent, and why."""
    if not ways:
        return []
    reasons = sorted({f"row {each.flow.row} ({each.why})" for each in ways})
    count = "1 way was" if len(ways) == 1 else f"{len(ways)} ways were"
    sentence = f"of the flow matrix, {count} not tried: {_named(reasons)}"
    observed: dict[str, Json] = {"ways": list[Json](each.to_json() for each in ways)}
    return [Proof(PASSES, f"application {application}", Verdict.NOT_PROVEN, sentence, observed)]
