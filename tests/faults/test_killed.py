"""The service or its worker is killed with kill -9: nothing acknowledged is lost, everything comes to an end."""

import os
import signal
from pathlib import Path

import httpx

from tests.faults.service import CSV, Service, alive, until

ENDS = {"ready", "partly", "unreadable"}
ROWS = 1_000_000
TIRED = (
    "UPDATE job SET attempts = max_attempts, lease_until = now() - interval '1 s' WHERE id = $1 RETURNING id"
)


def test_a_service_killed_in_mid_upload_loses_nothing_it_acknowledged(service: Service):
    service.start(worker=True)
    assert until(service.children)
    workers = service.children()
    with service.client() as client:
        kept = client.put(f"/trials/{service.trial}/results/kept.csv", content=CSV).json()
    half = service.begun("half.csv", 40_000_000, 20_000_000)

    service.kill()
    half.close()

    assert until(lambda: not any(alive(pid) for pid in workers))
    assert service.ask("SELECT string_agg(filename, ' ') FROM result") == "kept.csv"
    service.start(worker=True)
    postmaster = service.postmaster()
    with service.client() as client:
        assert client.get(f"/results/{kept['code']}/raw").content == CSV
        again = client.put(f"/trials/{service.trial}/results/half.csv", content=bytes(40_000_000))
        assert again.status_code == 201
        assert until(lambda: ended(client, kept["code"]), 60)
    assert service.stop() == 0
    assert not alive(postmaster)
    assert not (service.data / "pg/data/postmaster.pid").exists()
    assert "Everything is as promised." in service.doctor()


def ended(client: httpx.Client, code: str) -> bool:
    return client.get(f"/results/{code}").json()["state"] in ENDS


def long_file() -> bytes:
    """A file that takes a worker some seconds."""
    line = b"2026-01-01 00:%02d;%d,5;sensor-%d\n"
    thousand = b"".join(line % (n % 60, n, n % 7) for n in range(1000))
    return b"time;value;device\n" + thousand * (ROWS // 1000)


def begun(client: httpx.Client, service: Service, name: str, content: bytes) -> dict[str, str]:
    """Upload a file and wait until a worker reads it."""
    sent: dict[str, str] = client.put(f"/trials/{service.trial}/results/{name}", content=content).json()
    assert until(lambda: client.get(f"/results/{sent['code']}").json()["state"] == "reading", 40)
    return sent


def worker_of(service: Service) -> int:
    """The worker, once there is one."""
    assert until(lambda: any(b"worker" in command_line(pid) for pid in service.children()))
    return next(pid for pid in service.children() if b"worker" in command_line(pid))


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def readers(service: Service) -> list[int]:
    """Processes that read a file below the data folder."""
    every = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [
        pid for pid in every if b"testbed.tabular" in command_line(pid) and at_work_below(service.data, pid)
    ]


def at_work_below(folder: Path, pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except FileNotFoundError:
        return False


def test_a_reading_whose_worker_is_killed_comes_to_an_end(service: Service):
    service.start(worker=True)
    content = long_file()
    with service.client() as client:
        sent = begun(client, service, "long.csv", content)
        assert until(lambda: readers(service))

        os.kill(worker_of(service), signal.SIGKILL)
        assert client.get(f"/results/{sent['code']}").json()["state"] == "reading"
        assert until(lambda: ended(client, sent["code"]), 75)
        read = client.get(f"/results/{sent['code']}").json()
        page = client.get(f"/results/{sent['code']}", headers={"accept": "text/html"})
        raw = client.get(f"/results/{sent['code']}/raw")

    assert (read["state"], read["rows"]) == ("ready", ROWS)
    assert page.status_code == 200
    assert raw.content == content
    assert service.stop() == 0
    assert not readers(service)
    assert not list((service.data / "work").iterdir())


def test_a_reading_that_kills_every_worker_is_given_up_and_the_page_says_so(service: Service):
    service.start(worker=True)
    with service.client() as client:
        sent = begun(client, service, "deadly.csv", long_file())
        job = service.ask("SELECT id FROM job WHERE state = 'running'")

        os.kill(worker_of(service), signal.SIGKILL)
        assert service.ask(TIRED, job) == job
        assert until(lambda: ended(client, sent["code"]), 40)
        given_up = client.get(f"/results/{sent['code']}").json()
        page = client.get(
            f"/results/{sent['code']}", headers={"accept": "text/html", "accept-language": "sv"}
        )

    assert given_up["state"] == "unreadable"
    assert [each["rule"] for each in given_up["problems"]] == ["given-up"]
    assert "Läsningen avbröts flera gånger och gavs upp." in page.text
    assert service.stop() == 0
    assert not readers(service)
