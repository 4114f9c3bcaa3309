"""The part of the year in which a testbed is open, as two days ``MM-DD``; it may cross New Year."""

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from testbed.texts import clean, message

HOME = ZoneInfo("Europe/Stockholm")
LEAP_YEAR = 2024
NO_DAY = message("Write a day of the year as month and day, 12-15 for the 15th of December.")


def _day(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    month, _, day = clean(given).partition("-")
    try:
        if not (len(month) == len(day) == 2 and (month + day).isascii()):
            raise ValueError(given)
        date(LEAP_YEAR, int(month), int(day))
    except ValueError:
        raise ValueError(NO_DAY) from None
    return f"{month}-{day}"


DayOfYear = Annotated[str, BeforeValidator(_day)]
"""Month and day, ``12-15``; the 29th of February is one."""


def is_open(first: str | None, last: str | None, on: date | None = None) -> bool | None:
    """Whether the day (today in Sweden, unless given) lies in the season; none where there is no season."""
    if first is None or last is None:
        return None
    day = f"{on or datetime.now(HOME).date():%m-%d}"
    return first <= day <= last if first <= last else day >= first or day <= last
