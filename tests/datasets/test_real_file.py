"""A real export of a sensor network, published, and read by the tools people use."""

import csv
import gzip
import io
import os
from datetime import datetime
from pathlib import Path

import duckdb
import pandas
import pyarrow.parquet
import pytest

from tests.cast import ALVA
from tests.datasets.kept import received
from tests.datasets.test_publishing import published

DATA = os.environ.get("TESTBED_TEST_DATA")
FILE = "lorawan/refuge-gouter.semicolon-decimal-comma.csv.gz"


def same(original: str, read: object) -> bool:
    """Whether a cell of the file says what was read of it."""
    if read is None or read != read or read is pandas.NaT:
        return original == ""
    if isinstance(read, datetime):
        return original == f"{read:%d/%m/%Y %H:%M}"
    if isinstance(read, str):
        return original == read
    return float(original.replace(",", ".")) == float(read)  # type: ignore[arg-type]


@pytest.mark.skipif(not DATA, reason="TESTBED_TEST_DATA is not set")
async def test_a_published_file_agrees_with_the_original_cell_by_cell(
    client, db, store, trial, snow, working, tmp_path
):
    body = gzip.decompress((Path(str(DATA)) / FILE).read_bytes())
    header, *rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))
    async with db.raw() as connection:
        result = await received(connection, store, trial, body, code="R-GGGG22", filename="refuge-gouter.csv")
    slug, answer = await published(client, snow | {"results": [result]})
    below = f"/datasets/{slug}/versions/{answer.json()['number']}"

    (tmp_path / "data.parquet").write_bytes((await client.get(f"{below}/data.parquet")).content)
    (tmp_path / "data.csv").write_bytes((await client.get(f"{below}/data.csv")).content)

    told = (await client.get("/results/R-GGGG22", headers=ALVA)).json()["personal"]["found"]
    assert told == [{"columns": ["DevEUI"], "kind": "device", "count": 8708, "known": 0}]
    columns = {column["name"]: column["type"] for column in answer.json()["columns"]}
    assert (answer.json()["rows"], len(rows)) == (8708, 8708)
    assert len(columns) == len(header)
    texts = {name: str for name, kind in columns.items() if kind == "string"}
    times = [name for name, kind in columns.items() if kind == "datetime"]
    frame = pandas.read_csv(
        tmp_path / "data.csv", dtype=texts, parse_dates=times, keep_default_na=False, na_values=[""]
    )
    readings = {
        "pandas, Parquet": pandas.read_parquet(tmp_path / "data.parquet").astype(object).to_numpy().tolist(),
        "pandas, CSV": frame.astype(object).to_numpy().tolist(),
        "DuckDB": duckdb.read_parquet(str(tmp_path / "data.parquet")).fetchall(),
        "pyarrow": [
            list(row.values()) for row in pyarrow.parquet.read_table(tmp_path / "data.parquet").to_pylist()
        ],
    }
    for tool, table in readings.items():
        assert len(table) == len(rows), tool
        for original, read in zip(rows, table, strict=True):
            assert all(map(same, original, read)), (tool, original, read)
