"""The hours that a clock shows twice, and those it leaves out, when summer time ends and begins.

DuckDB turns either into an instant without a word. All changes of a zone between two days come from DuckDB itself, so
that the two cannot disagree; a year of them costs some milliseconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from testbed.tabular.engine import duckdb, literal
from testbed.tabular.problems import Unreadable

FIRST, LAST = datetime(1850, 1, 1), datetime(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """Local times from ``start`` (included) to ``end``, and the rule they break."""

    start: datetime
    end: datetime
    rule: str

    def holds(self, local: str) -> str:
        return f"({local} >= TIMESTAMP '{self.start}' AND {local} < TIMESTAMP '{self.end}')"


def known(connection: duckdb.DuckDBPyConnection, zone: str) -> str:
    """The zone itself. Raises: Unreadable (answer) if there is none of that name."""
    try:
        connection.execute(f"SELECT timezone({literal(zone)}, TIMESTAMP '2024-01-01')::VARCHAR").fetchone()
    except duckdb.Error:
        raise Unreadable("answer", value=f"zone: {zone}"[:200]) from None
    return zone


def windows(connection: duckdb.DuckDBPyConnection, zone: str, low: datetime, high: datetime) -> list[Window]:
    """All of them between two local times."""
    low, high = max(low, FIRST) - timedelta(days=2), min(high, LAST) + timedelta(days=2)
    if low >= high:
        return []
    days = _changes(connection, zone, [(low, high)], "1 day")
    minutes = _changes(connection, zone, days, "1 minute")
    return _windows(
        connection, zone, [instant for _, instant in _changes(connection, zone, minutes, "1 second")]
    )


def _changes(
    connection: duckdb.DuckDBPyConnection, zone: str, spans: list[tuple[datetime, datetime]], step: str
) -> list[tuple[datetime, datetime]]:
    """The steps within spans of UTC over which the offset changes; the second instant is the first one after it."""
    if not spans:
        return []
    given = ", ".join(f"(TIMESTAMP '{low}', TIMESTAMP '{high}')" for low, high in spans)
    return connection.execute(
        f"""
        SELECT p, u FROM (
            SELECT u, lag(u) OVER each AS p, o, lag(o) OVER each AS before FROM (
                SELECT low, u, timezone({literal(zone)}, timezone('UTC', u)) - u AS o FROM (
                    SELECT low, unnest(generate_series(low, high, INTERVAL '{step}')) AS u
                    FROM (VALUES {given}) spans(low, high)))
            WINDOW each AS (PARTITION BY low ORDER BY u))
        WHERE o <> before ORDER BY u
        """
    ).fetchall()


def _windows(connection: duckdb.DuckDBPyConnection, zone: str, instants: list[datetime]) -> list[Window]:
    """What the clock does at instants of UTC."""
    if not instants:
        return []
    given = ", ".join(f"(TIMESTAMP '{instant}')" for instant in instants)
    rows = connection.execute(
        f"SELECT timezone({literal(zone)}, timezone('UTC', u)), "
        f"timezone({literal(zone)}, timezone('UTC', u - INTERVAL 1 SECOND)) + INTERVAL 1 SECOND "
        f"FROM (VALUES {given}) instants(u) ORDER BY u"
    ).fetchall()
    return [
        Window(before, after, "time-nonexistent")
        if after > before
        else Window(after, before, "time-ambiguous")
        for after, before in rows
    ]
