"""A gibibyte up by PUT, a Parquet file down, against what the machine itself does with the same bytes."""

import asyncio
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import asyncpg

from testbed.embedded import running
from tests.benchmarks.service import Running, cli, data_folder, started
from tests.benchmarks.table import Measured, median

GIB = 2**30
ROUNDS = 3
WORLD = """
    WITH city AS (INSERT INTO partner (slug, name, kind, visibility) VALUES ('lulea', 'Luleå kommun', 'city', 'public') RETURNING id),
    place AS (INSERT INTO testbed (slug, name, environment, owner_partner_id, visibility)
              SELECT 'centrum', '{"sv": "Luleå centrum"}', 'real', id, 'public' FROM city RETURNING id),
    head AS (INSERT INTO testbed_coordinator (person_id, testbed_id) SELECT person.id, place.id FROM person, place),
    pilot AS (INSERT INTO pilot (testbed_id, code, title, lead_partner_id, stage, state, visibility)
              SELECT place.id, 'LUL-2026-001', '{"sv": "Pilot"}', city.id, 'running', 'active', 'public' FROM place, city RETURNING id),
    lead AS (INSERT INTO pilot_partner (pilot_id, partner_id, roles) SELECT pilot.id, city.id, '{lead}' FROM pilot, city)
    INSERT INTO trial (pilot_id, title, visibility) SELECT id, '{"sv": "Försök"}', 'public' FROM pilot RETURNING id
"""


def _world(data: Path) -> tuple[str, int]:
    """A token of a coordinator, and a trial to upload to."""

    async def fill() -> int:
        with running(data) as cluster:
            connection = await asyncpg.connect(**cluster.app.kwargs())
            trial: int = await connection.fetchval(WORLD)
            await connection.close()
            return trial

    cli(data, "person", "add", "bench@demo.example", "--name", "Bench")
    trial = asyncio.run(fill())
    token = cli(data, "token", "create", "--person", "bench@demo.example").splitlines()[-1]
    return token, trial


def _curl(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", *words], check=True
    )
    return time.perf_counter() - began


def _machine(file: Path, beside: Path) -> float:
    """``sha256sum`` + ``cp`` + ``sync`` of the same file."""
    began = time.perf_counter()
    subprocess.run(["sha256sum", str(file)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cp", str(file), str(beside)], check=True)
    subprocess.run(["sync", str(beside)], check=True)
    took = time.perf_counter() - began
    beside.unlink()
    return took


def measure() -> list[Measured]:
    """Upload and download in interleaved rounds; every upload is of fresh bytes."""
    with data_folder() as data, data_folder() as files:
        serve = ["-m", "testbed", "serve", "--port", "0", "--no-worker"]
        with started(serve, data) as ours:
            token, trial = _world(data)
            up = [_upload(ours, token, trial, files, i) for i in range(ROUNDS)]
            peak = ours.peak_rss_bytes()
        with started(serve, data) as ours:
            url = _raw_of_last(ours, token, trial)
            blob = max((data / "blobs").rglob("*"), key=lambda path: path.stat().st_size)
            shutil.copy(blob, files / "plain.parquet")
            with started(["-m", "tests.benchmarks.bare", str(data), str(files)], data) as bare:
                plain = f"http://127.0.0.1:{bare.port}/files/plain.parquet"
                key = ["-H", f"Authorization: Bearer {token}"]
                down = [(_curl(plain), _curl(*key, url)) for _ in range(ROUNDS + 2)]
    return [_row_up(up, peak), _row_down(down)]


def _row_up(pairs: list[tuple[float, float]], peak: int) -> Measured:
    machine, ours = median([m for m, _ in pairs]), median([o for _, o in pairs])
    ratio = median([m / o for m, o in pairs])
    note = f"peak memory {peak / 2**20:.0f} MiB (limit 200): {'yes' if peak <= 200 * 2**20 else 'NO'}"
    return Measured("1 GiB up by PUT", f"{ours:.2f} s", f"{machine:.2f} s", ratio, 0.5, note=note)


def _row_down(pairs: list[tuple[float, float]]) -> Measured:
    plain, ours = median([p for p, _ in pairs]), median([o for _, o in pairs])
    ratio = median([p / o for p, o in pairs])
    return Measured("1 GiB down, against a plain static file", f"{ours:.2f} s", f"{plain:.2f} s", ratio, 0.5)


def _upload(ours: Running, token: str, trial: int, files: Path, round_: int) -> tuple[float, float]:
    file = files / f"fresh-{round_}.bin"
    piece = os.urandom(2**20)
    with file.open("wb") as out:
        for n in range(GIB // len(piece)):
            out.write(n.to_bytes(8, "big") + piece[8:])
    url = f"http://127.0.0.1:{ours.port}/trials/{trial}/results/{file.name}"
    machine = _machine(file, files / "beside")
    took = _curl("--upload-file", str(file), "-H", f"Authorization: Bearer {token}", url)
    file.unlink()
    return machine, took


def _raw_of_last(ours: Running, token: str, trial: int) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{ours.port}/results", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            newest = json.load(answer)["items"][0]["code"]
    except HTTPError as error:
        raise RuntimeError(error.read().decode()) from error
    return f"http://127.0.0.1:{ours.port}/results/{newest}/raw"
