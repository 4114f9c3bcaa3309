// Sends one file to the service by the tus protocol, and goes on by itself after whatever passes.
import { checksum } from "./checksum.js";
import { judge, PROXY_BYTES } from "./troubles.js";

const WAITS = [1, 2, 4, 8, 15, 30, 30, 30, 60, 60, 60, 60, 60]; // seconds after each failure in a row: seven minutes
const LEAST_BYTES = 256 * 1024;
const SILENCE = 90_000; // ms without a byte moving: the line is dead, and nobody has said so

export class Transfer {
  // on: { url(url), moved(bytes), sent(), waiting(), session(), failed(kind, detail) }; `url` goes on with what was begun.
  constructor(file, { endpoint, metadata, chunk, url }, on) {
    Object.assign(this, { file, endpoint, metadata, url, on, chunk, most: chunk, failures: 0, override: false });
    addEventListener("online", () => this.pending && this.start());
  }

  start() {
    this.stop();
    const upload = new tus.Upload(this.file, {
      endpoint: this.url ? null : this.endpoint, // with one, a failed HEAD would quietly begin a second upload
      uploadUrl: this.url,
      metadata: this.metadata,
      chunkSize: this.chunk,
      headers: { Accept: "application/json" },
      overridePatchMethod: this.override,
      retryDelays: null,
      storeFingerprintForResuming: false,
      onBeforeRequest: (request) => checksum(request, this.file, this.chunk, () => this.upload === upload),
      onUploadUrlAvailable: () => this.begun(upload),
      onProgress: (bytes) => this.upload === upload && (this.watch(), this.on.moved(bytes)),
      onChunkComplete: () => this.well(upload),
      onSuccess: () => this.upload === upload && (this.stop(), this.on.sent()),
      onError: (error) => this.upload === upload && this.trouble(judge(error, upload)),
    });
    this.upload = upload;
    this.watch();
    upload.start();
  }

  stop() {
    clearTimeout(this.timer);
    this.upload?.abort();
    this.upload = this.pending = null;
  }

  begun(upload) {
    upload.options.endpoint = null;
    this.url = upload.url;
    this.on.url(upload.url);
  }

  well(upload) {
    this.failures = 0;
    this.chunk = upload.options.chunkSize = Math.min(this.most, this.chunk * 2);
  }

  watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.trouble({ kind: "later" }), SILENCE);
  }

  trouble({ kind, wait = 0, detail = "" }) {
    this.stop();
    if (kind === "session") return this.on.session();
    if (kind === "override") this.override = true;
    if (kind === "smaller") this.chunk = this.most = PROXY_BYTES;
    if (kind === "later") this.chunk = Math.max(LEAST_BYTES, this.chunk / 2);
    if (kind === "gone") this.url = null;
    if (kind === "refused" || kind === "unreadable" || this.failures >= WAITS.length) return this.on.failed(kind, detail);
    const seconds = kind === "later" ? Math.max(wait, WAITS[this.failures]) : 0;
    this.failures += 1;
    if (seconds) this.on.waiting();
    this.pending = true;
    this.timer = setTimeout(() => this.start(), seconds * 1000);
  }
}
