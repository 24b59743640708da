// Sorts a table by the column whose head is clicked, and tells how long the page's files took.
"use strict";

const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();

const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
};

function sort(table, head) {
  const column = head.cellIndex;
  const rising = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) {
    other.setAttribute("aria-sort", "none");
  }
  head.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column)));
  body.append(...(rising ? rows : rows.reverse()));
}

function timings() {
  const note = document.querySelector("#timings");
  if (!note) return;
  const files = performance.getEntriesByType("resource");
  const kept = files.filter((file) => file.transferSize === 0).length;
  note.textContent = `${files.length} files, ${kept} of them from this browser's own cache`;
}

document.addEventListener("click", (event) => {
  const head = event.target.closest("th[aria-sort]");
  if (head) sort(head.closest("table"), head);
});

addEventListener("load", timings);
