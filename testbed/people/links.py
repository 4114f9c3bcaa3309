"""Links that let one person in once: an invitation, a new password, the first administrator."""

import secrets

import asyncpg

from testbed.people.models import LinkPurpose
from testbed.people.secrets import digest

HOURS = {LinkPurpose.first_admin: 24, LinkPurpose.invite: 7 * 24, LinkPurpose.reset: 1}
STILL_GOOD = "sha256 = $1 AND used_at IS NULL AND expires_at > now()"


async def made(
    connection: asyncpg.Connection, purpose: LinkPurpose, person_id: int | None, created_by_id: int | None
) -> str:
    """Make a link and return its secret; earlier ones for the same person and purpose end with it."""
    secret = secrets.token_urlsafe(32)
    await connection.execute(
        "UPDATE one_time_link SET used_at = now()"
        " WHERE purpose = $1 AND person_id IS NOT DISTINCT FROM $2 AND used_at IS NULL",
        purpose,
        person_id,
    )
    await connection.execute(
        "INSERT INTO one_time_link (purpose, sha256, person_id, created_by_id, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(hours => $5))",
        purpose,
        digest(secret),
        person_id,
        created_by_id,
        HOURS[purpose],
    )
    return secret


async def opened(connection: asyncpg.Connection, secret: str) -> asyncpg.Record | None:
    """What an unused link is for: ``purpose`` and ``person_id``; None if it is no link, used or late."""
    return await connection.fetchrow(
        f"SELECT purpose, person_id FROM one_time_link WHERE {STILL_GOOD}",  # noqa: S608 - our own constant
        digest(secret),
    )


async def spent(connection: asyncpg.Connection, secret: str) -> asyncpg.Record | None:
    """As ``opened``, and nobody can use it again; of two at once one gets None."""
    return await connection.fetchrow(
        f"UPDATE one_time_link SET used_at = now() WHERE {STILL_GOOD}"  # noqa: S608 - our own constant
        " RETURNING purpose, person_id",
        digest(secret),
    )
