import asyncio
import base64
import hashlib
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, Response, route
from litestar.params import FromPath

from testbed.errors import DomainError
from testbed.files import Blob, Store
from testbed.web.blobs import EXPOSED, Span, blob_response, disposition, span

DATA = random.Random(3).randbytes(3_000_003)  # the same in every process: digests of it name tests
SAVED = datetime(2026, 3, 14, 10, 26, 53, 589_000, tzinfo=ZoneInfo("Europe/Stockholm"))
NAME = "mätning v1.csv"
SAVED_AS = "Sat, 14 Mar 2026 09:26:53 GMT"
ETAG = f'"sha256-{hashlib.sha256(DATA).hexdigest()}"'


def app_of(store: Store, blob: Blob) -> Litestar:
    @route("/{access:str}", http_method=["GET", "HEAD"])
    async def fetch(request: Request[Any, Any, Any], access: FromPath[str]) -> Response[None]:
        return await blob_response(
            request,
            store,
            sha256=blob.sha256,
            size=blob.size,
            filename=NAME,
            media_type="text/csv; charset=utf-8",
            public=access == "public",
            last_modified=SAVED,
            headers={"Link": "</datasets/x>; rel=collection"},
        )

    def problem(_: Request[Any, Any, Any], error: DomainError) -> Response[str]:
        return Response(error.detail, status_code=error.status, media_type="text/plain")

    return Litestar(
        [fetch], exception_handlers={DomainError: problem}, openapi_config=None, logging_config=None
    )


async def kept(store: Store, data: bytes) -> Blob:
    async def once() -> AsyncIterator[bytes]:
        yield data

    return await store.keep(once(), most_bytes=len(data))


@pytest.fixture
async def store(tmp_path) -> Store:
    return Store(tmp_path)


@pytest.fixture
async def blob(store) -> Blob:
    return await kept(store, DATA)


@asynccontextmanager
async def browser(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield http


@pytest.fixture
async def client(store, blob) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app_of(store, blob)) as http:
        yield http


@asynccontextmanager
async def served(app: Litestar) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await running


async def test_a_whole_file_says_all_about_itself(client):
    answer = await client.get("/public")

    assert answer.status_code == 200
    assert answer.content == DATA
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    assert dict(answer.headers) == {
        "etag": ETAG,
        "last-modified": SAVED_AS,
        "cache-control": "public, max-age=3600, no-transform",
        "link": "</datasets/x>; rel=collection",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": EXPOSED,
        "accept-ranges": "bytes",
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": disposition(NAME),
        "content-security-policy": "sandbox; default-src 'none'",
        "repr-digest": f"sha-256=:{digest}:",
        "x-content-type-options": "nosniff",
        "content-length": str(len(DATA)),
    }


async def test_what_is_not_public_is_never_cached_and_shared_with_no_other_site(client):
    answer = await client.get("/private")

    assert answer.headers["cache-control"] == "private, no-store"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-9"}])
async def test_head_says_the_same_as_get_without_the_bytes(client, asked):
    get = await client.get("/public")

    head = await client.head("/public", headers=asked)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": f'"other", W/{ETAG}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": SAVED_AS}, 200),
        ({"If-Modified-Since": SAVED_AS}, 304),
        ({"If-Modified-Since": "Sat, 14 Mar 2026 09:26:52 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Sat, 14 Mar 99999 09:26:52 GMT"}, 200),
        ({"If-Match": ETAG}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f"W/{ETAG}"}, 412),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": '"other"', "If-None-Match": ETAG}, 412),
        ({"If-Unmodified-Since": SAVED_AS}, 200),
        ({"If-Unmodified-Since": "Sat, 14 Mar 2026 09:26:52 GMT"}, 412),
        ({"If-Match": ETAG, "If-Unmodified-Since": "Sat, 14 Mar 2026 09:26:52 GMT"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_conditions_are_weighed_in_their_order(client, method, asked, status):
    answer = await client.request(method, "/public", headers=asked)

    assert answer.status_code == status
    assert answer.headers["etag"] == ETAG
    assert answer.content == (DATA if (method, status) == ("GET", 200) else b"")


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        (SAVED_AS, 206),
        ('"other"', 200),
        (f"W/{ETAG}", 200),
        ("Sat, 14 Mar 2026 09:26:54 GMT", 200),
        ("", 200),
    ],
)
async def test_a_range_of_another_version_becomes_the_whole(client, condition, status):
    answer = await client.get("/public", headers={"Range": "bytes=5-8", "If-Range": condition})

    assert answer.status_code == status
    assert answer.content == (DATA[5:9] if status == 206 else DATA)


async def test_a_caller_who_has_the_file_is_answered_without_touching_it(store, blob, client):
    store.path(blob.sha256).unlink()

    assert (await client.get("/public", headers={"If-None-Match": ETAG})).status_code == 304


@pytest.mark.parametrize(
    ("asked", "size", "found"),
    [
        ("bytes=0-0", 10, Span(0, 1)),
        ("bytes=3-", 10, Span(3, 7)),
        ("bytes=-3", 10, Span(7, 3)),
        ("bytes=-30", 10, Span(0, 10)),
        ("bytes=3-99999999999999999999999", 10, Span(3, 7)),
        ("BYTES = 3-4 ", 10, Span(3, 2)),
        ("bytes=10-", 10, Span(10, 0)),
        ("bytes=10-20", 10, Span(10, 0)),
        ("bytes=-0", 10, Span(10, 0)),
        ("bytes=0-", 0, Span(0, 0)),
        ("bytes=-5", 0, None),
        ("bytes=5-4", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("bytes=-", 10, None),
        ("bytes=", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=+1-2", 10, None),
        ("bytes=1-2-3", 10, None),
        ("bytes=٣-٤", 10, None),
        ("bytes=" + "9" * 10_000 + "-", 10, None),
        ("lines=1-2", 10, None),
        ("", 10, None),
        (None, 10, None),
    ],
)
def test_a_range_is_one_span_or_the_whole(asked, size, found):
    assert span(asked, size) == found


async def test_two_thousand_ranges_agree_with_slices(store):
    dice = random.Random(20)
    data = dice.randbytes(1_000)
    async with browser(app_of(store, await kept(store, data))) as http:
        for _ in range(2_000):
            first, last = dice.randrange(1_300), dice.randrange(1_300)
            asked, wanted = dice.choice(
                [
                    (f"{first}-{last}", data[first : last + 1] if first <= last else data),
                    (f"{first}-", data[first:]),
                    (f"-{last}", data[-last:] if last else b""),
                ]
            )

            answer = await http.get("/public", headers={"Range": f"bytes={asked}"})

            assert answer.content == wanted, asked
            if answer.status_code == 206:
                start = len(data) - len(wanted) if asked.startswith("-") else first
                assert answer.headers["content-range"] == f"bytes {start}-{start + len(wanted) - 1}/1000"
            elif not wanted:
                assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")
            else:
                assert (answer.status_code, wanted) == (200, data)
            assert answer.headers["content-length"] == str(len(wanted))


async def test_an_empty_file_is_an_answer_like_any_other(store):
    async with browser(app_of(store, await kept(store, b""))) as http:
        whole = await http.get("/public")
        ranged = await http.get("/public", headers={"Range": "bytes=0-"})

    assert (whole.status_code, whole.headers["content-length"]) == (200, "0")
    assert (ranged.status_code, ranged.headers["content-range"]) == (416, "bytes */0")


@pytest.mark.parametrize("harm", ["missing", "short", "changed"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_damaged_file_is_a_conflict_and_never_wrong_bytes(store, blob, client, harm, method):
    path = store.path(blob.sha256)
    path.chmod(0o644)
    if harm == "missing":
        path.unlink()
    elif harm == "short":
        os.truncate(path, 100)
    else:
        with path.open("r+b") as file:
            file.write(bytes([DATA[0] ^ 1]))

    answer = await client.request(method, "/public")

    assert answer.status_code == 409
    assert "repr-digest" not in answer.headers


async def test_a_failure_midway_breaks_the_connection(store, blob, monkeypatch):
    async def half(sha256: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        yield DATA[:1_000_000]
        raise OSError("the disk went away")

    await store.sound(blob.sha256)
    monkeypatch.setattr(store, "opened", half)
    async with served(app_of(store, blob)) as address, httpx.AsyncClient(base_url=address) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/public")


async def test_a_caller_who_hangs_up_stops_the_reading(store, blob, monkeypatch):
    read, stopped = 0, asyncio.Event()

    async def endless(sha256: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        nonlocal read
        try:
            for _ in range(10_000):
                read += 1
                await asyncio.sleep(0.001)
                yield bytes(2**20)
        finally:
            stopped.set()

    large = Blob(blob.sha256, 10_000 * 2**20, 0)
    monkeypatch.setattr(store, "opened", endless)
    monkeypatch.setattr("testbed.web.blobs._check", lambda *_: asyncio.sleep(0))
    async with served(app_of(store, large)) as address, httpx.AsyncClient(base_url=address) as http:
        async with http.stream("GET", "/public") as answer:
            await anext(answer.aiter_bytes())

        await asyncio.wait_for(stopped.wait(), 10)
    assert read < 1_000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (NAME, "attachment; filename=\"matning v1.csv\"; filename*=UTF-8''m%C3%A4tning%20v1.csv"),
        ("a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ('a"b;c%22.csv', "attachment; filename=\"a_b_c_22.csv\"; filename*=UTF-8''a%22b%3Bc%2522.csv"),
        ("a\r\nX: y", "attachment; filename=\"aX: y\"; filename*=UTF-8''aX%3A%20y"),
        ("数据", "attachment; filename=\"file\"; filename*=UTF-8''%E6%95%B0%E6%8D%AE"),
        ("../x", "attachment; filename=\"x\"; filename*=UTF-8''x"),
    ],
)
def test_a_name_travels_in_a_header_without_breaking_it(name, said):
    assert disposition(name) == said
