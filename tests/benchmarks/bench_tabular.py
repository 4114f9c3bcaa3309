"""Five million rows of CSV to checked Parquet with statistics, against DuckDB's bare copy of the same file."""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from testbed.tabular.run import read
from tests.benchmarks.table import Measured, median

ROWS = 5_000_000
ROUNDS = 3
GIB = 2**30
MOST_TIMES = 4.0
BARE = """
import duckdb, sys
connection = duckdb.connect()
connection.execute("SET threads=2; SET enable_progress_bar=false")
connection.execute(f"COPY (SELECT * FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet)")
"""


def write_csv(target: Path, rows: int) -> None:
    """Integer, time, two numbers, a short word and an EUI-64: about 70 bytes a row."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar=false")
        connection.execute(
            f"""
            COPY (SELECT i AS id, strftime(TIMESTAMP '2025-01-01' + to_seconds(i::BIGINT), '%Y-%m-%dT%H:%M:%SZ') AS time,
                         round(hash(i) % 40000 / 1000 - 10, 3) AS temperature, (hash(i + 7) % 1000000000) / 10000 AS lux,
                         ['steady', 'low', 'high', 'unknown'][1 + i % 4] AS state, format('d1d1e8{{:010x}}', i % 5000) AS device
                  FROM range({rows}) t(i)) TO '{target}' (HEADER)
            """
        )


def measure() -> list[Measured]:
    """Interleaved: bare, ours, bare, ours …; both start a process of their own."""
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source = folder / "measured.csv"
        write_csv(source, ROWS)
        size = source.stat().st_size
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(_bare(source, folder))
            ours.append(_ours(source, folder))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    told = f"CSV of {ROWS / 1e6:g} M rows × 6 ({size / 1e6:.0f} MB)"
    return [
        Measured(
            f"{told} to checked Parquet with statistics", f"{median(ours):.2f} s", f"{median(bare):.2f} s (bare COPY)",
            median(ours) / median(bare), MOST_TIMES, at_most=True,
        ),
        Measured(
            "peak memory of that reading (or of the bare copy)", f"{peak / 2**20:.0f} MiB", "1024 MiB", peak / GIB, 1.0,
            at_most=True,
        ),
    ]  # fmt: skip


def _bare(source: Path, folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE, str(source), str(folder / "bare.parquet")], check=True)
    return time.perf_counter() - started


def _ours(source: Path, folder: Path) -> float:
    started = time.perf_counter()
    report = asyncio.run(read(source, folder))
    taken = time.perf_counter() - started
    if (report.state, report.rows) != ("ready", ROWS):
        raise RuntimeError(f"read {report.rows} rows: {report.problems}")
    return taken
