"""A service in a process of its own, to be killed and started again, on a way to it that can be slowed, cut and measured."""

import asyncio
import hashlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from testbed.people import passwords
from testbed.settings import Settings
from tests import cast
from tests.browser.world import PASSWORD
from tests.sending.cutting import Cutter, cutting

CHUNK_BYTES = 512 * 1024
MOST_BYTES = 20_000_000


class Station:
    """``way`` leads to the service; ``trial`` takes Bo's files. Nobody reads them: there is no worker."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listening.set_inheritable(True)
        self.process: asyncio.subprocess.Process | None = None
        self.way: Cutter
        self.trial = 0

    async def start(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TESTBED_")}
        environment = kept | {
            "TESTBED_DATABASE_URL": self.url,
            "TESTBED_DATA_DIR": str(self.data),
            "TESTBED_FREE_BYTES_FLOOR": "0",
            "TESTBED_UPLOAD_MAX_BYTES": str(MOST_BYTES),
            "TESTBED_UPLOAD_CHUNK_BYTES": str(CHUNK_BYTES),
            "TESTBED_PASSWORD_MEMORY_KIB": "8",
            "TESTBED_PASSWORD_ROUNDS": "1",
        }
        descriptor = self.listening.fileno()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "uvicorn", "--factory", "testbed.app:create", "--fd", str(descriptor),
            "--log-level", "error", env=environment, pass_fds=[descriptor], stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    if (
                        await client.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5)
                    ).status_code == 200:
                        self.way.away = False
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError("the service does not come up")

    async def kill(self) -> None:
        """As a power cut would end it; lines to it are refused until it is started again."""
        assert self.process is not None
        self.way.away = True
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        self.way.cut()

    @property
    def port(self) -> int:
        port: int = self.listening.getsockname()[1]
        return port

    async def asked(self, query: str, *values: Any) -> Any:
        """One value of the database."""
        connection = await asyncpg.connect(self.url, timeout=30)
        try:
            return await connection.fetchval(query, *values, timeout=30)
        finally:
            await connection.close()

    async def holds(self, file: Path) -> bool:
        """Whether exactly these bytes are a result of the trial."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return bool(
            await self.asked(
                "SELECT count(*) = 1 FROM result WHERE sha256 = $1 AND size = $2", digest, file.stat().st_size
            )
        )


@asynccontextmanager
async def open_station(url: str, data: Path) -> AsyncIterator[Station]:
    """Serve a migrated database with the cast in it."""
    station = Station(url, data)
    kept = await passwords.hashed(Settings(password_memory_kib=8, password_rounds=1), PASSWORD)
    connection = await asyncpg.connect(url)
    station.trial = await cast.trial_of(connection, await cast.running_pilot(connection, visibility="public"))
    await connection.execute("UPDATE person SET password_hash = $1", kept)
    await connection.close()
    async with cutting("127.0.0.1", station.port) as station.way:
        await station.start()
        try:
            yield station
        finally:
            await station.kill()
            station.listening.close()
