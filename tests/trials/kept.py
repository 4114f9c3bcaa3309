"""What is left behind."""

from testbed.db import Database
from testbed.settings import Settings


async def nothing_is_kept(db: Database, settings: Settings) -> bool:
    """No row, no job, no activity, no file and no part of one."""
    async with db.raw() as connection:
        rows = await connection.fetchval(
            "SELECT (SELECT count(*) FROM result) + (SELECT count(*) FROM job)"
            " + (SELECT count(*) FROM activity WHERE action = 'result.upload')"
        )
    files = [
        path
        for folder in ("blobs", "staging")
        for path in (settings.data_dir / folder).rglob("*")
        if path.is_file()
    ]
    return rows == 0 and not files
