"""One request a method to the service's resumable uploads (tus 1.0.0, https://tus.io/protocols/resumable-upload)."""

import base64
import hashlib
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Self

import httpx

from testbed.sending.target import Target

OCTETS = "application/offset+octet-stream"
BLOCK_BYTES = 64 * 1024
TIMES = httpx.Timeout(
    60, connect=15, read=180
)  # a long answer: the service reads the whole file again at its end
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
TRY_AGAIN_ON_AN_UPLOAD = TRY_AGAIN | {409, 423, 460}  # another offset, somebody else writes, another checksum
NO_PATCH = {405, 501}
UPGRADE = "It answers with a redirect to {there}: name that address instead."


class Refused(Exception):
    """The service will not take this, now or later. ``status`` is 0 if no answer of it came to that."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.detail, self.status = detail, status


class Later(Exception):
    """It may well go next time; ``seconds`` is how long the service wants to be left alone, if it says so."""

    def __init__(self, reason: str, seconds: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.seconds, self.status = reason, seconds, status


class Gone(Exception):
    """The service knows no such upload (any more)."""


class Service:
    """A service and one trial of it; the token goes to no other host."""

    def __init__(self, where: Target, token: str, times: httpx.Timeout = TIMES) -> None:
        self.where = where
        self.patch = True
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Accept-Language": "en"}
        self.client = httpx.Client(base_url=where.server, headers=headers, timeout=times)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def limits(self) -> dict[str, Any]:
        """What is taken; the first thing to ask for, because it tells also who may."""
        found: dict[str, Any] = self._ask("GET", f"/trials/{self.where.trial}/results/limits").json()
        return found

    def create(self, length: int, about: dict[str, str]) -> str:
        """Begin an upload; returns its name at the service."""
        said = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in about.items())
        answer = self._ask("POST", "/uploads", {"Upload-Length": str(length), "Upload-Metadata": said})
        name: str = answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not name:
            raise Refused(
                "Something between here and the service does not let uploads through.", answer.status_code
            )
        return name

    def offset(self, name: str) -> int:
        """How many bytes are safe there."""
        try:
            return _offset(self._ask("HEAD", f"/uploads/{name}"))
        except Refused as refusal:  # an answer to HEAD has no words
            raise Refused(self.state(name).get("problem") or refusal.detail, refusal.status) from refusal

    def append(self, name: str, offset: int, data: bytes, moved: Callable[[int], None]) -> int:
        """Add bytes at an offset, with their checksum; returns the new offset."""
        headers = {
            "Upload-Offset": str(offset),
            "Upload-Checksum": "sha256 " + base64.b64encode(hashlib.sha256(data).digest()).decode(),
            "Content-Type": OCTETS,
            "Content-Length": str(len(data)),
        }
        if not self.patch:
            headers["X-HTTP-Method-Override"] = "PATCH"
        method = "PATCH" if self.patch else "POST"
        try:
            answer = self._ask(method, f"/uploads/{name}", headers, _blocks(data, moved))
        except Refused as refusal:
            if not self.patch or refusal.status not in NO_PATCH:
                raise
            self.patch = False  # something on the way knows no PATCH: say it in a header from now on
            raise Later("a proxy on the way refuses PATCH, so POST is used", 0) from refusal
        return _offset(answer)

    def end(self, name: str) -> None:
        """Give an upload up: what was sent of it is thrown away."""
        self._ask("DELETE", f"/uploads/{name}")

    def state(self, name: str) -> dict[str, Any]:
        """``{state, offset, length, expires_at, result, problem}``."""
        found: dict[str, Any] = self._ask("GET", f"/uploads/{name}").json()
        return found

    def receipt(self, code: str) -> dict[str, Any] | None:
        """None where the token may send but not read."""
        try:
            found: dict[str, Any] = self._ask("GET", f"/results/{code}/receipt").json()
        except (Refused, Gone):
            return None
        told: dict[str, Any] = found.get("receipt") or found
        return told

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Iterator[bytes] | None = None,
    ) -> httpx.Response:
        """Raises Later, Gone or Refused for all that is not a success."""
        given = {"Tus-Resumable": "1.0.0", **(headers or {})} if path.startswith("/uploads") else headers
        try:
            answer = self.client.request(method, path, headers=given, content=body)
        except httpx.TransportError as error:
            if _is_untrusted(error):
                raise Refused(f"The certificate of {self.where.server} is not trusted: {error}") from error
            raise Later(str(error) or type(error).__name__) from error
        return _passed(answer, path)


def _passed(answer: httpx.Response, path: str) -> httpx.Response:
    status = answer.status_code
    if answer.is_success:
        return answer
    if answer.is_redirect:
        raise Refused(UPGRADE.format(there=answer.headers.get("Location", "?")), status)
    begun = path.startswith("/uploads/")
    if status in {404, 410} and begun:
        raise Gone
    wait = answer.headers.get("Retry-After", "")
    again = TRY_AGAIN_ON_AN_UPLOAD if begun else TRY_AGAIN
    if status in again and not (status == 429 and not wait):
        raise Later(detail(answer), float(wait) if wait.isdecimal() else None, status)
    raise Refused(detail(answer), status)


def detail(answer: httpx.Response) -> str:
    """What the service says is wrong (RFC 9457), else the bare status of whatever stands before it."""
    try:
        told = answer.json()
        fields = [f"{each['field']}: {each['message']}" for each in told.get("errors", [])]
        return " ".join([str(told["detail"]), *fields])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"The answer was {answer.status_code} {answer.reason_phrase}."


def _offset(answer: httpx.Response) -> int:
    given = answer.headers.get("Upload-Offset", "")
    if not given.isdecimal():
        raise Refused(
            "Something between here and the service does not let uploads through.", answer.status_code
        )
    return int(given)


def _blocks(data: bytes, moved: Callable[[int], None]) -> Iterator[bytes]:
    for start in range(0, len(data), BLOCK_BYTES):
        block = data[start : start + BLOCK_BYTES]
        yield block
        moved(len(block))


def _is_untrusted(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
