// The rows of a form: added, moved and taken away without leaving the place; fields a type has no use for fold away.
const fold = (row) => {
  const type = row.querySelector("select[name$='.type']")?.value;
  for (const part of row.querySelectorAll("[data-types]")) {
    const used = [...part.querySelectorAll("input, select, textarea")].some((each) => each.value);
    part.hidden = !used && !part.dataset.types.split(" ").includes(type);
  }
};

const ready = () => document.querySelectorAll("[data-rows] > details").forEach(fold);

async function act(form, button) {
  const sent = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.action, { method: "POST", body: sent, headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.status);
  const open = new Set([...form.querySelectorAll("[data-rows] > details[open] [name$='.name']")].map((each) => each.value));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
  for (const row of document.querySelectorAll("[data-rows] > details")) {
    if (open.has(row.querySelector("[name$='.name']").value)) row.open = true;
  }
  ready();
  const next = document.querySelector("[data-looked-at]") ?? document.querySelector("[data-rows]");
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("input:not([type=hidden])") ?? document.querySelector("button[value=add]"))?.focus();
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!event.target.querySelector("[data-rows]") || !button || button.value === "check") return;
  event.preventDefault();
  act(event.target, button).catch(() => {
    const again = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: button.value });
    event.target.append(again);
    event.target.submit();
  });
});

document.addEventListener("change", (event) => {
  const row = event.target.closest("[data-rows] > details");
  if (row && event.target.matches("select[name$='.type']")) fold(row);
});

ready();
