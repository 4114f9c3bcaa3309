"""A service that misbehaves on command: the protocol by its letter, and whatever answer a test puts before it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
LIMITS = {
    "upload_max_bytes": 10**9,
    "chunk_bytes": 1000,
    "partners": [{"id": 7, "url": "/partners/lunet"}],
}
HTML = b"<html><body>Something in between</body></html>"


@dataclass
class Upload:
    length: int
    about: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    ended: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class Double:
    """``faults`` are asked in turn: one that answers is used once. ``seen`` is every request: method, path, bytes."""

    prefix: str = ""
    limits: dict[str, Any] = field(default_factory=lambda: dict(LIMITS))
    uploads: dict[str, Upload] = field(default_factory=dict)
    faults: list[Callable[[str, str, bytes], Answer | None]] = field(default_factory=list)
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    checking: int = 0
    """How many times it says that it is still verifying."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"].removeprefix(self.prefix)
        self.seen.append((method, path, len(body)))
        self.headers.append(headers)
        status, given, content = self._fault(method, path, body) or self._answer(method, path, headers, body)
        raw = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        raw.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})

    def fail(
        self, method: str, status: int, *, times: int = 1, content: bytes = HTML, **headers: str
    ) -> None:
        """Answer the next requests of a method to an upload so."""
        for _ in range(times):
            self.faults.append(
                lambda asked, path, _: (
                    (status, headers, content) if asked == method and path.startswith("/uploads") else None
                )
            )

    def _fault(self, method: str, path: str, body: bytes) -> Answer | None:
        for each in self.faults:
            if (answer := each(method, path, body)) is not None:
                self.faults.remove(each)
                return answer
        return None

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.endswith("/results/limits"):
            return 200, {}, json.dumps(self.limits).encode()
        if code := re.fullmatch(r"/results/(R-\w+)/receipt", path):
            kept = self.uploads[code[1].removeprefix("R-")]
            return (
                200,
                {},
                json.dumps(
                    {"result": code[1], "sha256": kept.sha256, "received_at": "2026-11-23T14:05:00Z"}
                ).encode(),
            )
        if headers.get("tus-resumable") != "1.0.0":
            return 412, {"Tus-Version": "1.0.0"}, b""
        if (method, path) == ("POST", "/uploads"):
            return self._create(headers)
        name = path.rpartition("/")[2]
        if name not in self.uploads:
            return 404, {}, b""
        return self._upload(headers.get("x-http-method-override", method), name, headers, body)

    def _create(self, headers: dict[str, str]) -> Answer:
        pairs = [pair.split(" ") for pair in headers["upload-metadata"].split(",")]
        about = {key: base64.b64decode(text).decode() for key, text in pairs}
        name = f"{len(self.uploads):06}"
        self.uploads[name] = Upload(int(headers["upload-length"]), about)
        return 201, {"Location": f"/uploads/{name}"}, b""

    def _upload(self, method: str, name: str, headers: dict[str, str], body: bytes) -> Answer:
        upload = self.uploads[name]
        offset = {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)}
        if upload.ended:
            return 410, {}, b""
        if method == "HEAD":
            return 200, offset, b""
        if method == "GET":
            return 200, {}, json.dumps(self._state(name)).encode()
        if method == "DELETE":
            upload.ended = True
            return 204, {}, b""
        if headers["upload-offset"] != offset["Upload-Offset"]:
            return 409, offset, b""
        if headers["upload-checksum"].split()[1] != base64.b64encode(hashlib.sha256(body).digest()).decode():
            return 460, {}, b""
        upload.data += body
        return 204, {"Upload-Offset": str(len(upload.data))}, b""

    def _state(self, name: str) -> dict[str, Any]:
        done = len(self.uploads[name].data) == self.uploads[name].length
        if done and self.checking:
            self.checking -= 1
            return {"state": "verifying", "result": None}
        return {"state": "done" if done else "arriving", "result": f"R-{name}" if done else None}
