"""The outermost layer: request id, language, security headers and the access log, for every answer there is."""

import re
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from testbed.log import request_id
from testbed.settings import Settings
from testbed.texts import language
from testbed.web import tus
from testbed.web.languages import COOKIE, asked_for, chosen
from testbed.web.refusing import Exchange

log = structlog.get_logger("access")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{tiles}; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
KEEP = "{}={}; Path=/; Max-Age=31536000; SameSite=Lax"  # nothing but the choice of a language
API_CSP = CSP.format(tiles=" data:")  # the page of the API draws its icons from data: addresses
UNSAID = [(b"referrer-policy", b"no-referrer"), (b"x-robots-tag", b"noindex")]  # the address is a secret
SPOKEN = (b"tus-resumable", tus.VERSION.encode())
QUIET = {"/healthz", "/readyz"}
OURS = re.compile(r"[A-Za-z0-9_-]{8,40}")


class Shell:
    """Wraps the application; Litestar's own middleware is per route and never runs for a 404 or 405."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self.app = app
        tiles = re.match(r"https://[^/{}]+", settings.map_tiles or "")
        self.headers: list[tuple[bytes, bytes]] = [
            (b"content-security-policy", CSP.format(tiles=f" {tiles.group()}" if tiles else "").encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self)"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]
        if settings.secure:
            self.headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = scope | {"method": tus.meant(scope)}
        exchange = Exchange(scope, receive, send)
        request = uuid4().hex
        request_id.set(request)
        language.set(chosen(scope))
        began, status = time.perf_counter(), 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                switch = asked_for(scope)
                kept = [(b"set-cookie", KEEP.format(COOKIE, switch).encode())] if switch else []
                given = [*message["headers"], *(UNSAID if scope["path"].startswith("/welcome/") else [])]
                if tus.concerns(scope["path"]) and scope["method"] != "OPTIONS":
                    kept.append(SPOKEN)
                message["headers"] = self._complete(given, request) + kept
            await exchange.send(message)

        app: ASGIApp = self.app
        try:
            await app(scope, exchange.receive, stamped)
        finally:
            if not (scope["path"] in QUIET and status == 200):
                took = round((time.perf_counter() - began) * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, took_ms=took)

    def _complete(self, headers: Iterable[tuple[bytes, bytes]], request: str) -> list[tuple[bytes, bytes]]:
        """The answer's own headers win: downloads bring a stricter policy, the API page a wider one."""
        given = [(bytes(name).lower(), bytes(value)) for name, value in headers]
        named = {name for name, _ in given}
        given += [(name, value) for name, value in self.headers if name not in named]
        if b"cache-control" not in named:
            given.append((b"cache-control", b"private, no-store"))
        if b"vary" not in named and (
            b"cache-control" not in named or b"public" not in dict(given)[b"cache-control"]
        ):
            given.append((b"vary", b"Accept, Accept-Language, Cookie, Authorization"))
        given.append((b"x-request-id", request.encode()))
        return given
