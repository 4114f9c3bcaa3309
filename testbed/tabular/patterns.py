"""Patterns of text: RE2, as DuckDB has it. They match whole values, and none of them can be made to hang."""

from functools import cache

from testbed.tabular.engine import duckdb

LONGEST = 200


class NoPattern(ValueError):
    """The text is no pattern that RE2 takes."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` is as ``pattern`` says.

    Raises:
        NoPattern: empty, longer than 200 characters, or nothing that RE2 takes: look around and back references among them.
    """
    if not 0 < len(pattern) <= LONGEST:
        raise NoPattern(pattern)
    try:
        found = _engine().cursor().execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchone()
    except duckdb.Error:
        raise NoPattern(pattern) from None
    return found is not None and found[0] is True


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Opened once: nothing is kept in it, and it reaches no file."""
    connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "64MB"})
    connection.execute("SET enable_external_access=false; SET lock_configuration=true")
    return connection
