"""One writer at a time, over a real server: whoever comes later is never locked out, and no byte is promised twice."""

import asyncio
import fcntl
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import httpx
import pytest

from testbed.trials.uploads import leases, lines
from tests.cast import BO, token_of
from tests.live import served
from tests.trials.tus import Tus

HEAD = (
    "PATCH {at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n"
    "Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n{more}\r\n"
)
DATA = random.Random(1).randbytes(3_000_000)


class Line:
    """A raw connection on which a piece is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str]]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode()
        first, *lines = head.strip().split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines)


class Live(Tus):
    """Bo over a real server; ``begun`` starts a piece and leaves it under way."""

    def __init__(self, client: httpx.AsyncClient, trial: int, at: tuple[str, int]) -> None:
        super().__init__(client, trial)
        self.address = at
        self.lines: list[Line] = []

    async def begun(self, at: str, offset: int, length: int, sent: bytes, more: str = "") -> Line:
        line = Line(*await asyncio.open_connection(*self.address))
        head = HEAD.format(at=at, token=token_of("Bo"), offset=offset, length=length, more=more)
        self.lines.append(line)
        await line.send(head.encode() + sent)
        return line

    async def close(self) -> None:
        for line in self.lines:
            line.writer.close()
            with suppress(OSError):
                await line.writer.wait_closed()

    async def offset(self, at: str) -> int:
        return int((await self.head(at)).headers["upload-offset"])


@pytest.fixture
async def live(app, trial) -> AsyncIterator[Live]:
    async with served(app) as at, httpx.AsyncClient(base_url=f"http://{at[0]}:{at[1]}", timeout=20) as client:
        made = Live(client, trial, at)
        yield made
        await made.close()


async def until_written(settings, size: int) -> None:
    async with asyncio.timeout(20):
        while not any(part.stat().st_size >= size for part in (settings.data_dir / "staging").iterdir()):
            await asyncio.sleep(0.02)


async def writes(live: Live, settings, sent: int = 2_500_000) -> tuple[str, Line]:
    """An upload with a request under way that has sent so many bytes and then fell silent."""
    at = await live.at(len(DATA))
    line = await live.begun(at, 0, len(DATA), DATA[:sent])
    await until_written(settings, 2_000_000)
    return at, line


async def test_whoever_asks_ends_a_silent_request_and_learns_what_is_safe(live, settings):
    at, line = await writes(live, settings)
    began = asyncio.get_running_loop().time()

    asked = await live.head(at)

    took = asyncio.get_running_loop().time() - began
    status, head = await line.answer()
    assert (asked.status_code, asked.headers["upload-offset"]) == (200, "2500000")
    assert took < 6
    assert (status, head["upload-offset"], head["connection"]) == (409, "2500000", "close")
    assert (await live.patch(at, 2_500_000, DATA[2_500_000:])).status_code == 204
    state = await live.state(at)
    raw = await live.client.get(f"/results/{state['result']}/raw", headers=BO)
    assert raw.content == DATA


async def test_a_second_piece_from_the_same_place_is_told_the_true_offset(live, settings):
    at, _ = await writes(live, settings)

    second = await live.patch(at, 0, DATA)
    third = await live.patch(at, 2_500_000, DATA[2_500_000:])

    assert (second.status_code, second.headers["upload-offset"], third.status_code) == (409, "2500000", 204)


async def test_a_piece_from_before_the_stored_offset_disturbs_nobody(live, settings):
    at = await live.at(len(DATA))
    await live.patch(at, 0, DATA[:100])
    line = await live.begun(at, 100, len(DATA) - 100, DATA[100:2_500_000])
    await until_written(settings, 2_000_000)

    late = await live.patch(at, 0, DATA[:100])
    await line.send(DATA[2_500_000:])

    assert (late.status_code, late.headers["upload-offset"]) == (409, "100")
    assert (await line.answer())[0] == 204


async def test_looking_at_an_upload_disturbs_nobody(live, settings):
    at, line = await writes(live, settings)

    states = [await live.state(at) for _ in range(5)]
    page = await live.client.get(at, headers=BO | {"accept": "text/html"})
    await line.send(DATA[2_500_000:])

    assert {each["state"] for each in states} == {"arriving"}
    assert page.status_code == 200
    assert (await line.answer())[0] == 204


async def test_a_checked_piece_that_is_ended_leaves_nothing_of_itself(live, settings):
    at = await live.at(len(DATA))
    line = await live.begun(at, 0, len(DATA), DATA[:2_500_000], f"Upload-Checksum: sha256 {'A' * 43}=\r\n")
    await until_written(settings, 2_000_000)

    asked = await live.head(at)

    assert asked.headers["upload-offset"] == "0"
    assert (await line.answer())[1]["upload-offset"] == "0"


async def test_a_line_that_is_cut_keeps_what_came(live, settings):
    at, line = await writes(live, settings)
    line.writer.transport.abort()

    assert await live.offset(at) >= 2_000_000


async def test_a_line_that_falls_silent_is_ended_and_keeps_what_came(live, settings, monkeypatch):
    monkeypatch.setattr(lines, "SILENT_SECONDS", 0.5)
    _, line = await writes(live, settings)

    status, head = await line.answer()

    assert (status, head["upload-offset"]) == (400, "2500000")


async def test_no_connection_to_the_database_is_held_while_bytes_arrive(live, app, settings):
    _, line = await writes(live, settings)
    pool = app.app.state.db.engine.pool

    async with asyncio.timeout(10):
        while pool.checkedout():
            await asyncio.sleep(0.02)
    await line.send(DATA[2_500_000:])

    assert (await line.answer())[0] == 204


async def test_a_refusal_comes_before_the_first_byte(live):
    at = await live.at(10)
    refused = [
        await live.begun(at, 0, 11, b"", "Expect: 100-continue\r\n"),
        await live.begun(at, 3, 5, b"", "Expect: 100-continue\r\n"),
        await live.begun(
            "/uploads/00000000-0000-4000-8000-000000000000", 0, 5, b"", "Expect: 100-continue\r\n"
        ),
    ]
    answers = [await line.answer() for line in refused]
    taken = await live.begun(at, 0, 10, b"", "Expect: 100-continue\r\n")

    assert [status for status, _ in answers] == [413, 409, 404]
    assert {head["connection"] for _, head in answers} == {"close"}
    assert (await taken.answer())[0] == 100
    await taken.send(b"0123456789")
    assert (await taken.answer())[0] == 204


async def test_a_refusal_reaches_a_sender_who_is_in_the_middle_of_a_body(live):
    at = await live.at(10_000_000)
    await live.patch(at, 0, b"x")
    line = await live.begun(at, 0, 9_000_000, bytes(9_000_000))

    status, head = await line.answer()

    assert (status, head["upload-offset"]) == (409, "1")


@asynccontextmanager
async def elsewhere(db, settings, at: str, *, alive: bool) -> AsyncIterator[None]:
    """Another process has the upload: a lease, and while it lives a lock on the file."""
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE upload SET lease_until = now() + interval '30 s', lease_epoch = lease_epoch + 1"
        )
    path = settings.data_dir / "staging" / f"{at.rpartition('/')[2]}.part"
    with path.open("ab") as file:
        if alive:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def test_another_process_is_asked_to_let_go_and_not_overrun(live, db, settings, monkeypatch):
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0.5)
    at, heard = await live.at(10), asyncio.Event()
    listening: asyncpg.Connection = await db.connect()
    await listening.add_listener("upload_stop", lambda *said: heard.set() if said[-1] in at else None)

    async with elsewhere(db, settings, at, alive=True):
        asked, sent = await live.head(at), await live.patch(at, 0, b"0123456789")
    await asyncio.wait_for(heard.wait(), 10)
    await listening.close()

    assert (asked.status_code, sent.status_code) == (423, 423)
    assert (asked.headers["retry-after"], sent.headers["retry-after"]) == ("2", "2")
    assert "upload-offset" not in asked.headers


async def test_an_upload_whose_writer_died_is_taken_over(live, db, settings, monkeypatch):
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0.5)
    at = await live.at(10)

    async with elsewhere(db, settings, at, alive=False):
        answer = await live.patch(at, 0, b"0123456789")

    assert answer.status_code == 204


async def test_a_request_of_another_process_ends_a_writer_here(live, db, settings):
    at, line = await writes(live, settings)

    async with db.raw() as connection:
        await connection.execute("SELECT pg_notify('upload_stop', 'nonsense')")
        await connection.execute("SELECT pg_notify('upload_stop', $1)", at.rpartition("/")[2])

    assert (await line.answer())[0] == 409
    assert await live.offset(at) == 2_500_000


async def test_a_writer_that_lost_its_lease_unawares_promises_nothing(live, db, settings):
    at, line = await writes(live, settings, 2_100_000)
    async with db.raw() as connection:
        await connection.execute("UPDATE upload SET lease_epoch = lease_epoch + 1, lease_until = NULL")

    await line.send(DATA[2_100_000:])
    status, head = await line.answer()

    assert (status, head["upload-offset"]) == (409, "0")
    assert await live.offset(at) == 0


async def test_a_lease_is_renewed_while_its_request_lives(live, db, settings, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    await writes(live, settings)
    ends = "SELECT lease_until FROM upload"

    async with db.raw() as connection:
        first = await connection.fetchval(ends)
        async with asyncio.timeout(10):
            while await connection.fetchval(ends) <= first:
                await asyncio.sleep(0.05)


async def test_of_many_pieces_at_once_none_harms_the_file(live):
    chance = random.Random(7)
    at, offset, seen = await live.at(len(DATA)), 0, [0]

    while offset < len(DATA):
        end = min(offset + chance.randint(100_000, 700_000), len(DATA))
        answers = await asyncio.gather(
            *(live.patch(at, offset, DATA[offset:end]) for _ in range(chance.randint(2, 8))),
            return_exceptions=True,
        )
        told = [each for each in answers if isinstance(each, httpx.Response)]
        assert {each.status_code for each in told} <= {204, 409, 423}
        offset = await live.offset(at)
        seen.append(offset)

    state = await live.state(at)
    raw = await live.client.get(f"/results/{state['result']}/raw", headers=BO)
    assert seen == sorted(seen)
    assert hashlib.sha256(raw.content).digest() == hashlib.sha256(DATA).digest()
