"""Documents in a real browser: their script runs under their own policy, nobody is kept out, and nothing runs over.

Whether somebody who does not see, or uses no mouse, can read them is judged by axe-core, by every rule that it has for
WCAG 2.1 A and AA, which EN 301 549 and the French RGAA ask for, and by what it advises beyond.
"""

import html
import json
import re
import subprocess
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from judged_sample import judged as judged_controls

from hosting_cli.documents.compliance import compliance
from hosting_cli.documents.language import Language
from hosting_cli.documents.matrix import matrix
from hosting_cli.documents.render import Form, render
from hosting_cli.documents.scope import Scope
from inventory.models import Region

APPLICATION, TODAY = "imagerie-beaune", date(2026, 11, 22)
DAYS = {"valid": TODAY, "to be renewed": date(2028, 12, 1), "expired": date(2029, 2, 1)}

RUN_AXE = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then((found) => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({
    broken: found.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html)]),
    held: found.passes.map((rule) => rule.id),
    wide: document.documentElement.scrollWidth - window.innerWidth,
  });
  document.body.append(told);
});
"""


def page(region: Region, language: Language, day: date = TODAY) -> str:
    return render(matrix(region, Scope(application=APPLICATION), day, language).document, Form.HTML).decode()


def report(region: Region, language: Language = Language.FRENCH) -> str:
    return render(compliance(region, judged_controls(), language), Form.HTML).decode()


def unfolded(content: str) -> str:
    """Give a page with all of it unfolded: what is folded away nobody judges."""
    return re.sub(r"<details\b", "<details open", content)


def opened(content: str, folder: Path, *, width: int = 1400) -> str:
    """Open a page without a network, and give what the browser has made of it."""
    file = folder / "page.html"
    file.write_text(content)
    argv = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},1000",
        "--virtual-time-budget=20000",
        "--dump-dom",
        file.as_uri(),
    ]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout


def without_policy(content: str) -> str:
    """Take out what would keep a test's script out."""
    changed, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", content)
    assert count == 1
    return changed


def judged(content: str, folder: Path, *, width: int = 1400) -> dict[str, Any]:
    """Have axe-core judge a page; what lets its script in is the only thing that is taken out of the page."""
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    scripts = f"<script>{axe}</script><script>{RUN_AXE}</script></body>"
    (told,) = re.findall(
        r'<pre id="told">(.*?)</pre>', opened(without_policy(content).replace("</body>", scripts), folder, width=width)
    )
    found: dict[str, Any] = json.loads(html.unescape(told))
    return found


@pytest.mark.parametrize(("width", "day"), [(1400, "valid"), (1400, "expired"), (500, "to be renewed")])
def test_nobody_is_kept_out_and_nothing_runs_over(region: Region, tmp_path: Path, width: int, day: str) -> None:
    found = judged(page(region, Language.FRENCH, DAYS[day]), tmp_path, width=width)
    assert found["broken"] == []
    assert found["wide"] <= 0
    assert {"color-contrast", "html-has-lang", "label", "svg-img-alt"} <= set(found["held"])


def test_a_page_that_keeps_somebody_out_would_be_found(region: Region, tmp_path: Path) -> None:
    content = page(region, Language.ENGLISH).replace('<html lang="en">', "<html>").replace("#4c5a6b", "#c4cad1")
    broken = {rule for rule, _ in judged(content, tmp_path)["broken"]}
    assert {"html-has-lang", "color-contrast"} <= broken


@pytest.mark.parametrize(
    ("language", "said"),
    [(Language.FRENCH, "Lignes affichées\u00a0: 2 sur 2"), (Language.ENGLISH, "Rows shown: 2 of 2")],
)
def test_the_pages_own_script_runs_under_its_policy_and_no_other_does(
    region: Region, tmp_path: Path, language: Language, said: str
) -> None:
    intruder = "<script>document.title = 'intruder'</script></body>"
    made = opened(page(region, language).replace("</body>", intruder), tmp_path)
    assert html.unescape(made).count(f"<output>{said}</output>") == 1
    assert "<title>intruder</title>" not in made


# -- the compliance report -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1400, 500])
@pytest.mark.parametrize("shown", [str, unfolded], ids=["folded", "unfolded"])
def test_a_report_keeps_nobody_out_folded_or_unfolded(
    region: Region, tmp_path: Path, width: int, shown: Callable[[str], str]
) -> None:
    found = judged(shown(report(region)), tmp_path, width=width)
    assert found["broken"] == []
    assert found["wide"] <= 0
    assert {"color-contrast", "html-has-lang", "label"} <= set(found["held"])


USE = """
<script>
const form = document.querySelector("form.entries"), [search] = form.querySelectorAll("input");
const shown = () => Array.from(document.querySelectorAll(".entry:not([hidden])"), (entry) => entry.id).join(" ");
const told = document.createElement("pre");
told.id = "told";
document.body.append(told);
const step = (work, wait = 300) => new Promise((done) => { work(); setTimeout(done, wait); });
(async () => {
  const seen = {};
  await step(() => { search.value = "reseaux"; search.dispatchEvent(new Event("input", { bubbles: true })); });
  seen.searched = shown();
  await step(() => form.reset());
  const verdict = form.querySelectorAll("select")[1];
  await step(() => { verdict.value = "non conforme"; verdict.dispatchEvent(new Event("input", { bubbles: true })); });
  seen.filtered = shown();
  await step(() => form.reset());
  seen.all = shown().split(" ").length;
  await step(() => form.querySelector("[data-unfold]").click());
  seen.unfolded = document.querySelectorAll(".entry > details[open]").length;
  await step(() => document.getElementById("A.8.20").querySelector("a[href^='#raw-']").click());
  seen.led = document.querySelector(":target").open && document.querySelector(":target pre").textContent;
  told.textContent = JSON.stringify(seen);
})();
</script></body>"""


def test_readers_search_filter_and_unfold_down_to_the_raw_reading(region: Region, tmp_path: Path) -> None:
    made = opened(without_policy(report(region)).replace("</body>", USE), tmp_path)
    (told,) = re.findall(r'<pre id="told">(.*?)</pre>', made)
    seen = json.loads(html.unescape(told))
    assert (seen["searched"], seen["filtered"], seen["all"], seen["unfolded"]) == ("A.8.20", "A.8.20", 10, 10)
    assert '"policy": "accept"' in seen["led"]


def test_a_report_runs_its_own_script_and_no_other(region: Region, tmp_path: Path) -> None:
    intruder = "<script>document.title = 'intruder'</script></body>"
    made = opened(report(region, Language.ENGLISH).replace("</body>", intruder), tmp_path)
    assert "Requirements shown: 10 of 10" in html.unescape(made)
    assert "<title>intruder</title>" not in made
