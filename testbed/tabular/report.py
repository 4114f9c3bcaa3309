"""The whole reading of one file in the child, and what is said of it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from testbed.tabular import checking, engine, guessing, personal, profile, proposing, sources, typed
from testbed.tabular.engine import duckdb
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.reading import Reading

LEFT_OUT = "column-dropped"


def read(reading: Reading, source: Path) -> dict[str, Any]:
    """The report; a file that cannot be taken is reported, not raised."""
    take = guessing.guess if reading.schema is None else partial(checking.check, reading.schema)
    try:
        columns = sources.opened(reading, source, take)
        return _report(reading, columns)
    except Unreadable as wrong:
        reading.problems.add(wrong.rule, line=wrong.line, value=wrong.value)
        return unreadable(reading.kind, reading.problems, reading.assumed)


def unreadable(
    kind: str, problems: Problems, assumed: dict[str, Any] | None = None, rejected: int = 0
) -> dict[str, Any]:
    """The report of a file without a table."""
    return {
        "state": "unreadable", "kind": kind, "assumed": assumed or {}, "rows": 0, "rejected": rejected, "columns": [],
        "problems": problems.listed(), "counts": problems.counts(), "proposal": {},
        "preview": {"columns": [], "rows": []}, "personal": {}, "whole": False, "software": software(),
    }  # fmt: skip


def software() -> str:
    return f"testbed.tabular, DuckDB {duckdb.__version__}"


def _report(reading: Reading, columns: Sequence[typed.Column]) -> dict[str, Any]:
    reading.step("profiling", 3, 4)
    shapes = [(each.name, each.kind.type, each.kind.sql) for each in columns]
    stats = profile.statistics(reading.connection, reading.target, shapes) if columns else []
    rows = stats[0]["n"] + stats[0]["missing"] if stats else 0
    if not columns or (not rows and reading.rejected):
        return unreadable(reading.kind, reading.problems, reading.assumed, reading.rejected)
    if not rows:
        reading.problems.add("no-rows")
    if reading.schema is None:
        _say_columns(reading, columns, stats)
    preview = profile.preview(reading.connection, reading.target, shapes)
    reading.step("done", 4, 4)
    lost = bool(reading.rejected or reading.problems.lossy)
    return {
        "state": "partly" if lost else "ready",
        "whole": not (lost or reading.more or reading.problems.has(LEFT_OUT)),
        "kind": reading.kind,
        "assumed": reading.assumed,
        "rows": rows,
        "rejected": reading.rejected,
        "columns": [
            {
                "name": each.name, "title": each.title, "type": each.kind.type, "statistics": stat,
                **({"zone": "UTC" if each.kind.sql == "TIMESTAMPTZ" else None} if each.kind.type == "datetime" else {}),
            }
            for each, stat in zip(columns, stats, strict=True)
        ],
        "problems": reading.problems.listed(),
        "counts": reading.problems.counts(),
        "proposal": {} if reading.schema else proposing.proposal(reading.connection, reading.target, columns, stats),
        "preview": preview,
        "personal": _personal(reading, shapes, stats, {each.name: each.title for each in columns}),
        "software": software(),
    }  # fmt: skip


def _personal(
    reading: Reading,
    shapes: Sequence[tuple[str, str, str]],
    stats: Sequence[dict[str, Any]],
    titles: dict[str, str],
) -> dict[str, Any]:
    """A table that could not be looked through is kept all the same, and said not to have been."""
    devices = reading.references.get("devices") or ()
    try:
        return personal.scan(reading.connection, reading.target, shapes, stats, devices, titles)
    except duckdb.Error:
        return {}


def _say_columns(reading: Reading, columns: Sequence[typed.Column], stats: Sequence[dict[str, Any]]) -> None:
    """Everything that was assumed of single columns, by name."""
    for place, (each, stat) in enumerate(zip(columns, stats, strict=True)):
        for key, value in each.kind.assumed.items():
            reading.assumed.setdefault(key, {})[each.name] = value
        if each.markers:
            reading.assumed.setdefault("missing", {})[each.name] = list(each.markers)
        if each.kind.key == "number-comma" and not reading.answers.decimal and stat["n"]:
            _doubt_commas(reading, place, each, stat)
        if each.kind.key.startswith("day-first") and not reading.answers.date_order and stat["n"]:
            _doubt_days(reading, each)


def _doubt_commas(reading: Reading, place: int, column: typed.Column, stat: dict[str, Any]) -> None:
    """``1,234`` alone may be a thousand and more: said when no value decides."""
    if reading.raw is None:
        return
    value = f"trim(c{place})"
    found = reading.connection.execute(
        f"SELECT count(*) FROM {reading.raw.relation} WHERE contains({value}, ',') "
        f"AND NOT regexp_full_match({value}, '[+-]?[1-9][0-9]{{0,2}},[0-9]{{3}}')"
    ).fetchone()
    if found and not found[0]:
        reading.problems.add("decimal-assumed", column=column.name, count=stat["n"])


def _doubt_days(reading: Reading, column: typed.Column) -> None:
    name = engine.ident(column.name)
    found = reading.connection.execute(
        f"SELECT max(day({name})) FROM {engine.parquet(reading.target)}"
    ).fetchone()
    if found and found[0] <= 12:
        reading.problems.add("date-order", column=column.name)
