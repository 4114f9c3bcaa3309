"""What corrected rows are judged by: the refused rows they may stand for, and the keys that are taken already."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.tabular import engine, kept
from testbed.tabular.engine import copy_parquet, duckdb, ident, parquet

LINES, KEYS = "corrects-lines.parquet", "corrects-keys.parquet"
MILLISECONDS = 120_000


@dataclass(frozen=True, slots=True)
class Basis:
    """What corrected rows are held against. ``lines``: ``line, root`` of the refused rows still to be corrected;
    ``keys``: the keys of all rows that are taken already, none without a primary key. ``code`` names the corrected file."""

    code: str
    lines: Path
    keys: Path | None


def lay(
    work: Path,
    code: str,
    *,
    refused: Path | None,
    above: Path | None,
    standing: Sequence[Path],
    tables: Sequence[Path],
    key: Sequence[str],
) -> Basis:
    """Lay out in ``work`` what corrections of one file are judged by. Blocks; about 1 s a million refused rows.

    ``refused``: the ``rejected.csv`` of the file, if it has one. ``above``: its ``lines.parquet``, if it is a correction.
    ``standing``: those of the accepted corrections; ``tables``: every table whose rows are taken.
    """
    connection = engine.connect(work, milliseconds=MILLISECONDS)
    try:
        _lay_lines(connection, work, refused, above, standing)
        if not key or not tables:
            return Basis(code, work / LINES, None)
        columns = ", ".join(map(ident, key))
        every = " UNION ALL ".join(f"SELECT {columns} FROM {parquet(table)}" for table in tables)
        copy_parquet(connection, every, work / KEYS)
        return Basis(code, work / LINES, work / KEYS)
    finally:
        connection.close()


def _lay_lines(
    connection: duckdb.DuckDBPyConnection,
    work: Path,
    refused: Path | None,
    above: Path | None,
    standing: Sequence[Path],
) -> None:
    lines = "SELECT 0::BIGINT AS line, 0::BIGINT AS root WHERE false"
    if refused is not None:
        lines = f"SELECT __line::BIGINT AS line, __line::BIGINT AS root FROM {kept.refused_relation(refused)}"
    if above is not None:
        lines = f"SELECT l.line, a.root FROM ({lines}) l JOIN {parquet(above)} a USING (line)"
    taken = [f"SELECT root FROM {parquet(each)} WHERE taken AND root IS NOT NULL" for each in standing]
    if taken:
        lines = f"SELECT * FROM ({lines}) WHERE root IS NULL OR root NOT IN ({' UNION ALL '.join(taken)})"
    copy_parquet(connection, lines, work / LINES)
