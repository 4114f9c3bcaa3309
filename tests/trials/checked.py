"""Results that were checked against a schema, made without a reading: rows, findings and refused rows as told."""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from testbed.db import Database
from testbed.files import Store
from testbed.tabular.hints import RULES

BODY = {
    "fields": [
        {
            "name": "time",
            "type": "datetime",
            "testbed:zone": "Europe/Stockholm",
            "constraints": {"required": True},
        },
        {"name": "depth_cm", "type": "number", "constraints": {"maximum": 400}},
    ],
    "primaryKey": ["time"],
}
ROW = """
    INSERT INTO result (code, trial_id, owner_id, filename, sha256, size, access, state, rows, report, parquet_sha256,
        rejected_sha256, findings_sha256, schema_id)
    SELECT $1, $2, partner.id, $3, $4, $12, $5, $6, $7, $8, $4, $9, $10, (SELECT max(id) FROM table_schema WHERE trial_id = $2)
    FROM partner WHERE slug = $11 RETURNING id
"""
SHAPE = (
    'line BIGINT, row BIGINT, "column" VARCHAR, column_no INTEGER, value VARCHAR, rule VARCHAR, severity VARCHAR, '
    "expected VARCHAR, first_line BIGINT"
)

Found = tuple[int | None, str, int | None, str | None, str]
"""Line, column, its number, value, rule."""


async def schema_of(db: Database, trial: int, body: dict[str, Any] = BODY) -> int:
    """Give a trial a table schema; return its id."""
    async with db.raw() as connection:
        number: int = await connection.fetchval(
            "INSERT INTO table_schema (trial_id, number, body, sha256) SELECT $1, count(*) + 1, $2, $3 FROM table_schema"
            " WHERE trial_id = $1 RETURNING id",
            trial, json.dumps(body), "0" * 64,
        )  # fmt: skip
        return number


async def keep(store: Store, body: bytes) -> str:
    async def once() -> AsyncIterator[bytes]:
        yield body

    return (await store.keep(once(), most_bytes=2**30)).sha256


def findings_file(path: Path, found: Sequence[Found]) -> Path:
    """Findings as a reading writes them."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE found ({SHAPE})")
        rows = [
            (line, line and line - 1, column, no, value, rule, RULES[rule][0], None, None)
            for line, column, no, value, rule in found
        ]
        if rows:  # column by column: row by row takes a millisecond each
            each = ", ".join(["unnest(?)"] * len(rows[0]))
            connection.execute(
                f"INSERT INTO found SELECT {each}", [list(column) for column in zip(*rows, strict=True)]
            )
        connection.execute(f"COPY found TO '{path}' (FORMAT parquet)")
    return path


def refused_file(titles: Sequence[str], rows: Mapping[int, Sequence[str]]) -> bytes:
    """``rejected.csv`` as a reading writes it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(
        [["__line", "__rules", *titles], *([line, "type", *values] for line, values in rows.items())]
    )
    return text.getvalue().encode("utf-8-sig")


async def checked(
    db: Database, store: Store, trial: int, *, code: str = "R-AAAA22", rows: int = 998, found: Sequence[Found] = (),
    refused: Mapping[int, Sequence[str]] | None = None, owner: str = "lunet", access: str = "private", **report: Any,
) -> str:  # fmt: skip
    """A checked result of Lunet's with so many good rows; return its address."""
    refused = refused or {}
    path = findings_file(Path(store.staging.parent) / f"{code}.parquet", found)
    findings = await store.keep_file(path)
    kept = await keep(store, refused_file(["time", "depth_cm"], refused)) if refused else None
    body = f"time;depth_cm\n{code};1\n".encode()
    raw = await keep(store, body)
    counted: dict[tuple[str, str], int] = {}
    for _, column, _, _, rule in found:
        counted[rule, column] = counted.get((rule, column), 0) + 1
    whole = {
        "kind": "csv", "rejected": len(refused), "columns": [], "problems": [], "assumed": {},
        "preview": {"columns": [], "rows": []},
        "counts": [{"rule": rule, "column": column, "severity": RULES[rule][0], "n": n} for (rule, column), n in counted.items()],
    }  # fmt: skip
    async with db.raw() as connection:
        await connection.fetchval(
            ROW, code, trial, "snö.csv", raw, access, "partly" if refused else "ready", rows,
            json.dumps(whole | report), kept, findings.sha256, owner, len(body),
        )  # fmt: skip
    return f"/results/{code}"
