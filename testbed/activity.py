"""Who did what: append-only, written in the transaction of the change, sealed into a chain of hashes.

Ids do not become visible in order and chaining inside a transaction would make all writers wait, so a
worker seals what was committed: ``hash = SHA-256(previous hash ‖ canonical row)``. A trigger refuses
UPDATE and DELETE on both tables.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.columns import document, identity, link, moment
from testbed.db import driver
from testbed.jobs import Workshop
from testbed.log import request_id
from testbed.people.models import Person

SEAL_LOCK = 7_238_114_552
UNSEALED = """
    SELECT a.id, a.at, a.person_id, a.actor_kind, a.action, a.object_type, a.object_id, a.pilot_id,
           a.request_id, a.details::text AS details
    FROM activity a LEFT JOIN activity_seal s ON s.activity_id = a.id
    WHERE s.id IS NULL ORDER BY a.id LIMIT 500
"""


class Activity(SQLModel, table=True):
    """One change. ``details`` says what changed in plain data; never a secret."""

    id: int = identity()
    at: datetime = moment()
    actor_kind: str = Field(max_length=16)
    person_id: int | None = link("person.id", nullable=True)
    action: str = Field(max_length=60)
    object_type: str = Field(max_length=40, index=True)
    object_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    pilot_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    request_id: str = Field(default="", max_length=40)
    details: dict[str, Any] = document()


class ActivitySeal(SQLModel, table=True):
    """A link of the chain; ``sha256`` covers the previous one and the activity's row."""

    __tablename__ = "activity_seal"

    id: int = identity()
    activity_id: int = Field(sa_type=BigInteger, unique=True, foreign_key="activity.id")
    sha256: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = moment()


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: int | None,
    *,
    pilot_id: int | None = None,
    **details: Any,
) -> None:
    """Write down a change, in the transaction that makes it. ``action`` reads ``pilot.register``."""
    connection = await driver(session)
    await session.flush()
    await connection.execute(
        "INSERT INTO activity (actor_kind, person_id, action, object_type, object_id, pilot_id, request_id, details)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        actor.kind,
        actor.person_id,
        action,
        object_type,
        object_id,
        pilot_id,
        request_id.get(),
        json.dumps(details, default=str, ensure_ascii=False),
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """What an edit changed: ``{field: [before, after]}``."""
    return {
        key: [before.get(key), after.get(key)]
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }


async def seal(shop: Workshop) -> None:
    """Seal what was committed since the last call, in the order of ids; one process at a time does it."""
    async with shop.db.begin() as session:
        connection = await driver(session)
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SEAL_LOCK):
            return
        last = await connection.fetchval("SELECT sha256 FROM activity_seal ORDER BY id DESC LIMIT 1") or b""
        for row in await connection.fetch(UNSEALED):
            last = _link(last, dict(row))
            await connection.execute(
                "INSERT INTO activity_seal (activity_id, sha256) VALUES ($1, $2)", row["id"], last
            )


def _link(previous: bytes, row: dict[str, Any]) -> bytes:
    row["at"] = row["at"].isoformat()
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + canonical.encode()).digest()


async def broken_link(session: AsyncSession) -> int | None:
    """The id of the first activity whose seal does not fit its row, or None if the chain is whole."""
    connection, last = await driver(session), b""
    query = (
        "SELECT a.id, a.at, a.person_id, a.actor_kind, a.action, a.object_type, a.object_id, a.pilot_id,"
        " a.request_id, a.details::text AS details, s.sha256 AS sealed"
        " FROM activity_seal s JOIN activity a ON a.id = s.activity_id ORDER BY s.id"
    )
    async for row in connection.cursor(query):
        plain = dict(row)
        sealed = plain.pop("sealed")
        last = _link(last, plain)
        if last != sealed:
            return int(row["id"])
    return None


class Event(SQLModel):
    """A line of a record's history."""

    at: datetime
    who: str | None
    action: str
    details: dict[str, Any]


async def history(session: AsyncSession, object_type: str, object_id: int, *, limit: int = 50) -> list[Event]:
    """The latest changes of one record, newest first. The caller has fetched the record itself."""
    query = (
        select(Activity.at, Person.name, Activity.action, Activity.details)
        .join(Person, col(Person.id) == Activity.person_id, isouter=True)
        .where(Activity.object_type == object_type, Activity.object_id == object_id)
        .order_by(col(Activity.id).desc())
        .limit(limit)
    )
    rows = (await session.exec(query)).all()
    return [Event(at=at, who=who, action=action, details=dict(details)) for at, who, action, details in rows]
