"""Parquet that was sent in: its own types are taken over, nothing is guessed."""

from pathlib import Path

from testbed.tabular.engine import copy_parquet, duckdb, ident, literal, parquet
from testbed.tabular.kinds import Kind
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.rows import named
from testbed.tabular.typed import Column

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
WRITERS = {"ARROW:schema", "pandas"}
"""What writers of Parquet note of a file's own types."""
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


def _described(connection: duckdb.DuckDBPyConnection, source: Path, limits: Limits) -> list[tuple[str, str]]:
    """Name and SQL type of every column. Raises: Unreadable."""
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
    return [(row[0], row[1]) for row in described]


def holds_more(connection: duckdb.DuckDBPyConnection, source: Path, limits: Limits) -> bool:
    """Whether bytes are in it that nobody reads as text, or remarks that are in no column. Raises: Unreadable."""
    if any("BLOB" in sql for _, sql in _described(connection, source, limits)):
        return True
    try:
        keys = connection.execute(
            f"SELECT DISTINCT decode(key) FROM parquet_kv_metadata({literal(str(source))})"
        ).fetchall()
    except duckdb.Error:
        return True
    return not {key for (key,) in keys} <= WRITERS


def as_text(
    connection: duckdb.DuckDBPyConnection, source: Path, limits: Limits
) -> tuple[list[str], list[str], int]:
    """Names, SQL of every column as text that reads back to the same value, and the number of rows.

    Raises: Unreadable.
    """
    described = _described(connection, source, limits)
    spelt = [f"{_text(ident(name), sql)} AS c{i}" for i, (name, sql) in enumerate(described)]
    counted = connection.execute(f"SELECT count(*) FROM {parquet(source)}").fetchone()
    return [name for name, _ in described], spelt, int(counted[0]) if counted else 0


def _text(x: str, sql: str) -> str:
    """Whole numbers without a point, for what counts is often kept as DOUBLE; NaN is how numpy says missing."""
    if sql in {"FLOAT", "DOUBLE"}:
        d = f"{x}::DOUBLE"
        whole = f"{d} = trunc({d}) AND abs({d}) < 1e15"
        return f"CASE WHEN isnan({d}) THEN NULL WHEN {whole} THEN {d}::BIGINT::VARCHAR ELSE {d}::VARCHAR END"
    if sql == "TIMESTAMP WITH TIME ZONE":
        return f"replace(strftime(timezone('UTC', {x}), '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '') || 'Z'"
    if sql == "TIMESTAMP_NS":
        return f"replace(regexp_replace(strftime({x}, '%Y-%m-%dT%H:%M:%S.%n'), '000$', ''), '.000000', '')"
    if sql in STAMPS:
        return f"replace(strftime({x}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')"
    if sql.endswith("]") or sql.startswith(("STRUCT", "MAP", "JSON")):
        return f"to_json({x})::VARCHAR"
    return f"hex({x})" if sql == "BLOB" else f"{x}::VARCHAR"


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, problems: Problems, limits: Limits
) -> list[Column]:
    """Write the canonical copy. Raises: Unreadable (too-many-columns, too-many-rows, parser-failed)."""
    described = _described(connection, source, limits)
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
