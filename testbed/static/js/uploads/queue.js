// The files of one form, sent one after the other; says aloud what happens to them, but not every percent.
import { Memory } from "./memory.js";
import { state } from "./result.js";
import { said, unfit } from "./said.js";
import { Sending } from "./sending.js";
import { listed, words } from "./words.js";

const AT_WORK = ["sending", "waiting", "checking"];

export class Queue {
  constructor(form) {
    Object.assign(this, { form, sendings: [], ...words(form), memory: new Memory(form.dataset.person, form.dataset.trial) });
    [this.list, this.template, this.said, this.kept] = [".sends", "template", ".upload-said", ".upload-kept"].map((each) => form.querySelector(each));
    [this.button, this.input] = [form.querySelector(".button.primary"), form.querySelector("input[type=file]")];
    this.dialog = document.querySelector("dialog.signing-in");
    this.recalled = this.recall().catch(() => {});
    addEventListener("beforeunload", (event) => this.of("sending", "waiting").length && event.preventDefault());
  }

  // Files chosen now: new ones wait for the button, those that were begun before go on at once.
  async take(files) {
    await this.recalled;
    for (const file of files) {
      const [key, trouble] = [this.memory.key(file), await unfit(file, Number(this.form.dataset.most), this.say)];
      const known = this.sendings.find((each) => each.key === key);
      if (known) known.again(file, said(this.form));
      else new Sending(this, key, file.name, file.size).chosen(file, trouble);
    }
  }

  // What an earlier visit began, as far as the service still has it.
  async recall() {
    for (const { key, url, name, size: bytes } of await this.memory.all()) {
      const told = await state(url);
      if (told.gone) this.memory.forget(key);
      else new Sending(this, key, name, bytes).left(url, told);
    }
  }

  drop(sending) {
    const held = sending.row.item.contains(document.activeElement);
    const next = this.sendings[this.sendings.indexOf(sending) + 1];
    this.sendings = this.sendings.filter((each) => each !== sending);
    sending.row.item.remove();
    this.next();
    if (held) next ? next.row.focus() : this.input.focus();
  }

  send() {
    if (!this.of("ready").length) this.tell(this.say("choose_first"), true), this.input.focus();
    for (const each of this.of("ready")) each.queue(said(this.form));
  }

  of = (...states) => this.sendings.filter((each) => states.includes(each.state));

  next() {
    if (!this.of(...AT_WORK).length) this.of("queued")[0]?.start();
    const [ready, missing] = [this.of("ready"), this.of("missing")];
    this.button.textContent = this.say("send", { n: Math.max(ready.length, 1) });
    this.button.hidden = this.sendings.length > 0 && !ready.length;
    [this.list.hidden, this.kept.hidden] = [!this.sendings.length, !missing.length];
    const percents = listed([...new Set(missing.map((each) => `${each.row.percent} %`))]);
    this.kept.lastElementChild.textContent = this.say("kept", { n: missing.length, percents });
  }

  ended(sending, url) {
    if (this.sendings.length === 1 && !sending.away) return location.assign(url);
    const all = this.of("done").length === this.sendings.length;
    this.tell(all ? this.say("all_done", { n: this.sendings.length }) : this.say("one_done", { name: sending.row.name }), all);
    this.next();
  }

  // For those who listen, unless it is for everybody.
  tell(text, seen = false) {
    this.said.classList.toggle("unseen", !seen);
    this.said.textContent = text;
  }
}
