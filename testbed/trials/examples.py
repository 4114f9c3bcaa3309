"""A value that would be right in a column: for the example row, and for nothing that counts."""

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from testbed.tabular.schema import LATITUDES, LONGITUDES
from testbed.trials.values import NUMERIC, TEMPORAL, ColumnType, order


class Axis(StrEnum):
    """Which half of a point (WGS 84, decimal degrees) a column of numbers is; its name says so."""

    latitude = "latitude"
    longitude = "longitude"


MOMENT = datetime(2026, 11, 23, 14, 30)
USUAL_NUMBER = 12.5
POINT = {Axis.latitude: 65.5848, Axis.longitude: 22.1547}
USUAL = {
    ColumnType.string: "text",
    ColumnType.date: "2026-11-23",
    ColumnType.time: "14:30",
    ColumnType.datetime: "2026-11-23 14:30",
    ColumnType.geopoint: "22.1547, 65.5848",
    ColumnType.array: '["a", "b"]',
    ColumnType.object: '{"a": 1}',
    ColumnType.geojson: '{"type": "Point", "coordinates": [22.1547, 65.5848]}',
}


def axis_of(column: Mapping[str, Any]) -> Axis | None:
    """Whether the check takes a column for latitudes or longitudes: by its name, as files of positions are written."""
    name = str(column["name"]).casefold()
    if column["type"] != ColumnType.number:
        return None
    return Axis.latitude if name in LATITUDES else Axis.longitude if name in LONGITUDES else None


def example_of(column: Mapping[str, Any]) -> str:
    """The schema's own example, else an allowed value, else one made up; empty where only people can know (a pattern)."""
    kind, limits = ColumnType(column["type"]), column.get("constraints", {})
    if (own := column.get("example")) is not None:
        return _answer(column, yes=own) if isinstance(own, bool) else str(own)
    if limits.get("enum"):
        return str(limits["enum"][0])
    if kind in NUMERIC:
        return _number(column, limits)
    if kind in TEMPORAL:
        return _moment(kind, column, limits)
    if kind == ColumnType.boolean:
        return _answer(column, yes=True)
    return _text(limits) if kind == ColumnType.string else USUAL[kind]


def _answer(column: Mapping[str, Any], *, yes: bool) -> str:
    declared = column.get("trueValues" if yes else "falseValues")
    return str(declared[0]) if declared else "ja" if yes else "nej"


def _number(column: Mapping[str, Any], limits: Mapping[str, Any]) -> str:
    """In the middle of the limits, if there are two; rounding must not carry it over one of them."""
    low, high = limits.get("minimum", -math.inf), limits.get("maximum", math.inf)
    axis = axis_of(column)
    value = (low + high) / 2 if math.isfinite(low) and math.isfinite(high) else USUAL_NUMBER
    value = min(max(POINT[axis] if axis else value, low), high)
    if column["type"] == ColumnType.integer:
        return str(math.floor(value) if math.floor(value) >= low else math.ceil(value))
    decimals = column.get("testbed:decimals")
    text = f"{value:g}" if decimals is None else f"{value:.{decimals}f}"
    return text if low <= float(text) <= high else str(low if math.isfinite(low) else high)


def _moment(kind: ColumnType, column: Mapping[str, Any], limits: Mapping[str, Any]) -> str:
    if column.get("format"):
        return MOMENT.strftime(column["format"]).replace("%z", "+0100")
    usual = USUAL[kind] + ("+01:00" if kind == ColumnType.datetime and not column.get("testbed:zone") else "")
    zone = column.get("testbed:zone")
    for key, beyond in (("minimum", -1), ("maximum", 1)):
        if (limit := limits.get(key)) is not None:
            at, edge = order(kind, usual, zone), order(kind, limit, zone)
            if (beyond < 0 and at < edge) or (beyond > 0 and at > edge):
                return str(limit)
    return usual


def _text(limits: Mapping[str, Any]) -> str:
    if limits.get("pattern"):
        return ""
    wanted = max(limits.get("minLength") or 0, 4)
    text = ("text" * (wanted // 4 + 1))[:wanted]
    return text[: limits["maxLength"]] if limits.get("maxLength") is not None else text
