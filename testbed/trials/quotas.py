"""A partner's share of the disk."""

from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.db import driver
from testbed.disk import spelt
from testbed.errors import NoSpace
from testbed.texts import message

OVER_QUOTA = message(
    "The files handed in for this partner would take more than {most}, its share here. Nothing was kept; ask the operator."
)
USED = """
    SELECT (SELECT coalesce(sum(size), 0) FROM (
        SELECT DISTINCT sha256, size FROM result WHERE owner_id = $1  -- the same bytes are kept once
    ) AS file)::bigint
"""
RESERVED = """
    + (SELECT coalesce(sum(coalesce(length_bytes, offset_bytes)), 0) FROM upload
       WHERE owner_id = $1 AND state IN ('arriving', 'verifying', 'refused'))::bigint
"""


async def check(
    session: AsyncSession, owner: int, coming: int, quota_bytes: int | None, *, reserved: bool = False
) -> None:
    """Refuse what would give a partner more bytes than its share; ``reserved`` counts its open uploads too.

    Raises:
        NoSpace: it would.
    """
    if quota_bytes is not None and await used(session, owner, reserved=reserved) + coming > quota_bytes:
        raise NoSpace(OVER_QUOTA, most=spelt(quota_bytes), retry_after=3600)


async def used(session: AsyncSession, owner: int, *, reserved: bool = True) -> int:
    """The bytes a partner has handed in, with those that its open uploads are to bring."""
    query = USED + RESERVED if reserved else USED
    found: int = await (await driver(session)).fetchval(query, owner)
    return found
