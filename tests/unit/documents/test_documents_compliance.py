"""The compliance report: what is counted with what, that nothing green is without evidence, and that all unfolds."""

import json
import re
import subprocess
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from judged_sample import FIREWALL, NOW, READINGS, judged, verdicts
from sample import region

from hosting_cli.checks.observation import RawReading
from hosting_cli.documents.compliance import compliance
from hosting_cli.documents.compliance_findings import EXCERPT_CHARACTERS, INLINE
from hosting_cli.documents.document import Document, Table
from hosting_cli.documents.entries import AllFound, Entry, Register, Tally
from hosting_cli.documents.language import Language
from hosting_cli.documents.render import Form, is_ours, render
from inventory.controls import Layer


def document(language: Language = Language.ENGLISH) -> Document:
    return compliance(region(), judged(), language)


def page(language: Language = Language.ENGLISH) -> str:
    return render(document(language), Form.HTML).decode()


def entries(found: Document) -> dict[str, Entry]:
    return {entry.id: entry for item in found.sections if isinstance(item, Register) for entry in item.entries}


def table(found: Document, name: str) -> Table:
    return next(item for item in found.sections if isinstance(item, Table) and item.id == name)


# -- counting ------------------------------------------------------------------------------------------------------


def test_each_layer_and_each_force_is_counted_for_itself() -> None:
    (tally,) = (item for item in document().sections if isinstance(item, Tally))
    counted = {
        (row.heading, row.label): {count.word: count.number for count in row.counts if count.number}
        for row in tally.rows
    }
    assert counted == {
        ("HDS requirements", "Required"): {
            "conforming": 2,
            "no evidence": 1,
            "to be assessed": 1,
            "not applicable (justified)": 1,
        },
        ("Statement of applicability", "Required"): {"non-conforming": 1, "evidence expired": 1},
        ("Statement of applicability", "Addressable"): {"conforming": 1},
        ("Technical rules", "Required"): {"waived": 1},
        ("Technical rules", "Addressable"): {"conforming": 1},
    }


@pytest.mark.parametrize("language", Language)
def test_nothing_is_a_percentage(language: Language) -> None:
    without_style = re.sub(r"<(style|script)>.*?</\1>", "", page(language), flags=re.DOTALL)
    assert "%" not in without_style


def test_every_requirement_has_one_entry_in_its_own_layer() -> None:
    registers = {
        item.id: [entry.id for entry in item.entries] for item in document().sections if isinstance(item, Register)
    }
    for layer in Layer:
        wanted = [item.control.id for item in verdicts() if item.control.layer is layer]
        assert registers[f"layer-{layer.value}"] == wanted


def test_what_does_not_conform_comes_first_then_what_nobody_can_tell() -> None:
    found = table(document(), "urgent")
    assert [(row.values[0], row.values[3]) for row in found.rows] == [
        ("A.8.20", "non-conforming"),
        ("A.8.13", "evidence expired"),
        ("EXI 05", "no evidence"),
    ]


def test_what_many_lack_alike_is_said_once_of_all_of_them() -> None:
    lacking = verdicts()[1]
    many = tuple(
        replace(lacking, control=lacking.control.model_copy(update={"id": f"EXI-9{n}", "number": f"EXI 9{n}"}))
        for n in range(4)
    )
    made = compliance(region(), replace(judged(), verdicts=(*verdicts(), *many)), Language.ENGLISH)
    (row,) = (row for row in table(made, "urgent").rows if row.values[3] == "no evidence")
    assert row.values[0] == "5 requirements"
    assert row.values[2] == "EXI 05, EXI 90, EXI 91, EXI 92, EXI 93"
    assert len(entries(made)) == len(verdicts()) + 4, "each has its own entry nevertheless"


def test_what_a_rule_supports_is_named_on_both_sides_and_counted_on_neither() -> None:
    found = entries(document())
    assert ("Supports", (("EXI-05", "EXI 05"),)) in found["A.8.20"].related
    assert ("Also supported by", (("A.8.13", "A.8.13"), ("A.8.20", "A.8.20"))) in found["EXI-05"].related
    assert found["EXI-05"].found == ()


def test_a_waiver_is_shown_with_who_asked_who_agreed_and_until_when() -> None:
    (row,) = table(document(), "waivers").rows
    assert {"pare-feu-app", "In force", ("requested by operations-engineer", "approved by security-officer")} <= set(
        row.values
    )
    assert "2026-12-20" in str(row.values)


def test_what_changed_between_records_of_the_period_is_told() -> None:
    (row,) = table(document(), "history").rows
    assert row.values[0::2] == ("A.8.20", "conforming → non-conforming")


def test_a_period_without_records_proves_nothing_and_says_so() -> None:
    made = compliance(region(), replace(judged(), records=()), Language.ENGLISH)
    assert table(made, "records").rows == ()
    assert "No record was made in the period: nothing is proven." in render(made, Form.HTML).decode()


# -- down to the raw reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_every_finding_leads_to_its_raw_reading_with_command_time_and_digest(language: Language) -> None:
    made = page(language)
    for verdict in verdicts():
        for item in verdict.observations:
            assert f'<a href="#raw-{item.reading}">' in made
            (unfolded,) = re.findall(rf'<details class="fold" id="raw-{item.reading}">.*?</details>', made, re.DOTALL)
            reading = READINGS[item.reading]
            assert unescape(unfolded).count(reading.command) == 1
            assert f"<code>{item.reading}</code>" in unfolded
            assert re.search(r"\d\d:\d\d.UTC", unfolded)
    assert '"policy": "accept"' in unescape(made)


def test_links_lead_somewhere_and_every_place_has_one_name() -> None:
    made = page()
    names = Counter(re.findall(r'\bid="([^"]*)"', made))
    assert {name for name, count in names.items() if count > 1} == set()
    assert set(re.findall(r'href="#([^"]*)"', made)) <= names.keys()


def test_many_findings_stand_once_in_the_annex_and_the_worst_below_each_entry() -> None:
    many = tuple(
        replace(item, subject=f"host h{number:03}") for number in range(30) for item in verdicts()[7].observations
    )
    bad = verdicts()[6].observations[:1]
    changed = tuple(
        replace(item, observations=(*many, *(replace(one, check="volume.encrypted") for one in bad)))
        if item.control.id == "A.8.24"
        else item
        for item in verdicts()
    )
    found = compliance(region(), replace(judged(), verdicts=changed), Language.ENGLISH)
    (below,) = entries(found)["A.8.24"].found
    assert (len(below.findings), below.findings[0].word, below.more) == (INLINE, "unmet", "See all 31 findings")
    (annex,) = (item for item in found.sections if isinstance(item, AllFound))
    (all_of_it,) = (item for item in annex.found if item.id == below.id)
    assert len(all_of_it.findings) == 32  # the one of VOL 1 is of another subject


def test_a_reading_too_long_for_a_page_is_cut_and_says_where_all_of_it_is() -> None:
    long = RawReading(FIREWALL.source, FIREWALL.command, NOW, ["rule"] * EXCERPT_CHARACTERS)
    made = render(
        compliance(region(), replace(judged(), readings={**READINGS, long.digest: long}), Language.ENGLISH), Form.HTML
    ).decode()
    assert f"objects/{long.digest}" in made
    assert len(made) < 10 * EXCERPT_CHARACTERS


def test_a_reading_that_nobody_could_make_says_why() -> None:
    assert "Nothing could be read: it does not answer" in page()


@pytest.mark.parametrize(
    "text", ["</pre><script>alert(1)</script>", '" onmouseover="x', "{{ 7 * 7 }}", "#read(x) $y$ *z*"]
)
def test_what_engines_answer_is_never_taken_for_markup(text: str) -> None:
    hostile = RawReading(text, text, NOW, {text: text})
    item = replace(verdicts()[3].observations[0], subject=text, observed=text, reading=hostile.digest)
    changed = tuple(replace(it, observations=(item,)) if it.control.id == "EXI-28" else it for it in verdicts())
    made = compliance(
        region(), replace(judged(), verdicts=changed, readings={**READINGS, hostile.digest: hostile}), Language.FRENCH
    )
    content = render(made, Form.HTML).decode()
    assert content.count("<script>") == 1
    assert json.dumps(text) in unescape(content)
    assert ' onmouseover="x' not in content
    assert render(made, Form.PDF).startswith(b"%PDF")


# -- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.HTML, Form.PDF])
def test_the_same_verdicts_give_the_same_bytes_and_the_file_is_known_for_ours(form: Form) -> None:
    made = render(document(), form)
    assert made == render(document(), form)
    assert is_ours(made, form)


def test_the_pdf_begins_with_scope_period_editions_and_digests_and_has_every_requirement(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(render(document(Language.FRENCH), Form.PDF))

    def text(*options: str) -> str:
        argv = ["pdftotext", *options, "-layout", "report.pdf", "-"]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    first = text("-l", "1")
    said = ("Rapport de conformité", "du 01/11/2026 au 30/11/2026", "v2 (2024)", "5" * 64, "7" * 64, "8" * 64, "6" * 64)
    assert [part for part in said if part not in first] == []
    whole = text()
    assert [item.control.number for item in verdicts() if item.control.number not in whole] == []
    assert FIREWALL.digest in whole
