"""Keys and secrets: how old each is, and what its age calls for."""

from collections import Counter
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.destructions import destroy
from hosting_cli.commands.recovery import recovery
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.keys.judgement import Judged
    from hosting_cli.keys.values import KeysSeen
    from hosting_cli.request import Request

__all__ = ["destroy", "disable", "enable", "list_", "policy", "recovery", "rewrap", "rotate", "show", "withdraw"]

OwnerOption = Annotated[
    str | None,
    typer.Option("--application", "-a", metavar="ID", help="Only what this application owns; `platform` is an owner."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The key's name, as `hosting key list` shows it.")]


def list_(session: Session, application: OwnerOption = None) -> Result:
    """List every key and secret with its age and its limit.

    And with what that calls for: transit keys, LUKS passphrases, restic passwords, S3 credentials, secret-ids of
    hosts, authorities, certificates of gateways and of their peers, keys of WireGuard; never a value.  A secret that
    was wrapped anew keeps its age.  Gateways are asked for theirs.  What could not be read is unknown.  Exit status 0
    when nothing is overdue, 3 when something is, 4 when something is unknown: fit for a timer.
    """
    judged, seen = judged_keys(session)
    shown = [item for item in judged if application in {None, item.key.owner}]
    errors = unread_errors(seen)
    counts = Counter(item.state.value for item in shown)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items()) or "there is none that could be read"
    data: dict[str, Json] = {
        "keys": [item.to_json() for item in shown],
        "unread": {kind.value: reason for kind, reason in seen.unread.items()},
    }
    return Result("key list", data, (_table(shown), text(f"{summary}.")), _status(shown, errors), errors)


def unread_errors(seen: "KeysSeen") -> tuple[UnreadableError, ...]:
    """Say each reason for which keys could not be read once, with the kinds that it hides."""
    hidden: dict[str, list[str]] = {}
    for kind, reason in sorted(seen.unread.items()):
        hidden.setdefault(reason.rstrip("."), []).append(kind.value)
    return tuple(
        UnreadableError(f"keys ({', '.join(kinds)})", f"could not be read: {reason}", "Mend that, and list them again.")
        for reason, kinds in hidden.items()
    )


def show(session: Session, name: NameArgument) -> Result:
    """Show everything that is known of one key but its value."""
    found = find(session, name)
    known = found.to_json()
    rows = tuple((label.replace("_", " "), str(value)) for label, value in known.items() if value not in {None, ""})
    return Result("key show", known, (Table("", ("what", "value"), rows),), _status([found], ()))


def rotate(
    session: Session,
    name: NameArgument,
    retire: Annotated[
        bool,
        typer.Option(
            "--retire",
            help="Of a transit key: let its older versions decrypt no more, once all is proven. Of the authority of "
            "links: end the former ones instead, whose certificates have all ended.",
        ),
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="Of the authority of links: what its offline root signed."),
    ] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Of a key of WireGuard: the moment agreed with the peer is now.")
    ] = False,
) -> Result:
    """Replace one key, proven by use before the old one goes.

    A transit key gets a new version, every secret that it wraps is wrapped anew, and objects from before and after
    are read.  S3 credentials get a second access key, and a repository a second password, which is tried, stored,
    read back and tried again; then the first is deleted.  A volume's passphrase gets a slot beside the first one's,
    its host logs in and tries it as it would at boot, and then the first slot ends, with any that nobody needs.

    A host is handed a second secret-id, wrapped, and logs in with it; then the others are destroyed.  That of the
    object store takes its administrator, so the first run shows it on the terminal, wrapped, and exits with 3; run
    it again when the store was restarted with it.

    The authority of logins (`ssh`) gets a second one, which every host trusts and opens to before it signs; then
    every host trusts it alone, and the first ends.  The authority of links (`pki`) gets a second one, which has
    issued, been verified and revoked before it issues for others; the first goes on verifying until --retire.
    Where its root is offline, the first run shows what that has to sign.

    A gateway's certificate gets a second one, of a new key, which the gateway's daemon has loaded before peers are
    shown it; then its former ones are revoked.  Tunnels stay up.  A gateway's key of WireGuard takes the peer: the
    first run makes the next one and exits with 3; when the peer was sent that and the moment has come, --switch uses
    it, and the former one ends once the peer has agreed on keys.

    In production somebody else must approve what this records; then run the same command again.  Killed at any
    moment, the same command goes on.
    """
    with session.hosts.keeping_connections():
        return _rotate(session, name, certificate, retire=retire, switch=switch)


def _rotate(session: Session, name: str, certificate: Path | None, *, retire: bool, switch: bool) -> Result:
    from hosting_cli.commands.procedures import ask, go_on, waiting
    from hosting_cli.request import asked, open_request
    from hosting_cli.rotations import kinds
    from inventory.key_policy import KeyKind

    key = find(session, name).key
    if switch and key.kind is not KeyKind.WIREGUARD_KEY:
        raise UsageError(f"key {name}", "waits for no moment agreed with anybody", "Leave --switch out.")
    known = open_request(kinds.ROTATE, kinds.subject_of(key), asked(session.journal.entries()))
    known = known or ask(session, kinds.rotation(session, key, retire=retire))
    if not known.is_approved:
        return waiting("key rotate", known)
    carry_on = partial(kinds.steps, session, known.request, certificate, switch=switch)
    result = go_on(session, "key rotate", known, carry_on, *kinds.closing(known.request))
    return result if result.status is not ExitStatus.PENDING else _with_request(session, known.request, result)


def _with_request(session: Session, request: "Request", result: Result) -> Result:
    """Add what somebody outside has to sign, if that is what a rotation waits for."""
    from hosting_cli.rotations import pki_authority

    asked_for = pki_authority.request_to_sign(session, request) if request.subject == pki_authority.SUBJECT else None
    if asked_for is None:
        return result
    shown = text("For the offline root to sign, as an authority that has none below it:", *asked_for.splitlines())
    return replace(result, data={**result.data, "request": asked_for}, blocks=(*result.blocks, shown))


def disable(session: Session, name: NameArgument) -> Result:
    """Make a transit key unusable for a while; nothing is lost.

    What it wraps cannot be read until `hosting key enable`: objects, and at the next boot or backup the secrets of
    hosts.  In production somebody else must approve what this records; then run the same command again.  A plan shows
    a disabled key as drift.  HashiCorp Vault has nothing like it.
    """
    return _set_enabled(session, name, enabled=False)


def enable(session: Session, name: NameArgument) -> Result:
    """Make a disabled transit key usable again.

    In production somebody else must approve what this records; then run the same command again.
    """
    return _set_enabled(session, name, enabled=True)


def _set_enabled(session: Session, name: str, *, enabled: bool) -> Result:
    from hosting_cli.commands.procedures import ask, go_on, waiting
    from hosting_cli.request import asked, open_request
    from hosting_cli.rotations import ability, kinds
    from inventory.key_policy import KeyKind

    command, key = f"key {'enable' if enabled else 'disable'}", find(session, name).key
    if key.kind is not KeyKind.TRANSIT_KEY:
        raise UsageError(f"key {name}", f"is of kind {key.kind.value}", "Only transit keys are disabled and enabled.")
    if key.disabled is not enabled:
        return Result(command, {"key": name}, (text(f"{name} is {'enabled' if enabled else 'disabled'} already."),))
    procedure = ability.ENABLE if enabled else ability.DISABLE
    known = open_request(procedure, kinds.subject_of(key), asked(session.journal.entries()))
    known = known or ask(session, ability.request(session, key, enabled=enabled))
    if not known.is_approved:
        return waiting(command, known)
    said = "can be used again" if enabled else "is disabled; take it back with `hosting key enable`"
    return go_on(session, command, known, lambda: ability.steps(session, known.request), f"{name} {said}.")


def withdraw(
    session: Session,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="Of what was asked for: its first 8 digits or more.")],
) -> Result:
    """Call off what was asked for and is not carried out yet.

    A rotation, a disabling, a destruction.  Whoever may write in the journal may call off; what was begun stays as it
    is, and can be asked for again.
    """
    from hosting_cli.request import asked, find_open

    known = find_open(digest, asked(session.journal.entries()))
    if known is None:
        raise UsageError(f"request {digest}", "is the beginning of no open request", "Run `hosting journal show`.")
    session.journal.append("withdrawn", {"procedure": known.request.digest})
    return Result("key withdraw", {"procedure": known.request.digest}, (text(f"Called off: {known.request}"),))


def rewrap(session: Session, application: OwnerOption = None) -> Result:
    """Bring every ciphertext to the latest version of its key.

    The vault wraps each anew; its value, which is compared before and after, and its age stay what they are.  Nothing
    else changes, so nobody has to approve.
    """
    from hosting_cli.canonical import digest
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.procedure import carry_out
    from hosting_cli.rotations import transit

    record = session.journal.append
    with session.progress.stage("reading which ciphertexts are behind their key"):
        steps = transit.rewrappings(session, application)
    name = digest({"rewrap": application, "steps": [f"{step.subject}: {step.sentence}" for step in steps]})
    outcomes = carry_out(steps, digest=name, record=record, tell=session.progress)
    return outcome_result("key rewrap", name, outcomes, f"{len(steps)} secrets were wrapped anew.")


def policy(session: Session) -> Result:
    """Show how long each kind of key may serve, and who says so.

    The limits stand under `key_policy` in region.yaml, each with the text or the decision that it comes from; where
    nothing is written there, a default holds.  None is a figure of the HDS framework, which gives none.
    """
    from inventory.key_policy import KeyKind

    wanted = session.region.key_policy
    limits = {kind: wanted.limits.of(kind) for kind in KeyKind}
    rows = tuple((kind.value, str(limit.days), limit.source) for kind, limit in limits.items())
    data: dict[str, Json] = {
        "notice_days": wanted.notice_days,
        "destruction_days": wanted.destruction_days,
        "limits": {kind.value: {"days": limit.days, "source": limit.source} for kind, limit in limits.items()},
    }
    said = text(
        f"A key is due {wanted.notice_days} days before its limit, and overdue from that day on.",
        f"The destruction of an application's keys waits for {wanted.destruction_days} days from when it is asked for.",
    )
    return Result("key policy", data, (Table("", ("kind", "limit in days", "where it comes from"), rows), said))


def find(session: Session, name: str) -> "Judged":
    """Find the key *name*, or the secret-id of the role *name*; raise ``UsageError`` when there is none.

    Raise ``UnreadableError`` when nobody can tell.
    """
    from hosting_cli.rotations.kinds import subject_of

    for of_vault_only in (True, False):  # what the vault knows is found without asking any gateway
        judged, seen = judged_keys(session, of_vault_only=of_vault_only)
        found = next((item for item in judged if name in {item.key.name, subject_of(item.key).name}), None)
        if found is not None:
            return found
    if seen.unread:
        kinds = ", ".join(sorted(seen.unread))
        reason = next(iter(seen.unread.values()))
        raise UnreadableError(
            f"key {name}", f"may be of a kind that could not be read ({kinds}): {reason}", "Mend that."
        )
    close = get_close_matches(name, [item.key.name for item in judged], n=1, cutoff=0.4)
    remedy = f"Did you mean {close[0]}?" if close else "Run `hosting key list`."
    raise UsageError(f"key {name}", "there is no such key", remedy)


def judged_keys(session: Session, *, of_vault_only: bool = False) -> "tuple[tuple[Judged, ...], KeysSeen]":
    """Read every key, or those only of which the vault tells, and hold it against the policy as of now."""
    from hosting_cli.every_key import every_key, keys_of_vault
    from hosting_cli.keys.judgement import judge

    entries, tellers = session.journal.entries(), "the vault tells" if of_vault_only else "the vault and gateways tell"
    with session.progress.stage(f"reading what {tellers} of keys"):
        seen = keys_of_vault(session, entries) if of_vault_only else every_key(session, entries)
    return judge(seen.keys, session.region.key_policy, session.clock()), seen


def _status(shown: "list[Judged]", errors: tuple[UnreadableError, ...]) -> ExitStatus:
    """Say in one status how keys stand: unknown outweighs overdue, for more may be overdue there."""
    from hosting_cli.keys.judgement import KeyState

    states = {item.state for item in shown}
    if errors or KeyState.UNKNOWN in states:
        return ExitStatus.UNKNOWN
    return ExitStatus.PENDING if KeyState.OVERDUE in states else ExitStatus.DONE


def _table(shown: "list[Judged]") -> Table:
    rows = tuple(
        (
            item.state.value,
            item.key.kind.value,
            item.key.name,
            item.key.owner,
            "" if item.age_days is None else str(item.age_days),
            str(item.limit.days),
            "" if item.key.rotated_at is None else str(item.key.rotated_at.date()),
            "" if item.ends_at is None else str(item.ends_at.date()),
            item.reason,
        )
        for item in shown
    )
    return Table("", ("state", "kind", "name", "owner", "days old", "limit", "last rotated", "ends", "why"), rows)
