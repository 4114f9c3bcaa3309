"""Several canonical tables of the same columns become one, as Parquet and as CSV (RFC 4180)."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from testbed.tabular import personal, profile
from testbed.tabular.engine import copy_parquet, duckdb, ident, literal, parquet
from testbed.tabular.problems import Problems, Unreadable

TYPES = {
    "BIGINT": "integer", "DOUBLE": "number", "BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "TIMESTAMP": "datetime",
    "TIMESTAMP_NS": "datetime", "TIMESTAMP WITH TIME ZONE": "datetime", "VARCHAR": "string",
}  # fmt: skip

REPEATED = 5
"""So many keys that occur twice are told."""


def combine(
    connection: duckdb.DuckDBPyConnection,
    job: Path,
    sources: Sequence[dict[str, Any]],
    without: Collection[str],
    step: Callable[[str, int, int], None],
    keys: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Union by name, rows in the order given, no column ``without``, if what must occur once does.

    Raises: Unreadable (columns-clash).
    """
    step("joining", 0, 3)
    paths = [job / each["name"] for each in sources]
    there = columns_of(connection, paths)
    if clash := _clash(connection, paths, there, keys):
        return clash
    columns = [each for each in there if each[0] not in without]
    table, text = job / "table.parquet", job / "table.csv"
    parts = [f"(SELECT * FROM {parquet(path)})" for path in paths]
    names = ", ".join(ident(name) for name, _, _ in columns)
    copy_parquet(connection, f"SELECT {names} FROM ({' UNION ALL BY NAME '.join(parts)})", table)
    step("writing", 1, 3)
    _write_csv(connection, table, text, columns)
    step("profiling", 2, 3)
    shapes = _given_types(columns, sources)
    stats = profile.statistics(connection, table, shapes)
    found = connection.execute(f"SELECT count(*) FROM {parquet(table)}").fetchone()
    step("done", 3, 3)
    return {
        "state": "ready", "rows": found[0] if found else 0, "problems": [],
        "columns": [
            {"name": name, "title": name, "type": type_, "statistics": stat, **_zone(type_, sql)}
            for (name, type_, sql), stat in zip(shapes, stats, strict=True)
        ],
        "preview": profile.preview(connection, table, shapes),
        "files": {"parquet": _file(table), "csv": _file(text)},
    }  # fmt: skip


def _clash(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    columns: Sequence[tuple[str, str, str]],
    keys: Sequence[dict[str, Any]],
) -> dict[str, Any] | None:
    """The answer of a joining that is not done, since a key occurs in several sources."""
    for key in keys:
        count, twice = repeated(connection, paths, columns, key)
        if count:
            problems = Problems()
            problems.add("key-across", column=", ".join(key["columns"]), count=count)
            return {"state": "unreadable", "problems": problems.listed(), "twice": twice}
    return None


def repeated(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    columns: Sequence[tuple[str, str, str]],
    key: dict[str, Any],
) -> tuple[int, list[dict[str, Any]]]:
    """How many values of a key occur more than once in the sources that have it, and the first of them.

    ``key``: names of ``columns``, and places of ``sources``. Each found: the ``key`` as texts, and its ``sources``.
    """
    shapes = {name: (type_, sql) for name, type_, sql in columns}
    if not shapes.keys() >= set(key["columns"]):
        return 0, []
    own = [f"k{i}" for i in range(len(key["columns"]))]  # a column of the file may be called as ours is
    named = ", ".join(f"{ident(name)} AS {k}" for name, k in zip(key["columns"], own, strict=True))
    parts = [f"SELECT {place} AS place, {named} FROM {parquet(paths[place])}" for place in key["sources"]]
    shown = [
        f"({profile.shown(k, *shapes[name])})::VARCHAR" for name, k in zip(key["columns"], own, strict=True)
    ]
    present = " AND ".join(f"{k} IS NOT NULL" for k in own)
    names = ", ".join(own)
    every = " UNION ALL ".join(parts)
    rows = connection.execute(
        f"SELECT count(*) OVER (), [{', '.join(shown)}], found "
        f"FROM (SELECT {names}, list_sort(list(DISTINCT place)) AS found FROM ({every}) "
        f"WHERE {present} GROUP BY {names} HAVING count(*) > 1) ORDER BY {names} LIMIT {REPEATED}"
    ).fetchall()
    return (rows[0][0] if rows else 0), [{"key": texts, "sources": found} for _, texts, found in rows]


def look(connection: duckdb.DuckDBPyConnection, table: Path, devices: Sequence[Any]) -> dict[str, Any]:
    """A canonical table that was read before anybody looked for personal data in it."""
    columns = columns_of(connection, [table])
    stats = profile.statistics(connection, table, columns)
    return {"personal": personal.scan(connection, table, columns, stats, devices)}


def _zone(type_: str, sql: str) -> dict[str, str | None]:
    return {"zone": "UTC" if sql == "TIMESTAMPTZ" else None} if type_ == "datetime" else {}


def columns_of(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> list[tuple[str, str, str]]:
    """Name, type and SQL type of every column of any source."""
    found: dict[str, str] = {}
    for path in paths:
        for name, sql, *_ in connection.execute(f"DESCRIBE SELECT * FROM {parquet(path)}").fetchall():
            if found.setdefault(name, sql) != sql:
                raise Unreadable("columns-clash", value=f"{name}: {found[name]} / {sql}")
    clash = {name.casefold() for name in found}
    if len(clash) != len(found):
        raise Unreadable("columns-clash", value=", ".join(found))
    return [
        (
            name,
            TYPES.get(sql, "number" if sql.startswith("DECIMAL") else "string"),
            sql.replace(" WITH TIME ZONE", "TZ"),
        )
        for name, sql in found.items()
    ]


def _given_types(
    columns: Sequence[tuple[str, str, str]], sources: Sequence[dict[str, Any]]
) -> list[tuple[str, str, str]]:
    """Parquet does not tell text from nested JSON; the caller may."""
    told = {name: type_ for source in sources for name, type_ in source.get("types", {}).items()}
    return [
        (
            name,
            told.get(name, type_) if type_ == "string" and told.get(name) in {"object", "list"} else type_,
            sql,
        )
        for name, type_, sql in columns
    ]


def _write_csv(
    connection: duckdb.DuckDBPyConnection, table: Path, target: Path, columns: Sequence[tuple[str, str, str]]
) -> None:
    """CRLF, UTF-8 without BOM, decimal point, ISO times; missing is empty, an empty text is ``""``."""
    selected = ", ".join(
        f"{profile.shown(ident(name), type_, sql)} AS {ident(name)}" for name, type_, sql in columns
    )
    connection.execute(
        f"COPY (SELECT {selected} FROM {parquet(table)}) TO {literal(str(target))} "
        "(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '', NEW_LINE '\\r\\n')"
    )


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size": path.stat().st_size}
