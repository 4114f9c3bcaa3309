"""Uploads and progress over a real server: cut lines, a killed service, events as they happen."""

import asyncio
import json
import os
import signal
import socket
import sys

import httpx

from testbed import jobs
from testbed.access.models import Actor
from testbed.trials import following
from testbed.trials.profile import KINDS
from tests.cast import BO, token_of
from tests.live import served
from tests.trials.kept import nothing_is_kept

HEAD = (
    "PUT /trials/{trial}/results/a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    "Content-Length: {length}\r\n\r\n"
)


async def begun(host: str, port: int, trial: int, length: int, sent: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(host, port)
    writer.write(HEAD.format(trial=trial, token=token_of("Bo"), length=length).encode() + sent)
    await writer.drain()
    return writer


async def test_a_body_that_is_cut_leaves_nothing(app, trial, db, settings):
    async with served(app) as (host, port):
        writer = await begun(host, port, trial, 10_000_000, bytes(5_000_000))
        await until(lambda: any((settings.data_dir / "staging").iterdir()))
        writer.transport.abort()
        await until(lambda: not any((settings.data_dir / "staging").iterdir()))

    assert await nothing_is_kept(db, settings)


async def test_a_refused_upload_is_answered_before_its_body(app, trial, settings):
    async with served(app) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        head = HEAD.format(trial=trial, token=token_of("David"), length=10_000_000)
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.readline(), 10)
        writer.close()

    assert b" 403 " in answer


async def test_a_service_killed_in_the_middle_has_acknowledged_nothing(trial, db, settings, database_url):
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    environment = os.environ | {
        "TESTBED_DATABASE_URL": database_url,
        "TESTBED_DATA_DIR": str(settings.data_dir),
        "TESTBED_FREE_BYTES_FLOOR": "0",
    }
    environment.pop("TESTBED_BASE_URL", None)
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "--factory", "testbed.app:create", "--fd", str(listening.fileno()),
        "--log-level", "error", env=environment, pass_fds=[listening.fileno()],
    )  # fmt: skip
    try:
        host, port = listening.getsockname()
        writer = await begun(host, port, trial, 40_000_000, bytes(20_000_000))
        await until(lambda: any((settings.data_dir / "staging").iterdir()))
    finally:
        service.send_signal(signal.SIGKILL)
        await service.wait()
        listening.close()
    writer.close()

    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM result") == 0
    assert not [path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()]


async def test_progress_is_told_until_the_reading_has_ended(app, trial, shop):
    async with served(app) as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        at = (await client.put(f"/trials/{trial}/results/a.csv", content=b"a;b\n1;2\n", headers=BO)).headers[
            "location"
        ]
        states = []
        async with client.stream("GET", f"{at}/events", headers=BO, timeout=20) as told:
            async for line in told.aiter_lines():
                if line.startswith("data: "):
                    states.append(json.loads(line[6:])["state"])
                    if len(states) == 1:
                        await jobs.work_once(shop, KINDS)

    assert told.headers["content-type"].startswith("text/event-stream")
    assert (states[0], states[-1]) == ("queued", "done")


async def test_a_line_does_not_last_for_ever(client, trial, db, shop):

    at = (await client.put(f"/trials/{trial}/results/a.csv", content=b"a;b\n1;2\n", headers=BO)).headers[
        "location"
    ]
    async with db.raw() as connection:
        person = await connection.fetchval("SELECT id FROM person WHERE name = 'Bo'")
    actor, code = Actor(kind="person", person_id=person), at.rpartition("/")[2]

    lines = [
        line async for line in following.events(db, actor, code, lambda job: job, every=0.01, at_most=0.05)
    ]

    assert lines[0] == b"retry: 2000\n\n"
    assert 2 <= len(lines) <= 6


async def test_nobody_follows_what_they_may_not_see(client, trial):
    at = (await client.put(f"/trials/{trial}/results/a.csv", content=b"a;b\n1;2\n", headers=BO)).headers[
        "location"
    ]

    assert (await client.get(f"{at}/events")).status_code == 404
    assert (await client.get(f"{at}/progress")).status_code == 404


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)
