"""What was assumed of a file that is held to a schema, so that people can answer otherwise."""

import re
from collections.abc import Mapping

from testbed.tabular.between import Moments
from testbed.tabular.conditions import Cell
from testbed.tabular.matching import Match
from testbed.tabular.reading import Found, Reading
from testbed.tabular.staging import Staged

NEEDED = {
    "unit-of-trial": "units", "arm-of-trial": "arms", "in-trial-period": "period", "deployed-at-time": "devices",
}  # fmt: skip
"""Which reference a check compares with."""
THOUSANDS = "[+-]?[1-9][0-9]{0,2},[0-9]{3}"


def say(reading: Reading, found: Found, matched: Match, staged: Staged, times: Mapping[int, Moments]) -> None:
    """Everything that was assumed, and what is to be said of the columns."""
    _columns(reading, found, matched)
    for cell in staged.cells:
        if cell.place is None:
            continue
        for key, told in cell.spelling.assumed.items():
            reading.assumed.setdefault(key, {})[cell.field.name] = told
        if cell.field.check and reading.references.get(NEEDED[cell.field.check]) is None:
            reading.assumed.setdefault("unchecked", []).append(cell.field.check)
            reading.problems.add("not-compared", column=cell.field.name, value=cell.field.check)
        _doubt_commas(reading, found, cell)
        _doubt_days(reading, cell)
    for each in times.values():
        if each.locals:
            _zone(reading, each)


def _columns(reading: Reading, found: Found, matched: Match) -> None:
    reading.assumed["titles"] = [title or "" for title in found.titles]
    if matched.assumed:
        reading.assumed["columns"] = dict(matched.assumed)
    for key, places in (("extra", matched.extra), ("dropped", matched.dropped)):
        if places:
            reading.assumed[key] = [found.titles[i] or "" for i in places]
    for rule, column, value in matched.problems:
        reading.problems.add(rule, line=found.header, column=column, value=value)


def _zone(reading: Reading, times: Moments) -> None:
    name = times.cell.field.name
    reading.assumed.setdefault("zone", {})[name] = times.cell.zone or "none"
    if not times.instant:
        reading.problems.add("zone-missing", column=name, count=times.locals)


def _doubt_commas(reading: Reading, found: Found, cell: Cell) -> None:
    """``1,234`` alone may be a thousand and more: said when no value of the column decides."""
    if (
        cell.spelling.key != "comma"
        or cell.place is None
        or reading.answers.decimal
        or cell.field.decimal_char
    ):
        return
    sampled = (row[cell.place] or "" for row in found.sample)
    if any("," in value and not re.fullmatch(THOUSANDS, value.strip()) for value in sampled):
        return
    x = f"trim(c{cell.place})"
    row = reading.connection.execute(
        f"SELECT count(*) FILTER (contains({x}, ',') AND NOT regexp_full_match({x}, '{THOUSANDS}')), count({x}) "
        f"FROM {found.raw.relation}"
    ).fetchone()
    if row and not row[0] and row[1]:
        reading.problems.add("decimal-assumed", column=cell.field.name, count=row[1])


def _doubt_days(reading: Reading, cell: Cell) -> None:
    """``01/02/2024`` may be in January or in February."""
    if not cell.spelling.key.startswith("day-first") or reading.answers.date_order:
        return
    typed = cell.local if cell.timed else cell.typed
    row = reading.connection.execute(f"SELECT max(day({typed})) FROM staged").fetchone()
    if row and row[0] is not None and row[0] <= 12:
        reading.problems.add("date-order", column=cell.field.name)
