// The files of one form, sent one after the other; says aloud what happens to them, but not every percent.
import { Memory } from "./memory.js";
import { state } from "./result.js";
import { said, unfit } from "./said.js";
import { Sending } from "./sending.js";
import { listed, words } from "./words.js";

const AT_WORK = new Set(["sending", "waiting", "checking"]);

export class Queue {
  constructor(form) {
    Object.assign(this, { form, sendings: [], ...words(form), memory: new Memory(form.dataset.person, form.dataset.trial) });
    [this.list, this.template, this.said, this.kept] = [".sends", "template", ".upload-said", ".upload-kept"].map((each) => form.querySelector(each));
    [this.button, this.input] = [form.querySelector(".button.primary"), form.querySelector("input[type=file]")];
    this.dialog = document.querySelector("dialog.signing-in");
    this.recalled = this.recall().catch(() => {});
    addEventListener("beforeunload", (event) => this.sendings.some((each) => ["sending", "waiting"].includes(each.state)) && event.preventDefault());
  }

  // Files chosen now: new ones wait for the button, those that were begun before go on at once.
  async take(files) {
    await this.recalled;
    for (const file of files) {
      const [key, trouble] = [this.memory.key(file), await unfit(file, Number(this.form.dataset.most), this.say)];
      const known = this.sendings.find((each) => each.key === key);
      if (known) known.again(file, said(this.form));
      else this.add(new Sending(this, key, file.name, file.size)).chosen(file, trouble);
    }
  }

  // What an earlier visit began, as far as the service still has it.
  async recall() {
    for (const { key, url, name, size: bytes } of await this.memory.all()) {
      const told = await state(url);
      if (told.gone) this.memory.forget(key);
      else this.add(new Sending(this, key, name, bytes)).left(url, told);
    }
  }

  add(sending) {
    this.sendings.push(sending);
    this.list.append(sending.row.item);
    return sending;
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
    const ready = this.sendings.filter((each) => each.state === "ready");
    for (const each of ready) each.queue(said(this.form));
    if (!ready.length) this.tell(this.say("choose_first")), this.input.focus();
  }

  next() {
    if (!this.sendings.some((each) => AT_WORK.has(each.state))) this.sendings.find((each) => each.state === "queued")?.start();
    const [ready, missing] = ["ready", "missing"].map((name) => this.sendings.filter((each) => each.state === name));
    this.button.textContent = this.say("send", { n: Math.max(ready.length, 1) });
    this.button.hidden = this.sendings.length > 0 && !ready.length;
    this.kept.hidden = !missing.length;
    const percents = listed([...new Set(missing.map((each) => `${each.row.percent} %`))]);
    this.kept.lastElementChild.textContent = missing.length ? this.say("kept", { n: missing.length, percents }) : "";
  }

  ended(sending, url) {
    if (this.sendings.length === 1 && !sending.away) return location.assign(url);
    const left = this.sendings.filter((each) => each.state !== "done").length;
    this.tell(left ? this.say("one_done", { name: sending.row.name }) : this.say("all_done", { n: this.sendings.length }));
    this.next();
  }

  tell = (text) => (this.said.textContent = text);
}
