"""A database that a process of tests goes on with: after each test it is put back to how it was before the first.

To make one, to connect to it and to plan every statement anew would take a quarter of a second a test.
"""

from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

TABLES = """
    SELECT relname AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND attgenerated = '' AND NOT attisdropped
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' GROUP BY relname
"""
SEQUENCES = (
    "SELECT sequencename AS name, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"
)
TABLE = """
    IF EXISTS (SELECT FROM public.{name} WHERE xmin::text::bigint >= put_back.since)
        OR (SELECT count(*) FROM public.{name}) <> {rows}
    THEN
        DELETE FROM public.{name};
        INSERT INTO public.{name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{name};
    END IF;
"""
SEQUENCE = "PERFORM setval('public.{name}', {value}, {called});"
PUT_BACK = """
    CREATE FUNCTION kept.put_back(since bigint) RETURNS void LANGUAGE plpgsql AS $body$
    #variable_conflict use_column
    BEGIN {steps} END $body$
"""
NEXT = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
"""What whoever writes now is numbered from: also those who began before, and have not ended yet."""


class Lasting(AsyncEngine):
    """An engine whose connections outlive whoever uses it; ``end`` closes them."""

    async def dispose(self, close: bool = True) -> None:
        """Nothing: the next test goes on with it."""

    async def end(self) -> None:
        await super().dispose()


class Kept:
    """``url`` is the database's; ``put_back`` takes out of it whatever was written since the last time."""

    def __init__(self, url: str, connection: asyncpg.Connection, since: int) -> None:
        self.url, self._connection, self._since = url, connection, since

    @classmethod
    async def begin(cls, url: str) -> "Kept":
        """Take down what is in a database that nobody has used yet; guards and keys are off for this connection."""
        connection = await asyncpg.connect(
            url, server_settings={"session_replication_role": "replica", "lock_timeout": "5s"}
        )
        await connection.execute("CREATE SCHEMA kept")
        steps = []
        for row in await connection.fetch(TABLES):
            rows = await connection.fetchval(f"SELECT count(*) FROM public.{row['name']}")
            await connection.execute(f"CREATE TABLE kept.{row['name']} AS TABLE public.{row['name']}")
            steps.append(TABLE.format(name=row["name"], columns=row["columns"], rows=rows))
        steps.extend(_sequence(row) for row in await connection.fetch(SEQUENCES))
        await connection.execute(PUT_BACK.format(steps="".join(steps)))
        return cls(url, connection, await connection.fetchval(NEXT))

    async def put_back(self) -> None:
        """Raises LockNotAvailableError: something still writes."""
        await self._connection.execute("SELECT kept.put_back($1)", self._since)
        self._since = await self._connection.fetchval(NEXT)

    async def end(self) -> None:
        await self._connection.close()


def _sequence(row: Any) -> str:
    called = row["last_value"] is not None
    value = row["last_value"] if called else row["start_value"]
    return SEQUENCE.format(name=row["name"], value=value, called=str(called).lower())
