"""A service on a data folder of its own, to be killed, starved and cut off."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from testbed.embedded import running

TOP = Path(__file__).parent.parent.parent
LISTENING = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)")
HEAD = (
    "PUT /trials/{trial}/results/{name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    "Content-Length: {length}\r\n\r\n"
)
CSV = b"time;value\n2026-01-01 00:00;1,5\n"


def environment(data: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TESTBED_")}
    return kept | {"TESTBED_DATA_DIR": str(data), "TESTBED_FREE_BYTES_FLOOR": "0"} | more


def command(data: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "testbed", *words],
        cwd=TOP, env=environment(data, **more), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@dataclass
class Service:
    """``token`` is a coordinator's; ``trial`` takes files."""

    data: Path
    token: str
    trial: int
    port: int = 0
    process: "subprocess.Popen[str] | None" = None

    def start(self, *, worker: bool = False, **more: str) -> None:
        words = [
            sys.executable,
            "-m",
            "testbed",
            "serve",
            "--port",
            "0",
            *([] if worker else ["--no-worker"]),
        ]
        log = self.data.parent / f"{self.data.name}.log"
        with log.open("a") as told:
            self.process = subprocess.Popen(
                words,
                cwd=TOP,
                env=environment(self.data, **more),
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := LISTENING.search(line):
                self.port = int(found[1])
                return
        raise AssertionError(log.read_text()[-3000:])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator does, within 30 seconds; returns the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout=30)
        finally:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()

    def clear(self) -> None:
        """End whatever still runs on the data folder."""
        if self.process is not None:
            self.stop()
        file = self.data / "pg/data/postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            os.kill(self.postmaster(), signal.SIGQUIT)
            until(lambda: not file.exists(), 5)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self, **headers: str) -> httpx.Client:
        given = {"authorization": f"Bearer {self.token}", "accept-language": "en", **headers}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=given, timeout=40)

    def announced(self, name: str, length: int) -> socket.socket:
        """A line on which the head of an upload was sent."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        head = HEAD.format(trial=self.trial, name=name, token=self.token, length=length)
        line.sendall(head.encode())
        return line

    def begun(self, name: str, length: int, sent: int) -> socket.socket:
        """An upload under way: announced with ``length`` bytes, ``sent`` of them on the line."""
        line = self.announced(name, length)
        line.sendall(bytes(sent))
        assert until(lambda: self.parts())
        return line

    def parts(self) -> list[Path]:
        return list((self.data / "staging").glob("*.part"))

    def blobs(self) -> list[Path]:
        return [path for path in (self.data / "blobs").rglob("*") if path.is_file()]

    def postmaster(self) -> int:
        return int((self.data / "pg/data/postmaster.pid").read_text().splitlines()[0])

    def children(self) -> list[int]:
        """The processes that the service started itself: its worker."""
        found = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for each in found for pid in each.read_text().split()]

    def ask(self, query: str, *values: Any) -> Any:
        """The answer of the database; starts it if nobody has."""
        return asyncio.run(_asked(self.data, query, values))

    def doctor(self) -> str:
        """What ``testbed doctor --deep`` says; it must be content."""
        told = command(self.data, "doctor", "--deep")
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout


async def _asked(data: Path, query: str, values: tuple[Any, ...]) -> Any:
    with running(data, say=lambda _: None) as cluster:
        connection = await asyncpg.connect(**cluster.app.kwargs())
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()


def until(holds: Callable[[], object], within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(held)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
