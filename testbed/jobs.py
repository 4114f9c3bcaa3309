"""Work that outlives a request, kept in PostgreSQL and done by any worker that asks.

A job is taken with a lease that its worker renews; whoever's lease runs out has lost the job to the next,
and ``attempts`` is the fence that keeps it from writing after. So work must bear being done twice.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import structlog
from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.columns import document, identity, link, moment, word
from testbed.db import Database, driver, listen
from testbed.errors import Unavailable
from testbed.files import Store
from testbed.settings import Settings

log = structlog.get_logger(__name__)

LEASE_SECONDS = 30
BEAT_SECONDS = 5
POLL_SECONDS = 5.0
CHANNEL = "job"

TAKE = f"""
    UPDATE job SET state = 'running', attempts = attempts + 1, worker = $1,
           lease_until = now() + interval '{LEASE_SECONDS} s'
    WHERE id = (
        SELECT id FROM job WHERE attempts < max_attempts AND kind = ANY($2)
           AND (state = 'queued' AND run_at <= now() OR state = 'running' AND lease_until < now())
        ORDER BY run_at, id FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING id, kind, args, attempts, person_id
"""  # noqa: S608 - our own constants
BEAT = f"""
    UPDATE job SET lease_until = now() + interval '{LEASE_SECONDS} s', step = $4, done = $5, total = $6
    WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running' RETURNING id
"""  # noqa: S608 - our own constants
END = """
    UPDATE job SET state = $4, error = $5, result = $6, lease_until = NULL, ended_at = now()
    WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running' RETURNING id
"""
AGAIN = """
    UPDATE job SET state = 'queued', error = $4, lease_until = NULL, run_at = now() + interval '2 s' * attempts
    WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running' AND attempts < max_attempts RETURNING id
"""
SWEEP = """
    UPDATE job SET state = 'failed', ended_at = now(), lease_until = NULL, error = coalesce(error, 'the worker died')
    WHERE state = 'running' AND lease_until < now() AND attempts >= max_attempts AND kind = ANY($1)
    RETURNING id, kind, args
"""


class JobState(StrEnum):
    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


class Job(SQLModel, table=True):
    """``done`` of ``total`` are in whatever ``step`` counts; ``unique_key`` keeps one live job of its kind."""

    __table_args__ = (
        Index("ix_job_ready", "run_at", "id", postgresql_where=text("state IN ('queued', 'running')")),
        Index(
            "uq_job_once", "unique_key", unique=True, postgresql_where=text("state IN ('queued', 'running')")
        ),
    )

    id: int = identity()
    kind: str = Field(max_length=80)
    args: dict[str, Any] = document()
    person_id: int | None = link("person.id", nullable=True, ondelete="SET NULL")
    unique_key: str | None = Field(default=None, max_length=200)
    state: JobState = word(JobState, "state", JobState.queued)
    run_at: datetime = moment()
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    max_attempts: int = Field(default=3, sa_column_kwargs={"server_default": text("3")})
    lease_until: datetime | None = moment(nullable=True)
    worker: str | None = Field(default=None, max_length=120)
    step: str | None = Field(default=None, max_length=80)
    done: int | None = Field(default=None, sa_type=BigInteger)
    total: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = Field(default=None, max_length=4000)
    result: dict[str, Any] | None = document(nullable=True)
    created_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class LeaseLost(Exception):
    """Another worker has the job now; this one must stop without writing."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What work may use."""

    db: Database
    store: Store
    settings: Settings


@dataclass(slots=True)
class Task:
    """A job in the hands of a worker."""

    id: int
    kind: str
    args: dict[str, Any]
    attempts: int
    person_id: int | None
    worker: str
    shop: Workshop
    step: str = ""
    done: int = 0
    total: int = 0

    async def beat(self, step: str | None = None, done: int = 0, total: int = 0) -> None:
        """Renew the lease and tell how far the work has come.

        Raises:
            LeaseLost: the job was given to somebody else meanwhile.
        """
        if step is not None:
            self.step, self.done, self.total = step, done, total
        async with self.shop.db.raw() as connection:
            held = await connection.fetchval(
                BEAT, self.id, self.worker, self.attempts, self.step, self.done, self.total
            )
        if held is None:
            raise LeaseLost


Work = Callable[[Task], Awaitable[Mapping[str, Any] | None]]
GaveUp = Callable[[Workshop, Mapping[str, Any], str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of job is done, and what is told to its subject when it failed for good."""

    work: Work
    gave_up: GaveUp | None = None


async def later(
    session: AsyncSession,
    kind: str,
    *,
    person_id: int | None = None,
    unique_key: str | None = None,
    after_seconds: float = 0,
    **args: Any,
) -> int | None:
    """Ask for work once this session's transaction commits, not before ``after_seconds``; a rollback asks for nothing.

    Returns the job's id, or None if a live job has this ``unique_key`` already.
    """
    connection = await driver(session)
    number: int | None = await connection.fetchval(
        "INSERT INTO job (kind, args, person_id, unique_key, state, run_at)"
        " VALUES ($1, $2, $3, $4, 'queued', now() + make_interval(secs => $5))"
        " ON CONFLICT (unique_key) WHERE state IN ('queued', 'running') DO NOTHING RETURNING id",
        *(kind, json.dumps(args, default=str), person_id, unique_key, after_seconds),
    )
    await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
    return number


async def work_once(shop: Workshop, kinds: Mapping[str, Kind], worker: str = "") -> bool:
    """Do one waiting job of these kinds; return False when none waits. Other kinds are left to other workers."""
    worker = worker or f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
    async with shop.db.raw() as connection:
        row = await connection.fetchrow(TAKE, worker, list(kinds))
    if row is None:
        return False
    args = json.loads(row["args"]) if isinstance(row["args"], str) else row["args"]
    task = Task(row["id"], row["kind"], args, row["attempts"], row["person_id"], worker, shop)
    await _do(task, kinds[task.kind])
    return True


async def _do(task: Task, kind: Kind) -> None:
    """Run one task under its heartbeat, and write down how it ended."""
    working = asyncio.ensure_future(kind.work(task))
    beating = asyncio.create_task(_beating(task, working))
    try:
        result = await working
    except asyncio.CancelledError:
        if not working.done():
            working.cancel()
            await asyncio.wait([working])
        if (own := asyncio.current_task()) is not None and own.cancelling():
            raise  # the worker stops; the lease runs out and somebody else takes the job
        log.warning("job lost its lease", job=task.id, kind=task.kind)
    except LeaseLost:
        log.warning("job lost its lease", job=task.id, kind=task.kind)
    except Exception as error:
        log.error("job failed", job=task.id, kind=task.kind, exc_info=error)
        await _failed(task, kind, f"{type(error).__name__}: {error}"[:4000])
    else:
        await _end(task, "done", None, dict(result) if result is not None else None)
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating


async def _beating(task: Task, working: "asyncio.Future[Any]") -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await task.beat()
        except LeaseLost:
            working.cancel()
            return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("heartbeat missed", job=task.id, error=str(error))


async def _failed(task: Task, kind: Kind, error: str) -> None:
    async with task.shop.db.raw() as connection:
        if await connection.fetchval(AGAIN, task.id, task.worker, task.attempts, error):
            return
    if await _end(task, "failed", error) and kind.gave_up is not None:
        await kind.gave_up(task.shop, task.args, error)


async def _end(task: Task, state: str, error: str | None, result: dict[str, Any] | None = None) -> bool:
    async with task.shop.db.raw() as connection:
        told = json.dumps(result) if result is not None else None
        held = await connection.fetchval(END, task.id, task.worker, task.attempts, state, error, told)
    return held is not None


@contextlib.contextmanager
def scratch(task: Task) -> Iterator[Path]:
    """A folder for one attempt, beside the blobs so that they can be linked into it.

    It is gone afterwards, with those that killed attempts left; others may pass through, as parsers run as nobody.
    """
    above = task.shop.settings.data_dir / "work"
    above.mkdir(mode=0o711, parents=True, exist_ok=True)
    _clear(task.shop, task.id)
    made = Path(tempfile.mkdtemp(prefix=f"{task.id}-", dir=above))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _clear(shop: Workshop, job: int) -> None:
    for left in (shop.settings.data_dir / "work").glob(f"{job}-*"):
        shutil.rmtree(left, ignore_errors=True)


async def sweep(shop: Workshop, kinds: Mapping[str, Kind]) -> int:
    """Fail the jobs of these kinds that died on their last attempt, so that each has an end; return how many."""
    async with shop.db.raw() as connection:
        dead = await connection.fetch(SWEEP, list(kinds))
    for row in dead:
        _clear(shop, row["id"])
        if (gave_up := kinds[row["kind"]].gave_up) is not None:
            args = json.loads(row["args"]) if isinstance(row["args"], str) else row["args"]
            await gave_up(shop, args, "the worker died")
    return len(dead)


async def work(
    shop: Workshop,
    kinds: Mapping[str, Kind],
    stop: asyncio.Event,
    *,
    each_round: Callable[[Workshop], Awaitable[None]] | None = None,
) -> None:
    """Do jobs until ``stop``; woken by NOTIFY, with a poll every ``POLL_SECONDS`` as the net under it.

    ``each_round`` is called between jobs (sealing the activity log). A database that is away is waited for.
    """
    woken = asyncio.Event()
    listening = asyncio.create_task(listen(shop.db, CHANNEL, lambda _: woken.set(), again_s=POLL_SECONDS))
    try:
        while not stop.is_set():
            woken.clear()
            try:
                await sweep(shop, kinds)
                while not stop.is_set() and await work_once(shop, kinds):
                    pass
                if each_round is not None:
                    await each_round(shop)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
                log.warning("worker waits for the database", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_either(woken, stop), POLL_SECONDS)
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    waits = [asyncio.create_task(one.wait()), asyncio.create_task(other.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
