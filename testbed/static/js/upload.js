// Sends a form with data-upload and draws how far it is; the server's answer becomes the next page.
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const size = (bytes) => (bytes < 1e6 ? `${number.format(bytes / 1e3)} kB` : bytes < 1e9 ? `${number.format(bytes / 1e6)} MB` : `${number.format(bytes / 1e9)} GB`);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function left(words, event, began) {
  const seconds = ((event.total - event.loaded) / Math.max(event.loaded, 1)) * ((performance.now() - began) / 1000);
  return seconds > 90 ? fill(words.minutes, { n: Math.round(seconds / 60) }) : fill(words.seconds, { n: Math.max(1, Math.round(seconds)) });
}

function send(form) {
  const words = form.dataset;
  const [state, said, cancel] = [".upload-state", ".upload-said", "[data-cancel]"].map((each) => form.querySelector(each));
  const [bar, text, button] = ["progress", ".upload-words", "button:not([type=button])"].map((each) => form.querySelector(each));
  const request = new XMLHttpRequest();
  const began = performance.now();
  const stop = () => request.abort();
  const leaving = (event) => event.preventDefault();
  const settle = (message) => {
    state.hidden = cancel.hidden = true;
    button.disabled = false;
    said.textContent = message;
    removeEventListener("beforeunload", leaving);
    cancel.removeEventListener("click", stop);
    if (message) button.focus();
  };
  request.upload.onprogress = (event) => {
    const percent = Math.floor((event.loaded / event.total) * 100);
    bar.value = percent;
    text.textContent = fill(words.percent, { percent, done: size(event.loaded), total: size(event.total), left: left(words, event, began) });
    if (event.loaded === event.total) said.textContent = words.last;
  };
  request.onerror = request.ontimeout = () => settle(words.failed);
  request.onabort = () => settle(words.cancelled);
  request.onload = () => {
    settle("");
    if (request.status < 300) location.assign(request.getResponseHeader("Location") ?? request.responseURL);
    else if ((request.getResponseHeader("Content-Type") ?? "").startsWith("text/html")) show(request.responseText);
    else settle(problem(request.responseText) || words.failed);
  };
  button.disabled = true;
  state.hidden = cancel.hidden = false;
  said.textContent = "";
  cancel.addEventListener("click", stop);
  addEventListener("beforeunload", leaving);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
}

function problem(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return "";
  }
}

function show(page) {
  const answer = new DOMParser().parseFromString(page, "text/html");
  document.title = answer.title;
  document.querySelector("main").replaceWith(answer.querySelector("main"));
  document.querySelector(".error-summary, h1")?.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form?.querySelector("input[type=file]").files.length) return;
  event.preventDefault();
  send(form);
});
