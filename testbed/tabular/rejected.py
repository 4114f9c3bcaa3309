"""``rejected.csv``: the rows that were not taken, as they were, with line and rules first, to be mended and sent again.

People open it in Excel, so it is written as Excel reads it (the delimiter of the file it came from, UTF-8 with BOM, CRLF)
and carries the formula guard: a text that a spreadsheet would evaluate gets an apostrophe in front. Numbers such as
``-5`` get none. When the file comes back, one apostrophe before such a text is taken off again (a text that had its own
was given a second), so every cell that nobody touched is the one that was sent. The raw file itself is never changed.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from testbed.tabular.engine import duckdb, ident, literal
from testbed.tabular.rows import Refused, columns_of

_BLANKS = "[ \u00a0\u200b-\u200d\ufeff]*"
_ACTIVE = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_EVALUATED = f"'*{_BLANKS}{_ACTIVE}"
_NUMBER = "[+-]?[0-9]+([.,][0-9]*)?([eE][+-]?[0-9]{1,3})?"
_GUARD = f"^'({_EVALUATED})"
UNGUARDED = f"regexp_replace({{x}}, {literal(_GUARD)}, '\\1')"
"""SQL that takes the guard off the text ``{x}``."""


def guarded(x: str) -> str:
    """SQL of the text ``x`` with its guard."""
    return (
        f"CASE WHEN regexp_matches({x}, {literal('^' + _EVALUATED)}) AND NOT regexp_full_match({x}, {literal(_NUMBER)}) "
        f"THEN '''' || {x} ELSE {x} END"
    )


def guard(text: str) -> str:
    if re.match(_EVALUATED, text) and not re.fullmatch(_NUMBER, text):
        return "'" + text
    return text


def unguarded(text: str) -> str:
    return re.sub(_GUARD, r"\1", text)


def refused_rows(refused: Refused) -> str:
    """SQL of the records that were no rows, as :func:`write` wants them."""
    names = ", ".join(columns_of(refused.columns))
    return (
        f"SELECT __line::BIGINT AS line, __rule AS rules, [{names}]::VARCHAR[] AS raw, __rest AS rest "
        f"FROM {refused.relation()}"
    )


def write(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    titles: Sequence[str],
    rows: str,
    delimiter: str,
    *,
    rest: bool,
) -> None:
    """``rows``: SQL of ``line``, ``rules``, ``raw`` (a list of texts) and ``rest``; written in the order of lines."""
    cells = [f"raw[{i}] AS {ident(guard(title))}" for i, title in enumerate(titles, 1)]
    last = [f"{guarded('rest')} AS __rest"] if rest else []
    selected = ", ".join(["line AS __line", "rules AS __rules", *cells, *last])
    # once for all cells: two expressions for each column of a wide table take DuckDB half a minute
    whole = f"SELECT * REPLACE (list_transform(raw, lambda x: {guarded('x')}) AS raw) FROM ({rows})"
    body = target.with_suffix(".body")
    connection.execute(
        f"COPY (SELECT {selected} FROM ({whole}) ORDER BY line) TO {literal(str(body))} "
        f"(FORMAT csv, HEADER true, DELIMITER {literal(delimiter)}, QUOTE '\"', ESCAPE '\"', NULLSTR '', NEW_LINE '\\r\\n')"
    )
    with target.open("wb") as out, body.open("rb") as made:
        out.write(b"\xef\xbb\xbf")
        while block := made.read(1 << 20):
            out.write(block)
    body.unlink()
