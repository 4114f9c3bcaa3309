// A table's box is a stop of Tab only while it scrolls; cells get their column's name, so that a narrow screen can show rows as blocks.
function label(table) {
  const heads = Array.from(table.tHead.rows[0].cells, (head) => (head.querySelector(".unseen") ? "" : head.textContent.trim()));
  table.role = "table"; // what is drawn as a block is still a table
  table.tBodies[0].role = "rowgroup";
  for (const row of table.tBodies[0].rows) {
    row.role = "row";
    Array.from(row.cells, (cell, index) => {
      cell.role = cell.matches("th") ? "rowheader" : "cell";
      cell.dataset.label = heads[index] ?? "";
      if (cell.childNodes.length > 1) {
        const whole = document.createElement("div");
        whole.append(...cell.childNodes);
        cell.append(whole);
      }
      if (["", "–"].includes(cell.textContent.trim()) && !cell.querySelector("svg")) cell.dataset.blank = "";
    });
  }
  table.dataset.labelled = "";
}

const stop = new ResizeObserver((seen) => {
  for (const { target: box } of seen)
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
});

for (const table of document.querySelectorAll(".table.stacks")) label(table);
for (const box of document.querySelectorAll(".table-box")) stop.observe(box);
