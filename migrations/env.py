"""Alembic's entry, the same for its command line and for ``testbed.db.in_alembic``."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from testbed import app  # noqa: F401 - which brings every table into the metadata
from testbed.db import external
from testbed.settings import Settings

LOCK = {"key": 7_238_114_551}  # any number that nobody else takes


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tell whether the models know of it; the ``search`` columns are made and read in SQL alone."""
    return not (kind == "column" and name == "search") and not (
        kind == "index" and name is not None and name.endswith("_search")
    )


def run(connection: Connection) -> None:
    """Run Alembic's command under a lock that makes other processes wait, one transaction a revision."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), LOCK)
    connection.execute(text("SET lock_timeout = '5s'"))  # better fail than queue before every reader
    connection.execute(text("SET statement_timeout = 0"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            compare_type=True,
            compare_server_default=True,
            include_name=ours,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("RESET lock_timeout"))
        connection.execute(text("RESET statement_timeout"))
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), LOCK)
        connection.commit()


async def from_command_line() -> None:
    async with external(Settings.from_env()) as db, db.engine.connect() as connection:
        await connection.run_sync(run)


if context.is_offline_mode():
    raise SystemExit("Revisions are explicit SQL already: read them in migrations/versions.")
if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(from_command_line())
