// Which uploads were begun here and have not ended: their addresses, by person, trial, name, size and last change of the file.
const PREFIX = "testbed-upload";
const ONE_MONTH = 30 * 24 * 3600 * 1000;

export class Memory {
  constructor(person, trial) {
    this.place = `${PREFIX}:${person}:${trial}:`;
    this.storage = storage();
  }

  key(file) {
    return `${this.place}${file.size}:${file.lastModified}:${file.name}`;
  }

  remember(file, url) {
    const kept = JSON.stringify({ url, name: file.name, size: file.size, since: Date.now() });
    try {
      this.storage?.setItem(this.key(file), kept);
    } catch {
      // the storage is full: the upload goes on, and cannot be taken up after a reload
    }
  }

  recall(file) {
    return this.read(this.key(file))?.url;
  }

  forget(key) {
    this.storage?.removeItem(key);
  }

  // Everything of this person and trial, but what another window is sending right now.
  async all() {
    const held = new Set((await navigator.locks?.query())?.held.map((lock) => lock.name));
    const keys = Object.keys(this.storage ?? {}).filter((key) => key.startsWith(this.place) && !held.has(key));
    return keys.map((key) => ({ key, ...this.read(key) })).filter((each) => each.url);
  }

  read(key) {
    try {
      const kept = JSON.parse(this.storage?.getItem(key));
      if (kept && Date.now() - kept.since < ONE_MONTH) return kept;
    } catch {
      // not ours, or cut off
    }
    this.forget(key);
    return null;
  }
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null; // the browser keeps nothing for this site
  }
}

// Holds a name while a file is sent, so that no other window sends it too; gives back how to let go, or null if another holds it.
export function hold(name) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    });
  });
}
