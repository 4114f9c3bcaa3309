// Makes a form with data-upload send several files, each of them resumable; without it the form sends one, as forms do.
import { Queue } from "./uploads/queue.js";

for (const form of globalThis.tus?.isSupported ? document.querySelectorAll("form[data-upload]") : []) {
  const queue = new Queue(form);
  const { input } = queue;
  for (const each of form.querySelectorAll("[data-scripted]")) each.hidden = each.dataset.scripted !== "shown";
  const zone = input.closest(".drop");
  zone.classList.add("scripted");
  zone.querySelector(".drop-button").hidden = false;
  input.multiple = "several" in form.dataset;
  input.required = false;
  const take = () => {
    const chosen = [...input.files];
    input.value = ""; // the same file can be chosen again, and the list below says what was
    queue.take(chosen);
  };
  input.addEventListener("change", take);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    queue.send();
  });
  if (input.files.length) take(); // chosen before this script had come
}
