import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import obstore
import pytest
from moto.server import ThreadedMotoServer

from testbed.errors import Conflict, Unavailable
from testbed.files import Blob, S3Store, store_of
from testbed.settings import Settings

PLENTY = 2**40


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def bucket() -> Iterator[httpx.Client]:
    """An S3 service with one bucket; talks to it without signatures."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with httpx.Client(base_url=f"http://{host}:{port}/bucket-{uuid4().hex}") as http:
        http.put("").raise_for_status()
        yield http
    server.stop()


@pytest.fixture
def s3(tmp_path, bucket) -> S3Store:
    keys = tmp_path / "keys"
    keys.write_text("made\nup\n")
    address = httpx.URL(str(bucket.base_url).rstrip("/"))
    store = store_of(
        Settings(
            data_dir=tmp_path / "data",
            free_bytes_floor=0,
            store_url=f"s3://{address.path.strip('/')}",
            store_endpoint=str(address.copy_with(path="/")).rstrip("/"),
            store_key_file=keys,
        )
    )
    assert isinstance(store, S3Store)
    return store


async def test_a_bucket_keeps_files_as_a_folder_does(s3, tmp_path):
    data = os.urandom(3_000_000)

    blob = await s3.keep(stream(data[:1_000_000], data[1_000_000:]), most_bytes=PLENTY)
    again = await s3.keep(stream(data), most_bytes=PLENTY)

    assert blob == again == Blob(hashlib.sha256(data).hexdigest(), len(data), zlib.crc32(data))
    assert await s3.size(blob.sha256) == len(data)
    assert await s3.verify(blob.sha256)
    assert b"".join([p async for p in s3.opened(blob.sha256, 10, 2_000_000)]) == data[10:2_000_010]
    assert (await s3.local(blob.sha256, tmp_path)).read_bytes() == data
    assert left_in(tmp_path / "data") == []


async def test_an_empty_file_is_kept_in_a_bucket_too(s3):
    blob = await s3.keep(stream(), most_bytes=PLENTY)

    assert await s3.size(blob.sha256) == 0
    assert [piece async for piece in s3.opened(blob.sha256)] == []


async def test_a_large_file_travels_to_the_bucket_in_parts(s3, monkeypatch):
    monkeypatch.setattr("testbed.files.ONE_PUT_BYTES", 2**20)
    data = os.urandom(20_000_000)

    blob = await s3.keep(stream(data), most_bytes=PLENTY)

    assert await s3.verify(blob.sha256)


async def test_a_file_missing_or_cut_in_the_bucket_is_damaged(s3, tmp_path):
    blob = await s3.keep(stream(b"content"), most_bytes=9)
    await obstore.put_async(s3.bucket, f"blobs/{blob.sha256[:2]}/{blob.sha256}", b"cont")

    with pytest.raises(Conflict):
        [piece async for piece in s3.opened(blob.sha256, 0, 7)]
    with pytest.raises(Conflict):
        await s3.local("0" * 64, tmp_path)
    assert not await s3.verify(blob.sha256)
    assert not await s3.exists("0" * 64)


async def test_a_bucket_that_is_away_keeps_nothing(s3, bucket, tmp_path):
    bucket.delete("").raise_for_status()

    with pytest.raises(Unavailable, match="Nothing was kept"):
        await s3.keep(stream(b"content"), most_bytes=9)

    assert left_in(tmp_path / "data") == []
