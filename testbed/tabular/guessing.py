"""A table of rows whose types nobody declared: guessed from a sample, decided by every value."""

from collections.abc import Sequence

from testbed.tabular import kinds, rejected, typed, zones
from testbed.tabular.engine import duckdb
from testbed.tabular.kinds import Guess
from testbed.tabular.problems import Unreadable
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import columns_of, named
from testbed.tabular.units import conversion


def guess(reading: Reading, found: Found) -> list[typed.Column] | None:
    """Write the table; None when a quick reading and the count of lines do not agree."""
    found = reading.without_own(found)
    width = len(found.titles)
    offered = kinds.offered(reading.answers.decimal, reading.answers.date_order, sheet=found.sheet)
    guesses = found.guesses or [kinds.guess([row[i] for row in found.sample], offered) for i in range(width)]
    given = named(_titles(reading, found))
    reading.step("writing", 2, 4)
    if reading.answers.zone:
        zone = zones.known(reading.connection, reading.answers.zone)
        guesses = [each.zoned(zone) for each in guesses]
    columns = _quick(reading, found, given.names, guesses) if found.quick else None
    if columns is None:
        if found.quick and not _whole(reading, found):
            return None
        titles = [title or name for title, name in zip(found.titles, given.names, strict=True)]
        columns = typed.careful(
            reading.connection, found.raw, given.names, titles,
            guesses, reading.target, reading.problems, found.rows,
        )  # fmt: skip
    for name in given.duplicates:
        reading.problems.add("header-duplicate", line=1, column=name, value=name)
    reading.raw = found.raw
    _write_refused(reading, found)
    return columns


def _titles(reading: Reading, found: Found) -> list[str | None]:
    """The titles, or what people answered for them. Raises: Unreadable (answer, unit-conversion)."""
    told = {title: name for title, name in reading.answers.columns.items() if name}
    for title, name in told.items():
        if title not in found.titles:
            raise Unreadable("answer", value=f"columns: {title} → {name}"[:200])
    if told:
        reading.assumed["columns"] = told
    for name, unit in reading.answers.units.items():
        conversion(name, unit, None)
    return [told.get(title or "", title) for title in found.titles]


def _quick(
    reading: Reading, found: Found, names: Sequence[str], guesses: Sequence[Guess]
) -> list[typed.Column] | None:
    """The columns, if every value is what the sample promised."""
    written = typed.optimistic(reading.connection, found.raw, names, guesses, reading.target)
    if written != found.rows:
        reading.target.unlink(missing_ok=True)
        return None
    return [
        typed.Column(name, title or name, guess.best, guess.markers)
        for name, title, guess in zip(names, found.titles, guesses, strict=True)
    ]


def _whole(reading: Reading, found: Found) -> bool:
    """Whether DuckDB reads as many rows as there are lines, and every column of them."""
    counts = ", ".join(f"count({each})" for each in columns_of(len(found.titles)))
    try:
        row = reading.connection.execute(f"SELECT count(*), {counts} FROM {found.raw.relation}").fetchone()
    except duckdb.InvalidInputException:
        return False
    return row is not None and row[0] == found.rows


def _write_refused(reading: Reading, found: Found) -> None:
    if found.refused is None or not found.refused.count:
        return
    reading.rejected = found.refused.count
    rows = rejected.refused_rows(found.refused)
    titles = named(found.titles).names
    target = reading.job / "rejected.csv"
    rejected.write(reading.connection, target, titles, rows, reading.delimiter, rest=True)
