"""Recovery passphrases: shared among people, shown to each once, and tested without bringing a volume down."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.console import typed_lines
from hosting_cli.errors import EngineError, UsageError
from hosting_cli.result import ExitStatus, Result, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.keys.shares import Share
    from hosting_cli.resources import SecretEntry


class Action(StrEnum):
    """What is done with the shares."""

    CREATE = "create"
    TEST = "test"
    JOIN = "join"


ActionArgument = Annotated[
    Action, typer.Argument(metavar="create|test|join", help="Hand shares out, try some, or use them.")
]
EntryArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The passphrase or password, as `hosting key list` shows it.")
]
HoldersOption = Annotated[int, typer.Option("--holders", metavar="COUNT", help="Among how many people it is shared.")]
NeededOption = Annotated[int, typer.Option("--needed", metavar="COUNT", help="How many of them give it back.")]


def recovery(
    session: Session,
    action: ActionArgument,
    name: EntryArgument,
    holders: HoldersOption = 5,
    needed: NeededOption = 3,
) -> Result:
    """Share a recovery passphrase among holders, or test their shares.

    The passphrase opens its volume when the vault is lost; the password of a repository opens its exports.  `create`
    shows each holder one share, once, on the terminal, and wipes it; no share is stored anywhere.  So many as are
    needed give the passphrase back, fewer say nothing about it.  `test` reads shares from standard input, a line each,
    and proves that they give what the vault keeps, which is shown to nobody.  `join` is for the day when the vault is
    lost: it asks nothing but the shares, and shows the passphrase once, on the terminal.  Shares of earlier sets stay
    good until the passphrase changes.
    """
    if action is Action.JOIN:
        return _join(name)
    entry = _entry(session, name)
    return _create(session, entry, holders, needed) if action is Action.CREATE else _test(session, entry)


def _entry(session: Session, name: str) -> "SecretEntry":
    from hosting_cli.commands.key import find
    from hosting_cli.resources import SecretEntry, SecretPurpose
    from inventory.key_policy import KeyKind

    key = find(session, name).key
    purposes = {
        KeyKind.LUKS_RECOVERY: SecretPurpose.LUKS_RECOVERY,
        KeyKind.RESTIC_PASSWORD: SecretPurpose.RESTIC_PASSWORD,
    }
    if key.kind not in purposes or key.wrapped_by is None:
        remedy = "Name one of kind luks-recovery, or restic-password."
        raise UsageError(f"key {name}", f"is of kind {key.kind.value}", remedy)
    return SecretEntry(name=name, owner=key.owner, purpose=purposes[key.kind], wrapped_by=key.wrapped_by)


def _create(session: Session, entry: "SecretEntry", holders: int, needed: int) -> Result:
    from secrets import token_bytes

    from hosting_cli.console import show_once
    from hosting_cli.keys import shares

    passphrase = session.vault.reveal_secret(entry)
    made = shares.make(passphrase, shares=holders, needed=needed, random_bytes=token_bytes)
    as_typed = shares.read(share.written().reveal() for share in made[-needed:])
    if shares.secret_of(as_typed) != passphrase:
        raise EngineError(
            str(entry.subject), "shares that were just made do not give it back", "Hand none of them out."
        )
    about: dict[str, Json] = {"subject": entry.name, "set": made[0].set_id, "holders": holders, "needed": needed}
    session.journal.append("recovery-shares", {**about, "sentence": "begun to hand shares out"})
    for share in made:
        show_once(_said(share, entry.name, holders))
    session.journal.append("recovery-shares", {**about, "sentence": "every share was shown once"})
    done = text(
        f"{holders} shares of {entry.name} were shown, of which {needed} are needed (set {made[0].set_id}).",
        f"Now let {needed} holders try theirs: hosting key recovery test {entry.name}",
    )
    return Result("key recovery", about, (done,))


def _said(share: "Share", name: str, holders: int) -> tuple[str, ...]:
    return (
        "",
        f"Holder {share.number} of {holders}, of whom {share.needed} are needed.  {name}, set {share.set_id}:",
        "",
        f"    {share.written().reveal()}",
        "",
        "Write it on paper, read it over, then press Enter: it is shown once and wiped.",
    )


def _test(session: Session, entry: "SecretEntry") -> Result:
    from hosting_cli.keys import shares
    from hosting_cli.proofs.proof import Proof, Verdict

    found = shares.read(typed_lines("Share"))
    held = shares.secret_of(found) == session.vault.reveal_secret(entry)
    observed: dict[str, Json] = {"set": found[0].set_id, "shares": [share.number for share in found]}
    numbers = ", ".join(str(share.number) for share in found)
    sentence = f"shares {numbers} of set {found[0].set_id} give " + (
        "what the vault keeps" if held else "something else than what the vault keeps"
    )
    verdict = Verdict.HELD if held else Verdict.BROKEN
    proof = Proof("recovery-shares-join", f"secret {entry.name}", verdict, sentence, observed)
    session.journal.append("proof", proof.to_json())
    status = ExitStatus.DONE if held else ExitStatus.PENDING
    remedy = () if held else ("They belong to another passphrase: share this one anew.",)
    return Result("key recovery", proof.to_json(), (text(f"{sentence}.", *remedy),), status)


def _join(name: str) -> Result:
    """Show the passphrase; nobody can attest who asked, for that would take the vault."""
    from hosting_cli.console import show_once
    from hosting_cli.keys import shares

    found = shares.read(typed_lines("Share"))
    lines = ("", f"{name}, by set {found[0].set_id}:", "", f"    {shares.secret_of(found).reveal()}", "")
    show_once((*lines, "Open with it what it is for, then press Enter: it is wiped."))
    numbers: list[Json] = [share.number for share in found]
    done = text("It is on no record that it was shown: write down who was there, and change it when the vault is back.")
    return Result("key recovery", {"subject": name, "set": found[0].set_id, "shares": numbers}, (done,))
