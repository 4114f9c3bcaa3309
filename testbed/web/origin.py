"""Refuse writes that another site makes a browser send; no tokens in forms."""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from testbed.errors import Forbidden
from testbed.settings import Settings
from testbed.texts import message

SAFE = {"GET", "HEAD", "OPTIONS"}
FOREIGN = message("This request came from another site. Open the page here and try again.")


class SameOrigin(ASGIMiddleware):
    """Let an unsafe request through if the browser says it is same-origin, or if no browser sent it.

    Browsers set ``Sec-Fetch-Site``; older ones at least ``Origin``, which must be that of ``base_url``
    (never of the Host header). A request with neither passes only without a session cookie, and never on a
    route whose ``opt`` says ``browser_only`` (sign-in, reset, invitation).
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, settings: Settings, cookie: str) -> None:
        given = urlsplit(settings.base_url)
        self.origin = (given.scheme, given.netloc)
        self.cookie = cookie

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        if scope.get("method") not in SAFE and not self._same(connection):
            raise Forbidden(FOREIGN)
        await next_app(scope, receive, send)

    def _same(self, connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
        site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
        if site is not None:
            return site in {"same-origin", "none"}
        if origin is not None:
            sent = urlsplit(origin)
            return (sent.scheme, sent.netloc) == self.origin
        handler = connection.scope.get("route_handler")
        needs_browser = handler is not None and handler.opt.get("browser_only", False)
        return not needs_browser and self.cookie not in connection.cookies
