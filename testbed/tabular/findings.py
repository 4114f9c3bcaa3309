"""What is wrong row by row: listed with its line, counted exactly, and kept as Parquet.

The table ``found`` holds the place of the row (``rowid`` of ``staged``), the number of the mark, for a duplicate the line of
the first one, and the value where it is not simply the text of the cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.tabular import rejected
from testbed.tabular.conditions import BITS, Cell
from testbed.tabular.engine import copy_parquet, duckdb, literal
from testbed.tabular.expected import expected
from testbed.tabular.hints import RULES
from testbed.tabular.problems import EXAMPLES, VALUE, Problems
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import Canonical, columns_of, named
from testbed.tabular.staging import Staged

MOST = 1_000_000
"""So many findings are kept; the counts go on."""
SOUGHT = 100_000
"""Up to so many lines are looked up in the file; for more it is read again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One rule of one column."""

    rule: str
    column: str | None
    places: tuple[int, ...] = ()
    """Which column of the file, or which ones."""
    expected: str | None = None
    type_: str | None = None

    @property
    def severity(self) -> str:
        return RULES[self.rule][0]

    def sql(self, number: int) -> str:
        place = self.places[0] if self.places else None
        values = (
            number, self.rule, self.column, None if place is None else place + 1, self.severity,
            self.expected and self.expected[:VALUE],
        )  # fmt: skip
        return (
            "("
            + ", ".join("NULL" if v is None else str(v) if isinstance(v, int) else literal(v) for v in values)
            + ")"
        )


class Findings:
    """The list of a reading; marks are made before what they mark."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.marks: list[Mark] = []
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE found (r BIGINT, k INTEGER, first BIGINT, value VARCHAR)"
        )

    def mark(self, rule: str, cells: Sequence[Cell], expected: str | None = None) -> int:
        """Its number."""
        names = ", ".join(cell.field.name for cell in cells)
        places = tuple(cell.place for cell in cells if cell.place is not None)
        self.marks.append(Mark(rule, names, places, expected, cells[0].field.type if cells else None))
        return len(self.marks) - 1

    def add(self, rows: str) -> int:
        """``rows``: SQL of ``r, k, first, value``; how many there were."""
        done = self.connection.execute(f"INSERT INTO found {rows}").fetchone()
        return int(done[0]) if done else 0

    def add_flags(self, staged: Staged, references: Mapping[str, Any]) -> None:
        """Everything that was found wrong with single cells."""
        if not staged.flagged:
            return
        unnested = (
            f"(SELECT rowid AS r, unnest({list(staged.flagged)}) AS j, unnest(flags) AS f FROM staged "
            "WHERE flags IS NOT NULL)"
        )
        seen = self.connection.execute(
            f"SELECT j, bit_or(f) FROM {unnested} WHERE f <> 0 GROUP BY j ORDER BY j"
        ).fetchall()
        marked = [
            f"({j}, {bit}, {self.mark(rule, [staged.cells[j]], expected(staged.cells[j], rule, references))})"
            for j, bits in seen
            for rule, bit in BITS.items()
            if bits & bit
        ]
        if marked:
            self.add(
                f"SELECT u.r, m.k, NULL, NULL FROM {unnested} u JOIN (VALUES {', '.join(marked)}) m(j, bit, k) "
                "ON m.j = u.j AND u.f & m.bit <> 0 WHERE u.f <> 0"
            )

    def close(self, staged: Staged, found: Found, job: Path) -> int:
        """Mark the rows found wrong late, and lay out line and texts of every row with a finding; how many were wrong."""
        late = [str(k) for k, mark in enumerate(self.marks) if mark.severity == "error"]
        run = self.connection.execute
        if late:
            run(
                "UPDATE staged SET late = true WHERE flags IS NULL AND rowid IN "
                f"(SELECT r FROM found WHERE k IN ({', '.join(late)}))"
            )
        wrong = run("SELECT count(*) FROM staged WHERE flags IS NOT NULL OR late").fetchone() or (0,)
        run("CREATE OR REPLACE TEMP TABLE bad (r BIGINT, line BIGINT, row BIGINT, raw VARCHAR[])")
        if wrong[0]:
            run(f"INSERT INTO bad {self._texts(staged, found, job, wrong[0])}")
        run(
            f"INSERT INTO bad SELECT rowid, {staged.line}, {staged.row}, NULL FROM staged "
            "WHERE flags IS NULL AND late IS NULL AND rowid IN (SELECT r FROM found)"
        )
        run(
            "CREATE OR REPLACE TEMP TABLE marks "
            "(k INTEGER, rule VARCHAR, name VARCHAR, column_no INTEGER, severity VARCHAR, expected VARCHAR)"
        )
        if self.marks:
            run(f"INSERT INTO marks VALUES {', '.join(mark.sql(k) for k, mark in enumerate(self.marks))}")
        return int(wrong[0])

    def _texts(self, staged: Staged, found: Found, job: Path, count: int) -> str:
        """SQL of the wrong rows with their texts, which takes a second look into the file."""
        wrong = "flags IS NOT NULL OR late"
        names = columns_of(len(found.titles))
        texts = f"[{', '.join(names)}]::VARCHAR[]"
        if staged.start is None:
            return (
                f"SELECT s.r, s.__line, s.__row, {texts} FROM {found.raw.relation} x "
                f"JOIN (SELECT rowid AS r, __line, __row FROM staged WHERE {wrong}) s ON s.__line = x.__line::BIGINT"
            )
        start = staged.start
        if found.at is None or count > SOUGHT:
            return (
                f"SELECT x.r, x.r + {start}, x.r + 1, {texts} "
                f"FROM (SELECT row_number() OVER () - 1 AS r, * FROM {found.raw.relation}) x "
                f"JOIN (SELECT rowid AS r FROM staged WHERE {wrong}) s ON s.r = x.r"
            )
        lines = self.connection.execute(
            f"SELECT rowid + {start} FROM staged WHERE {wrong} ORDER BY 1"
        ).fetchall()
        sought = Canonical(job / "sought", len(found.titles))
        for line, values in found.at([line for (line,) in lines]):
            sought.write_text(line, values)
        again = f"(SELECT __line::BIGINT AS l, * FROM {sought.raw().relation})"
        return f"SELECT l - {start}, l, l - {start - 1}, {texts} FROM {again}"

    def value(self) -> str:
        """SQL of what stands in the cell, or the cells."""
        several = "".join(
            f"WHEN f.k = {k} THEN concat_ws(', ', {', '.join(f'b.raw[{place + 1}]' for place in mark.places)}) "
            for k, mark in enumerate(self.marks)
            if len(mark.places) > 1
        )
        one = "b.raw[m.column_no]"
        text = f"CASE {several}ELSE {one} END" if several else one
        return f"left(coalesce(f.value, {text}), {VALUE})"

    def tell(self, problems: Problems) -> None:
        """One problem for each mark, with its first lines."""
        rows = self.connection.execute(
            f"""
            SELECT e.k, e.n, list({{line: b.line, value: {self.value()}}} ORDER BY b.line) FROM (
                SELECT k, n, unnest(rs) AS r FROM (SELECT k, count(*) AS n, min(r, {EXAMPLES}) AS rs FROM found GROUP BY k)) e
            JOIN found f ON f.k = e.k AND f.r = e.r JOIN bad b ON b.r = e.r JOIN marks m ON m.k = e.k
            GROUP BY e.k, e.n ORDER BY e.k
            """
        ).fetchall()
        for k, count, examples in rows:
            mark = self.marks[k]
            shown = [(each["line"], each["value"]) for each in examples]
            problems.add_all(mark.rule, mark.column, count, shown, expected=mark.expected, type_=mark.type_)

    def write(self, reading: Reading, found: Found, of_file: Sequence[Mapping[str, Any]]) -> None:
        """``findings.parquet``: those of the file, of records that are no rows, and of cells, in order of line."""
        parts = [
            f"SELECT b.line, b.row, m.name, m.column_no, {self.value()}, m.rule, m.severity, m.expected, f.first "
            "FROM found f JOIN marks m USING (k) JOIN bad b USING (r)"
        ]
        if found.refused is not None and found.refused.count:
            texts = ", ".join([*columns_of(found.refused.columns), "nullif(__rest, '')"])
            text = f"CASE __rule WHEN 'columns' THEN concat_ws({literal(reading.delimiter)}, {texts}) ELSE __rest END"
            parts.append(
                f"SELECT __line::BIGINT, __row::BIGINT, NULL, NULL, left({text}, {VALUE}), __rule, 'error', NULL, NULL "
                f"FROM {found.refused.relation()}"
            )
        for each in of_file:
            told = (each["column"], each["value"], each["rule"], each["severity"], each["expected"])
            column, value, rule, severity, wanted = ("NULL" if v is None else literal(v) for v in told)
            line = "NULL" if each["line"] is None else each["line"]
            parts.append(f"SELECT {line}, NULL, {column}, NULL, {value}, {rule}, {severity}, {wanted}, NULL")
        columns = (
            "line::BIGINT AS line, row::BIGINT AS row, name::VARCHAR AS column, column_no::INTEGER AS column_no, "
            "value::VARCHAR AS value, rule, severity, expected::VARCHAR AS expected, first_line::BIGINT AS first_line"
        )
        shape = "(line, row, name, column_no, value, rule, severity, expected, first_line)"
        query = (
            f"SELECT {columns} FROM ({' UNION ALL '.join(parts)}) all_{shape} "
            f"ORDER BY line NULLS FIRST, column_no NULLS FIRST, rule LIMIT {MOST}"
        )
        copy_parquet(self.connection, query, reading.findings)

    def write_rejected(self, reading: Reading, found: Found) -> None:
        """The rows that were not taken, with all that is wrong with them."""
        parts = [
            """
            SELECT b.line, rules, b.raw, NULL AS rest FROM bad b JOIN (
                SELECT r, string_agg(DISTINCT rule || coalesce(' ' || name, ''), '; ') AS rules
                FROM found JOIN marks USING (k) WHERE severity = 'error' GROUP BY r) USING (r)
            """
        ]
        refused = found.refused is not None and found.refused.count > 0
        if found.refused is not None and refused:
            parts.append(rejected.refused_rows(found.refused))
        rows = " UNION ALL ".join(parts)
        titles = named(found.titles).names
        rejected.write(
            self.connection, reading.job / "rejected.csv", titles, rows, reading.delimiter, rest=refused
        )
