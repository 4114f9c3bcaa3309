"""What only shows when rows are seen together: keys, hours of the clock, devices in their places, order and gaps.

Each check writes what it finds into ``found``; the order of its rows does not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.tabular import profile, zones
from testbed.tabular.conditions import Cell
from testbed.tabular.engine import literal
from testbed.tabular.findings import Findings
from testbed.tabular.staging import Staged

GAP = 10
"""So many times the usual step is a gap."""
RARE = 0.05
"""Where a larger share of the steps are gaps, nothing is regular, and none is told."""
SEVERAL = 10
"""Fewer rows have no usual step."""
BUCKETS = 2_000
CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Moments:
    """How a column of times is kept: as instants, or as local time where no zone is known."""

    cell: Cell
    offsets: int
    """How many values have their offset."""
    locals: int

    @property
    def instant(self) -> bool:
        return self.cell.zone is not None or self.offsets > self.locals or not self.locals

    @property
    def sql(self) -> str:
        return "TIMESTAMPTZ" if self.instant else "TIMESTAMP"

    @property
    def value(self) -> str:
        """SQL of the moment."""
        if not self.instant:
            return self.cell.local
        if self.cell.zone is None or not self.locals:
            return self.cell.typed
        local = f"timezone({literal(self.cell.zone)}, {self.cell.local})"
        return local if not self.offsets else f"coalesce({self.cell.typed}, {local})"

    @property
    def compared(self) -> str:
        """SQL of the moment where it only has to be equal to others, or before them: local times cost less."""
        return self.cell.local if not self.offsets else self.value


def moments(findings: Findings, staged: Staged) -> dict[int, Moments]:
    """Of every field that is a time with its date."""
    timed = [cell for cell in staged.cells if cell.timed]
    if not timed:
        return {}
    asked = ", ".join(f"count({cell.typed}), count({cell.local})" for cell in timed)
    row = findings.connection.execute(f"SELECT {asked} FROM staged").fetchone() or ()
    return {cell.number: Moments(cell, row[2 * i], row[2 * i + 1]) for i, cell in enumerate(timed)}


def clock(findings: Findings, times: Mapping[int, Moments]) -> None:
    """Hours that were twice, or not at all; and zones named by some rows only."""
    for each in times.values():
        cell = each.cell
        if cell.zone is not None and each.locals:
            _hours(findings, cell, cell.zone)
        if cell.zone is None and each.offsets and each.locals:
            few = cell.local if each.instant else cell.typed
            k = findings.mark("time-zone", [cell])
            findings.add(f"SELECT rowid, {k}, NULL, NULL FROM staged WHERE {few} IS NOT NULL")


def _hours(findings: Findings, cell: Cell, zone: str) -> None:
    local = cell.local
    row = findings.connection.execute(
        f"SELECT min({local}), max({local}) FROM staged "
        f"WHERE {local} BETWEEN TIMESTAMP '{zones.FIRST}' AND TIMESTAMP '{zones.LAST}'"
    ).fetchone()
    if row is None or row[0] is None:
        return
    found = zones.windows(findings.connection, zone, *row)
    for rule in ("time-ambiguous", "time-nonexistent"):
        if held := [each.holds(local) for each in found if each.rule == rule]:
            k = findings.mark(rule, [cell], zone)
            findings.add(f"SELECT rowid, {k}, NULL, NULL FROM staged WHERE {' OR '.join(held)}")


def twice(
    findings: Findings, staged: Staged, rule: str, cells: Sequence[Cell], times: Mapping[int, Moments]
) -> None:
    """Rows whose values were on an earlier line; hashes are grouped first, for nearly all are different."""
    values = [times[cell.number].compared if cell.timed else cell.typed for cell in cells]
    told, hashed = ", ".join(values), f"hash({', '.join(values)})"
    full = " AND ".join(f"{value} IS NOT NULL" for value in values)
    run = findings.connection.execute
    run(
        f"CREATE OR REPLACE TEMP TABLE again AS SELECT {hashed} AS h FROM staged WHERE {full} "
        "GROUP BY h HAVING count(*) > 1"
    )
    if not (run("SELECT count(*) FROM again").fetchone() or (0,))[0]:
        return
    k = findings.mark(rule, cells)
    findings.add(
        f"SELECT r, {k}, first, NULL FROM (SELECT r, line, min(line) OVER (PARTITION BY {told}) AS first FROM ("
        f"SELECT rowid AS r, {staged.line} AS line, * FROM staged WHERE {full} AND {hashed} IN (SELECT h FROM again))) "
        "WHERE line <> first"
    )


def deployed(
    findings: Findings,
    cells: Sequence[Cell],
    time: Cell | None,
    times: Mapping[int, Moments],
    devices: Sequence[Any],
) -> None:
    """Devices that were not in their place at the time of the row; without a time, that are not known at all."""
    _fill_places(findings, devices)
    moment, there = "NULL", "s.m >= d.low"
    if time is not None:
        if not time.timed:
            there = "s.m + INTERVAL 1 DAY > d.low"  # on the day it was put up it was there, at some time
        moment = times[time.number].value if time.timed else time.typed
    for cell in cells:
        k = findings.mark("deployed-at-time", [cell])
        rows = (
            f"(SELECT rowid AS r, lower({cell.typed}::VARCHAR) AS n, ({moment})::TIMESTAMPTZ AS m FROM staged "
            f"WHERE {cell.typed} IS NOT NULL)"
        )
        for when, within in (("IS NOT NULL", f" AND {there} AND s.m < d.high"), ("IS NULL", "")):
            findings.add(
                f"SELECT s.r, {k}, NULL, NULL FROM (SELECT * FROM {rows} WHERE m {when}) s "
                f"ANTI JOIN deployed d ON d.name = s.n{within}"
            )


def _fill_places(findings: Findings, devices: Sequence[Any]) -> None:
    """Every name of a device without its capitals, and from when to when it was there; open ends are far away."""
    run = findings.connection.execute
    run("CREATE OR REPLACE TEMP TABLE deployed (name VARCHAR, low TIMESTAMPTZ, high TIMESTAMPTZ)")
    places = [
        (str(name).lower(), each.get("from") or "-infinity", each.get("to") or "infinity")
        for each in devices
        for name in dict.fromkeys([each.get("code"), *(each.get("names") or ())])
        if name
    ]
    for start in range(0, len(places), CHUNK):
        rows = ", ".join(
            f"({literal(name)}, CAST({literal(str(low))} AS TIMESTAMPTZ), CAST({literal(str(high))} AS TIMESTAMPTZ))"
            for name, low, high in places[start : start + CHUNK]
        )
        run(f"INSERT INTO deployed VALUES {rows}")


def swapped(findings: Findings, cells: Sequence[Cell]) -> None:
    """Latitude and longitude of the Nordic countries in each other's column."""
    lat = next((cell for cell in cells if cell.field.geographic == "lat" and cell.place is not None), None)
    lon = next((cell for cell in cells if cell.field.geographic == "lon" and cell.place is not None), None)
    if lat is None or lon is None:
        return
    where = f"{lat.typed} BETWEEN 4 AND 32 AND {lon.typed} BETWEEN 54 AND 72"
    k = findings.mark("lat-lon", [lat, lon], "55 … 70, 10 … 25")
    findings.add(
        f"SELECT rowid, {k}, NULL, concat_ws(', ', {lat.typed}, {lon.typed}) FROM staged WHERE {where}"
    )


def order(findings: Findings, time: Cell, series: Sequence[Cell], times: Mapping[int, Moments]) -> None:
    """Rows earlier than the one before, of the same thing. A file with the newest rows first is in order too."""
    moment = times[time.number].compared if time.timed else time.typed
    steps = f"SELECT {moment} AS m, lag({moment}) OVER () AS p FROM staged WHERE {moment} IS NOT NULL"
    back, forth = findings.connection.execute(
        f"SELECT count(*) FILTER (m < p), count(*) FILTER (m > p) FROM ({steps})"
    ).fetchone() or (0, 0)
    if not back or (back > forth and not series):
        return
    k = findings.mark("time-order", [time])
    each = (
        f"PARTITION BY {', '.join(cell.typed for cell in series)} ORDER BY rowid"
        if series
        else "ORDER BY rowid"
    )
    told = f"SELECT rowid AS r, {moment} AS m, lag({moment}) OVER ({each}) AS p FROM staged WHERE {moment} IS NOT NULL"
    count = findings.add(f"SELECT r, {k}, NULL, {_shown('m', time, times)} FROM ({told}) WHERE m < p")
    if count > (back + forth) / 2:
        findings.connection.execute(f"DELETE FROM found WHERE k = {k}")


def gaps(findings: Findings, time: Cell, series: Sequence[Cell], times: Mapping[int, Moments]) -> None:
    """Pauses of a series that are long for it. Counted in buckets of time, which costs far less than sorting."""
    moment = times[time.number].compared if time.timed else time.typed
    us = f"epoch_us({moment})" if time.timed else f"epoch_us({moment}::TIMESTAMP)"
    low, high = findings.connection.execute(f"SELECT min({us}), max({us}) FROM staged").fetchone() or (
        None,
        None,
    )
    if low is None or high <= low:
        return
    names = [f"s{i}" for i in range(len(series))]
    told = "".join(f"{cell.typed} AS {name}, " for cell, name in zip(series, names, strict=True))
    bucket = max(1, (high - low) // BUCKETS)
    rows = (
        f"SELECT {told}({us} - {low}) // {bucket} AS g, min({us}) AS a, max({us}) AS z, count(*) AS n FROM staged "
        f"WHERE {moment} IS NOT NULL GROUP BY ALL"
    )
    _pauses(findings, rows, names)
    k = findings.mark("time-gap", [time])
    same = "".join(
        f" AND t.{name} IS NOT DISTINCT FROM staged.{cell.typed}"
        for cell, name in zip(series, names, strict=True)
    )
    text = f"{_shown('make_timestamp(t.p)', time, times)} || ' – ' || {_shown('make_timestamp(t.a)', time, times)}"
    findings.add(
        f"SELECT min(staged.rowid), {k}, NULL, any_value({text}) FROM staged JOIN pauses t ON t.a = {us}{same} "
        f"GROUP BY {', '.join(['t.g', *(f't.{name}' for name in names)])}"
    )


def _pauses(findings: Findings, rows: str, names: Sequence[str]) -> None:
    """Fill the table ``pauses`` from buckets of the first and last moment (``a``, ``z``) and the number of rows in each."""
    chosen = "".join(f"{name}, " for name in names)
    same = "".join(f" AND u.{name} IS NOT DISTINCT FROM t.{name}" for name in names)
    by, each = (", ".join(["1", *(f"{of}{name}" for name in names)]) for of in ("", "t."))
    findings.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE steps AS
        SELECT *, a - p AS gap, CASE WHEN z > a THEN (z - a) / (n - 1) END AS step
        FROM (SELECT *, lag(z) OVER (PARTITION BY {by} ORDER BY g) AS p FROM ({rows}))
        """
    )
    findings.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pauses AS
        SELECT t.* FROM steps t JOIN (
            SELECT {chosen}median(coalesce(step, gap)) AS usual, count(gap) AS steps, sum(n) AS rows
            FROM steps GROUP BY ALL) u
        ON u.rows >= {SEVERAL} AND t.gap > {GAP} * u.usual{same}
        QUALIFY count(*) OVER (PARTITION BY {each}) <= greatest(1, {RARE} * u.steps)
        """
    )


def _shown(value: str, time: Cell, times: Mapping[int, Moments]) -> str:
    """SQL of a moment as people read it; what was compared as local time is told so."""
    if not time.timed:
        return f"({value})::DATE::VARCHAR"
    each = times[time.number]
    sql = "TIMESTAMP" if not each.offsets else each.sql
    return profile.shown(f"({value})::TIMESTAMP", "datetime", sql)


def rounded(findings: Findings, staged: Staged, cells: Sequence[tuple[int, int, str]]) -> None:
    """Integers that a spreadsheet had already rounded."""
    by_place = {cell.place: cell for cell in staged.cells}
    marks = {
        place: findings.mark("excel-precision", [by_place[place]])
        for place in sorted({column - 1 for _, column, _ in cells})
        if place in by_place
    }
    told = [(line, marks[column - 1], text) for line, column, text in cells if column - 1 in marks]
    for start in range(0, len(told), CHUNK):
        rows = ", ".join(f"({line}, {k}, {literal(text)})" for line, k, text in told[start : start + CHUNK])
        findings.add(
            f"SELECT s.rowid, v.k, NULL, v.value FROM (VALUES {rows}) v(line, k, value) JOIN staged s ON s.__line = v.line"
        )
