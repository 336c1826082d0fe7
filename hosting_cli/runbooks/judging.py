"""What must hold between the parts of a runbook, and between it and the actions that there are."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from hosting_cli.runbooks.action import Act, Catalogue
from hosting_cli.runbooks.sheet import Call, FrontMatter, Kind, StepSheet
from inventory.documents import Document, Steps
from inventory.problems import Problem, Words, quoted

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def judge_sheet(front: Document, sheet: FrontMatter, steps: Sequence[StepSheet], stem: str) -> Iterator[Problem]:
    """Hold a front matter against its file's name and its steps."""
    if sheet.id != stem:
        why = f"the file is called {stem}.md and one name leads to the other"
        yield front.problem(("id",), Words(f"the id is {quoted(sheet.id)}", why, "rename the file or the id"))
    if steps and sheet.target is None:
        words = Words("there is no target", "whoever runs the steps confirms what they are for", "add target")
        yield front.problem((), words)
    yield from _unknown(front, ("target",), sheet.target or "", sheet)
    said = [
        sheet.target or "",
        *(text for step in steps for _, call in step.calls() for text in call.arguments.values()),
    ]
    used = {name for text in said for name in PLACEHOLDER.findall(text)}
    for name in sheet.parameters.keys() - used if steps else ():
        words = Words(f"nothing uses the parameter {quoted(name)}", "people would be asked for nothing", "remove it")
        yield front.problem(("parameters", name), words, at_key=True)
    if sheet.vault == "away" and any(step.needs_approval for step in steps):
        why = "without the vault nobody can be told from anybody else"
        yield front.problem(
            ("vault",), Words("a step needs approval and the vault is away", why, "drop one of the two")
        )


def judge_step(document: Document, step: StepSheet, sheet: FrontMatter, actions: Catalogue) -> Iterator[Problem]:
    """Hold a step against the actions that it names and the parameters that it is given."""
    yield from _judge_form(document, step)
    for steps, call in step.calls():
        yield from _judge_call(document, steps, call, sheet, actions, acts=steps == ("do",))


def _judge_form(document: Document, step: StepSheet) -> Iterator[Problem]:
    if (step.do is None) == (step.prove is None):
        what = "the step does nothing" if step.do is None else "the step both does and proves something"
        yield document.problem((), Words(what, "a step is one thing", "give it either do or prove"))
    elif step.do is not None and step.verify is None:
        words = Words("nothing verifies the step", "what is not verified lets nothing follow", "add verify")
        yield document.problem(("do",), words, at_key=True)
    elif step.prove is not None and step.verify is not None:
        words = Words("a proof is verified", "it is a verification itself", "remove verify")
        yield document.problem(("verify",), words, at_key=True)


def _judge_call(
    document: Document, steps: Steps, call: Call, sheet: FrontMatter, actions: Catalogue, *, acts: bool
) -> Iterator[Problem]:
    action = actions.get(call.use)
    if action is None:
        close = get_close_matches(call.use, actions, n=1)
        remedy = f"write {close[0]}" if close else f"choose one of {', '.join(sorted(actions))}"
        words = Words(f"there is no action {quoted(call.use)}", "runbooks/actions has none of that name", remedy)
        yield document.problem((*steps, "use"), words)
        return
    if isinstance(action, Act) is not acts:
        what = f"{call.use} {'only reads' if acts else 'changes something'}"
        why = "do is for what changes something" if acts else "what is checked must stay as it is"
        yield document.problem((*steps, "use"), Words(what, why, "choose another"))
    for name in sorted(action.takes.keys() - call.arguments.keys()):
        yield document.problem(
            steps, Words(f"the argument {quoted(name)} is missing", f"{call.use} needs it", "add it")
        )
    for name, text in call.arguments.items():
        where = (*steps, "arguments", name)
        if name not in action.takes:
            words = Words(
                f"{call.use} takes no argument {quoted(name)}", f"it takes {_said(action.takes)}", "remove it"
            )
            yield document.problem(where, words, at_key=True)
            continue
        yield from _unknown(document, where, text, sheet)
        yield from _of_another_kind(document, where, text, sheet, action.takes[name])


def _unknown(document: Document, where: Steps, text: str, sheet: FrontMatter) -> Iterator[Problem]:
    for name in PLACEHOLDER.findall(text):
        if name not in sheet.parameters:
            why = f"the front matter declares {_said(sheet.parameters)}"
            words = Words(f"{{{name}}} is no parameter", why, "declare it or correct its name")
            yield document.problem(where, words)


def _of_another_kind(document: Document, where: Steps, text: str, sheet: FrontMatter, kind: Kind) -> Iterator[Problem]:
    """Refuse a parameter alone that is of another kind than the argument which it is given for."""
    whole = PLACEHOLDER.fullmatch(text)
    given = sheet.parameters.get(whole[1]) if whole else None
    if given is not None and given.kind is not kind:
        words = Words(f"{text} is of kind {given.kind.value}", f"{where[-1]} is of kind {kind.value}", "give another")
        yield document.problem(where, words)


def _said(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
