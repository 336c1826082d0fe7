// Narrows tables and entries down, and unfolds what is led to.  Without it all is there, to be unfolded by hand.
"use strict";
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/’/g, "'").replace(/\s+/gu, " ").toLowerCase();
for (const form of document.querySelectorAll("form[role=search]")) {
  const entries = form.classList.contains("entries");
  const rows = Array.from(entries ? document.querySelectorAll(".entry") : form.nextElementSibling.tBodies[0].rows);
  const search = form.querySelector("input"), choices = Array.from(form.querySelectorAll("select"));
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const texts = [];
  const said = (row, { choice, cell, part }) =>
    entries ? row.dataset.choices.split("\n")[choice] : row.cells[cell].children[part].textContent;
  const holds = (row, choice) => !choice.value || said(row, choice.dataset) === choice.value;
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
  const unfold = form.querySelector("[data-unfold]");
  unfold?.addEventListener("click", () => {
    const folded = rows.some((row) => !row.hidden && !row.firstElementChild.open);
    for (const row of rows) row.firstElementChild.open = folded && !row.hidden;
    unfold.textContent = folded ? unfold.dataset.fold : unfold.dataset.unfold;
  });
  form.hidden = false;
  narrow();
}
const lead = () => {
  const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = found && (found.matches("details") ? found : found.querySelector(":scope > details"));
  if (!folded) return;
  folded.open = true;
  found.hidden = false;
  found.scrollIntoView();
};
addEventListener("hashchange", lead);
lead();
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll(".entry > details")) folded.open = true;
});
