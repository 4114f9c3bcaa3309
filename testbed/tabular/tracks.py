"""Whether places and times in a table follow something that moves: a precise track tells where somebody was.

A place is precise with four decimals of a degree (11 m) or in metres (SWEREF 99 TM). Sensors that stay where they are
make no track, however many they are: some column names them, and each of its values stays in one spot all the time.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.tabular.engine import duckdb, ident, likely, literal, parquet
from testbed.tabular.schema import LATITUDES, LONGITUDES

FEWEST = 10
"""Rows; fewer show no way."""
SPOT = 0.005
"""Degrees of latitude, some 500 m: what stays within does not move, whatever its receiver says."""
HOP = 0.01
METRES = 111_000.0
NORTH, EAST = (6_100_000, 7_700_000), (200_000, 950_000)
LISTED = r"\s*-?[0-9]{1,3}\.[0-9]{4,}\s*[,; ]\s*-?[0-9]{1,3}\.[0-9]{4,}\s*"
FINE = r"[0-9]\.[0-9]{4,}"
_FINE = f".*{FINE}.*"
GEOMETRY = (
    rf"(?s){LISTED}|\s*(?:SRID=\d+;)?\s*(?i:POINT|LINESTRING|MULTIPOINT){_FINE}|.*\"coordinates\"{_FINE}"
)
PLACE = r"(-?[0-9]+\.[0-9]{4,})[^0-9.-]+(-?[0-9]+\.[0-9]{4,})"
FIRST = 2_000
"""Values that show whether a column of text holds places."""
THINGS = 8
"""Columns tried for the name of what is measured."""
MOVERS = ("vehicle", "fordon", "bike", "cykel", "device", "enhet", "eui", "tracker", "unit", "user", "person")


@dataclass(frozen=True, slots=True)
class Track:
    columns: list[str]
    rows: int


@dataclass(frozen=True, slots=True)
class _Place:
    """SQL of a place in degrees, or in something as large, and whether it is told precisely."""

    columns: list[str]
    y: str
    x: str
    fine: str


def found(
    connection: duckdb.DuckDBPyConnection,
    table: Path,
    columns: Sequence[tuple[str, str, str]],
    stats: Sequence[dict[str, Any]],
) -> Iterator[Track]:
    """Of a table with times: each pair of columns, or column of geometry, whose places move."""
    source = parquet(table)
    time = next((ident(name) for name, type_, _ in columns if type_ == "datetime"), None)
    shapes = [
        (name, type_, stat) for (name, type_, _), stat in zip(columns, stats, strict=True) if stat["n"] >= FEWEST
    ]  # fmt: skip
    if time is None:
        return
    for place in [*_pairs(shapes), *_geometries(connection, source, shapes)]:
        things = [
            ident(name)
            for name, type_, stat in shapes
            if type_ in {"string", "integer"} and name not in place.columns and 0 < stat["distinct"] * 5 <= stat["n"]
        ][:THINGS]  # fmt: skip
        rows = f"SELECT {place.y} AS y, {place.x} AS x, epoch_us({time}) AS t, {place.fine} AS fine"
        if (count := _moving(connection, rows, source, things)) > 0:
            yield Track(place.columns, count)


def _pairs(shapes: Sequence[tuple[str, str, dict[str, Any]]]) -> Iterator[_Place]:
    numbers = [(name, stat) for name, type_, stat in shapes if type_ in {"number", "integer"}]
    lats = [name for name, _ in numbers if _last_word(name) in LATITUDES]
    lons = [name for name, _ in numbers if _last_word(name) in LONGITUDES]
    for lat, lon in zip(lats, lons, strict=False):
        y, x = (f"{ident(each)}::DOUBLE" for each in (lat, lon))
        fine = " AND ".join(f"abs({each} * 1000 - round({each} * 1000)) > 1e-4" for each in (y, x))
        yield _Place([lat, lon], y, x, fine)
    norths = [name for name, stat in numbers if _within(stat, NORTH)]
    easts = [name for name, stat in numbers if _within(stat, EAST)]
    if len(norths) == len(easts) == 1:
        y, x = (f"({ident(each)}::DOUBLE / {METRES})" for each in (norths[0], easts[0]))
        yield _Place([norths[0], easts[0]], y, x, "true")


def _last_word(name: str) -> str:
    """``start_lat`` and ``gps.Latitude`` end as ``lat`` does."""
    return name.casefold().replace(".", "_").replace(" ", "_").rpartition("_")[2]


def _within(stat: dict[str, Any], bounds: tuple[int, int]) -> bool:
    return bool(bounds[0] <= stat["min"] and stat["max"] <= bounds[1])


def _geometries(
    connection: duckdb.DuckDBPyConnection, source: str, shapes: Sequence[tuple[str, str, dict[str, Any]]]
) -> Iterator[_Place]:
    texts = [name for name, type_, _ in shapes if type_ in {"string", "object", "list"}]
    for name in likely(connection, source, texts, FINE):
        column = ident(name)
        row = connection.execute(
            f"SELECT count(*) FILTER (regexp_full_match({column}, {literal(GEOMETRY)})), count(*) "
            f"FROM (SELECT {column} FROM {source} WHERE {column} IS NOT NULL LIMIT {FIRST})"
        ).fetchone()
        if row and row[0] * 2 >= row[1]:
            y, x = (f"TRY_CAST(regexp_extract({column}, {literal(PLACE)}, {i}) AS DOUBLE)" for i in (1, 2))
            yield _Place([name], y, x, f"{y} IS NOT NULL")


def _moving(connection: duckdb.DuckDBPyConnection, rows: str, source: str, things: Sequence[str]) -> int:
    """How many precise places are on the way of something that moves; 0 when nothing does."""
    told = connection.execute(
        f"SELECT count(*) FILTER (fine), count(*), max(t) - min(t), max(y) - min(y), max(x) - min(x) "
        f"FROM ({rows} FROM {source}) WHERE y IS NOT NULL AND x IS NOT NULL AND t IS NOT NULL"
    ).fetchone() or (0, 0, 0, 0, 0)
    fine, n, span, high, wide = told
    if n < FEWEST or fine * 2 < n or not span or max(high, wide / 2) < SPOT:
        return 0
    kept, goes = (
        zip(*(_stays(connection, rows, source, each, span) for each in things), strict=True)
        if things
        else ((), ())
    )
    if any(kept):
        return 0
    return fine if any(goes) or _hops(connection, rows, source, n) else 0


def _stays(
    connection: duckdb.DuckDBPyConnection, rows: str, source: str, thing: str, span: int
) -> tuple[bool, bool]:
    """Whether what a column names stays in one spot nearly all the time, and whether it is a name of things that move."""
    still, moved, lasting = connection.execute(
        f"SELECT avg((high < {SPOT} AND wide < {2 * SPOT})::INTEGER), avg((n >= {FEWEST})::INTEGER), avg(lasted) FROM ("
        f"SELECT max(y) - min(y) AS high, max(x) - min(x) AS wide, count(*) AS n, max(t) - min(t) AS lasted "
        f"FROM ({rows}, {thing} AS thing FROM {source}) WHERE y IS NOT NULL AND x IS NOT NULL AND t IS NOT NULL "
        "GROUP BY thing)"
    ).fetchone() or (0, 0, 0)
    stays = still >= 0.9 and lasting >= span / 2
    return stays, still <= 0.5 <= moved and _names_things(thing)


def _names_things(column: str) -> bool:
    """``humidity`` is no ``id``."""
    name = column.casefold()
    return any(word in name for word in MOVERS) or "id" in re.split("[^a-z0-9]+|_", name)


def _hops(connection: duckdb.DuckDBPyConnection, rows: str, source: str, n: int) -> bool:
    """Whether most steps from row to row are short ones: a way, not the order in which places are listed."""
    changes, short = connection.execute(
        f"SELECT count(*), count(*) FILTER (abs(y - py) < {HOP} AND abs(x - px) < {2 * HOP}) FROM ("
        f"SELECT y, x, lag(y) OVER () AS py, lag(x) OVER () AS px FROM ({rows} FROM {source}) "
        "WHERE y IS NOT NULL AND x IS NOT NULL AND t IS NOT NULL) WHERE y <> py OR x <> px"
    ).fetchone() or (0, 0)
    return bool(changes >= max(FEWEST / 2, n / 50) and short * 2 >= changes)
