// Narrows tables down.  Without it every row is shown, and nothing else is missing.
"use strict";
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/’/g, "'").replace(/\s+/gu, " ").toLowerCase();
for (const form of document.querySelectorAll("form[role=search]")) {
  const rows = Array.from(form.nextElementSibling.tBodies[0].rows);
  const search = form.querySelector("input"), choices = Array.from(form.querySelectorAll("select"));
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const texts = [];
  const holds = (row, choice) =>
    !choice.value || row.cells[choice.dataset.cell].children[choice.dataset.part].textContent === choice.value;
  const narrow = () => {
    const wanted = plain(search.value).split(" ").filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      const text = wanted.length ? (texts[place] ??= plain(row.textContent)) : "";
      row.hidden = !(wanted.every((word) => text.includes(word)) && choices.every((choice) => holds(row, choice)));
      shown += !row.hidden;
    });
    const counts = [shown, rows.length];
    form.querySelector("output").value = form.dataset.said.replace(/#/g, () => number.format(counts.shift()));
  };
  let waiting;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(narrow, 120); });
  form.addEventListener("reset", () => setTimeout(narrow));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  narrow();
}
