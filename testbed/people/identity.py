"""Who is behind a session cookie or a token: asked of the database at each request, so that it is never late."""

from typing import Any

import asyncpg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.errors import SignInNeeded
from testbed.people.secrets import digest, parts_of, same
from testbed.texts import message

PERSON = """
    person.id AS person_id, person.name, person.email, person.admin, person.locale,
    EXISTS (SELECT FROM testbed_coordinator c WHERE c.person_id = person.id) AS coordinates
"""
BY_TOKEN = text(f"""
    SELECT token.id AS token_id, token.sha256, token.scopes, {PERSON},
           token.used_at IS NULL OR token.used_at < now() - interval '5 min' AS stale
    FROM token JOIN person ON person.id = token.person_id
    WHERE token.public = :public AND token.expires_at > now() AND token.revoked_at IS NULL AND person.state = 'active'
""")  # noqa: S608 - our own constant
BY_SESSION = text(f"""
    SELECT session.id AS session_id, {PERSON}, session.seen_at < now() - interval '5 min' AS stale
    FROM session JOIN person ON person.id = session.person_id
    WHERE session.sha256 = :sha256 AND session.expires_at > now() AND person.state = 'active'
      AND session.seen_at > now() - interval '8 hours'
""")  # noqa: S608 - our own constant
INVALID = message("This token is not, or no longer, valid.")


async def by_token(session: AsyncSession, token: str) -> dict[str, Any]:
    """The person a token stands for, with the token's ``scopes``.

    Raises:
        SignInNeeded: it is no token of ours, or revoked, or past its time, or its person is not active.
    """
    known = parts_of(token)
    if known is None:
        raise SignInNeeded(INVALID)
    found = (await session.exec(BY_TOKEN, params={"public": known[0]})).mappings().one_or_none()
    if found is None or not same(found["sha256"], known[1]):
        raise SignInNeeded(INVALID)
    if found["stale"]:
        await session.exec(
            text("UPDATE token SET used_at = now() WHERE id = :id"), params={"id": found["token_id"]}
        )
    return dict(found)


async def by_session(session: AsyncSession, cookie: str) -> dict[str, Any] | None:
    """The person who signed in with this cookie, or None: idle for 8 hours, past its end, or never ours."""
    found = (await session.exec(BY_SESSION, params={"sha256": digest(cookie)})).mappings().one_or_none()
    if found is None:
        return None
    if found["stale"]:
        await session.exec(
            text("UPDATE session SET seen_at = now() WHERE id = :id"), params={"id": found["session_id"]}
        )
    return dict(found)


async def ended(connection: asyncpg.Connection, person_id: int) -> None:
    """End every session of a person."""
    await connection.execute("DELETE FROM session WHERE person_id = $1", person_id)
