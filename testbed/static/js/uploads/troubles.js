// What an answer that is no success means: try again, sign in, begin anew, send smaller pieces, or stop.
const LATER = new Set([0, 408, 409, 423, 425, 429, 460, 500, 502, 503, 504]);
const NO_PATCH = new Set([405, 501]); // a proxy on the way
export const PROXY_BYTES = 512 * 1024; // below the 1 MB that many proxies let through

export function judge(error, upload) {
  const answer = error.originalResponse;
  const status = answer?.getStatus() ?? 0;
  const begun = upload.url !== null;
  const wait = Number(answer?.getHeader("Retry-After")) || 0;
  if (!error.originalRequest || error.causingError instanceof DOMException) return { kind: "unreadable" };
  if (status === 401) return { kind: "session" };
  if (begun && (status === 404 || status === 410)) return { kind: "gone" };
  if (NO_PATCH.has(status) && !upload.options.overridePatchMethod) return { kind: "override" };
  if (begun && status === 413 && upload.options.chunkSize > PROXY_BYTES) return { kind: "smaller" };
  const final = !begun && (status === 409 || status === 429); // the trial is archived, or too many uploads are open
  if (LATER.has(status) && !final) return { kind: "later", wait };
  return { kind: "refused", detail: detail(answer.getBody()) };
}

export function detail(body) {
  try {
    const told = JSON.parse(body);
    return [told.detail, ...(told.errors ?? []).map((each) => each.message).filter((each) => each !== told.detail)].join(" ");
  } catch {
    return "";
  }
}
