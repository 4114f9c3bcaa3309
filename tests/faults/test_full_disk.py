"""The disk is full: files are refused in words, reading goes on, nothing is kept by half."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.service import CSV, Service

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + CSV + b"\r\n--b--\r\n"
)
SAID = {
    "en": "There is no room left for files. Nothing was kept; try again later.",
    "sv": "Det finns inte plats för fler filer. Ingenting sparades; försök igen senare.",
}
MOUNT_BYTES = 400 * 2**20


def tried(client: httpx.Client, trial: int, language: str) -> list[httpx.Response]:
    page = {
        "accept": "text/html",
        "accept-language": language,
        "content-type": "multipart/form-data; boundary=b",
    }
    return [
        client.put(f"/trials/{trial}/results/a.csv", content=CSV, headers={"accept-language": language}),
        client.post(f"/trials/{trial}/results", content=FORM, headers=page),
    ]


def test_no_file_is_taken_below_the_floor(service: Service):
    service.start(TESTBED_FREE_BYTES_FLOOR=str(2**60))
    with service.client() as client:
        for language in ("sv", "en"):
            for answer in tried(client, service.trial, language):
                assert answer.status_code == 507
                assert int(answer.headers["retry-after"]) > 0
                assert SAID[language] in answer.text

        assert client.get("/pilots").status_code == 200
        assert client.post("/partners", json={"name": "Meanwhile", "kind": "company"}).status_code == 201
    assert nothing_is_kept(service)


def nothing_is_kept(service: Service) -> bool:
    rows = service.ask("SELECT (SELECT count(*) FROM result) + (SELECT count(*) FROM job)")
    return rows == 0 and not service.parts() and not service.blobs()


@pytest.fixture
def small(ground: Path) -> Iterator[Path]:
    """A folder on a disk of its own, with little room."""
    made = Path(tempfile.mkdtemp(prefix="m-", dir=ground))
    words = ["mount", "-t", "tmpfs", "-o", f"size={MOUNT_BYTES},mode=0711", "tmpfs", str(made)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a disk")
    yield made
    subprocess.run(["umount", "--lazy", str(made)], check=True)


def test_a_disk_that_fills_up_under_an_upload_keeps_nothing_of_it(
    copied: Callable[[Path], Service], small: Path
):
    service = copied(small)
    service.start()
    with service.client() as client:

        def endless() -> Iterator[bytes]:
            for _ in range(MOUNT_BYTES // 2**20 + 10):
                yield bytes(2**20)

        full = client.put(f"/trials/{service.trial}/results/large.bin", content=endless())
        assert full.status_code == 507
        assert SAID["en"] in full.text
        assert client.get("/pilots").status_code == 200
        assert nothing_is_kept(service)

        with service.announced("larger.bin", MOUNT_BYTES * 2) as line:
            assert b" 507 " in line.recv(200)

        small_one = client.put(f"/trials/{service.trial}/results/a.csv", content=CSV)
        assert small_one.status_code == 201
    assert service.stop() == 0
    assert service.doctor()
