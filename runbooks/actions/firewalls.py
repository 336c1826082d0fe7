"""Firewalls: what a kernel lets through that it should not, or stops, and the rules loaded again that were applied."""

import shlex
from collections.abc import Mapping

from deploys import flows, names, nftables
from deploys.desired_network import rule_set
from deploys.view import digest
from hosting_cli.errors import RefusedError
from hosting_cli.network import readings
from hosting_cli.network.comparison import Difference, Finding
from hosting_cli.network.proving import HostProof, Standing, prove
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.resource import Json
from runbooks.actions.hosts import looked, ordered

_TAKES = {"host": Kind.HOST}
_RELOAD = ["systemctl", "restart", "nftables.service"]
_DIGEST = ["sha256sum", "--", names.FIREWALL_RULES]


def _proof(session: Session, host: str) -> HostProof:
    """Work out what the kernel of *host* lets through; raise ``UnreadableError`` when it cannot be read."""
    found = readings.read(session, [host])
    (proof,) = prove(found, flows.topology(session.region), session.environment, session.progress).hosts
    if proof.unread is not None:
        raise proof.unread
    return proof


def _differences(proof: HostProof) -> list[Json]:
    judged = proof.judgement
    unclear = [f"not understood: {each}" for each in judged.not_understood]
    return [*map(_said, judged.findings), *unclear, *judged.misplaced]


def _said(finding: Finding) -> str:
    word = "too much" if finding.difference is Difference.TOO_MUCH else "too little"
    return f"{word}: {finding.packet}{f', decided by {finding.decided_by}' if finding.decided_by else ''}"


def as_declared(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the kernel is proven to let through what the files say, and no more."""
    proof = _proof(session, values["host"])
    return Seen(proof.standing is Standing.PROVEN, {"differs_by": _differences(proof)})


def is_kept(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the rules that the host keeps for its next boot are those that the files ask for."""
    places = flows.topology(session.region)
    wanted = nftables.render(rule_set(places, session.environment, places.hosts[values["host"]]))
    status, said = looked(session, values["host"], _DIGEST)
    kept = said.split()[0] if status == 0 else None
    return Seen(kept == digest(wanted), {"kept": kept})


def pin(session: Session, values: Values) -> Pinned:
    """Read what differs: that is ended, and nothing that may come to be after it."""
    return {"differs_by": _differences(_proof(session, values["host"]))}


def load(session: Session, values: Values, occasion: Occasion) -> Mapping[str, Json]:
    """Have the host load the rules that it keeps, in one step, as at a boot; what is isolated stays isolated.

    Raise ``RefusedError`` where the kernel differs in another way by now than what the run was asked for.
    """
    host = values["host"]
    if _differences(_proof(session, host)) != occasion.pinned["differs_by"]:
        what = "its firewall differs in another way than when this run was asked for"
        raise RefusedError(f"host {host}", what, "Somebody is at it: call this run off, look, and begin another.")
    return ordered(session, host, _RELOAD, occasion)


ACTIONS = (
    Look(
        "firewall.as-declared",
        "The kernel lets through what the files say, and no more.",
        _TAKES,
        lambda values: (f"hosting network prove {values['host']}",),
        as_declared,
    ),
    Look(
        "firewall.is-kept",
        "The host keeps the rules that the files ask for.",
        _TAKES,
        lambda values: (f"on {values['host']}: {shlex.join(_DIGEST)}",),
        is_kept,
    ),
    Act(
        "firewall.load",
        "The host loads the rules that it keeps.",
        _TAKES,
        lambda values: (f"on {values['host']}: {shlex.join(_RELOAD)}",),
        load,
        pin,
    ),
)
