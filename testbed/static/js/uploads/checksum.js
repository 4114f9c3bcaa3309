// Gives each piece of a file its SHA-256, where the browser can reckon it (on https and on this machine).
export async function checksum(request, file, chunk, wanted) {
  const offset = request.getHeader("Upload-Offset");
  if (offset !== undefined && globalThis.crypto?.subtle) {
    const piece = await file.slice(Number(offset), Number(offset) + chunk).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", piece));
    request.setHeader("Upload-Checksum", `sha256 ${btoa(String.fromCharCode(...digest))}`);
  }
  if (!wanted()) throw new Error("stopped meanwhile"); // an aborted request that is not sent yet could still be sent
}
