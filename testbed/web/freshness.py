"""How long a browser may keep what pages load."""

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send


class Freshness(ASGIMiddleware):
    """An address that carries a digest of its content (``?v=``) never changes; any other may.

    What a script imports bears no digest: it is asked for anew each time, and 304 says that it is the same.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        kept = "public, max-age=31536000, immutable" if b"v=" in scope["query_string"] else "public, no-cache"
        known = Headers.from_scope(scope).get("if-none-match")
        same = False

        async def told(message: Message) -> None:
            nonlocal same
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = Headers(message["headers"])
                same = known is not None and headers.get("etag") == known
                raw = [
                    (name, value)
                    for name, value in message["headers"]
                    if not same or name != b"content-length"
                ]
                message["headers"] = [*raw, (b"cache-control", kept.encode())]
                message["status"] = 304 if same else 200
            elif message["type"] == "http.response.body" and same:
                message["body"] = b""
            await send(message)

        await next_app(scope, receive, told)
