"""A client of the protocol that is not ours: tuspy, directly and through a proxy that shows the service below a path."""

import asyncio
import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed
from tusclient.uploader.uploader import Uploader

from tests.cast import BO, DAVID
from tests.live import served

DATA = random.Random(3).randbytes(2_345_678)
CHUNK = 500_000


@pytest.fixture
async def address(app) -> AsyncIterator[str]:
    async with served(app) as (host, port):
        yield f"http://{host}:{port}/uploads"


def uploader(address: str, trial: int, who: dict[str, str] = BO, **more) -> Uploader:
    said = {"trial": str(trial), "filename": "mätning å.csv"}
    return TusClient(address, headers=dict(who)).uploader(
        file_stream=io.BytesIO(DATA), chunk_size=CHUNK, metadata=said, **more
    )


def path_of(sending: Uploader) -> str:
    """Where the service has it."""
    assert sending.url is not None
    return str(sending.url[sending.url.index("/uploads/") :])


async def became(client: httpx.AsyncClient, sending: Uploader) -> bytes:
    """The file at the end of an upload; its filename was kept as it was said."""
    path = path_of(sending)
    code = (await client.get(path, headers=BO)).json()["result"]
    result = (await client.get(f"/results/{code}", headers=BO)).json()
    assert result["filename"] == "mätning å.csv"
    return (await client.get(f"/results/{code}/raw", headers=BO)).content


async def test_a_file_in_pieces(address, client, trial):
    sending = uploader(address, trial)

    await asyncio.to_thread(sending.upload)

    assert await became(client, sending) == DATA


async def test_a_file_in_pieces_with_checksums(address, client, trial):
    sending = uploader(address, trial, upload_checksum=True)

    await asyncio.to_thread(sending.upload)

    assert await became(client, sending) == DATA


async def test_going_on_where_another_run_stopped(address, client, trial):
    first = uploader(address, trial)
    await asyncio.to_thread(first.upload, stop_at=CHUNK * 2)

    second = await asyncio.to_thread(uploader, address, trial, url=first.url)
    found = second.offset
    await asyncio.to_thread(second.upload)

    assert found == CHUNK * 2
    assert await became(client, second) == DATA


async def test_a_refusal_is_understood(address, trial):
    with pytest.raises(TusCommunicationError, match="403"):
        await asyncio.to_thread(uploader(address, trial, DAVID).upload)


async def test_an_upload_taken_back_is_understood(address, client, trial):
    sending = uploader(address, trial)
    await asyncio.to_thread(sending.upload, stop_at=CHUNK)
    await client.delete(path_of(sending), headers=BO | {"tus-resumable": "1.0.0"})

    with pytest.raises(TusUploadFailed) as failed:
        await asyncio.to_thread(sending.upload)

    assert failed.value.status_code == 410


@asynccontextmanager
async def below_a_path(port: int, prefix: str) -> AsyncIterator[int]:
    """A proxy that takes the prefix off every request, says so in a header, and passes bytes as they come."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, rest = head.split(b"\r\n", 1)
        assert f" {prefix}/".encode() in first
        first = first.replace(f" {prefix}/".encode(), b" /")
        told = f"X-Forwarded-Prefix: {prefix}\r\nConnection: close\r\n".encode()
        kept = b"\r\n".join(
            line for line in rest.split(b"\r\n") if not line.lower().startswith(b"connection:")
        )
        upstream = await asyncio.open_connection("127.0.0.1", port)
        upstream[1].write(first + b"\r\n" + told + kept)
        await asyncio.gather(copy(reader, upstream[1]), copy(upstream[0], writer))

    proxy = await asyncio.start_server(passed, "127.0.0.1", 0)
    async with proxy:
        yield proxy.sockets[0].getsockname()[1]


async def test_below_a_path_of_a_proxy(app, client, trial):
    async with served(app) as (_, port), below_a_path(port, "/testbed") as outside:
        sending = uploader(f"http://127.0.0.1:{outside}/testbed/uploads", trial)

        await asyncio.to_thread(sending.upload)

    assert f":{outside}/testbed/uploads/" in str(sending.url)
    assert await became(client, sending) == DATA
