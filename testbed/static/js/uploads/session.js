// Asks for the password when the session has ended, and says when somebody is signed in again; several ask once.
import { detail } from "./troubles.js";

let asking = null;

export function signedIn(dialog) {
  asking ??= ask(dialog).finally(() => (asking = null));
  return asking;
}

// true once the password was right, false if the person would rather not.
function ask(dialog) {
  const form = dialog.querySelector("form");
  const [password, said] = [form.elements.password, dialog.querySelector("[role=status]")];
  return new Promise((resolve) => {
    const closed = () => {
      form.removeEventListener("submit", sent);
      resolve(dialog.returnValue === "signed in");
    };
    const sent = async (event) => {
      if (event.submitter?.value === "not now") return; // method=dialog closes it
      event.preventDefault();
      said.textContent = await enter(form);
      if (said.textContent) return password.select();
      dialog.close("signed in");
    };
    password.value = said.textContent = dialog.returnValue = "";
    form.addEventListener("submit", sent);
    dialog.addEventListener("close", closed, { once: true });
    dialog.showModal();
    password.focus();
  });
}

// What is wrong, or nothing.
async function enter(form) {
  const body = JSON.stringify({ email: form.elements.email.value, password: form.elements.password.value });
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  try {
    const answer = await fetch(form.dataset.signIn, { method: "POST", headers, body });
    return answer.ok ? "" : detail(await answer.text()) || form.dataset.failed;
  } catch {
    return form.dataset.failed;
  }
}
