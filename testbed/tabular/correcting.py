"""Corrected rows that come back: each says in ``__line`` which refused row of the first file it stands for.

A row may stand for a refused row that nothing else stands for, once; or be new, if its key is. ``basis`` lays out what that
is judged by; ``lines.parquet`` keeps for every row: ``line`` of this file, ``of`` the line it claims, ``root`` that line in
the very first file, whether it was ``taken``, and its texts as ``raw``.
"""

from collections.abc import Mapping, Sequence

from testbed.tabular import matching
from testbed.tabular.basis import KEYS, LINES
from testbed.tabular.between import Moments
from testbed.tabular.conditions import Cell
from testbed.tabular.engine import copy_parquet, ident, parquet
from testbed.tabular.findings import Findings, Mark
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import columns_of
from testbed.tabular.schema import Schema
from testbed.tabular.staging import Staged


def claimed(reading: Reading, found: Found) -> str | None:
    """SQL of the lines the rows claim, in the order of the rows; None if this is no correction."""
    if matching.OURS[0] not in found.titles or not (reading.job / LINES).exists():
        return None
    place = list(found.titles).index(matching.OURS[0])
    return f"SELECT row_number() OVER () - 1 AS r, TRY_CAST(trim(c{place}) AS BIGINT) AS of FROM {found.raw.relation}"


def judge(
    findings: Findings,
    schema: Schema,
    staged: Staged,
    times: Mapping[int, Moments],
    reading: Reading,
    claims: str,
) -> None:
    """Find the rows that stand for nothing, or for what is taken already."""
    run = findings.connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE claims AS {claims}")
    lines = parquet(reading.job / LINES)
    keyed = _key_of(schema, staged, times)
    code = str(reading.references.get("corrects", ""))
    findings.marks.append(Mark("correction-line", matching.OURS[0], (), code))
    k = len(findings.marks) - 1
    bare = " OR c.of IS NULL" if not keyed else ""
    findings.add(
        f"SELECT c.r, {k}, NULL, c.of::VARCHAR FROM claims c LEFT JOIN {lines} l ON l.line = c.of "
        f"WHERE (c.of IS NOT NULL AND l.line IS NULL){bare}"
    )
    findings.marks.append(Mark("correction-twice", matching.OURS[0]))
    findings.add(
        f"SELECT r, {k + 1}, line, of::VARCHAR FROM (SELECT c.r, c.of, first_value(s.line) OVER w AS line, "
        f"row_number() OVER w AS n FROM claims c JOIN (SELECT rowid AS r, {staged.line} AS line FROM staged) s USING (r) "
        "WHERE c.of IS NOT NULL WINDOW w AS (PARTITION BY c.of ORDER BY c.r)) WHERE n > 1"
    )
    if keyed and (reading.job / KEYS).exists():
        _known_keys(findings, schema, staged, keyed, reading, code)


def _key_of(schema: Schema, staged: Staged, times: Mapping[int, Moments]) -> list[str]:
    """SQL of the values of the primary key; none when the file has not all of it."""
    cells = [staged.cells[schema.place(name)] for name in schema.key]
    if any(cell.place is None for cell in cells):
        return []
    return [times[cell.number].value if cell.timed and cell.number in times else cell.typed for cell in cells]


def _known_keys(
    findings: Findings, schema: Schema, staged: Staged, keyed: Sequence[str], reading: Reading, code: str
) -> None:
    cells: list[Cell] = [staged.cells[schema.place(name)] for name in schema.key]
    k = findings.mark("key-known", cells, code)
    same = " AND ".join(
        f"({value})::VARCHAR = k.{ident(name)}::VARCHAR"
        for value, name in zip(keyed, schema.key, strict=True)
    )
    findings.add(
        f"SELECT DISTINCT s.r, {k}, NULL::BIGINT, NULL::VARCHAR FROM (SELECT rowid AS r, * FROM staged) s "
        f"JOIN {parquet(reading.job / KEYS)} k ON {same}"
    )


def write_lines(reading: Reading, found: Found, staged: Staged) -> None:
    """Keep which line every row stands for, and its texts, so that before and after can be shown."""
    raw = ", ".join(columns_of(len(found.titles)))
    copy_parquet(
        reading.connection,
        f"SELECT s.line, c.of, l.root, s.taken, t.raw FROM (SELECT rowid AS r, {staged.line} AS line, "
        f"flags IS NULL AND late IS NULL AS taken FROM staged) s "
        f"JOIN claims c USING (r) LEFT JOIN {parquet(reading.job / LINES)} l ON l.line = c.of "
        f"JOIN (SELECT row_number() OVER () - 1 AS r, [{raw}]::VARCHAR[] AS raw FROM {found.raw.relation}) t USING (r) "
        "ORDER BY s.line",
        reading.job / "lines.parquet",
    )
