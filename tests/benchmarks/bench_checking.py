"""A million rows held to a schema, against DuckDB's bare casts of the same file, and against the reference validator.

Types, ranges, patterns and a key of two columns; about one row in a thousand breaks something, and all of it is listed.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from testbed.tabular.run import Report, read
from tests.benchmarks.table import Measured, median

ROWS = 1_000_000
ROUNDS = 5
VALIDATED = 2
"""So many rounds are enough of the validator, which takes ten times as long."""
MOST_TIMES = 2.5
LEAST_TIMES = 5.0
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "time", "type": "datetime", "constraints": {"required": True}},
        {"name": "unit", "type": "string", "constraints": {"required": True, "pattern": "S[0-9]{2}"}},
        {"name": "device", "type": "string", "constraints": {"pattern": "[0-9a-f]{16}"}},
        {"name": "temperature", "type": "number", "constraints": {"minimum": -40, "maximum": 60}},
        {"name": "depth_cm", "type": "number", "constraints": {"minimum": 0, "maximum": 400}},
        {"name": "battery_mv", "type": "integer", "constraints": {"minimum": 2000, "maximum": 4500}},
    ],
    "primaryKey": ["time", "unit"],
}
TYPES = ("TIMESTAMPTZ", "VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE", "BIGINT")
MADE = """
    COPY (SELECT strftime(TIMESTAMP '2025-01-01' + to_seconds((i // 100 * 600)::BIGINT), '%Y-%m-%dT%H:%M:%SZ') AS time,
                 'S' || lpad(((i - CASE WHEN i % 50000 = 49999 THEN 1 ELSE 0 END) % 100)::VARCHAR, 2, '0')
                 || CASE WHEN i % 9973 = 1 THEN 'x' ELSE '' END AS unit,
                 format('d1d1e8{{:010x}}', i % 100) AS device,
                 CASE WHEN i % 7919 = 3 THEN '0164A' ELSE round(hash(i) % 40000 / 1000 - 10, 3)::VARCHAR END AS temperature,
                 CASE WHEN i % 5003 = 3 THEN 500 ELSE (hash(i + 7) % 4000) / 10 END AS depth_cm,
                 CASE WHEN i % 3001 = 5 THEN 1200 ELSE hash(i + 3) % 1000 + 3000 END AS battery_mv
          FROM range({rows}) t(i)) TO '{target}' (HEADER)
"""
# Without the CASE DuckDB would move the cast into its CSV reader, which then stops at the first wrong value.
BARE = """
import duckdb, json, sys
source, target, columns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
connection = duckdb.connect()
connection.execute("SET threads=2; SET enable_progress_bar=false; SET TimeZone='UTC'")
texts = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
casts = ", ".join(f"CASE WHEN {name} IS NOT NULL THEN TRY_CAST({name} AS {sql}) END AS {name}" for name, sql in columns.items())
connection.execute(f"COPY (SELECT {casts} FROM read_csv('{source}', auto_detect=false, header=true, columns={{{texts}}})) "
                   f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)")
print(connection.execute(f"SELECT count(*) - count(DISTINCT (time, unit)) FROM '{target}'").fetchone()[0])
"""
REFERENCE = """
import sys
from frictionless import Checklist, Detector, Resource, Schema
resource = Resource(sys.argv[1], schema=Schema.from_descriptor(sys.argv[2]))
report = resource.validate(limit_errors=10**9)
print(len(report.tasks[0].errors))
"""


def measure() -> list[Measured]:
    """Interleaved: bare, ours, validator, bare …; each in a process of its own, ours forked from the nursery as by a worker."""
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source, schema = folder / "measured.csv", folder / "schema.json"
        with duckdb.connect() as connection:
            connection.execute(MADE.format(rows=ROWS, target=source))
        schema.write_text(json.dumps(SCHEMA))
        columns = json.dumps(dict(zip([each["name"] for each in SCHEMA["fields"]], TYPES, strict=True)))
        bare, ours, theirs, listed = [], [], [], 0
        with asyncio.Runner() as worker:
            for round_ in range(ROUNDS):
                bare.append(_run(BARE, source, folder / "bare.parquet", columns)[0])
                taken, report = _ours(worker, source, folder)
                ours.append(taken)
                if round_ < VALIDATED:
                    # it trusts no path but one below the folder it runs in
                    seconds, said = _run(REFERENCE, source.name, schema.name, beside=folder)
                    theirs.append(seconds)
                    listed = int(said)
    found = sum(each["n"] for each in report.counts if each["severity"] == "error")
    if listed < found / 2:
        raise RuntimeError(
            f"the reference validator found {listed} errors, not {found}: it has not read the file"
        )
    told = f"CSV of {ROWS / 1e6:g} M rows × 6 held to a schema, {found} errors listed"
    return [
        Measured(
            told, f"{median(ours):.2f} s", f"{median(bare):.2f} s (bare casts, count of duplicates)",
            median([o / b for o, b in zip(ours, bare, strict=True)]), MOST_TIMES, at_most=True,
        ),
        Measured(
            "the same, against the reference validator", f"{median(ours):.2f} s", f"{median(theirs):.1f} s (frictionless)",
            median([t / o for o, t in zip(ours, theirs, strict=False)]), LEAST_TIMES, note=f"{listed} errors there",
        ),
    ]  # fmt: skip


def _run(program: str, *words: object, beside: Path | None = None) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        check=True, capture_output=True, text=True, cwd=beside,
    )  # fmt: skip
    return time.perf_counter() - started, done.stdout


def _ours(worker: asyncio.Runner, source: Path, folder: Path) -> tuple[float, Report]:
    started = time.perf_counter()
    report = worker.run(read(source, folder, schema=SCHEMA))
    taken = time.perf_counter() - started
    if report.state != "partly" or report.rows + report.rejected != ROWS or report.findings is None:
        raise RuntimeError(f"{report.state}, {report.rows} rows: {report.problems}")
    return taken, report
