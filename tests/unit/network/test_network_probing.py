"""What is made of what hosts saw: silence alone refuses nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from sample import GATEWAY, HOST, environment, region
from wires import as_the_files_say, seen_by

from deploys import flows
from hosting_cli.errors import UnreadableError
from hosting_cli.network.campaign import Campaign, Wish, carry_out, plan
from hosting_cli.network.probes import Kind
from hosting_cli.network.probing import Outcome
from hosting_cli.network.proving import Standing

AWAY = UnreadableError(f"host {HOST}", "it does not answer", "See whether it is up.")


def campaign(change: Any = None) -> Campaign:
    """Carry the whole sample out, with *change* made to what its hosts answer."""

    def meet(program: str, requests: Mapping[str, Any]) -> Mapping[str, Any]:
        assert program == "probe_network"
        answers: dict[str, Any] = seen_by(requests)
        return answers if change is None else change(answers)

    chosen = plan(region(), flows.topology(region()), environment(), Wish(), 7)
    return carry_out(meet, chosen)


def test_what_does_as_the_files_say_is_proven() -> None:
    found = campaign()
    assert found.standing is Standing.PROVEN
    assert {trial.outcome for trial in found.trials if trial.probe.kind is Kind.LISTED} == {Outcome.ARRIVED}
    assert {trial.outcome for trial in found.trials if trial.probe.kind is not Kind.LISTED} == {Outcome.REFUSED}
    assert found.stood_in == 2


def without(part: str) -> Any:
    return lambda answers: {host: {**answer, part: []} for host, answer in answers.items()}


def at(host: str, **parts: Any) -> Any:
    return lambda answers: {**answers, host: {**answers[host], **parts}}


@pytest.mark.parametrize(
    ("change", "standing", "words"),
    [
        pytest.param(without("wire"), Standing.UNKNOWN, "nobody on its way saw it", id="seen by nobody"),
        pytest.param(at(HOST, deaf=["tcp"]), Standing.UNKNOWN, "did not hear even", id="a receiver that hears nothing"),
        pytest.param(at(HOST, deaf=["ipv6"]), Standing.UNKNOWN, "did not hear even", id="one that is deaf for IPv6"),
        pytest.param(
            at(GATEWAY, unsent={str(n): "no card has the address" for n in range(50)}, wire=[]),
            Standing.UNKNOWN,
            "could not send it: no card has the address",
            id="a sender that could not send",
        ),
        pytest.param(lambda a: {**a, HOST: AWAY}, Standing.UNKNOWN, "it does not answer", id="a host that is away"),
        pytest.param(lambda a: {**a, HOST: {}}, Standing.UNKNOWN, "not understood", id="an answer that is none"),
        pytest.param(lambda a: {**a, HOST: []}, Standing.UNKNOWN, "not understood", id="an answer of another kind"),
    ],
)
def test_what_nobody_can_tell_is_unknown_and_never_refused(change: Any, standing: Standing, words: str) -> None:
    found = campaign(change)
    assert found.standing is standing
    unclear = found.of(Standing.UNKNOWN)
    assert unclear and any(words in trial.at for trial in unclear)
    assert found.of(Standing.DIFFERENT) == ()


def test_a_listed_packet_that_is_refused_is_different_and_says_where() -> None:
    found = campaign(at(HOST, heard=[]))
    different = found.of(Standing.DIFFERENT)
    assert {(trial.probe.kind, trial.outcome, trial.at) for trial in different} == {
        (Kind.LISTED, Outcome.REFUSED, HOST)
    }


def test_a_neighbour_that_arrives_is_different_even_if_its_sender_is_not_heard_of_again() -> None:
    def everything(answers: dict[str, Any]) -> dict[str, Any]:
        return {HOST: {**answers[HOST], "heard": answers[HOST]["wire"]}, GATEWAY: AWAY}

    different = campaign(everything).of(Standing.DIFFERENT)
    assert {trial.probe.kind for trial in different} == {Kind.OTHER_PORT, Kind.OTHER_PROTOCOL, Kind.ICMP,
                                                        Kind.OTHER_SOURCE, Kind.IPV6}  # fmt: skip


def test_nothing_that_could_be_sent_shows_nothing() -> None:
    chosen = plan(region(), flows.topology(region()), environment(), Wish(application="other"), 7)
    assert carry_out(lambda program, requests: {}, chosen).standing is Standing.UNKNOWN


def test_packets_of_the_matrix_are_told_from_others() -> None:
    send = {"source": "10.21.20.1", "destination": "10.21.10.11", "protocol": "tcp", "port": 443}
    assert as_the_files_say(send)
    assert not as_the_files_say({**send, "port": 444})
