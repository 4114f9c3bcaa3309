"""How a few values of a file would read under other answers: pure text, the first part of the file, no parser."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

SHOWN = 3
LINES = 500
CHARACTERS = 120
COMMA = re.compile(r"[+-]?[0-9]{1,15}[.,][0-9]{1,12}", re.ASCII)
DAYS = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(.*)", re.ASCII)
LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Preview:
    """Up to three values, and how each reads under each answer; ``rows`` has one reading for each of ``answers``."""

    answers: list[str]
    rows: list[tuple[str, list[str]]]


def decoded(head: bytes, encodings: Sequence[str]) -> Preview:
    """The first lines with other letters than A to Z, in each encoding; without such lines nothing is shown."""
    lines = [line for line in head.splitlines()[:-1] or [head] if not line.isascii()][:SHOWN]
    rows = [
        (str(number), [_short(_text(line, each)) for each in encodings])
        for number, line in enumerate(lines, 1)
    ]
    return Preview(list(encodings), rows)


def split(text: str, delimiters: Sequence[str]) -> Preview:
    """The first lines cut at each delimiter, the cells apart by bars."""
    lines = [line for line in text.splitlines()[:20] if line.strip()][:SHOWN]
    rows = [(_short(line), [_short(" | ".join(_cells(line, each))) for each in delimiters]) for line in lines]
    return Preview(list(delimiters), rows)


def numbers(text: str, delimiter: str) -> Preview:
    """Values that a decimal comma and a decimal point read differently."""

    def read(value: str, mark: str) -> str:
        other = "," if mark == "." else "."
        return value.replace(other, "").replace(mark, ".") if other in value else value.replace(mark, ".")

    found = _values(text, delimiter, COMMA)
    return Preview([",", "."], [(each, [read(each, ","), read(each, ".")]) for each in found])


def dates(text: str, delimiter: str) -> Preview:
    """Days that read differently when the month comes first."""
    rows = []
    for value in _values(text, delimiter, DAYS):
        first, _, second, year, _ = DAYS.fullmatch(value).groups()  # type: ignore[union-attr]
        rows.append((value, [_day(year, second, first), _day(year, first, second)]))
    return Preview(["day-first", "month-first"], rows)


def times(text: str, delimiter: str, zones: Sequence[str]) -> Preview:
    """Times without an offset, as UTC."""

    def read(value: str, zone: str) -> str:
        try:
            local = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            return "–"
        return f"{local.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S} UTC"

    found = _values(text, delimiter, LOCAL)
    return Preview(list(zones), [(each, [read(each, zone) for zone in zones]) for each in found])


def _day(year: str, month: str, day: str) -> str:
    return f"{year}-{int(month):02}-{int(day):02}" if int(month) <= 12 and int(day) <= 31 else "–"


def _text(line: bytes, encoding: str) -> str:
    return line.decode(encoding, "replace")


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _values(text: str, delimiter: str, wanted: re.Pattern[str]) -> list[str]:
    found: dict[str, None] = {}
    for cell in _all_cells(text, delimiter, lambda value: wanted.fullmatch(value) is not None):
        found.setdefault(cell)
        if len(found) == SHOWN:
            break
    return list(found)


def _all_cells(text: str, delimiter: str, fits: Callable[[str], bool]) -> Iterator[str]:
    for line in text.splitlines()[:LINES]:
        yield from (
            cell.strip() for cell in _cells(line, delimiter) if len(cell) < 100 and fits(cell.strip())
        )
