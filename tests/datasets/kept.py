"""Results that were received and read, and a worker, for tests about what is made of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from testbed.app import KINDS
from testbed.db import Database
from testbed.files import Store
from testbed.jobs import Workshop, work
from testbed.settings import Settings
from testbed.tabular import run

ROW = """
    INSERT INTO result (code, trial_id, owner_id, filename, sha256, size, access, state, rows, report,
        parquet_sha256, generated, looked_through)
    SELECT $1, $2, partner.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13 FROM partner WHERE slug = $12 RETURNING id
"""
SNOW = (
    b"time;depth_cm;place\n2026-01-01 10:00;12,5;Norra hamn\n"
    b"2026-01-01 11:00;13,0;Norra hamn\n2026-01-01 12:00;;S\xc3\xb6dra\n"
)


async def received(
    connection: asyncpg.Connection,
    store: Store,
    trial: int,
    body: bytes = SNOW,
    *,
    code: str = "R-AAAA22",
    filename: str = "snow.csv",
    owner: str = "ltu",
    access: str = "consortium",
    generated: bool = False,
) -> int:
    """Keep a file, read it as the worker does, and write its result; return its id."""

    async def once() -> AsyncIterator[bytes]:
        yield body

    blob = await store.keep(once(), most_bytes=2**30)
    folder = Path(store.staging.parent) / f"reading-{code}"
    folder.mkdir(mode=0o755)
    report = await run.read(await store.local(blob.sha256, folder), folder)
    assert report.state == "ready", report
    table = await store.keep_file(report.table) if report.table else None
    number: int = await connection.fetchval(
        ROW, code, trial, filename, blob.sha256, blob.size, access, report.state, report.rows,
        json.dumps(report.document()), table.sha256 if table else None, generated, owner, report.whole,
    )  # fmt: skip
    return number


@asynccontextmanager
async def worker(db: Database, store: Store, settings: Settings) -> AsyncIterator[None]:
    """A worker that does what is asked for until the block ends."""
    stop = asyncio.Event()
    working = asyncio.create_task(work(Workshop(db, store, settings), KINDS, stop))
    try:
        yield
    finally:
        stop.set()
        await working
