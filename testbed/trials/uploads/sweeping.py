"""What is done for uploads without anybody asking: at the start of a service, and by workers again and again."""

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from testbed.access.models import Actor
from testbed.activity import record
from testbed.db import Database, driver
from testbed.files import Store
from testbed.jobs import Workshop, later
from testbed.parts import Growing, Held, Staged
from testbed.trials.uploads.finishing import KIND
from testbed.trials.uploads.service import CANONICAL

log = structlog.get_logger(__name__)

SWEEPER = Actor(kind="job")
REMEMBERED_DAYS = 30  # so long an address says that its upload is over, before nobody knows of it
AGAIN_MINUTES = 10

EXPIRE = """
    UPDATE upload SET state = 'expired', ended_at = now(), lease_until = NULL FROM trial
    WHERE trial.id = upload.trial_id AND upload.expires_at < now() AND upload.state IN ('arriving', 'refused', 'verifying')
      AND (upload.lease_until IS NULL OR upload.lease_until < now()) RETURNING upload.id, trial.pilot_id
"""
FORGET = f"""
    DELETE FROM upload WHERE ended_at < now() - interval '{REMEMBERED_DAYS} d' AND expires_at < now()
    AND state NOT IN ('arriving', 'verifying')
"""  # noqa: S608 - our own constant
WHOLE = """
    UPDATE upload SET state = 'verifying' WHERE state = 'arriving' AND offset_bytes = length_bytes
    AND (lease_until IS NULL OR lease_until < now())
"""
STUCK = f"""
    SELECT id, person_id FROM upload WHERE state = 'verifying' AND (lease_until IS NULL OR lease_until < now())
    AND NOT EXISTS (SELECT FROM job WHERE job.kind = '{KIND}' AND job.args @> jsonb_build_object('upload', upload.id)
                    AND (job.ended_at IS NULL OR job.ended_at > now() - interval '{AGAIN_MINUTES} min'))
"""  # noqa: S608 - our own constants
STANDING = """
    SELECT identifier, id, state, offset_bytes, lease_epoch, expires_at < now() AS late FROM upload
    WHERE identifier = ANY($1)
"""


async def sweep(shop: Workshop) -> None:
    """Expire what nobody went on with, remove its bytes, ask for what got stuck to be finished, forget what is old."""
    async with shop.db.begin() as session:
        connection = await driver(session)
        for number, pilot in await connection.fetch(EXPIRE):
            await record(session, SWEEPER, "upload.expire", "upload", number, pilot_id=pilot)
        await connection.execute(WHOLE)
        for number, person in await connection.fetch(STUCK):
            await later(session, KIND, person_id=person, unique_key=f"{KIND}:{number}", upload=number)
        await connection.execute(FORGET)
    await clear(shop.db, shop.store)


async def clear(db: Database, store: Store) -> None:
    """Remove the bytes of uploads that are over. Those that were refused or rejected wait until they expire.

    Bytes that no row speaks of wait as long as rows are remembered: the database may be an older one, brought back.
    """
    for path, row in await _parts(db, store):
        if row is None:
            over = path.stat().st_mtime < time.time() - REMEMBERED_DAYS * 86_400
        else:
            over = row["state"] in {"expired", "ended", "done"} or (
                row["state"] == "rejected" and row["late"]
            )
        if over:
            await asyncio.to_thread(_drop, store, path)


async def recover(db: Database, store: Store) -> None:
    """Before a service takes its first request: no file is longer than was promised, no promise longer than its file.

    Leases whose holder died are ended. Files that another process holds are left to it.
    """
    for path, row in await _parts(db, store):
        if row is not None and row["state"] == "arriving":
            await _mend(db, store, path, row)


async def _mend(db: Database, store: Store, path: Path, row: Any) -> None:
    try:
        part = await asyncio.to_thread(Growing, store.disk, path, 0)
    except Held:
        return
    try:
        offset = min(part.size, row["offset_bytes"])
        if part.size > offset:
            await asyncio.to_thread(part.cut, offset)
        async with db.raw() as connection:
            await connection.execute(
                "UPDATE upload SET offset_bytes = $3, lease_owner = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1"
                " WHERE id = $1 AND lease_epoch = $2", row["id"], row["lease_epoch"], offset,
            )  # fmt: skip
        if offset < row["offset_bytes"]:
            log.error(
                "upload lost bytes", upload=str(row["identifier"]), promised=row["offset_bytes"], there=offset
            )
    finally:
        part.close()


async def _parts(db: Database, store: Store) -> list[tuple[Path, Any]]:
    """The files of resumable uploads in staging, each with its row, if there is one."""
    found = {UUID(each.stem): each for each in store.staging.glob("*.part") if CANONICAL.fullmatch(each.stem)}
    if not found:
        return []
    async with db.raw() as connection:
        rows = {row["identifier"]: row for row in await connection.fetch(STANDING, list(found))}
    return [(path, rows.get(identifier)) for identifier, path in found.items()]


def _drop(store: Store, path: Path) -> None:
    try:
        Staged(store.disk, path).drop()
    except (Held, FileNotFoundError):
        return
