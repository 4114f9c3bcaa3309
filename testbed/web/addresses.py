"""Addresses that cannot name anything."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from testbed.errors import Invalid, NotFound
from testbed.texts import message


class PossibleAddress(ASGIMiddleware):
    """PostgreSQL takes no NUL: a path with one is absent, and a question with one is refused."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if "\0" in scope["path"]:
            raise NotFound(message("There is nothing here, or nothing you may see."))
        if b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
            raise Invalid(message("A text in the address holds characters that cannot be kept."))
        await next_app(scope, receive, send)
