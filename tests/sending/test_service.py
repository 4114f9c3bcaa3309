"""The command against the service itself: lines that break, a sender that is killed, files of every size."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from testbed.sending import sender
from tests import cast
from tests.cast import BO, token_of
from tests.live import served
from tests.sending.cutting import Cutter, cutting

SIZE = 5 * 1024 * 1024
CHUNK_BYTES = 512 * 1024
OVERHEAD = 100_000


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"upload_chunk_bytes": CHUNK_BYTES})


@pytest.fixture
async def trial(db) -> int:
    async with db.raw() as connection:
        return await cast.trial_of(connection, await cast.running_pilot(connection, visibility="public"))


@pytest.fixture
async def road(app, trial) -> AsyncIterator[Cutter]:
    """A way to the service that can be cut."""
    async with served(app) as (host, port), cutting(host, port) as cutter:
        yield cutter


@pytest.fixture
def large(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "vinter.bin"
    path.write_bytes(Random(request.node.name).randbytes(SIZE))
    return path


async def result_of(client: httpx.AsyncClient, code: str) -> dict[str, Any]:
    answer = await client.get(f"/results/{code}", headers=BO)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_file_is_received_and_its_receipt_is_told(terminal, road, trial, client, file):
    status = await terminal.run(
        file, "--trial", trial, "--server", road.address, "--note", "Givare 3 flyttad", "--json"
    )

    (line,) = terminal.lines()
    kept = await result_of(client, line["result"])
    assert status == 0
    assert line["url"] == f"{road.address}/results/{kept['code']}"
    assert line["sha256"] == kept["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert line["receipt"]["digest_declared"] is True
    assert (kept["filename"], kept["note"], kept["access"]) == ("mars.csv", "Givare 3 flyttad", "private")


async def test_a_line_that_breaks_again_and_again_sends_each_byte_about_once(
    terminal, road, trial, client, large
):
    road.cut_at = 1_500_000

    assert await terminal.run(large, "--trial", trial, "--server", road.address, "--json") == 0

    (line,) = terminal.lines()
    assert road.lines >= 4
    assert (await result_of(client, line["result"]))["sha256"] == hashlib.sha256(
        large.read_bytes()
    ).hexdigest()
    assert road.sent <= SIZE + road.lines * (CHUNK_BYTES + OVERHEAD)


async def test_a_sender_that_is_killed_goes_on_where_it_was(terminal, road, trial, client, large, tmp_path):
    road.rate = 2_000_000
    environment = os.environ | {"TESTBED_TOKEN": token_of("Bo"), "XDG_STATE_HOME": str(tmp_path / "state")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "testbed", "upload", str(large), "--trial", f"{road.address}/trials/{trial}",
        env=environment, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        while road.sent < SIZE // 2:
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    road.rate = None

    assert await terminal.run(large, "--trial", f"{road.address}/trials/{trial}", "--json") == 0

    (line,) = terminal.lines()
    assert (await result_of(client, line["result"]))["sha256"] == hashlib.sha256(
        large.read_bytes()
    ).hexdigest()
    assert road.sent <= SIZE + CHUNK_BYTES + OVERHEAD


async def test_several_files_go_in_one_command(terminal, road, trial, file, tmp_path):
    other = tmp_path / "april.csv"
    other.write_bytes(b"a;b\n1;2\n")

    assert await terminal.run(file, other, "--trial", f"{road.address}/trials/{trial}/upload") == 0

    assert terminal.said.count(": received as R-") == 2


async def test_the_same_file_again_is_the_same_result(terminal, road, trial, file):
    codes = []
    for _ in range(2):
        assert await terminal.run(file, "--trial", f"{road.address}/trials/{trial}", "--json") == 0
        codes.append(terminal.lines()[0]["result"])

    assert codes[0] == codes[1]


async def test_an_empty_file_is_a_file(terminal, road, trial, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()

    assert await terminal.run(empty, "--trial", f"{road.address}/trials/{trial}", "--json") == 0

    (line,) = terminal.lines()
    assert (line["size"], line["sha256"]) == (0, hashlib.sha256(b"").hexdigest())


async def test_a_wrong_token_is_told_before_a_byte_is_sent(terminal, road, trial, large, monkeypatch):
    monkeypatch.setenv("TESTBED_TOKEN", "tb_p_nobody")

    assert await terminal.run(large, "--trial", f"{road.address}/trials/{trial}", "--json") == 1

    (line,) = terminal.lines()
    assert (line["state"], line["status"]) == ("refused", 401)
    assert road.sent < 2000


async def test_a_trial_that_is_not_ones_own_is_refused(terminal, road, trial, file, monkeypatch):
    monkeypatch.setenv("TESTBED_TOKEN", token_of("David"))

    assert await terminal.run(file, "--trial", f"{road.address}/trials/{trial}", "--json") == 1
    assert terminal.lines()[0]["status"] == 403
    assert await terminal.run(file, "--trial", f"{road.address}/trials/{trial + 99}", "--json") == 1
    assert terminal.lines()[0]["status"] == 404


async def test_a_partner_is_named_by_the_word_of_its_page(terminal, road, trial, client, file, monkeypatch):
    monkeypatch.setenv("TESTBED_TOKEN", token_of("Alva"))
    at = f"{road.address}/trials/{trial}"

    assert await terminal.run(file, "--trial", at, "--partner", "ltu", "--json") == 0
    code = terminal.lines()[0]["result"]
    assert (await client.get(f"/results/{code}", headers=cast.ALVA)).json()["owner"]["url"] == "/partners/ltu"

    assert await terminal.run(file, "--trial", at, "--partner", "acme") == 1
    assert "You cannot send for acme; you can for: ltu, lulea, lunet." in terminal.warned


async def test_a_proxy_without_patch_is_no_hindrance(terminal, app, trial, client, file):
    async def before(scope, receive, send):
        if scope["method"] == "PATCH":
            await send({"type": "http.response.start", "status": 501, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    async with served(before) as (host, port):
        assert await terminal.run(file, "--trial", f"http://{host}:{port}/trials/{trial}") == 0


async def test_an_archived_trial_says_so_at_once(terminal, road, trial, db, large):
    async with db.raw() as connection:
        await connection.execute("UPDATE trial SET archived_at = now() WHERE id = $1", trial)

    assert await terminal.run(large, "--trial", f"{road.address}/trials/{trial}", "--json") == 1

    assert "archived" in terminal.lines()[0]["detail"]
    assert road.sent < 2000


async def test_a_trial_archived_meanwhile_keeps_the_bytes_and_says_until_when(
    terminal, road, trial, db, large, monkeypatch
):
    async def put_away() -> None:
        async with db.raw() as connection:
            await connection.execute("UPDATE trial SET archived_at = now() WHERE id = $1", trial)

    loop = asyncio.get_running_loop()
    first = sender.Sender._begin

    def begun(self, *given):
        offset = first(self, *given)
        asyncio.run_coroutine_threadsafe(put_away(), loop).result(10)
        return offset

    monkeypatch.setattr(sender.Sender, "_begin", begun)

    assert await terminal.run(large, "--trial", f"{road.address}/trials/{trial}", "--json") == 1

    (line,) = terminal.lines()
    assert line["status"] == 403
    assert "They are kept until" in line["detail"]
