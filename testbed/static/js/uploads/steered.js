// What the buttons of a file do; each method bears the name of its button.
import { Entry } from "./entry.js";

export class Steered extends Entry {
  pause() {
    this.transfer?.stop();
    this.letGo();
    this.show("paused", "kept_words");
    this.tell("paused_now");
  }

  resume() {
    this.show("queued");
  }

  retry() {
    this.show("queued");
  }

  remove() {
    this.line.drop(this);
  }

  cancel() {
    this.transfer?.stop();
    const headers = { "Tus-Resumable": "1.0.0" };
    if (this.url) fetch(this.url, { method: "DELETE", headers, keepalive: true }).catch(() => {});
    this.end();
    this.tell("cancelled");
    this.line.drop(this);
  }

  discard() {
    this.cancel();
  }

  end() {
    this.letGo();
    this.line.memory.forget(this.key);
  }

  letGo() {
    this.release?.();
    this.release = null;
  }
}
