"""Read back what a reading left behind: its findings and the rows it refused. Both are our own files, not a stranger's.

Every call opens a DuckDB of its own that may read one file, and blocks: call it in a thread. It raises ``Broken``
when the file is not what was kept, ``TooSlow`` after ten seconds.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from testbed.tabular.engine import literal
from testbed.tabular.rows import read_csv

MEMORY = "128MB"
MILLISECONDS = 10_000
HEAD_CHARACTERS = 1 << 20
FIELDS = 'line, row, "column", column_no, value, rule, severity, expected, first_line'


class Broken(Exception):
    """The file is not what was kept."""


class TooSlow(Exception):
    """The answer took longer than it may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``at`` is its place among all findings, from 0; ``line`` is physical, from 1; ``column_no`` counts from 1."""

    at: int
    line: int | None
    row: int | None
    column: str | None
    column_no: int | None
    value: str | None
    rule: str
    severity: str
    expected: str | None = None
    first_line: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused rows as they were, by their line; ``titles`` are the columns of the file."""

    titles: list[str]
    rows: dict[int, list[str | None]]


def findings(
    path: Path, *, rule: str | None = None, column: str | None = None, after: int = -1, most: int = 100
) -> list[Finding]:
    """The first ``most`` findings behind the place ``after``, in order of line; about 50 ms among a million."""
    wanted = [("rule = ?", rule), ('"column" = ?', column), ("file_row_number > ?", after)]
    asked = [(condition, value) for condition, value in wanted if value is not None]
    query = f"{_selected(path)} WHERE {' AND '.join(each for each, _ in asked)} ORDER BY file_row_number LIMIT {int(most)}"
    with _connected(path) as connection:
        return [Finding(*row) for row in connection.execute(query, [value for _, value in asked]).fetchall()]


def refused(path: Path, lines: Sequence[int]) -> Refused:
    """The rows of ``rejected.csv`` that came from these lines."""
    titles = titles_of(path)
    names = [f"c{i}" for i in range(len(titles))]
    relation = read_csv(
        path, ["__line", "__rules", *names], delimiter=",", quoted=True, line_end="\r\n", skip=1, nulls_quoted=True
    )  # fmt: skip
    selected = ", ".join(["__line::BIGINT", *names])
    query = f"SELECT {selected} FROM {relation} WHERE __line IN (SELECT unnest(?::VARCHAR[]))"
    with _connected(path) as connection:
        found = connection.execute(query, [[str(line) for line in lines]]).fetchall()
    return Refused(titles, {line: list(values) for line, *values in found})


def titles_of(path: Path) -> list[str]:
    """The columns of ``rejected.csv`` behind ``__line`` and ``__rules``."""
    with path.open(encoding="utf-8", newline="") as file:
        head = next(csv.reader([file.readline(HEAD_CHARACTERS)]), [])
    return head[2:]


def _selected(path: Path) -> str:
    return f"SELECT file_row_number, {FIELDS} FROM read_parquet({literal(str(path))}, file_row_number=true)"


@contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    try:
        for setting in (
            f"memory_limit='{MEMORY}'",
            "threads=1",
            f"max_execution_time={MILLISECONDS}",
            "TimeZone='UTC'",
            "enable_progress_bar=false",
            "autoload_known_extensions=false",
            "autoinstall_known_extensions=false",
            f"allowed_paths=[{literal(str(path))}]",
            "enable_external_access=false",
            "lock_configuration=true",
        ):
            connection.execute(f"SET {setting}")
        yield connection
    except duckdb.InterruptException as error:
        raise TooSlow(str(error)) from error
    except duckdb.Error as error:
        raise Broken(str(error)) from error
    finally:
        connection.close()
