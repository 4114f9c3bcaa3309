"""From a file of any kind to its rows of text; what is made of them is decided by the caller."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from testbed.tabular import archive, delimited, jsonrows, matching, packed, sniff, spreadsheet, stored
from testbed.tabular.engine import duckdb, parquet
from testbed.tabular.problems import Unreadable
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import Canonical, Raw, columns_of, read_csv
from testbed.tabular.typed import Column

SAMPLE = 10_000
FEW_SPOTS = 20
LINE_BYTES = 128 * 1024

Take = Callable[[Reading, Found], list[Column] | None]
"""Makes the table of the rows; None when a quick reading missed some of them."""


def opened(reading: Reading, source: Path, take: Take) -> list[Column]:
    """The columns of the table that was written. Raises: Unreadable."""
    reading.step("looking", 0, 4)
    kind = sniff.kind_of(source)
    reading.more = kind in {"gzip", "zip"} or bool(reading.answers.encoding)
    if kind == "gzip":
        reading.assumed["packed"] = "gzip"
        source = archive.unpack_gzip(source, reading.job / "unpacked")
        kind = sniff.kind_of(source)
        if kind == "gzip":
            raise Unreadable("gzip")
    if kind == "zip" and not spreadsheet.is_workbook(source):
        source = packed.only_table(reading, source)
        kind = sniff.kind_of(source)
    if kind == "empty":
        raise Unreadable("empty")
    if kind == "parquet":
        reading.kind = "parquet"
        return _parquet(reading, source, take)
    if kind == "zip":
        reading.kind = spreadsheet.kind_of(source)
        return _sheet(reading, source, take)
    if kind != "text" and not (kind in {"other", "unmarked-text"} and reading.answers.encoding):
        rules = {"old-spreadsheet": "old-spreadsheet", "unmarked-text": "encoding"}
        raise Unreadable(rules.get(kind, "not-a-table"))
    return _text(reading, source, take)


def _text(reading: Reading, source: Path, take: Take) -> list[Column]:
    text = sniff.text_of(source, reading.job, reading.answers.encoding)
    reading.assumed["encoding"] = text.encoding.removesuffix("-sig")
    head, _ = delimited.head_of(text)
    json_kind = sniff.looks_like_json(head)
    reading.step("reading", 1, 4)
    if json_kind:
        reading.kind = json_kind
        return _json(reading, text, json_kind, take)
    if text.encoding == "windows-1252" and not reading.answers.encoding:
        reading.problems.add("encoding-assumed")
    return _delimited(reading, text, head, take)


def _json(reading: Reading, text: sniff.Text, kind: str, take: Take) -> list[Column]:
    seen, rows = jsonrows.keys_of(jsonrows.items_of(text, kind), reading.limits)
    if not rows or not seen:
        raise Unreadable("not-objects")
    canonical = Canonical(reading.job / "rows", len(seen))
    refused = reading.refused(len(seen))
    jsonrows.write(jsonrows.items_of(text, kind), seen, canonical, refused, reading.problems)
    raw = canonical.raw()
    sampled = _sample(reading.connection, raw, len(seen))
    guesses = jsonrows.guesses(seen, sampled)
    return _taken(
        take(
            reading, Found(raw, list(seen), sampled, rows, None, named=True, refused=refused, guesses=guesses)
        )
    )


def _sheet(reading: Reading, source: Path, take: Take) -> list[Column]:
    sheet = spreadsheet.checked(source, reading.limits, reading.problems, reading.answers.sheet)
    rows = spreadsheet.rows(source, sheet, errors=reading.schema is not None)
    reading.step("reading", 1, 4)
    reading.assumed["sheet"] = sheet.name
    if not rows.head:
        raise Unreadable("empty")
    width = rows.width
    if width > reading.limits.columns:
        raise Unreadable("too-many-columns")
    head = [values for _, values in rows.head]
    header = _has_header(reading, [[value or "" for value in values] for values in head])
    canonical = Canonical(reading.job / "rows", width)
    for place, (line, values) in enumerate(rows.all()):
        if place or not header:
            canonical.write_values(line, [*values, *[None] * (width - len(values))])
    if reading.schema is None:
        spreadsheet.say_cells(sheet, reading.problems)
    raw = canonical.raw()
    titles: list[str | None] = [*head[0], *[None] * (width - len(head[0]))] if header else [None] * width
    return _taken(
        take(
            reading,
            Found(
                raw, titles, _sample(reading.connection, raw, width), canonical.rows, rows.head[0][0] if header else None,
                sheet=True, rounded=sheet.rounded,
            ),
        )
    )  # fmt: skip


def _parquet(reading: Reading, source: Path, take: Take) -> list[Column]:
    reading.more = reading.more or stored.holds_more(reading.connection, source, reading.limits)
    if reading.schema is None:
        return stored.read(reading.connection, source, reading.target, reading.problems, reading.limits)
    titles, spelt, rows = stored.as_text(reading.connection, source, reading.limits)
    raw = Raw(f"(SELECT {', '.join(spelt)} FROM {parquet(source)})", start=1)
    return _taken(
        take(
            reading, Found(raw, titles, _sample(reading.connection, raw, len(titles)), rows, None, named=True)
        )
    )


def _delimited(reading: Reading, text: sniff.Text, head: str, take: Take) -> list[Column]:
    schema, answers = reading.schema, reading.answers
    recognised = None if schema is None else lambda titles: matching.recognised(schema, titles, answers)
    dialect = delimited.dialect_of(head, delimiter=answers.delimiter, recognised=recognised)
    reading.kind = "tsv" if dialect.delimiter == "\t" else "csv"
    reading.assumed["delimiter"] = delimited.NAMES.get(dialect.delimiter)
    if dialect.delimiter in delimited.NAMES:
        reading.delimiter = dialect.delimiter
    if dialect.columns > reading.limits.columns:
        raise Unreadable("too-many-columns", line=1, value=str(dialect.columns))
    first = [each for each in delimited.records(head, dialect.delimiter) if len(each) == dialect.columns]
    header = _has_header(reading, first)
    titles: Sequence[str | None] = first[0] if header else [None] * dialect.columns
    if delimited.is_simple(text, dialect):
        # with a schema the spots only choose between spellings
        spots = delimited.spots(text, dialect, delimited.SPOTS if schema is None else FEW_SPOTS)
        sampled = first[int(header) :] + spots
        quick = take(reading, _quick(reading, text, dialect, titles, header, sampled))
        if quick is not None:
            return quick
    canonical = Canonical(reading.job / "rows", dialect.columns)
    refused = reading.refused(dialect.columns)
    delimited.prepass(
        text, dialect, first[0] if header else None, canonical, refused, reading.problems, reading.limits
    )
    raw = canonical.raw()
    spread = _sample(reading.connection, raw, dialect.columns)
    found = Found(raw, titles, spread, canonical.rows, 1 if header else None, refused=refused)
    return _taken(take(reading, found))


def _quick(
    reading: Reading,
    text: sniff.Text,
    dialect: delimited.Dialect,
    titles: Sequence[str | None],
    header: bool,
    sampled: Sequence[Sequence[str | None]],
) -> Found:
    """DuckDB reads the file itself; its rows must be as many as the lines."""
    relation = read_csv(
        text.path, columns_of(dialect.columns), delimiter=dialect.delimiter, quoted=text.quotes > 0,
        line_end=text.line_end, skip=int(header), nulls_quoted=True, longest=LINE_BYTES,
    )  # fmt: skip
    rows = text.lines - int(header)
    if rows > reading.limits.rows:
        raise Unreadable("too-many-rows")
    raw = Raw(relation, start=int(header) + 1)
    return Found(
        raw, titles, sampled, rows, 1 if header else None, quick=True,
        at=partial(delimited.lines_at, text, dialect.delimiter),
    )  # fmt: skip


def _has_header(reading: Reading, first: Sequence[Sequence[str]]) -> bool:
    """By an answer; by the names of the schema; by what the first row looks like. Said, and warned of if there is none."""
    if reading.answers.header is not None:
        header = reading.answers.header and bool(first)
    elif (
        reading.schema is not None
        and first
        and matching.recognised(reading.schema, first[0], reading.answers)
    ):
        header = True
    else:
        header = delimited.has_header(first)
    reading.assumed["header"] = header
    if not header and reading.answers.header is None:
        reading.problems.add("header-missing", line=1)
    return header


def _taken(columns: list[Column] | None) -> list[Column]:
    if columns is None:
        raise Unreadable("parser-failed", value="rows were lost")
    return columns


def _sample(connection: duckdb.DuckDBPyConnection, raw: Raw, width: int) -> list[tuple[str | None, ...]]:
    names = ", ".join(columns_of(width))
    query = f"SELECT {names} FROM {raw.relation} USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)"
    return connection.execute(query).fetchall()
