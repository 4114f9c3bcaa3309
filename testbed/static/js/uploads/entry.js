// A file in the queue, as far as it is chosen, remembered, shown and told of.
import { Row } from "./row.js";

export class Entry {
  constructor(line, key, name, bytes) {
    Object.assign(this, { line, key, url: null, away: false });
    this.row = new Row(line.template, line.say, name, bytes);
    this.row.item.addEventListener("click", (event) => this[event.target.closest("button")?.value]?.());
    line.sendings.push(this);
    line.list.append(this.row.item);
  }

  get state() {
    return this.row.state;
  }

  // `text` is the name of a sentence, or a sentence of the service.
  show(state, text = "") {
    this.row.show(state, this.line.has(text) ? this.line.say(text, { percent: this.row.percent }) : text);
    this.line.next();
  }

  tell(text) {
    this.line.tell(this.line.say(text, { name: this.row.name, percent: this.row.percent }));
  }

  chosen(file, trouble) {
    this.file = file;
    this.row.at(0);
    this.show(trouble ? "refused" : "ready", trouble);
    this.tell(trouble ? "not_taken" : "added");
  }

  // Begun on an earlier visit: `told` is what the service still has of it.
  left(url, told) {
    Object.assign(this, { url, away: true });
    this.row.at(told.offset ?? 0);
    if (told.result) this.done(told.result);
    else if (told.state === "verifying") this.check();
    else this.show("missing", "choose_again");
  }

  // Chosen once more: what an earlier visit began goes on.
  again(file, metadata) {
    if (this.state !== "missing") return;
    Object.assign(this, { file, away: false });
    this.queue(metadata);
  }

  queue(metadata) {
    this.metadata = metadata;
    this.show("queued");
  }}
