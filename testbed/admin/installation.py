"""What was done, and how the installation fares: for administrators."""

import json
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

import testbed
from testbed.access.models import Actor
from testbed.activity import broken_link
from testbed.admin.models import Done, Health, JobItem, Log
from testbed.admin.people import only_admins
from testbed.db import driver
from testbed.errors import Invalid
from testbed.files import Store
from testbed.lists import BAD_CURSOR, Asked
from testbed.settings import Settings

AUDIT, SYSTEM = "audit.read", "system.read"
LINES = """
    SELECT a.id, a.at, person.name AS who, a.actor_kind, a.action, a.object_type, a.object_id, a.request_id,
           a.details::text AS details, s.id IS NOT NULL AS sealed
    FROM activity a
    LEFT JOIN person ON person.id = a.person_id
    LEFT JOIN activity_seal s ON s.activity_id = a.id
    WHERE ($1::bigint IS NULL OR a.id < $1)
      AND ($2 = '' OR a.action LIKE $2 || '%' OR lower(person.name) LIKE '%' || $2 || '%')
      AND ($3 = '' OR a.object_type = $3)
    ORDER BY a.id DESC LIMIT $4
"""
COUNTS = "SELECT (SELECT count(*) FROM activity_seal) AS sealed, (SELECT count(*) FROM activity) AS lines"
JOBS = """
    SELECT id, kind, state, attempts, step, done, total, error, created_at, ended_at FROM job
    ORDER BY state IN ('queued', 'running') DESC, id DESC LIMIT 100
"""
STATE = """
    SELECT count(*) FILTER (WHERE state = 'queued') AS waiting,
           count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE state = 'failed' AND ended_at > now() - interval '7 days') AS failed,
           extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now()))::int AS age,
           pg_database_size(current_database()) AS bytes, current_setting('server_version') AS version
    FROM job
"""


async def log(
    session: AsyncSession, actor: Actor, asked: Asked, *, kind: str = "", check: bool = False
) -> Log:
    """The activity log, newest first; ``check`` reads all of it and computes the chain anew.

    Raises:
        Invalid: a cursor that is none.
    """
    await only_admins(session, actor, AUDIT)
    if asked.after and not (asked.after.isascii() and asked.after.isdigit() and len(asked.after) < 19):
        raise Invalid(BAD_CURSOR)
    connection = await driver(session)
    before, wanted = int(asked.after) if asked.after else None, _literal(asked.q.lower())
    rows = await connection.fetch(LINES, before, wanted, kind, asked.limit + 1)
    counts = await connection.fetchrow(COUNTS)
    shown = rows[: asked.limit]
    found = Log(
        items=[_done(dict(row)) for row in shown],
        next=str(shown[-1]["id"]) if len(rows) > asked.limit else None,
        sealed=counts["sealed"],
        waiting=counts["lines"] - counts["sealed"],
    )
    if check:
        found.broken = await broken_link(session)
        found.whole = found.broken is None
    return found


def _literal(words: str) -> str:
    """Words for LIKE in which nothing stands for anything else."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _done(row: dict[str, Any]) -> Done:
    return Done.model_validate({**row, "details": json.loads(row["details"])})


async def health(session: AsyncSession, actor: Actor, settings: Settings, store: Store) -> Health:
    """Jobs that wait, run and failed in seven days, and how much room is left."""
    await only_admins(session, actor, SYSTEM)
    connection = await driver(session)
    state = await connection.fetchrow(STATE)
    counts = await connection.fetchrow(COUNTS)
    return Health(
        version=testbed.__version__,
        database=state["version"],
        database_bytes=state["bytes"],
        free_bytes=store.disk.free_bytes(store.staging),
        free_bytes_floor=settings.free_bytes_floor,
        waiting=state["waiting"],
        running=state["running"],
        failed=state["failed"],
        oldest_waiting_seconds=state["age"],
        unsealed=counts["lines"] - counts["sealed"],
        items=[JobItem.model_validate(dict(row)) for row in await connection.fetch(JOBS)],
    )
