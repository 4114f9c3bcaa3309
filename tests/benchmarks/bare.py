"""The physical limit: Litestar with one handler that sends one query by asyncpg, and its plain static files.

Run as ``python -m tests.benchmarks.bare DATA_DIR FILES_DIR``; prints the line that says where it listens.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.static_files import create_static_files_router

from testbed.embedded import running

QUERY = """
    SELECT pilot.id, pilot.code, pilot.title, pilot.stage, pilot.state, testbed.slug, testbed.name, partner.name,
           pilot.planned_start_on, pilot.planned_end_on, pilot.updated_at
    FROM pilot
    LEFT JOIN testbed ON testbed.id = pilot.testbed_id AND testbed.visibility = 'public'
    LEFT JOIN partner ON partner.id = pilot.lead_partner_id AND partner.visibility = 'public'
    WHERE pilot.visibility = 'public' AND pilot.archived_at IS NULL
    ORDER BY pilot.updated_at DESC, pilot.id DESC LIMIT 51
"""


class Item(msgspec.Struct):
    id: int
    code: str
    title: dict[str, str]
    stage: str
    state: str
    testbed: str | None
    testbed_name: dict[str, str] | None
    lead: str | None
    start_planned: date | None
    end_planned: date | None
    updated_at: datetime


@get("/pilots")
async def pilots(state: State) -> list[Item]:
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(QUERY)
    return [Item(*row) for row in rows[:50]]


async def _objects(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def main(data: Path, files: Path) -> None:
    with running(data) as cluster:

        @asynccontextmanager
        async def pool(app: Litestar) -> AsyncIterator[None]:
            async with asyncpg.create_pool(
                **cluster.app.kwargs(), min_size=4, max_size=8, init=_objects
            ) as app.state.pool:
                yield

        handlers: list[Any] = [pilots, create_static_files_router(path="/files", directories=[files])]
        app = Litestar(handlers, lifespan=[pool], openapi_config=None)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)  # who calls before the pool is up waits, and is not sent away
        print(f"Listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, http="httptools", loop="uvloop", log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
