"""How a single value of a column is spelt: in a limit, in a list of allowed values, in an example.

Numbers with a point, dates as ISO 8601. What a *file* may spell otherwise is the business of ``testbed.tabular``.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from testbed.texts import message

LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exactly."""

INTEGER = re.compile(r"[+-]?[0-9]{1,16}", re.ASCII)
NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?", re.ASCII)
MOMENT = re.compile(rf"{DATE.pattern}[T ]{CLOCK.pattern}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?", re.ASCII)
TRUE, FALSE = ("true", "ja", "yes", "1"), ("false", "nej", "no", "0")


class ColumnType(StrEnum):
    """The types of Table Schema (Data Package v2) that a file can be checked for."""

    string = "string"
    integer = "integer"
    number = "number"
    boolean = "boolean"
    date = "date"
    time = "time"
    datetime = "datetime"
    geopoint = "geopoint"
    array = "array"
    object = "object"
    geojson = "geojson"


NUMERIC = frozenset({ColumnType.integer, ColumnType.number})
TEMPORAL = frozenset({ColumnType.date, ColumnType.time, ColumnType.datetime})
NESTED = frozenset({ColumnType.geopoint, ColumnType.array, ColumnType.object, ColumnType.geojson})

Value = str | int | float | bool


class NoValue(ValueError):
    """A text that is none of the column's type; the message says how it is written."""


def _string(written: Any) -> Value:
    if not isinstance(written, str):
        raise NoValue(message("Write a text here."))
    return written


def _integer(written: Any) -> Value:
    if isinstance(written, str) and INTEGER.fullmatch(written):
        written = int(written)
    if isinstance(written, bool) or not isinstance(written, int | float) or written % 1 != 0:
        raise NoValue(message("Write a whole number."))
    if abs(written) > LARGEST:
        raise NoValue(message("This number is too large."))
    return int(written)


def _number(written: Any) -> Value:
    if isinstance(written, str) and NUMBER.fullmatch(written):
        written = float(written)
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise NoValue(message("Write a number."))
    if not abs(written) <= LARGEST:
        raise NoValue(message("This number is too large."))
    return int(written) if written == int(written) else written


def _boolean(written: Any) -> Value:
    if isinstance(written, bool):
        return written
    if str(written).lower() not in TRUE + FALSE:
        raise NoValue(message("Answer yes or no."))
    return str(written).lower() in TRUE


def _temporal(form: re.Pattern[str], read: Callable[[str], Any], says: str) -> Callable[[Any], Value]:
    def spelt(written: Any) -> Value:
        if isinstance(written, str) and form.fullmatch(written):
            try:
                read(written)
            except ValueError:
                pass
            else:
                return written
        raise NoValue(says)

    return spelt


SPELT: dict[ColumnType, Callable[[Any], Value]] = {
    ColumnType.string: _string,
    ColumnType.integer: _integer,
    ColumnType.number: _number,
    ColumnType.boolean: _boolean,
    ColumnType.date: _temporal(DATE, date.fromisoformat, message("Write a date as 2026-11-23.")),
    ColumnType.time: _temporal(CLOCK, time.fromisoformat, message("Write a time of day as 14:30.")),
    ColumnType.datetime: _temporal(
        MOMENT, datetime.fromisoformat, message("Write a time as 2026-11-23 14:30.")
    ),
}


def spelt(type_: ColumnType, written: Any) -> Value:
    """The one spelling of a value: ``"4,0"`` is no number, ``4.0`` is 4.

    Raises:
        NoValue: it is none of this type, or the type (geopoint, array, object, geojson) has no single values.
    """
    if type_ not in SPELT:
        raise NoValue(message("A column of this type has no single values."))
    return SPELT[type_](written)


def order(type_: ColumnType, value: Value, zone: str | None = None) -> Any:
    """What to compare a value by; a local time is taken in ``zone``, without one in UTC."""
    if type_ != ColumnType.datetime:
        return value if type_ in NUMERIC else str(value)
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


def zones() -> set[str]:
    """The names of time zones that are places (``Europe/Stockholm``), and UTC."""
    return {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")} | {"UTC"}
