"""What a handler may ask for, by name: ``session``, ``actor``, ``db``, ``store``, ``settings``, ``asked``."""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import NOBODY, Actor
from testbed.db import Database
from testbed.errors import NotFound, VersionNeeded
from testbed.files import Store
from testbed.lists import MOST, MOST_CSV, Asked
from testbed.people import identity
from testbed.settings import Settings
from testbed.texts import message
from testbed.web.pages import CSV, wanted

Session = NamedDependency[SkipValidation[AsyncSession]]
Caller = NamedDependency[SkipValidation[Actor]]
Db = NamedDependency[SkipValidation[Database]]
Files = NamedDependency[SkipValidation[Store]]
Chosen = NamedDependency[SkipValidation[Settings]]
List = NamedDependency[SkipValidation[Asked]]


def cookie_name(settings: Settings) -> str:
    return "__Host-testbed" if settings.secure else "testbed"


async def session(state: State) -> AsyncIterator[AsyncSession]:
    """One transaction per request: commit once the response is rendered, roll back on any error.

    This must stay the only generator among the dependencies: Litestar closes several at once
    and would wrap an error at commit in an ``ExceptionGroup`` that no handler knows.
    """
    async with state.db.begin() as opened:
        yield opened


async def actor(request: Request[Any, Any, Any], state: State) -> Actor:
    """Who calls, by the token they send, else by their cookie. A wrong token is an error, not nobody."""
    sent, kept = (
        request.headers.get("authorization", ""),
        request.cookies.get(cookie_name(state.settings), ""),
    )
    request.state.actor = NOBODY
    if not sent and not kept:
        return NOBODY
    async with state.db.begin() as opened:  # its own, short one: a stream has no session
        if sent:
            found, kind = await identity.by_token(opened, secret_of(sent)), "token"
        else:
            found, kind = await identity.by_session(opened, kept) or {}, "person"
    if found:
        request.state.actor = _actor(kind, found)
    return cast("Actor", request.state.actor)


def _actor(kind: str, found: dict[str, Any]) -> Actor:
    scopes = found.get("scopes")
    return Actor(
        kind=kind,
        person_id=found["person_id"],
        name=found["name"],
        email=found["email"],
        admin=found["admin"],
        coordinates=found["coordinates"],
        locale=found["locale"],
        scopes=None if scopes is None else frozenset(scopes),
        session_id=found.get("session_id"),
    )


def secret_of(authorization: str) -> str:
    """The token in an ``Authorization`` header: Bearer, or the password of Basic (for tools that know only that)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return rest.strip() if scheme.lower() == "bearer" else ""


def db(state: State) -> Database:
    return cast("Database", state.db)


def store(state: State) -> Store:
    return cast("Store", state.store)


def settings(state: State) -> Settings:
    return cast("Settings", state.settings)


def asked(
    request: Request[Any, Any, Any],
    q: Annotated[str, QueryParameter(max_length=200)] = "",
    sort: Annotated[str, QueryParameter(max_length=40)] = "",
    after: Annotated[str, QueryParameter(max_length=400)] = "",
    limit: Annotated[int | None, QueryParameter(ge=1, le=MOST)] = None,
) -> Asked:
    """What is wanted of a list; as CSV the whole list, up to 10 000 rows, unless ``limit`` says less."""
    return Asked(q.strip(), sort, after, limit or (MOST_CSV if wanted(request) == CSV else 50))


def number(text: str) -> int:
    """The row number in a path: digits of ASCII without a leading zero, below 2**63.

    Raises:
        NotFound: it is none, so no row has it.
    """
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 20 and int(text) < 2**63:
        return int(text)
    raise NotFound(message("There is nothing here, or nothing you may see."))


def edited_version(request: Request[Any, Any, Any], row_version: int | None) -> int:
    """Which version of a row an edit was made of: ``row_version`` in the body, or ``If-Match: "7"``.

    Raises:
        VersionNeeded: neither says.
    """
    sent = request.headers.get("if-match", "").strip().strip('"')
    if row_version is not None:
        return row_version
    if sent.isascii() and sent.isdigit() and len(sent) < 10:
        return int(sent)
    raise VersionNeeded(
        message("Say which version you edit: row_version in the body, or the If-Match header.")
    )


PROVIDED = {
    "session": Provide(session),
    "actor": Provide(actor),
    "db": Provide(db, sync_to_thread=False),
    "store": Provide(store, sync_to_thread=False),
    "settings": Provide(settings, sync_to_thread=False),
    "asked": Provide(asked, sync_to_thread=False),
}
