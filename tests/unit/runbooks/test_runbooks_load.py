"""Files of runbooks: what is read of a good one, and every message of a bad one, each with its place."""

from pathlib import Path

import pytest
from runbook_world import FRONT, Switches, proof, step

from hosting_cli.runbooks.load import load, read
from inventory.problems import InventoryError

ACTIONS = Switches().actions
GOOD = FRONT + step("lamp").replace("{name: lamp}", '{name: "{host}-lamp"}')


def problems(text: str, file: str = "runbooks/switches.md") -> list[str]:
    return [str(problem) for problem in sorted(read(file, text.encode(), ACTIONS).problems)]


def test_a_good_file_is_read_with_its_sections_and_steps() -> None:
    found = read("runbooks/switches.md", GOOD.encode(), ACTIONS)
    assert (found.problems, found.runbook is not None) == ((), True)
    assert found.runbook is not None
    assert (found.runbook.title, list(found.runbook.sections)) == (
        "Switches",
        ["Meaning", "Impact", "Diagnosis", "Mitigation"],
    )
    assert [(one.id, one.timeout_seconds, one.needs_approval) for one in found.runbook.steps] == [("lamp", 10, False)]


def test_what_stands_in_other_blocks_is_no_heading_and_no_step() -> None:
    text = GOOD.replace("Look at the switch", "```sh\n# Not a title\n## Not a section\n```\n\nLook at the switch")
    assert problems(text) == []


def test_its_digest_changes_with_any_word_of_it() -> None:
    one, other = (read("runbooks/switches.md", text.encode(), ACTIONS).runbook for text in (GOOD, GOOD + "More.\n"))
    assert one is not None and other is not None
    assert one.digest != other.digest


BAD = {
    "there is no front matter": ("---\nid", "id", "1:1: the front matter is missing"),
    "the front matter lacks a key": ("severity: warning\n", "", "2:1: the front matter lacks severity"),
    "a key of the front matter is misspelt": ("expected_minutes", "expected_minute", "6:1: "),
    "the severity is none": ("warning", "bad", "4:11: "),
    "the id is another than the file's name": ("id: switches", "id: lamps", '2:5: the id is "lamps"'),
    "a parameter is of no kind": ("kind: host,", "kind: moon,", "9:16: "),
    "nothing uses a parameter": (
        "says: Whose switches.}",
        "says: Which.}\n  lamp: {kind: unit, says: A lamp.}",
        "10:3: ",
    ),
    "there is no title": ("# Switches\n", "", "1:1: it has no title"),
    "a section is missing": ("## Impact\n", "", "21:1: the sections are Meaning, Diagnosis, Mitigation"),
    "a section says nothing": ("Turn it, and look at it again.", "Turn it.", '26:1: the section "Mitigation" says'),
    "there is no target": ('target: "{host}"\n', "", "2:1: there is no target"),
    "the target names no parameter": ('target: "{host}"', 'target: "{moon}"', "7:9: {moon} is no parameter"),
    "there is no such action": ("switch.turn", "switch.tern", '33:11: there is no action "switch.tern"'),
    "what only reads is to do something": ("switch.turn", "switch.is-on", "33:11: switch.is-on only reads"),
    "what changes something is to verify": ("switch.is-on", "switch.turn", "34:15: switch.turn changes something"),
    "an argument is missing": (', arguments: {name: "{host}-lamp"}}\nver', "}\nver", '33:5: the argument "name"'),
    "an argument is one too many": (
        '{name: "{host}-lamp"}}\nver',
        "{name: a, moon: b}}\nver",
        "33:45: switch.turn takes",
    ),
    "an argument names no parameter": ('name: "{host}-lamp"}}\nver', 'name: "{moon}"}}\nver', "33:42: {moon} is no"),
    "an argument is of another kind": (
        'name: "{host}-lamp"}}\nver',
        'name: "{host}"}}\nver',
        "33:42: {host} is of kind",
    ),
    "nothing verifies a step": ("verify:", "before: []  #", "33:1: nothing verifies the step"),
    "a step does nothing": ("do: {use", "#do: {use", "31:1: the step does nothing"),
    "a step takes no time": ("timeout_seconds: 10", "timeout_seconds: 0", "35:18: "),
    "a step's key is misspelt": ("may_skip", "may_jump", "37:1: "),
    "a block never ends": ("may_skip: false\n```", "may_skip: false", "30:1: a block begins here and never ends"),
    "a step is no YAML": ("says: Turn", "says: Turn: ", "32:"),
}


@pytest.mark.parametrize(("old", "new", "said"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(problem.startswith(f"runbooks/switches.md:{said}") for problem in found), found


def test_a_proof_is_not_verified() -> None:
    text = FRONT + proof("lamp").replace("timeout", "verify: {use: lamp.burns}\ntimeout")
    assert "a proof is verified, it is a verification itself, remove verify" in " ".join(problems(text))


def test_without_the_vault_nobody_can_approve() -> None:
    text = GOOD.replace("target:", "vault: away\ntarget:").replace("needs_approval: false", "needs_approval: true")
    assert problems(text) == [
        "runbooks/switches.md:7:8: a step needs approval and the vault is away, "
        "without the vault nobody can be told from anybody else, drop one of the two"
    ]


def test_a_step_that_stands_twice_is_told() -> None:
    assert '40:1: the step "lamp" stands twice, the first begins on line 30' in " ".join(problems(GOOD + step("lamp")))


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "README.md").write_text("# Runbooks\n")
    (folder / "switches.md").write_text(GOOD.replace("warning", "bad").replace("switch.turn", "switch.tern"))
    (folder / "lamps.md").write_text(
        GOOD.replace("alerts: []", "alerts: [LampOut]").replace("id: switches", "id: lamps")
    )
    (folder / "lights.md").write_text(
        GOOD.replace("alerts: []", "alerts: [LampOut]").replace("id: switches", "id: lights")
    )
    with pytest.raises(InventoryError) as raised:
        load(folder, ACTIONS)
    told = [f"{problem.file}:{problem.line}" for problem in raised.value.problems]
    assert told == ["runbooks/lights.md:3", "runbooks/switches.md:4"]
    (folder / "switches.md").unlink()
    (folder / "lights.md").unlink()
    assert [runbook.id for runbook in load(folder, ACTIONS)] == ["lamps"]


def test_a_file_in_another_encoding_is_told() -> None:
    found = read("runbooks/switches.md", b"\xff\xfe", ACTIONS)
    assert [problem.what for problem in found.problems] == ["this is not UTF-8"]
