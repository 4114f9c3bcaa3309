"""A service with a small city in it, behind a real server: for the browser's tests, and for taking pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from testbed.app import create_app
from testbed.db import Database
from testbed.files import store_of
from testbed.people import passwords
from testbed.settings import Settings
from testbed.web.shell import Shell
from tests.browser.world import PASSWORD, World, build
from tests.conftest import BASE, alive
from tests.datasets.kept import worker
from tests.live import served


@dataclass
class City:
    """Where it is served, and what is in it."""

    address: str
    world: World


@asynccontextmanager
async def open_city(url: str, data: Path) -> AsyncIterator[City]:
    """Serve a migrated database with the cast in it, after the world is made in it; a worker is at work."""
    settings = Settings(
        base_url=BASE, database_url=url, data_dir=data, free_bytes_floor=0, password_memory_kib=8, password_rounds=1,
        webhooks=True,
    )  # fmt: skip
    inner = create_app(settings)
    shell: Any = Shell(inner, settings)
    async with (
        Database(url) as db,
        alive(inner),
        worker(db, store_of(settings), settings),
        served(shell) as (host, port),
    ):
        async with (
            db.raw() as connection,
            httpx.AsyncClient(transport=httpx.ASGITransport(app=shell), base_url=BASE) as client,
        ):
            kept = await passwords.hashed(settings, PASSWORD)
            await connection.execute("UPDATE person SET password_hash = $1", kept)
            world = await build(client, connection)
        yield City(f"http://{host}:{port}", world)
