"""Addresses that cannot name anything."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from testbed.errors import NotFound
from testbed.texts import message


class PossibleAddress(ASGIMiddleware):
    """An address with a NUL in it is absent: PostgreSQL, which would have to look for it, takes none."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if "\0" in scope["path"]:
            raise NotFound(message("There is nothing here, or nothing you may see."))
        await next_app(scope, receive, send)
