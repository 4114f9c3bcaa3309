"""Real files from the field: nothing is lost and nothing is changed."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from testbed.tabular.run import combine, read
from tests.tabular.conftest import rows_of, types_of

REFUGE = "refuge-gouter.semicolon-decimal-comma.csv.gz"
DOOR = "saint-eynard-door.chirpstack-v3.ndjson.gz"


def _as_typed(record: dict[str, str]) -> list[object]:
    """An independent reading of one row of the refuge's file."""
    return [
        datetime.strptime(record["Date Time"], "%d/%m/%Y %H:%M"),
        *(record[name] for name in ("Gateway", "Direction", "Type", "DevAddr", "DevEUI")),
        *(int(record[name]) for name in ("Timestamp", "Port", "Sequence", "SF", "RSSI")),
        float(record["SNR"].replace(",", ".")),
    ]


async def test_every_cell_of_a_file_with_decimal_commas_is_what_python_reads(
    unpacked: Callable[[str], Path], work: Path
) -> None:
    source = unpacked(REFUGE)

    report = await read(source, work)

    with source.open(encoding="utf-8", newline="") as file:
        wanted = [_as_typed(record) for record in csv.DictReader(file, delimiter=";")]
    types = types_of(report)
    assert (report.state, report.rows, len(wanted)) == ("ready", 8708, 8708)
    assert (types["Date Time"], types["SNR"], types["DevEUI"]) == ("datetime", "number", "string")
    assert report.assumed["date_format"] == {"Date Time": "dd/mm/yyyy hh:mm"}
    assert report.assumed["decimal"] == {"SNR": ","}
    assert [list(row) for row in rows_of(report.table)] == wanted


async def test_the_csv_of_a_table_reads_back_to_the_same_cells(
    unpacked: Callable[[str], Path], work: Path
) -> None:
    report = await read(unpacked(REFUGE), work)
    assert report.table is not None
    once = report.table.rename(work / "once.parquet")

    made = await combine([once], work)

    assert made.csv is not None
    text = made.csv.path.read_bytes()
    with made.csv.path.open(encoding="utf-8", newline="") as file:
        back = list(csv.reader(file))
    assert text.count(b"\r\n") == text.count(b"\n") == 8709
    assert back[1][0] == "2024-01-23T18:13:00"
    stored = rows_of(made.parquet.path if made.parquet else None)
    assert [float(row[-1]) for row in back[1:]] == [row[-1] for row in stored]
    assert [row[5] for row in back[1:]] == [row[5] for row in stored]


async def test_messages_keep_their_nested_fields_and_every_key_becomes_a_column(
    unpacked: Callable[[str], Path], work: Path
) -> None:
    source = unpacked(DOOR)

    report = await read(source, work)

    sent = [json.loads(line) for line in source.read_text().splitlines()]
    types = types_of(report)
    assert (report.state, report.kind, report.rows) == ("ready", "jsonl", 9786)
    assert set(types) == {key for message in sent for key in message}
    assert (types["rxInfo"], types["object"], types["fCnt"], types["adr"]) == (
        "list",
        "object",
        "integer",
        "boolean",
    )
    with duckdb.connect() as connection:
        kept = connection.execute(
            f"SELECT rxInfo, object, fCnt, devEUI, _timestamp FROM read_parquet('{report.table}')"
        ).fetchall()
    for (received, decoded, counter, device, stamp), message in zip(kept, sent, strict=True):
        assert (json.loads(received) if received else None) == message.get("rxInfo")
        assert (json.loads(decoded) if decoded else None) == message.get("object")
        assert (counter, device, stamp) == (message.get("fCnt"), message["devEUI"], message["_timestamp"])


async def test_a_packed_file_is_read_like_the_file_in_it(field_data: Path, work: Path) -> None:
    report = await read(field_data / "lorawan" / REFUGE, work)

    assert (report.state, report.rows, report.assumed["packed"]) == ("ready", 8708, "gzip")
