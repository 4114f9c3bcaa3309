"""Who is behind a session cookie or a token: asked at each request, so it is never late."""

from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.db import driver
from testbed.errors import SignInNeeded
from testbed.people.secrets import digest, parts_of, same
from testbed.texts import message

PERSON = """
    person.id AS person_id, person.name, person.email, person.admin, person.locale,
    EXISTS (SELECT FROM testbed_coordinator c WHERE c.person_id = person.id) AS coordinates
"""
BY_TOKEN = f"""
    SELECT token.id AS token_id, token.sha256, token.scopes, {PERSON},
           token.used_at IS NULL OR token.used_at < now() - interval '5 min' AS stale
    FROM token JOIN person ON person.id = token.person_id
    WHERE token.public = $1 AND token.expires_at > now() AND token.revoked_at IS NULL
      AND person.state = 'active'
"""  # noqa: S608 - our own constant
BY_SESSION = f"""
    SELECT session.id AS session_id, {PERSON}, session.seen_at < now() - interval '5 min' AS stale
    FROM session JOIN person ON person.id = session.person_id
    WHERE session.sha256 = $1 AND session.expires_at > now() AND person.state = 'active'
      AND session.seen_at > now() - interval '8 hours'
"""  # noqa: S608 - our own constant
INVALID = message("This token is not, or no longer, valid.")


async def by_token(session: AsyncSession, token: str) -> dict[str, Any]:
    """The person a token stands for, with the token's ``scopes``.

    Raises:
        SignInNeeded: it is no token of ours, or revoked, or past its time, or its person is not active.
    """
    known = parts_of(token)
    if known is None:
        raise SignInNeeded(INVALID)
    connection = await driver(session)
    found = await connection.fetchrow(BY_TOKEN, known[0])
    if found is None or not same(found["sha256"], known[1]):
        raise SignInNeeded(INVALID)
    if found["stale"]:
        await connection.execute("UPDATE token SET used_at = now() WHERE id = $1", found["token_id"])
    return dict(found)


async def by_session(session: AsyncSession, cookie: str) -> dict[str, Any] | None:
    """The person who signed in with this cookie, or None: idle for 8 hours, past its end, or never ours."""
    connection = await driver(session)
    found = await connection.fetchrow(BY_SESSION, digest(cookie))
    if found is None:
        return None
    if found["stale"]:
        await connection.execute("UPDATE session SET seen_at = now() WHERE id = $1", found["session_id"])
    return dict(found)
