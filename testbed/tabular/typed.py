"""From rows of text to rows of types: every value of a column is asked, not the first ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.tabular import kinds
from testbed.tabular.engine import copy_parquet, duckdb, ident, literal, one_of, parquet
from testbed.tabular.kinds import AS_CODE, ENOUGH, MARKERS, TEXT, Guess, Kind
from testbed.tabular.problems import EXAMPLES, Problems, Unreadable
from testbed.tabular.rows import Raw

BATCH = 50
"""Columns asked in one pass: more would hold too many expressions at once."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    kind: Kind
    markers: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Counts:
    present: int
    markers: tuple[str, ...]
    codes: int
    fits: tuple[int, ...]


def _trim(column: str) -> str:
    return f"trim({column}, ' \t')"


def optimistic(
    connection: duckdb.DuckDBPyConnection,
    raw: Raw,
    names: Sequence[str],
    guesses: Sequence[Guess],
    target: Path,
) -> int | None:
    """Write the table as the sample promised; the number of rows, or None as soon as one value breaks the promise."""
    selected = []
    for i, (name, guess) in enumerate(zip(names, guesses, strict=True)):
        column, kind = f"c{i}", guess.best
        if guess.unseen:
            selected.append(f"CASE WHEN {column} IS NOT NULL THEN error('misfit') END AS {ident(name)}")
            continue
        if kind.type in kinds.UNTYPED:
            selected.append(f"{column} AS {ident(name)}")
            continue
        missing = f"{column} IS NULL" + (f" OR {one_of(column, guess.markers)}" if guess.markers else "")
        checked = f"coalesce({kind.value(column)}, error('misfit'))"
        selected.append(
            f"CASE WHEN {missing} THEN NULL WHEN regexp_full_match({column}, {literal(kind.gate)}) "
            f"THEN {checked} ELSE error('misfit') END AS {ident(name)}"
        )
    try:
        copy_parquet(connection, f"SELECT {', '.join(selected)} FROM {raw.relation}", target)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        target.unlink(missing_ok=True)
        return None
    return _rows(connection, target)


def careful(
    connection: duckdb.DuckDBPyConnection,
    raw: Raw,
    names: Sequence[str],
    titles: Sequence[str],
    guesses: Sequence[Guess],
    target: Path,
    problems: Problems,
    rows: int,
) -> list[Column]:
    """Ask the whole of every column, decide, list what does not fit, and write the table of so many rows."""
    columns: list[Column] = []
    for start in range(0, len(names), BATCH):
        part = range(start, min(start + BATCH, len(names)))
        for i, counts in zip(part, _ask(connection, raw, part, guesses), strict=True):
            columns.append(_decide(connection, raw, i, names[i], titles[i], guesses[i], counts, problems))
    selected = [f"{_typed(f'c{i}', column)} AS {ident(column.name)}" for i, column in enumerate(columns)]
    copy_parquet(connection, f"SELECT {', '.join(selected)} FROM {raw.relation}", target)
    if _rows(connection, target) != rows:
        raise Unreadable("parser-failed", value="rows were lost")
    return columns


def _rows(connection: duckdb.DuckDBPyConnection, table: Path) -> int:
    found = connection.execute(f"SELECT count(*) FROM {parquet(table)}").fetchone()
    return int(found[0]) if found else 0


def _fits(column: str, kind: Kind) -> str:
    x = _trim(column)
    return f"(regexp_full_match({x}, {literal(kind.loose)}) AND ({kind.value(x)}) IS NOT NULL)"


def _typed(column: str, chosen: Column) -> str:
    if chosen.kind.type in kinds.UNTYPED:
        return column
    x = _trim(column)
    gate = literal(chosen.kind.loose)
    return (
        f"CAST(CASE WHEN regexp_full_match({x}, {gate}) THEN {chosen.kind.value(x)} END AS {chosen.kind.sql})"
    )


def _present(column: str) -> str:
    x = _trim(column)
    return f"({column} IS NOT NULL AND {x} <> '' AND NOT {one_of(x, MARKERS)})"


def _asks(guess: Guess) -> bool:
    return bool(guess.candidates) and guess.candidates[0].type not in kinds.UNTYPED


def _ask(
    connection: duckdb.DuckDBPyConnection, raw: Raw, part: range, guesses: Sequence[Guess]
) -> list[_Counts]:
    asked: list[str] = ["count(*)"]
    for i in part:
        if not _asks(guesses[i]):
            continue
        column = f"c{i}"
        asked.append(f"count(*) FILTER ({_present(column)})")
        asked.append(f"list(DISTINCT {_trim(column)}) FILTER ({one_of(_trim(column), MARKERS)})")
        asked.append(f"count(*) FILTER (regexp_full_match({_trim(column)}, {literal(AS_CODE)}))")
        asked += [f"count(*) FILTER ({_fits(column, kind)})" for kind in guesses[i].candidates]
    row = list(connection.execute(f"SELECT {', '.join(asked)} FROM {raw.relation}").fetchone() or ())[1:]
    counted = []
    for i in part:
        if not _asks(guesses[i]):
            counted.append(_Counts(0, (), 0, ()))
            continue
        wide = len(guesses[i].candidates)
        present, markers, codes, *fits = row[: 3 + wide]
        row = row[3 + wide :]
        counted.append(_Counts(present, tuple(sorted(markers or ())), codes, tuple(fits)))
    return counted


def _decide(
    connection: duckdb.DuckDBPyConnection,
    raw: Raw,
    i: int,
    name: str,
    title: str,
    guess: Guess,
    counts: _Counts,
    problems: Problems,
) -> Column:
    if not counts.fits or not counts.present:
        return Column(name, title, guess.best if guess.fixed else TEXT)
    best = max(range(len(counts.fits)), key=lambda n: (counts.fits[n], -n))
    kind, fits = guess.candidates[best], counts.fits[best]
    if kind.numeric and counts.codes:
        return Column(name, title, TEXT)
    enough = guess.fixed or fits >= ENOUGH * counts.present
    if fits < counts.present:
        _say_misfits(connection, raw, i, name, kind, problems, mixed=not enough)
    if not enough:
        return Column(name, title, TEXT)
    return Column(name, title, kind, counts.markers)


def _say_misfits(
    connection: duckdb.DuckDBPyConnection,
    raw: Raw,
    i: int,
    name: str,
    kind: Kind,
    problems: Problems,
    *,
    mixed: bool,
) -> None:
    rule = "'mixed'" if mixed else kind.misfit.replace("{x}", _trim(f"c{i}"))
    rows = connection.execute(
        f"SELECT rule, count(*), min({{line: __line, value: value}}, {EXAMPLES}) FROM "
        f"(SELECT {rule} AS rule, __line, c{i} AS value FROM {raw.numbered} "
        f"WHERE {_present(f'c{i}')} AND NOT {_fits(f'c{i}', kind)}) GROUP BY rule ORDER BY rule"
    ).fetchall()
    for broken, count, examples in rows:
        shown = [(each["line"], each["value"]) for each in examples]
        problems.add_all(broken, name, count, shown, type_=None if mixed else kind.type)
