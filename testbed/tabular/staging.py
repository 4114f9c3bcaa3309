"""All rows read once: typed, with what each cell breaks.

The table lies in DuckDB's memory (or its spill folder), where a row's ``rowid`` is its place in the file. Joins lose that
order, updates do not: rows found wrong later are marked by an update.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from testbed.tabular import conditions, spelling, zones
from testbed.tabular.conditions import BITS, Cell
from testbed.tabular.engine import duckdb, literal
from testbed.tabular.matching import Match
from testbed.tabular.problems import Unreadable
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import columns_of
from testbed.tabular.schema import Field, Schema, refused
from testbed.tabular.spelling import Spelling
from testbed.tabular.units import Conversion, conversion

DEEP = 200
SAMPLED = 1_000
"""So many rows, spread over the sample, say how a column is spelt; every value is asked afterwards."""
DOUBTFUL = 0.01
"""Misfits in a larger share of the values make another spelling of the column worth asking about."""


@dataclass(frozen=True, slots=True)
class Staged:
    """The table ``staged``: ``t0`` …, ``l0`` …, kept extra columns ``e0`` …, ``flags`` of the rows that break anything,
    ``late``, and where the line is not the place, ``__line`` and ``__row``."""

    cells: tuple[Cell, ...]
    flagged: tuple[int, ...]
    """Numbers of the fields whose bits are in ``flags``, in that order."""
    start: int | None

    @property
    def line(self) -> str:
        return "__line" if self.start is None else f"rowid + {self.start}"

    @property
    def row(self) -> str:
        return "__row" if self.start is None else "rowid + 1"


Bound = tuple[Cell, tuple[Spelling, ...]]


def bind(schema: Schema, match: Match, found: Found, reading: Reading) -> list[Bound]:
    """Every field with its column and likeliest spelling, and all its spellings. Raises: Unreadable."""
    names = {each.name for each in schema.fields}
    for name, unit in reading.answers.units.items():
        if name not in names:
            raise Unreadable("answer", value=f"units: {name} {unit}"[:200])
    bound = []
    few = found.sample[:: 1 + len(found.sample) // SAMPLED]
    for number, (each, place) in enumerate(zip(schema.fields, match.places, strict=True)):
        _refuse_pattern(reading.connection, each)
        offered = spelling.candidates(each, reading.answers, _conversion(each, reading), sheet=found.sheet)
        sampled = [] if place is None else [row[place] for row in few if row[place] not in each.missing]
        likely = spelling.choose(offered, sampled)
        cell = Cell(
            number, each, place, likely, _zone(each, reading), each.name in schema.key, likely.local_first(sampled)
        )  # fmt: skip
        bound.append((cell, offered))
    return bound


def _refuse_pattern(connection: duckdb.DuckDBPyConnection, of: Field) -> None:
    pattern = of.constraints.get("pattern")
    if pattern is None:
        return
    try:
        connection.execute(f"SELECT regexp_full_match('', {literal(pattern)})").fetchone()
    except duckdb.Error:
        raise refused(f"{of.name}: pattern {pattern}"[:200]) from None


def _conversion(of: Field, reading: Reading) -> Conversion | None:
    """Noted under what was assumed; None when the file is in the unit of the schema. Raises: Unreadable."""
    unit = reading.answers.units.get(of.name)
    if unit is None:
        return None
    if not of.numeric:
        raise Unreadable("unit-conversion", value=f"{of.name}: {of.type}")
    found = conversion(of.name, unit, of.unit)
    reading.assumed.setdefault("units", {})[of.name] = {"from": unit, "to": of.unit}
    return None if found.same else found


def _zone(of: Field, reading: Reading) -> str | None:
    if of.type != "datetime":
        return None
    if reading.answers.zone:
        return zones.known(reading.connection, reading.answers.zone)
    try:
        return zones.known(reading.connection, of.zone) if of.zone else None
    except Unreadable:
        raise refused(f"{of.name}: testbed:zone {of.zone}") from None


def stage(reading: Reading, found: Found, bound: list[Bound], extra: Sequence[int]) -> Staged | None:
    """Fill the table ``staged``; None when a quick reading does not find every line. Raises: Unreadable."""
    cells = tuple(cell for cell, _ in bound)
    staged = _staged(reading, found, cells, extra)
    if staged is None:
        return None
    better = _respelled(reading, found, staged, bound)
    return staged if better == cells else _staged(reading, found, better, extra)


def _staged(reading: Reading, found: Found, cells: tuple[Cell, ...], extra: Sequence[int]) -> Staged | None:
    counted = "__line::BIGINT AS __line, __row::BIGINT AS __row" if found.raw.start is None else None
    raws = columns_of(len(found.titles))
    typed = [conditions.values(cell, empties=found.raw.empties) for cell in cells]
    others = [conditions.other_value(cell) for cell in cells if cell.timed]
    bits = {
        cell.number: sql
        for cell in cells
        if (sql := conditions.flags(cell, conditions.holding(cell, reading.references))) is not None
    }
    kept = [name for cell in cells for name in ((cell.typed, cell.local) if cell.timed else (cell.typed,))]
    kept += [f"c{i} AS e{i}" for i in extra]
    names = [f"f{number}" for number in bits]
    bad = _any(names)
    first = ", ".join(filter(None, [counted, *raws, *typed]))
    second = ", ".join(["*", *(f"({sql})::USMALLINT AS f{number}" for number, sql in bits.items())])
    third = [] if counted is None else ["__line", "__row"]
    query = (
        f"CREATE OR REPLACE TEMP TABLE staged AS SELECT {', '.join([*third, *kept])}, "
        f"CASE WHEN {bad} THEN [{', '.join(names)}]::USMALLINT[] END AS flags, "
        f"NULL::BOOLEAN AS late FROM (SELECT {second} FROM (SELECT {', '.join(['*', *others])} FROM "
        f"(SELECT {first} FROM {found.raw.relation})))"
    )
    try:
        reading.connection.execute(query)
    except duckdb.InvalidInputException:
        if found.quick:
            return None
        raise
    row = reading.connection.execute("SELECT count(*) FROM staged").fetchone()
    if row is None or row[0] != found.rows:
        return None
    return Staged(cells, tuple(bits), found.raw.start)


def _any(names: Sequence[str]) -> str:
    """SQL of whether one of the bits is set; more than some hundreds of them would make too deep an expression."""
    parts = [" | ".join(names[i : i + DEEP]) for i in range(0, len(names), DEEP)]
    if not parts:
        return "false"
    return f"{parts[0]} > 0" if len(parts) == 1 else f"greatest({', '.join(parts)}) > 0"


def _respelled(reading: Reading, found: Found, staged: Staged, bound: list[Bound]) -> tuple[Cell, ...]:
    """The cells, each spelt as most of the whole column is, should the sample have misled."""
    wrong = dict(
        reading.connection.execute(
            f"SELECT j, count(*) FROM (SELECT unnest({list(staged.flagged)}) AS j, unnest(flags) AS f FROM staged "
            f"WHERE flags IS NOT NULL) WHERE f & {BITS['type'] | BITS['decimal-comma']} <> 0 GROUP BY j"
        ).fetchall()
        if staged.flagged
        else ()
    )
    cells = []
    for cell, offered in bound:
        doubtful = wrong.get(cell.number, 0) > DOUBTFUL * found.rows and len(offered) > 1
        cells.append(replace(cell, spelling=_counted(reading, found, cell, offered)) if doubtful else cell)
    return tuple(cells)


def _counted(reading: Reading, found: Found, cell: Cell, offered: Sequence[Spelling]) -> Spelling:
    x = conditions.trimmed(f"c{cell.place}")
    fits = [
        " OR ".join(
            f"regexp_full_match({x}, {literal(gate)})" for gate in (each.gate, each.local_gate) if gate
        )
        for each in offered
    ]
    asked = ", ".join(f"count(*) FILTER ({fit})" for fit in [*fits, " OR ".join(fits)])
    row = reading.connection.execute(f"SELECT {asked} FROM {found.raw.relation}").fetchone() or (0,)
    return spelling.decide(offered, row[:-1], row[-1])
