"""Bodies that hardly come are cut off; those that we keep waiting, and those that come slowly but come, are not."""

import asyncio

import pytest

from testbed import serve
from tests.live import served

BEFORE = {"late": 1, "soon": 0.2}  # s
HEAD = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


async def counting(scope, receive, send):
    """Answers with how many bytes came; ``/late`` is read only after a while, ``/then`` answered only after one."""
    await asyncio.sleep(BEFORE.get(scope["path"].rpartition("/")[2], 0))
    count, message = 0, {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        count += len(message["body"])
    if scope["path"].endswith("/then"):
        listening = asyncio.create_task(
            receive()
        )  # for the end of the line, as long answers do: reading goes on
        await asyncio.sleep(1)
        listening.cancel()
    told = str(count).encode()
    headers = [(b"content-length", str(len(told)).encode())]
    headers += [(b"connection", b"close")] if not scope["path"].startswith("/kept") else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


@pytest.fixture
async def at(monkeypatch):
    monkeypatch.setattr(serve, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(serve, "BODY_BYTES_PER_SECOND", 10_000)
    async with served(counting, http=serve.Bounded) as (host, port):
        yield host, port


async def sent(at, head: bytes, pieces: list[bytes], every_s: float) -> bytes:
    """What is answered to a body that is sent in pieces."""
    reader, writer = await asyncio.open_connection(*at)
    answer = asyncio.create_task(reader.read())
    writer.write(head)
    for piece in pieces:
        if not answer.done():
            writer.write(piece)
            await asyncio.sleep(every_s)
    told = await asyncio.wait_for(answer, 5)
    writer.close()
    return told


async def test_a_body_that_hardly_comes_is_told_so_and_cut_off(at):
    answer = await sent(at, HEAD % 1_000_000, [b"x" * 100] * 20, 0.05)

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_piece_of_a_resumable_upload_may_be_slow(at):
    head = HEAD.replace(b"Host: x", b"Host: x\r\nTus-Resumable: 1.0.0") % 1_600

    assert (await sent(at, head, [b"x" * 100] * 16, 0.06)).endswith(b"1600")


async def test_a_body_that_we_kept_waiting_for_a_while_is_not_slow(at, monkeypatch):
    monkeypatch.setattr(serve, "BODY_BYTES_PER_SECOND", 1_000_000)
    head = HEAD.replace(b"PUT /", b"PUT /soon") % 100_010

    assert (await sent(at, head, [b"x" * 100_000, b"x" * 10], 0.4)).endswith(b"100010")


async def test_who_waits_for_the_word_to_go_on_is_not_slow(at):
    head = HEAD.replace(b"PUT /", b"PUT /late").replace(b"Host: x", b"Host: x\r\nExpect: 100-continue") % 3
    reader, writer = await asyncio.open_connection(*at)
    writer.write(head)

    said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.write(b"abc")

    assert said.startswith(b"HTTP/1.1 100 ")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"3")
    writer.close()


async def test_a_request_that_waits_for_the_answer_to_the_one_before_is_not_slow(at):
    reader, writer = await asyncio.open_connection(*at)
    writer.write(b"GET /kept/then HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD % 3)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
    writer.write(b"abc")

    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"3")
    writer.close()


async def test_a_body_that_stops_after_a_good_beginning_is_cut_off(at):
    answer = await sent(at, HEAD % 1_000_000, [b"x" * 9000, b""], 0.1)

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_comes_slowly_but_comes_is_read_to_its_end(at):
    answer = await sent(at, HEAD % 48_000, [b"x" * 3000] * 16, 0.06)

    assert answer.endswith(b"48000")


async def test_a_body_that_we_keep_waiting_is_not_slow(at):
    head = HEAD.replace(b"PUT /", b"PUT /late") % 1_000_000

    assert (await sent(at, head, [b"x" * 1_000_000], 0)).endswith(b"1000000")


async def test_a_line_that_rests_between_two_requests_is_left_alone(at):
    reader, writer = await asyncio.open_connection(*at)
    writer.write(b"GET /kept HTTP/1.1\r\nHost: x\r\n\r\n")
    first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
    await asyncio.sleep(0.8)
    writer.write(HEAD % 3 + b"abc")

    assert first.startswith(b"HTTP/1.1 200")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"3")
    writer.close()
