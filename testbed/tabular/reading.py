"""From a file of any kind to ``table.parquet`` and what is to be said of it. Runs in the child."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from testbed.tabular import (
    archive,
    delimited,
    engine,
    jsonrows,
    kinds,
    profile,
    sniff,
    spreadsheet,
    stored,
    typed,
)
from testbed.tabular.kinds import Guess
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.rows import Canonical, Raw, Rejects, columns_of, named, read_csv

SAMPLE = 10_000
LINE_BYTES = 128 * 1024

Step = Callable[[str, int, int], None]


@dataclass
class Reading:
    """One reading under way."""

    job: Path
    connection: duckdb.DuckDBPyConnection
    limits: Limits
    step: Step
    problems: Problems = field(default_factory=Problems)
    assumed: dict[str, Any] = field(default_factory=dict)
    kind: str = "other"
    rejected: int = 0
    raw: Raw | None = None

    @property
    def target(self) -> Path:
        return self.job / "table.parquet"

    def rejects(self) -> Rejects:
        return Rejects(self.job / "rejected.csv")


def read(reading: Reading, source: Path) -> dict[str, Any]:
    """The report; a file that cannot be taken is reported, not raised."""
    try:
        columns = _columns(reading, source)
        return _report(reading, columns)
    except Unreadable as wrong:
        reading.problems.add(wrong.rule, line=wrong.line, value=wrong.value)
        return unreadable(reading.kind, reading.problems, reading.assumed)


def unreadable(kind: str, problems: Problems, assumed: dict[str, Any] | None = None) -> dict[str, Any]:
    """The report of a file without a table."""
    return {
        "state": "unreadable", "kind": kind, "assumed": assumed or {}, "rows": 0, "rejected": 0, "columns": [],
        "problems": problems.listed(), "preview": {"columns": [], "rows": []}, "software": software(),
    }  # fmt: skip


def software() -> str:
    return f"testbed.tabular, DuckDB {duckdb.__version__}"


def _columns(reading: Reading, source: Path) -> list[typed.Column]:
    reading.step("looking", 0, 4)
    kind = sniff.kind_of(source)
    if kind == "gzip":
        reading.assumed["packed"] = "gzip"
        source = archive.unpack_gzip(source, reading.job / "unpacked")
        kind = sniff.kind_of(source)
        if kind == "gzip":
            raise Unreadable("gzip")
    if kind == "empty":
        raise Unreadable("empty")
    if kind == "parquet":
        reading.kind = "parquet"
        return stored.read(reading.connection, source, reading.target, reading.problems, reading.limits)
    if kind == "zip":
        reading.kind = spreadsheet.kind_of(source)
        return _sheet(reading, source)
    if kind != "text":
        raise Unreadable("old-spreadsheet" if kind == "old-spreadsheet" else "not-a-table")
    return _text(reading, source)


def _text(reading: Reading, source: Path) -> list[typed.Column]:
    text = sniff.text_of(source, reading.job)
    reading.assumed["encoding"] = text.encoding.removesuffix("-sig")
    head, _ = delimited.head_of(text)
    json_kind = sniff.looks_like_json(head)
    reading.step("reading", 1, 4)
    if json_kind:
        reading.kind = json_kind
        return _json(reading, text, json_kind)
    if text.encoding == "windows-1252":
        reading.problems.add("encoding-assumed")
    return _delimited(reading, text, head)


def _json(reading: Reading, text: sniff.Text, kind: str) -> list[typed.Column]:
    seen, rows = jsonrows.keys_of(jsonrows.items_of(text, kind), reading.limits)
    if not rows or not seen:
        raise Unreadable("not-objects")
    canonical = Canonical(reading.job / "rows", len(seen))
    rejects = reading.rejects()
    rejects.titles = ["__text"]
    jsonrows.write(jsonrows.items_of(text, kind), seen, canonical, rejects, reading.problems)
    rejects.close()
    reading.rejected = rejects.count
    raw = canonical.raw()
    sampled = _sample(reading.connection, raw, len(seen))
    guesses = [
        about.guess() or kinds.guess([row[i] for row in sampled], kinds.ISO_KINDS)
        for i, about in enumerate(seen.values())
    ]
    return _typed(reading, raw, list(seen), guesses, rows)


def _sheet(reading: Reading, source: Path) -> list[typed.Column]:
    sheet = spreadsheet.checked(source, reading.limits, reading.problems)
    rows = spreadsheet.rows(source, sheet, reading.problems)
    reading.step("reading", 1, 4)
    reading.assumed["sheet"] = sheet.name
    head = [values for _, values in rows.head]
    if not head:
        raise Unreadable("empty")
    width = rows.width
    if width > reading.limits.columns:
        raise Unreadable("too-many-columns")
    header = delimited.has_header([[value or "" for value in values] for values in head])
    canonical = Canonical(reading.job / "rows", width)
    titles: Sequence[str | None] = head[0] if header else [None] * width
    for place, (line, values) in enumerate(rows.all()):
        if place or not header:
            canonical.write_values(line, [*values, *[None] * (width - len(values))])
    _say_header(reading, header)
    raw = canonical.raw()
    guesses = _guesses(_sample(reading.connection, raw, width), width)
    return _typed(reading, raw, titles, guesses, canonical.rows)


def _delimited(reading: Reading, text: sniff.Text, head: str) -> list[typed.Column]:
    dialect = delimited.dialect_of(head)
    reading.kind = "tsv" if dialect.delimiter == "\t" else "csv"
    reading.assumed["delimiter"] = delimited.NAMES.get(dialect.delimiter)
    if dialect.columns > reading.limits.columns:
        raise Unreadable("too-many-columns", line=1, value=str(dialect.columns))
    first = [each for each in delimited.records(head, dialect.delimiter) if len(each) == dialect.columns]
    header = delimited.has_header(first)
    _say_header(reading, header)
    titles: Sequence[str | None] = first[0] if header else [None] * dialect.columns
    if delimited.is_simple(text, dialect):
        quick = _quick(reading, text, dialect, titles, header, first)
        if quick is not None:
            return quick
    canonical = Canonical(reading.job / "rows", dialect.columns)
    rejects = reading.rejects()
    rejects.titles = named(titles).names
    delimited.prepass(
        text, dialect, first[0] if header else None, canonical, rejects, reading.problems, reading.limits
    )
    rejects.close()
    reading.rejected = rejects.count
    raw = canonical.raw()
    guesses = _guesses(_sample(reading.connection, raw, dialect.columns), dialect.columns)
    return _typed(reading, raw, titles, guesses, canonical.rows)


def _quick(
    reading: Reading,
    text: sniff.Text,
    dialect: delimited.Dialect,
    titles: Sequence[str | None],
    header: bool,
    first: list[list[str]],
) -> list[typed.Column] | None:
    """DuckDB reads the file itself. None when it and the count of lines do not agree: then the careful way."""
    names = columns_of(dialect.columns)
    relation = read_csv(
        text.path, names, delimiter=dialect.delimiter, quoted=text.quotes > 0, line_end=text.line_end,
        skip=int(header), nulls_quoted=True, longest=LINE_BYTES,
    )  # fmt: skip
    numbered = f"(SELECT row_number() OVER () + {int(header)} AS __line, * FROM {relation})"
    raw = Raw(relation, "__line", numbered)
    rows = text.lines - int(header)
    if rows > reading.limits.rows:
        raise Unreadable("too-many-rows")
    sampled = first[int(header) :] + delimited.spots(text, dialect)
    guesses = _guesses(sampled, dialect.columns)
    given = named(titles)
    reading.step("writing", 2, 4)
    written = typed.optimistic(reading.connection, raw, given.names, guesses, reading.target)
    if written == rows:
        reading.raw = raw
        return _said(reading, titles, guesses)
    reading.target.unlink(missing_ok=True)
    try:
        found = reading.connection.execute(
            f"SELECT count(*), {', '.join(f'count({each})' for each in names)} FROM {relation}"
        ).fetchone()
    except duckdb.InvalidInputException:
        return None
    if not found or found[0] != rows:
        return None
    return _typed(reading, raw, titles, guesses, rows)


def _said(reading: Reading, titles: Sequence[str | None], guesses: Sequence[Guess]) -> list[typed.Column]:
    given = named(titles)
    _say_names(reading, given.duplicates)
    return [
        typed.Column(name, title or name, guess.best, guess.markers)
        for name, title, guess in zip(given.names, titles, guesses, strict=True)
    ]


def _typed(
    reading: Reading, raw: Raw, titles: Sequence[str | None], guesses: Sequence[Guess], rows: int
) -> list[typed.Column]:
    reading.step("writing", 2, 4)
    reading.raw = raw
    given = named(titles)
    _say_names(reading, given.duplicates)
    return typed.careful(
        reading.connection, raw, given.names, [title or name for title, name in zip(titles, given.names, strict=True)],
        guesses, reading.target, reading.problems, rows,
    )  # fmt: skip


def _guesses(sampled: Sequence[Sequence[str | None]], width: int) -> list[Guess]:
    return [kinds.guess([row[i] for row in sampled]) for i in range(width)]


def _sample(connection: duckdb.DuckDBPyConnection, raw: Raw, width: int) -> list[tuple[str | None, ...]]:
    names = ", ".join(columns_of(width))
    query = f"SELECT {names} FROM {raw.relation} USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)"
    return connection.execute(query).fetchall()


def _say_names(reading: Reading, duplicates: Sequence[str]) -> None:
    for name in duplicates:
        reading.problems.add("header-duplicate", line=1, column=name, value=name)


def _say_header(reading: Reading, header: bool) -> None:
    reading.assumed["header"] = header
    if not header:
        reading.problems.add("header-missing", line=1)


def _report(reading: Reading, columns: Sequence[typed.Column]) -> dict[str, Any]:
    reading.step("profiling", 3, 4)
    shapes = [(each.name, each.kind.type, each.kind.sql) for each in columns]
    stats = profile.statistics(reading.connection, reading.target, shapes)
    rows = stats[0]["n"] + stats[0]["missing"] if stats else 0
    if not rows and reading.rejected:
        return unreadable(reading.kind, reading.problems, reading.assumed)
    if not rows:
        reading.problems.add("no-rows")
    _say_columns(reading, columns, stats)
    preview = profile.preview(reading.connection, reading.target, shapes)
    reading.step("done", 4, 4)
    return {
        "state": "partly" if reading.rejected or reading.problems.lossy else "ready",
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
        "preview": preview,
        "software": software(),
    }  # fmt: skip


def _say_columns(reading: Reading, columns: Sequence[typed.Column], stats: Sequence[dict[str, Any]]) -> None:
    """Everything that was assumed of single columns, by name."""
    for place, (each, stat) in enumerate(zip(columns, stats, strict=True)):
        for key, value in each.kind.assumed.items():
            reading.assumed.setdefault(key, {})[each.name] = value
        if each.markers:
            reading.assumed.setdefault("missing", {})[each.name] = list(each.markers)
        if each.kind.key == "number-comma" and stat["n"]:
            _doubt_commas(reading, place, each, stat)
        if each.kind.key.startswith("day-first") and stat["n"]:
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
        reading.problems.add("decimal-comma", column=column.name, count=stat["n"])


def _doubt_days(reading: Reading, column: typed.Column) -> None:
    name = engine.ident(column.name)
    found = reading.connection.execute(
        f"SELECT max(day({name})) FROM {engine.parquet(reading.target)}"
    ).fetchone()
    if found and found[0] <= 12:
        reading.problems.add("date-order", column=column.name)
