// What is said in a form beside its files, and what is wrong with a file before a byte of it is sent.
import { size } from "./words.js";

export function said(form) {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value.trim());
  return { trial: form.dataset.trial, ...Object.fromEntries(fields) };
}

export async function unfit(file, most, say) {
  if (file.size > most) return say("too_large", { size: size(file.size), most: size(most) });
  const readable = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  if (!readable) return say("folder");
  return file.size ? "" : say("empty");
}
