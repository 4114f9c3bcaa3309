"""Signed-in browsers: 32 random bytes in a cookie, their SHA-256 in the database, no more."""

import secrets
from datetime import timedelta

import asyncpg

from testbed.people.secrets import digest

LONGEST = timedelta(days=7)


async def begun(
    connection: asyncpg.Connection, person_id: int, user_agent: str, *, instead_of: str = ""
) -> str:
    """Begin a session and return the cookie's value; the one the browser had before ends."""
    cookie = secrets.token_urlsafe(32)
    if instead_of:
        await ended(connection, instead_of)
    await connection.execute("DELETE FROM session WHERE person_id = $1 AND expires_at < now()", person_id)
    await connection.execute(
        "INSERT INTO session (person_id, sha256, expires_at, user_agent) VALUES ($1, $2, now() + $3, $4)",
        person_id,
        digest(cookie),
        LONGEST,
        "".join(c for c in user_agent if c.isprintable())[:200],
    )
    return cookie


async def ended(connection: asyncpg.Connection, cookie: str) -> None:
    await connection.execute("DELETE FROM session WHERE sha256 = $1", digest(cookie))


async def all_ended(connection: asyncpg.Connection, person_id: int) -> None:
    """End every session of a person: with a new password, a suspension, a change of role."""
    await connection.execute("DELETE FROM session WHERE person_id = $1", person_id)
