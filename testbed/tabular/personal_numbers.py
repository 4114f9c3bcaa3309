"""Swedish personal numbers and coordination numbers (personnummer, samordningsnummer) in SQL.

Ten or twelve digits: a date (day + 60 in a coordination number), a serial number of three digits, and a check digit by
Luhn's rule over the last ten (SKV 704). An organisation number has no month in its third and fourth digit.
"""

from testbed.tabular.engine import duckdb, literal

_DASHED = "((?:18|19|20)?[0-9]{6}[-+][0-9]{4})"
_PLAIN = "((?:18|19|20)?[0-9]{10})"
DASHED = rf"(?:^|[^A-Za-z0-9_+-]){_DASHED}(?:$|[^A-Za-z0-9_+-])"
PLAIN = rf"(?:^|[^A-Za-z0-9_.,:+/-]){_PLAIN}(?:$|[^A-Za-z0-9_:+/-])"
WORDS = ("personnummer", "personnr", "persnr", "pnr", "samordningsnummer", "ssn")

_TWICE = " + ".join(f"(n // {10**i} % 10 * 2) % 10 + (n // {10**i} % 10) // 5" for i in range(9, 0, -2))
_ONCE = " + ".join(f"n // {10**i} % 10" for i in range(8, -1, -2))
_MACROS = (
    f"luhn(n) AS ({_TWICE} + {_ONCE}) % 10 = 0",
    "month_of(n) AS n // 1000000 % 100",
    "day_of(n) AS CASE WHEN n // 10000 % 100 > 60 THEN n // 10000 % 100 - 60 ELSE n // 10000 % 100 END",
    # 1900 had no 29th of February, and nobody born then is measured here
    "days_of(n) AS CASE month_of(n) WHEN 2 THEN CASE WHEN n // 100000000 % 4 = 0 THEN 29 ELSE 28 END "
    "WHEN 4 THEN 30 WHEN 6 THEN 30 WHEN 9 THEN 30 WHEN 11 THEN 30 ELSE 31 END",
    "dated(n) AS (n < 10000000000 OR n // 10000000000 BETWEEN 18 AND 20) AND month_of(n) BETWEEN 1 AND 12 "
    "AND day_of(n) BETWEEN 1 AND days_of(n)",
    "digits(x) AS regexp_replace(x, '[-+]', '')::BIGINT",
)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions that the conditions use."""
    for macro in _MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


def of_text() -> dict[str, str]:
    """SQL of a text ``v``: whether it holds digits that begin with a date, written with a dash or plain (``…_dated``),
    and whether some of these have a right check digit."""
    found = {}
    for form, pattern in (("dashed", DASHED), ("plain", PLAIN)):
        held = f"list_filter(regexp_extract_all(v, {literal(pattern)}, 1), lambda x: dated(digits(x)))"
        right = f"list_filter({held}, lambda x: luhn(digits(x)))"
        for name, asked in ((f"{form}_dated", held), (form, right)):
            found[name] = (
                f"CASE WHEN regexp_matches(v, {literal(pattern)}) THEN len({asked}) > 0 ELSE false END"
            )
    return found


def of_integer() -> dict[str, str]:
    """The same of a whole number ``v``: zeros before a number of this century were lost, and are thought there."""
    return {
        "dashed_dated": "false",
        "dashed": "false",
        "plain_dated": "dated(v)",
        "plain": "dated(v) AND luhn(v)",
    }
