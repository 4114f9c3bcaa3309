"""A Table Schema proposed from a whole table: what a first result can teach about those to come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.tabular.engine import duckdb, ident, parquet
from testbed.tabular.typed import Column

FORMATS = {
    "dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y", "dd.mm.yyyy": "%d.%m.%Y", "dd-mm-yyyy": "%d-%m-%Y",
    "yyyy/mm/dd": "%Y/%m/%d",
}  # fmt: skip
PAIRED = 1_000_000
"""Up to so many rows a time and a text are tried together as a key."""
PAIRS = 4
KEYS = {"integer", "string", "datetime"}


def proposal(
    connection: duckdb.DuckDBPyConnection,
    table: Path,
    columns: Sequence[Column],
    stats: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Types as every value has them; required where nothing is missing; a key if one or two columns are one.

    Limits of values are not proposed: that no value was higher does not make higher ones wrong.
    """
    rows = stats[0]["n"] + stats[0]["missing"] if stats else 0
    if not rows:
        return {}
    markers = sorted({marker for each in columns for marker in each.markers})
    found: dict[str, Any] = {
        "fields": [_field(each, stat) for each, stat in zip(columns, stats, strict=True)],
        "missingValues": ["", *markers],
    }
    if key := _key(connection, table, columns, stats, rows):
        found["primaryKey"] = key
    return found


def _field(column: Column, stat: dict[str, Any]) -> dict[str, Any]:
    kind = column.kind
    found: dict[str, Any] = {"name": column.name, "type": {"list": "array"}.get(kind.type, kind.type)}
    said = kind.assumed.get("date_format", "").removesuffix(" hh:mm")
    if kind.type == "date" and said:
        found["format"] = FORMATS[said]
    if kind.assumed.get("decimal"):
        found["decimalChar"] = kind.assumed["decimal"]
    if "zone" in kind.assumed and kind.sql == "TIMESTAMPTZ":
        found["testbed:zone"] = kind.assumed["zone"]
    if stat["n"] and not stat["missing"]:
        found["constraints"] = {"required": True}
    if column.title != column.name:
        found["testbed:aliases"] = [column.title]
    return found


def _key(
    connection: duckdb.DuckDBPyConnection,
    table: Path,
    columns: Sequence[Column],
    stats: Sequence[dict[str, Any]],
    rows: int,
) -> list[str]:
    """The first column without two equal values, or the first time with the first text that are one together."""
    full = [(each, stat) for each, stat in zip(columns, stats, strict=True)
            if each.kind.type in KEYS and not stat["missing"]]  # fmt: skip
    for each, stat in full:
        likely = stat["distinct"] == rows if stat["distinct_exact"] else stat["distinct"] >= 0.9 * rows
        if likely and _distinct(connection, table, [each.name]) == rows:
            return [each.name]
    times = [each.name for each, _ in full if each.kind.type == "datetime"][:1]
    texts = [each.name for each, stat in full if each.kind.type == "string" and stat["distinct"] < rows / 2][
        :PAIRS
    ]
    if rows <= PAIRED:
        for pair in ([time, text] for time in times for text in texts):
            if _distinct(connection, table, pair) == rows:
                return pair
    return []


def _distinct(connection: duckdb.DuckDBPyConnection, table: Path, names: Sequence[str]) -> int:
    told = ", ".join(map(ident, names))
    found = connection.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT {told} FROM {parquet(table)})"
    ).fetchone()
    return int(found[0]) if found else 0
