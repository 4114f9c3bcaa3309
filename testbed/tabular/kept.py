"""Read back what a reading left behind: its findings and the rows it refused. Both are our own files, not a stranger's.

Every call opens a DuckDB of its own that may read one file, and blocks: call it in a thread. It raises ``Broken``
when the file is not what was kept, ``TooSlow`` after ten seconds.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.tabular.engine import duckdb, literal
from testbed.tabular.rejected import unguarded
from testbed.tabular.rows import read_csv

MEMORY = "128MB"
MILLISECONDS = 10_000
HEAD_CHARACTERS = 1 << 20
REST = "__rest"
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
    """The rows of ``rejected.csv`` that came from these lines, without what guarded their formulas."""
    titles, _ = head_of(path)
    shown = [i for i, title in enumerate(titles) if title != REST]
    selected = ", ".join(["__line::BIGINT", *(f"c{i}" for i in shown)])
    query = f"SELECT {selected} FROM {refused_relation(path)} WHERE __line IN (SELECT unnest(?::VARCHAR[]))"
    with _connected(path) as connection:
        found = connection.execute(query, [[str(line) for line in lines]]).fetchall()
    return Refused([titles[i] for i in shown], {line: [_plain(each) for each in row] for line, *row in found})


def _plain(value: str | None) -> str | None:
    return None if value is None else unguarded(value)


def refused_relation(path: Path) -> str:
    """SQL of ``rejected.csv``: ``__line``, ``__rules`` and ``c0`` …, all text."""
    titles, delimiter = head_of(path)
    return read_csv(
        path, ["__line", "__rules", *(f"c{i}" for i in range(len(titles)))], delimiter=delimiter, quoted=True,
        line_end="\r\n", skip=1, nulls_quoted=False,
    )  # fmt: skip


def head_of(path: Path) -> tuple[list[str], str]:
    """The columns of ``rejected.csv`` behind ``__line`` and ``__rules``, and its delimiter."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline(HEAD_CHARACTERS)
    delimiter = head[len("__line") :][:1] if head.startswith("__line") else ""
    if not delimiter:
        raise Broken("no rejected rows")
    return [unguarded(title) for title in next(csv.reader([head], delimiter=delimiter))[2:]], delimiter


@dataclass(frozen=True, slots=True)
class Corrected:
    """A row that stands for a refused one: its line, the line it corrects, and its texts."""

    line: int
    of: int
    raw: list[str | None]


def corrected(path: Path, *, after: int = 0, most: int = 100) -> list[Corrected]:
    """Rows of a correction that are taken and stand for a refused row, in order of their line, behind ``after``."""
    query = (
        f"SELECT line, of, raw FROM read_parquet({literal(str(path))}) WHERE taken AND of IS NOT NULL AND line > ? "
        f"ORDER BY line LIMIT {int(most)}"
    )
    with _connected(path) as connection:
        return [Corrected(*row) for row in connection.execute(query, [after]).fetchall()]


def corrected_counts(path: Path) -> tuple[int, int]:
    """How many rows of a correction are taken and stand for a refused row, and how many are new."""
    query = f"SELECT count(of), count(*) - count(of) FROM read_parquet({literal(str(path))}) WHERE taken"
    with _connected(path) as connection:
        found = connection.execute(query).fetchone() or (0, 0)
        return int(found[0]), int(found[1])


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
