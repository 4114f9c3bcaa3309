// Follows work on its state page: server-sent events, or asking every two seconds; the page is loaded again at the end.
const number = new Intl.NumberFormat(document.documentElement.lang);
const ended = new Set(["done", "failed", "cancelled", "ready", "partly", "unreadable"]);

function draw(box, job) {
  const bar = box.querySelector("progress");
  if (job.total) {
    bar.max = job.total;
    bar.value = Math.min(job.done, job.total);
    const words = { done: number.format(job.done), total: number.format(job.total) };
    box.querySelector(".progress-words").textContent = box.dataset.words.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  }
  const note = box.querySelector(".progress-note");
  if (job.step_words && note.textContent !== job.step_words) note.textContent = job.step_words;
  if (ended.has(job.state)) location.reload();
  return ended.has(job.state);
}

async function ask(box) {
  try {
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok && draw(box, await answer.json())) return;
    if (answer.status === 401 || answer.status === 404) return location.reload();
  } catch {
    // the connection is away for a moment: ask again
  }
  setTimeout(ask, document.hidden ? 10000 : 2000, box);
}

for (const box of document.querySelectorAll("[data-progress]")) {
  if (!box.dataset.events) {
    ask(box);
    continue;
  }
  const events = new EventSource(box.dataset.events);
  events.onmessage = (event) => {
    if (draw(box, JSON.parse(event.data))) events.close();
  };
  events.onerror = () => {
    events.close();
    ask(box);
  };
}
