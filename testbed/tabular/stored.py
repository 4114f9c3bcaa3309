"""Parquet that was sent in: its own types are taken over, nothing is guessed."""

from pathlib import Path

import duckdb

from testbed.tabular.engine import copy_parquet, ident, parquet
from testbed.tabular.kinds import Kind
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.rows import named
from testbed.tabular.typed import Column

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
STAMPS = {
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP_NS",
}


def _kind(sql: str) -> Kind:
    """Our type for one of DuckDB's; ``{x}`` is the column."""
    fixed = {
        "BOOLEAN": ("boolean", "BOOLEAN"),
        "DATE": ("date", "DATE"),
        "TIME": ("time", "TIME"),
        "TIMESTAMP WITH TIME ZONE": ("datetime", "TIMESTAMPTZ"),
        **dict.fromkeys(INTEGERS, ("integer", "BIGINT")),
        **{name: ("datetime", kept) for name, kept in STAMPS.items()},
    }
    if sql in fixed:
        type_, kept = fixed[sql]
        return Kind("parquet", type_, "", f"{{x}}::{kept}", kept, {"zone": "none"} if sql in STAMPS else {})
    if sql in {"FLOAT", "DOUBLE"}:
        return Kind("parquet-double", "number", "", "CASE WHEN isfinite({x}) THEN {x}::DOUBLE END", "DOUBLE")
    if sql.startswith("DECIMAL"):
        return Kind("parquet", "number", "", "{x}", sql)
    if sql.endswith("]"):
        return Kind("parquet", "list", "", "to_json({x})::VARCHAR", "VARCHAR")
    if sql.startswith(("STRUCT", "MAP", "JSON")):
        return Kind("parquet", "object", "", "to_json({x})::VARCHAR", "VARCHAR")
    if sql == "BLOB":
        return Kind("parquet", "string", "", "hex({x})", "VARCHAR", {"binary": "hex"})
    return Kind("parquet", "string", "", "{x}::VARCHAR", "VARCHAR")


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, problems: Problems, limits: Limits
) -> list[Column]:
    """Write the canonical copy. Raises: Unreadable (too-many-columns, too-many-rows, parser-failed)."""
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {parquet(source)}").fetchall()
        counted = connection.execute(f"SELECT count(*) FROM {parquet(source)}").fetchone()
    except duckdb.Error as wrong:
        raise Unreadable(
            "parser-failed", value=str(wrong).splitlines()[0].replace(str(source.parent), "…")
        ) from None
    if len(described) > limits.columns:
        raise Unreadable("too-many-columns", value=str(len(described)))
    if counted and counted[0] > limits.rows:
        raise Unreadable("too-many-rows", value=str(counted[0]))
    given = named([row[0] for row in described])
    for name in given.duplicates:
        problems.add("header-duplicate", column=name, value=name)
    columns = [Column(name, row[0], _kind(row[1])) for name, row in zip(given.names, described, strict=True)]
    selected = [
        f"{each.kind.cast.replace('{x}', ident(each.title))} AS {ident(each.name)}" for each in columns
    ]
    copy_parquet(connection, f"SELECT {', '.join(selected)} FROM {parquet(source)}", target)
    _infinite(connection, source, columns, problems)
    return columns


def _infinite(
    connection: duckdb.DuckDBPyConnection, source: Path, columns: list[Column], problems: Problems
) -> None:
    """NaN is how numpy says missing; infinity is an error."""
    doubles = [each for each in columns if each.kind.key == "parquet-double"]
    if not doubles:
        return
    asked = ", ".join(f"count(*) FILTER (isinf({ident(each.title)}))" for each in doubles)
    counts = connection.execute(f"SELECT {asked} FROM {parquet(source)}").fetchone() or ()
    for each, count in zip(doubles, counts, strict=True):
        if count:
            problems.add("not-finite", column=each.name, count=count)
