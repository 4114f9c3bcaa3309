"""DuckDB as it may be used on files of strangers: no network, no extension, one folder."""

from collections.abc import Sequence
from pathlib import Path

import _duckdb

duckdb = _duckdb
"""The engine without the package around it: that takes longer to import than many a file to read, for what is not used."""

ROW_GROUP = 100_000
FEW = 4
TOGETHER = 32


def connect(job: Path, *, milliseconds: int) -> duckdb.DuckDBPyConnection:
    """A connection that reads and writes in ``job`` alone. The order of the settings matters."""
    spill = job / "spill"
    spill.mkdir(exist_ok=True)
    connection = duckdb.connect(":memory:")
    for setting in (
        f"SET temp_directory={literal(str(spill))}",
        "SET memory_limit='512MB'",
        "SET threads=2",
        "SET max_temp_directory_size='20GB'",
        f"SET max_execution_time={int(milliseconds)}",
        "SET TimeZone='UTC'",
        "SET enable_progress_bar=false",
        "SET autoload_known_extensions=false",
        "SET autoinstall_known_extensions=false",
        f"SET allowed_directories=[{literal(str(job) + '/')}]",
        "SET enable_external_access=false",
        "SET lock_configuration=true",
    ):
        connection.execute(setting)
    return connection


def ident(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def one_of(text: str, allowed: Sequence[str]) -> str:
    """SQL that is true where the text is one of these, and false where it is NULL.

    Not IN, nor a list: DuckDB 2.0 makes a join of more than four constants, and rows behind a join lose their order. The
    cast to an ENUM looks the text up.
    """
    words = tuple(dict.fromkeys(allowed))
    if not words:
        return "false"
    if len(words) <= FEW:
        return "(" + " OR ".join(f"coalesce({text} = {literal(word)}, false)" for word in words) + ")"
    return f"(TRY_CAST({text} AS ENUM({', '.join(map(literal, words))})) IS NOT NULL)"


def parquet(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"


def copy_parquet(connection: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    """Rows in the order they come, zstd, row groups of 100 000."""
    connection.execute(
        f"COPY ({select}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )


def likely(
    connection: duckdb.DuckDBPyConnection, source: str, names: Sequence[str], pattern: str
) -> list[str]:
    """The columns of ``source`` worth asking one by one: all of a few, of many those beside something the pattern finds.

    Opening a wide table costs more than looking at a column, so many are looked through together, as lines of one text.
    """
    if len(names) <= TOGETHER:
        return list(names)
    found: list[str] = []
    for first in range(0, len(names), TOGETHER):
        group = names[first : first + TOGETHER]
        lines = f"concat_ws(chr(10), {', '.join(f'{ident(name)}::VARCHAR' for name in group)})"
        row = connection.execute(
            f"SELECT bool_or(regexp_matches({lines}, {literal(pattern)})) FROM {source}"
        ).fetchone()
        found += group if row and row[0] else []
    return found
