"""Send kept files with the HTTP that browsers, download managers and DuckDB rely on (RFC 9110, 6266)."""

import asyncio
import base64
import re
import unicodedata
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.datastructures import Headers
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from testbed.files import Store, damaged, label

REHASH_BYTES = 64 * 2**20  # smaller files are hashed again before they are sent
EXPOSED = "Accept-Ranges, Content-Length, Content-Range, ETag, Link, Repr-Digest"
ONE_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,40})-([0-9]{0,40})\s*", re.IGNORECASE | re.ASCII)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Span:
    """``length`` bytes from ``start``; a length of 0 asks for nothing that is there."""

    start: int
    length: int


def span(given: str | None, size: int) -> Span | None:
    """The one range asked for, or None for the whole: also if the header is malformed or names several."""
    found = ONE_RANGE.fullmatch(given or "")
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return Span(size - length, length) if size else None
    start, end = int(first), int(last) if last else size - 1
    if last and end < start:
        return None
    return Span(start, max(min(end, size - 1) - start + 1, 0))


async def blob_response(
    request: Request[Any, Any, Any],
    store: Store,
    *,
    sha256: str,
    size: int,
    filename: str,
    media_type: str,
    public: bool,
    last_modified: datetime,
    headers: Mapping[str, str] | None = None,
) -> Response[None]:
    """Answer a GET or HEAD with a kept file, a part of it, or the news that the caller already has it.

    ``size`` is what the row says; ``last_modified`` needs an offset. Ask for permission *before*: this
    answers 304 without touching the file. Once bytes are under way, a failure breaks the connection.

    Raises:
        Conflict: the file is missing, or is not what was kept.
    """
    etag, modified = f'"sha256-{sha256}"', last_modified.astimezone(UTC).replace(microsecond=0)
    sent = {
        "ETag": etag,
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Cache-Control": "public, max-age=3600, no-transform" if public else "private, no-store",
        **(headers or {}),
    }
    if public:
        sent |= {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if status := _settled(request.headers, etag, modified):
        return BlobResponse(store, sha256, Span(0, 0), status, sent)
    await _check(store, sha256, size)
    sent |= _described(sha256, filename, media_type)
    return _ranged(request, store, sha256, size, sent)


def _described(sha256: str, filename: str, media_type: str) -> dict[str, str]:
    """What is said of a file that somebody uploaded: fetched, never shown inline."""
    return {
        "Accept-Ranges": "bytes",
        "Content-Type": media_type,
        "Content-Disposition": disposition(filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:",
        "X-Content-Type-Options": "nosniff",
    }


def _ranged(
    request: Request[Any, Any, Any], store: Store, sha256: str, size: int, sent: dict[str, str]
) -> Response[None]:
    """The whole or the part; a range on HEAD, or one meant for another version of the file, is ignored."""
    asked = None
    condition = request.headers.get("if-range", sent["ETag"]).strip()
    if request.method == "GET" and condition in {sent["ETag"], sent["Last-Modified"]}:
        asked = span(", ".join(request.headers.getall("range", [])), size)
    if asked is None:
        sent["Content-Length"] = str(size)
        wanted = Span(0, 0 if request.method == "HEAD" else size)
        return BlobResponse(store, sha256, wanted, HTTPStatus.OK, sent)
    if not asked.length:
        sent |= {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
        return BlobResponse(store, sha256, Span(0, 0), HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, sent)
    sent |= {
        "Content-Range": f"bytes {asked.start}-{asked.start + asked.length - 1}/{size}",
        "Content-Length": str(asked.length),
    }
    return BlobResponse(store, sha256, asked, HTTPStatus.PARTIAL_CONTENT, sent)


def _settled(given: Headers, etag: str, modified: datetime) -> HTTPStatus | None:
    """What the preconditions already decide, in the order of RFC 9110, 13.2.2."""
    if "if-match" in given:
        if not _names(given.getall("if-match"), etag, weak=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif (since := _instant(given.get("if-unmodified-since"))) and modified > since:
        return HTTPStatus.PRECONDITION_FAILED
    if "if-none-match" in given:
        if _names(given.getall("if-none-match"), etag, weak=True):
            return HTTPStatus.NOT_MODIFIED
    elif (since := _instant(given.get("if-modified-since"))) and modified <= since:
        return HTTPStatus.NOT_MODIFIED
    return None


def _names(lines: list[str], etag: str, *, weak: bool) -> bool:
    tags = {tag.strip() for line in lines for tag in line.split(",")}
    return bool(tags & {"*", etag, f"W/{etag}" if weak else etag})


def _instant(given: str | None) -> datetime | None:
    """An HTTP date; what is none is as good as absent."""
    try:
        found = parsedate_to_datetime(given or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else None


def disposition(filename: str) -> str:
    """Save, never show; the plain name for old programs, the true one in UTF-8 (RFC 6266)."""
    filename = label(filename)
    ascii_only = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\%;]', "_", ascii_only).strip(". ") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='!#$&+-.^_`|~')}"


async def _check(store: Store, sha256: str, size: int) -> None:
    sound = await store.size(sha256) == size
    if not sound or (size <= REHASH_BYTES and not await store.sound(sha256)):
        log.error("blob damaged", sha256=sha256)
        damaged(sha256)


class BlobResponse(Response[None]):
    """Headers and the span of a file to send after them."""

    def __init__(
        self, store: Store, sha256: str, wanted: Span, status: HTTPStatus, headers: dict[str, str]
    ) -> None:
        super().__init__(None, status_code=status, headers=headers)
        self.store, self.sha256, self.wanted = store, sha256, wanted

    def to_asgi_response(
        self, *args: Any, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> ASGIResponse:
        return _Sending(self, {**(headers or {}), **self.headers})


class _Sending(ASGIResponse):
    def __init__(self, response: BlobResponse, headers: dict[str, str]) -> None:
        super().__init__(status_code=response.status_code, headers=headers, is_head_response=True)
        self.store, self.sha256, self.wanted = response.store, response.sha256, response.wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The first piece is read before the head is sent: until then the answer can still be a problem."""
        if not self.wanted.length:
            await self.start_response(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        gone = asyncio.create_task(_gone(receive))
        pieces = self.store.opened(self.sha256, self.wanted.start, self.wanted.length)
        try:
            async with aclosing(pieces):
                piece, left = await anext(pieces), self.wanted.length
                await self.start_response(send)
                while not gone.done():
                    left -= len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                    if not left:
                        return
                    piece = await anext(pieces)
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    """Until the caller hangs up: a server may swallow what is sent after that without a word."""
    while (await receive())["type"] != "http.disconnect":
        pass
