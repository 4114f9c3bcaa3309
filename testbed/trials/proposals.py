"""A table schema proposed from what a result file turned out to hold; people look it over before it counts."""

from collections.abc import Mapping
from typing import Any

from testbed.texts import language
from testbed.trials.values import NUMERIC, ColumnType

HOME = "Europe/Stockholm"
SPELT = {
    "dd/mm/yyyy": "%d/%m/%Y",
    "mm/dd/yyyy": "%m/%d/%Y",
    "dd.mm.yyyy": "%d.%m.%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "yyyy/mm/dd": "%Y/%m/%d",
}
"""How reports say a way to write dates, and how a schema does."""

Report = Mapping[str, Any]


def proposal(report: Report, *, limits: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """A descriptor of the columns that were read, and what each column held: ``{name: "0 – 182"}``.

    The smallest and largest number become limits only if ``limits`` is asked for: what one file held says
    little of what the next may hold.
    """
    columns = report.get("columns") or []
    given = report.get("proposal") or {}
    known = {each["name"]: each for each in given.get("fields", [])}
    fields = [_field(each, known.get(each["name"]), report, limits=limits) for each in columns]
    key = {"primaryKey": given["primaryKey"]} if given.get("primaryKey") else {}
    missing = given.get("missingValues") or ["", *_markers(report)]
    seen = {each["name"]: _seen(each) for each in columns}
    return (
        {"fields": fields, "missingValues": missing, "testbed:extra_columns": "keep", **key},
        {name: text for name, text in seen.items() if text},
    )


def _field(
    column: Mapping[str, Any], known: Mapping[str, Any] | None, report: Report, *, limits: bool
) -> dict[str, Any]:
    """What the reading proposed itself comes first; without it the report's columns say enough."""
    field = dict(known) if known is not None else _plain(column, report)
    bounds = {} if not limits else _bounds(column)
    kept = {
        key: value
        for key, value in field.pop("constraints", {}).items()
        if key not in {"minimum", "maximum", "enum"}
    }
    return field | ({"constraints": kept | bounds} if kept | bounds else {})


def _plain(column: Mapping[str, Any], report: Report) -> dict[str, Any]:
    name = column["name"]
    kind = {"list": "array"}.get(column["type"], column["type"])
    kind = kind if kind in set(ColumnType) else ColumnType.string.value
    field: dict[str, Any] = {"name": name, "type": str(kind)}
    if (title := column.get("title")) and title != name:
        field |= {"testbed:titles": {language.get(): title}, "testbed:aliases": [title]}
    assumed = report.get("assumed") or {}
    day, _, clock = str((assumed.get("date_format") or {}).get(name, "")).partition(" ")
    if day in SPELT:
        field["format"] = SPELT[day] + (" %H:%M" if clock else "")
    if kind == ColumnType.datetime and not column.get("zone"):
        field["testbed:zone"] = HOME
    return field


def _markers(report: Report) -> list[str]:
    """Words that were taken for a missing value, in the order they were met."""
    found = (report.get("assumed") or {}).get("missing") or {}
    return list(dict.fromkeys(word for words in found.values() for word in words if word))


def _bounds(column: Mapping[str, Any]) -> dict[str, Any]:
    stats = column.get("statistics") or {}
    if column["type"] not in NUMERIC or stats.get("min") is None:
        return {}
    return {"minimum": stats["min"], "maximum": stats["max"]}


def _seen(column: Mapping[str, Any]) -> str:
    """What the column held, for the eye of whoever decides: its span, or its most common values."""
    stats = column.get("statistics") or {}
    if stats.get("min") is not None and column["type"] != ColumnType.string:
        return f"{stats['min']} – {stats['max']}"
    return ", ".join(str(each["value"])[:40] for each in (stats.get("top") or [])[:3])
