// A file on its way: ties together what is drawn, what is sent and what is remembered.
import { hold } from "./memory.js";
import { ended, state } from "./result.js";
import { signedIn } from "./session.js";
import { Steered } from "./steered.js";
import { Transfer } from "./transfer.js";

export class Sending extends Steered {
  async start() {
    this.row.show("sending");
    this.release ??= await hold(this.key);
    if (!this.release) return this.show("failed", "elsewhere");
    if (this.state !== "sending") return this.letGo();
    this.row.restart();
    this.tell("sending_now");
    this.transfer ??= this.begun();
    this.transfer.start();
  }

  begun() {
    const { endpoint, chunk } = this.line.form.dataset;
    const metadata = { ...this.metadata, filename: this.file.name, filetype: this.file.type };
    const options = { endpoint: new URL(endpoint, location).href, metadata, chunk: Number(chunk), url: this.url };
    return new Transfer(this.file, options, {
      url: (url) => this.line.memory.remember(this.file, (this.url = url)),
      moved: (bytes) => this.moved(bytes),
      sent: () => this.check(),
      waiting: () => (this.show("waiting", "waiting_words"), this.tell("waiting_now")),
      session: () => this.signIn(() => this.transfer.start()),
      failed: (kind, detail) => this.explain(kind, detail),
    });
  }

  moved(bytes) {
    const before = Math.floor(this.row.percent / 25);
    if (this.state === "waiting") this.row.show("sending");
    this.row.moved(bytes);
    const quarter = Math.floor(this.row.percent / 25);
    if (quarter > before && quarter < 4) this.tell("so_far");
  }

  async check() {
    this.show("checking", "all_sent");
    const told = await ended(this.url);
    if (told.session) return this.signIn(() => this.check());
    if (told.result) this.done(told.result);
    else this.fail(told.problem || "not_kept");
  }

  done(url) {
    this.end();
    this.row.received(url);
    this.line.ended(this, url);
  }

  // A refusal without a word (HEAD has none) is asked about.
  async explain(kind, detail) {
    if (kind === "later" || kind === "unreadable") return this.fail(kind);
    const told = detail || !this.url ? {} : await state(this.url);
    this.fail(detail || told.problem || "refused_words");
  }

  async signIn(then) {
    this.show("waiting", "signed_out");
    if (await signedIn(this.line.dialog)) then();
    else this.pause();
  }

  fail(text) {
    this.letGo();
    this.show("failed", text);
    this.tell("failed_now");
  }
}
