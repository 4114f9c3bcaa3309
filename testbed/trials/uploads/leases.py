"""One writer at a time: a lease on the row that counts its holders, and a way to ask the present one to stop.

A lease lasts 30 seconds and is renewed while its request lives. Nothing of it holds a connection or a
transaction; the lock on the file itself (``testbed.parts``) fences a holder that lost its lease unawares.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from testbed.db import Database, listen
from testbed.errors import Locked
from testbed.files import Store
from testbed.parts import Held, Staged
from testbed.settings import Settings
from testbed.texts import message
from testbed.trials.uploads.models import Upload

LEASE_SECONDS = 30
RENEW_SECONDS = 10.0
PATIENCE_SECONDS = 5.0  # how long a newer request waits for the older one to let go
CHANNEL = "upload_stop"
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError)
BUSY = message("Another request is writing to this upload. Try again in two seconds.")

TAKE = f"""
    UPDATE upload SET lease_owner = $2, lease_epoch = lease_epoch + 1, lease_until = now() + interval '{LEASE_SECONDS} s'
    WHERE id = $1 AND (lease_until IS NULL OR lease_until < now() OR lease_epoch = $3)
    RETURNING lease_epoch, offset_bytes, length_bytes, expires_at
"""  # noqa: S608 - our own constant
RENEW = f"""
    UPDATE upload SET lease_until = now() + interval '{LEASE_SECONDS} s' WHERE id = $1 AND lease_epoch = $2 RETURNING id
"""  # noqa: S608 - our own constant
RELEASE = "UPDATE upload SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_epoch = $2"
MOVE = f"""
    UPDATE upload SET offset_bytes = $4, expires_at = now() + make_interval(days => $5),
           lease_until = now() + interval '{LEASE_SECONDS} s'
    WHERE id = $1 AND lease_epoch = $2 AND offset_bytes = $3 AND state = 'arriving' RETURNING expires_at
"""  # noqa: S608 - our own constant
MEASURE = """
    UPDATE upload SET length_bytes = $3 WHERE id = $1 AND lease_epoch = $2 AND length_bytes IS NULL
    AND state = 'arriving' RETURNING length_bytes
"""


class LeaseLost(Locked):
    """A newer request has the upload now; this one must stop without writing."""

    def __init__(self) -> None:
        super().__init__(BUSY, retry_after=2)


class Writers:
    """The requests of this process that hold a lease, so that a newer one can ask them to let go."""

    def __init__(self) -> None:
        self._stops: dict[UUID, set[Callable[[], None]]] = {}

    def stop(self, said: UUID | str) -> None:
        """Ask whoever writes to this upload here to come to an end; what is no identifier is nobody's."""
        with contextlib.suppress(ValueError):
            for each in list(self._stops.get(UUID(str(said)), ())):
                each()

    @contextlib.contextmanager
    def entered(self, identifier: UUID, stop: Callable[[], None]) -> Any:
        """While the block runs, ``stop`` is called when somebody else wants the upload."""
        stops = self._stops.setdefault(identifier, set())
        stops.add(stop)
        try:
            yield
        finally:
            stops.discard(stop)
            if not stops and self._stops.get(identifier) is stops:
                del self._stops[identifier]

    @contextlib.asynccontextmanager
    async def listening(self, db: Database) -> AsyncIterator["Writers"]:
        """While the block runs, requests of other processes are heard too."""
        hearing = asyncio.create_task(listen(db, CHANNEL, self.stop))
        try:
            yield self
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hearing


@dataclass(frozen=True, slots=True)
class Desk:
    """What receiving needs."""

    db: Database
    store: Store
    settings: Settings
    writers: Writers

    def path(self, identifier: UUID) -> Path:
        """Where the bytes of an upload gather."""
        return self.store.staging / f"{identifier}.part"

    def size(self, identifier: UUID) -> int:
        """How many bytes of an upload lie on the disk, promised or not."""
        try:
            return self.path(identifier).stat().st_size
        except FileNotFoundError:
            return 0

    def is_free(self, identifier: UUID) -> bool:
        """Whether nobody on this machine holds the file."""
        try:
            Staged(self.store.disk, self.path(identifier)).close()
        except Held:
            return False
        except FileNotFoundError:
            pass
        return True


@dataclass(slots=True)
class Lease:
    """The upload in one request's hands. ``offset`` is what is safe; only ``move`` changes it."""

    desk: Desk
    id: int
    identifier: UUID
    epoch: int
    offset: int
    length: int | None
    expires_at: datetime

    async def move(self, offset: int) -> None:
        """Promise ``offset`` bytes, which must be durable by now.

        Raises:
            LeaseLost: a newer request has the upload.
        """
        async with self.desk.db.raw() as connection:
            days = self.desk.settings.upload_expiry_days
            moved = await connection.fetchval(MOVE, self.id, self.epoch, self.offset, offset, days)
        if moved is None:
            raise LeaseLost
        self.offset, self.expires_at = offset, moved

    async def measure(self, length: int) -> None:
        """Fix the length of an upload that began without one.

        Raises:
            LeaseLost: a newer request has the upload.
        """
        async with self.desk.db.raw() as connection:
            self.length = await connection.fetchval(MEASURE, self.id, self.epoch, length)
        if self.length is None:
            raise LeaseLost


@contextlib.asynccontextmanager
async def taken(desk: Desk, upload: Upload, stop: Callable[[], None] = lambda: None) -> AsyncIterator[Lease]:
    """The lease of an upload while the block runs; an older request that has it is asked to let go.

    ``stop`` is called when a newer request asks the same of this one. The caller has seen that the upload is
    the actor's.

    Raises:
        Locked: the older one did not let go within five seconds.
    """
    lease = await _take(desk, upload)
    renewing = asyncio.create_task(_renew(lease, stop))
    try:
        with desk.writers.entered(upload.identifier, stop):
            yield lease
    finally:
        renewing.cancel()
        await asyncio.shield(_release(lease))


async def _take(desk: Desk, upload: Upload) -> Lease:
    owner, deadline, pause = uuid4(), time.monotonic() + PATIENCE_SECONDS, 0.02
    row, abandoned = await _try(desk, upload, owner, None, ask=True), None
    while row is None:
        if abandoned is not None or time.monotonic() > deadline + 1:
            raise Locked(BUSY, retry_after=2)
        desk.writers.stop(upload.identifier)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.25)
        if time.monotonic() > deadline:
            abandoned = await _abandoned(desk, upload)
        row = await _try(desk, upload, owner, abandoned)
    return Lease(desk, upload.id, upload.identifier, *row)


async def _try(desk: Desk, upload: Upload, owner: UUID, abandoned: int | None, *, ask: bool = False) -> Any:
    async with desk.db.raw() as connection:
        row = await connection.fetchrow(TAKE, upload.id, owner, abandoned)
        if row is None and ask:
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(upload.identifier))
    return row


async def _abandoned(desk: Desk, upload: Upload) -> int | None:
    """The epoch of a lease whose holder is dead: whoever writes has locked the file, and nobody has."""
    async with desk.db.raw() as connection:
        epoch: int = await connection.fetchval("SELECT lease_epoch FROM upload WHERE id = $1", upload.id)
    return epoch if await asyncio.to_thread(desk.is_free, upload.identifier) else None


async def _renew(lease: Lease, stop: Callable[[], None]) -> None:
    held: int | None = lease.id
    while held is not None:
        await asyncio.sleep(RENEW_SECONDS)
        with contextlib.suppress(*AWAY):
            async with lease.desk.db.raw() as connection:
                held = await connection.fetchval(RENEW, lease.id, lease.epoch)
    stop()


async def _release(lease: Lease) -> None:
    """Let go; where the database is away, the lease runs out by itself."""
    with contextlib.suppress(*AWAY):
        async with lease.desk.db.raw() as connection:
            await connection.execute(RELEASE, lease.id, lease.epoch)
