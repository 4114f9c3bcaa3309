// Draws one file of the queue: what it is called, how far it is, what can be done with it, and where its receipt is.
import { duration, size, speedometer } from "./words.js";

const TONES = { sending: "accent", checking: "accent", done: "ok", waiting: "warn", paused: "warn", missing: "warn", failed: "stop", refused: "stop" };
const ACTS = { sending: "pause", waiting: "pause", paused: "resume", failed: "retry" };
const ENDS = { sending: "cancel", waiting: "cancel", paused: "cancel", failed: "cancel", ready: "remove", queued: "remove", refused: "remove", missing: "discard" };

export class Row {
  constructor(template, say, name, bytes) {
    this.item = template.content.firstElementChild.cloneNode(true);
    this.say = say;
    this.name = name;
    this.bytes = bytes;
    this.part = Object.fromEntries([...this.item.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    this.part.name.textContent = name;
    this.part.size.textContent = size(bytes);
    this.part.bar.setAttribute("aria-label", say("progress", { name }));
    this.restart();
  }

  restart() {
    this.speed = speedometer();
  }

  show(state, text = "") {
    const held = this.item.contains(document.activeElement);
    this.state = state;
    this.item.dataset.state = state;
    this.part.chip.className = `chip ${TONES[state] ?? ""}`;
    this.part.chip.textContent = this.say(state);
    this.part.words.textContent = text;
    this.button(this.part.act, ACTS[state]);
    this.button(this.part.end, ENDS[state]);
    this.part.bar.hidden = ["ready", "refused", "done"].includes(state) || (["queued", "failed"].includes(state) && !this.done);
    if (held && !this.item.contains(document.activeElement)) this.focus();
  }

  // Keeps the keyboard where it was when the button under it goes away.
  focus() {
    [this.part.act, this.part.end, this.part.result].find((each) => each.checkVisibility())?.focus();
  }

  button(place, name) {
    place.hidden = !name;
    if (!name) return;
    place.value = name;
    place.firstElementChild.textContent = this.say(name);
    place.lastElementChild.textContent = ` ${this.name}`;
  }

  at(done) {
    this.done = done;
    this.part.bar.value = this.percent = this.bytes ? Math.floor((done / this.bytes) * 100) : 0;
  }

  moved(done) {
    this.at(done);
    const rate = this.speed(done);
    const values = { percent: this.percent, done: size(done), total: size(this.bytes) };
    const left = rate ? duration(this.say, (this.bytes - done) / rate) : "";
    this.part.words.textContent = left ? this.say("moving", { ...values, rate: size(rate), left }) : this.say("started", values);
  }

  received(url) {
    this.at(this.bytes);
    this.part.result.href = url;
    this.part.receipt.href = `${url}/receipt`;
    this.part.result.hidden = this.part.receipt.hidden = false;
    this.show("done", this.say("received", { code: url.split("/").at(-1) }));
  }
}
