"""A table schema as the rows of a form, and back: everything that was typed survives, right or wrong.

A field is named as its place in the descriptor (``fields.3.constraints.minimum``), so that whatever is found wrong
with the descriptor is found beside the field.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.trials.values import NUMERIC

MOST_ROWS = 40
"""Columns a form can hold: with more, a request would have more fields than are read."""

TEXTS = (
    "name", "type", "testbed:titles.sv", "testbed:titles.en", "testbed:descriptions.sv", "testbed:descriptions.en",
    "testbed:unit", "constraints.minimum", "constraints.maximum", "constraints.minLength", "constraints.maxLength",
    "constraints.pattern", "testbed:decimals", "testbed:zone", "format", "decimalChar", "testbed:check", "testbed:secrecy",
    "example",
)  # fmt: skip
TICKS = ("constraints.required", "constraints.unique")
LINES = ("constraints.enum", "testbed:aliases")
BOOLEAN = ("trueValues", "falseValues")
WHOLE = {"constraints.minLength", "constraints.maxLength", "testbed:decimals"}
COLUMN_SAID = {each.split(".")[0] for each in (*TEXTS, *LINES)} | {"title", "description"}
SAID = {"fields", "missingValues", "primaryKey", "testbed:extra_columns", "$schema"}
KEY, REST, SEEN = "key", "rest", "seen"

LISTED = re.compile(r"(missingValues|primaryKey|fields\.\d+\.(?:testbed:aliases|constraints\.enum))\.\d+")
WHOLE_ROW = re.compile(r"fields\.\d+")

Row = dict[str, str]
"""A column as it was typed: the last words of a field's name → text."""


@dataclass
class Sheet:
    """The whole form. ``missing``: words for a missing value, one a line; an empty cell always is one."""

    rows: list[Row] = field(default_factory=list)
    missing: str = ""
    extra_columns: str = "keep"
    rest: str = ""

    def pruned(self) -> "Sheet":
        """The same without the rows in which nothing is said."""
        said = (*(each for each in TEXTS if each != "type"), *LINES, *TICKS)
        rows = [row for row in self.rows if any(row.get(each, "").strip() for each in said)]
        return Sheet(rows, self.missing, self.extra_columns, self.rest)

    def descriptor(self) -> dict[str, Any]:
        """What the rows say, to be judged; an empty field says nothing."""
        words = [word for word in self.missing.splitlines() if word.strip()]
        key = [row.get("name", "").strip() for row in self.rows if row.get(KEY)]
        return {
            **_object(self.rest, SAID),
            "fields": [_field(row) for row in self.rows],
            "missingValues": ["", *words],
            "testbed:extra_columns": self.extra_columns,
            **({"primaryKey": key} if key else {}),
        }


def typed(given: Mapping[str, Any]) -> Sheet:
    """The form as it was sent; rows in the order of their numbers."""
    found: dict[int, Row] = {}
    for name, value in given.items():
        first, _, rest = name.partition(".")
        number, _, last = rest.partition(".")
        if (
            first == "fields"
            and number.isascii()
            and number.isdigit()
            and len(number) < 5
            and isinstance(value, str)
        ):
            found.setdefault(int(number), {})[last] = value
    return Sheet(
        [found[number] for number in sorted(found)],
        _text(given, "missingValues"),
        _text(given, "testbed:extra_columns") or "keep",
        _text(given, "rest"),
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    return value if isinstance(value, str) else ""


def filled(body: Mapping[str, Any], seen: Mapping[str, str] | None = None) -> Sheet:
    """The form of a schema there is; ``seen`` is what a column was seen to hold."""
    key, seen = body.get("primaryKey", []), seen or {}
    rows = []
    for column in body["fields"]:
        row = {each: _shown(_at(column, each)) for each in TEXTS}
        row |= {each: "yes" for each in TICKS if _at(column, each)}
        row |= {each: "\n".join(map(_shown, _at(column, each) or [])) for each in LINES}
        row |= {KEY: "yes"} if column["name"] in key else {}
        row |= {SEEN: seen[column["name"]]} if column["name"] in seen else {}
        row[REST] = _others(
            column, {each.split(".")[0] for each in (*TEXTS, *LINES)} | {"title", "description"}
        )
        rows.append({name: text for name, text in row.items() if text})
    words = [word for word in body.get("missingValues", []) if word]
    return Sheet(rows, "\n".join(words), body.get("testbed:extra_columns", "keep"), _others(body, SAID))


def acted(sheet: Sheet, do: str) -> int | None:
    """Do what a button says: ``add``, ``remove.3``, ``up.3``, ``down.3``; the row to look at next, if there is one."""
    what, _, number = do.partition(".")
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else -1
    if what == "add" and len(sheet.rows) < MOST_ROWS:
        sheet.rows.append({"type": "string"})
        return len(sheet.rows) - 1
    if not 0 <= place < len(sheet.rows):
        return None
    if what == "remove":
        del sheet.rows[place]
        return min(place, len(sheet.rows) - 1) if sheet.rows else None
    other = place + {"up": -1, "down": 1}.get(what, 0)
    if other != place and 0 <= other < len(sheet.rows):
        sheet.rows[place], sheet.rows[other] = sheet.rows[other], sheet.rows[place]
        return other
    return place


def _field(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = _object(row.get(REST, ""), COLUMN_SAID)
    number = row.get("type") in NUMERIC
    for key in (() if number else ("groupChar",)) + (() if row.get("type") == "boolean" else BOOLEAN):
        made.pop(key, None)  # the form does not show them: they go with the type they belong to
    for name in TEXTS:
        if (text := row.get(name, "").strip()) != "":
            _put(made, name, _value(name, text, number=number))
    for name in TICKS:
        if row.get(name):
            _put(made, name, True)
    for name in LINES:
        if lines := [line.strip() for line in row.get(name, "").splitlines() if line.strip()]:
            _put(
                made,
                name,
                [_number(line) for line in lines] if number and name != "testbed:aliases" else lines,
            )
    made.setdefault("name", "")
    return made


def _value(name: str, text: str, *, number: bool) -> Any:
    if name in WHOLE:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
    if number and name in {"constraints.minimum", "constraints.maximum", "example"}:
        return _number(text)
    return text


def _number(text: str) -> str:
    """People here write 0,5 and 1 000; a schema has a point."""
    plain = text.replace("\u00a0", "").replace(" ", "").replace("−", "-")
    return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain


def _put(made: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for each in above:
        made = made.setdefault(each, {})
    made[last] = value


def _at(column: Mapping[str, Any], name: str) -> Any:
    found: Any = column
    for each in name.split("."):
        found = found.get(each) if isinstance(found, Mapping) else None
    return found


def _shown(value: Any) -> str:
    return (
        ""
        if value is None
        else {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else str(value)
    )


def beside(errors: Mapping[str, str]) -> dict[str, str]:
    """The same, each by the name of a field the form has: a value of a list is wrong where the list is written."""
    found: dict[str, str] = {}
    for name, says in errors.items():
        place = LISTED.sub(r"\1", name)
        whole = WHOLE_ROW.fullmatch(place)
        found.setdefault(f"{place}.name" if whole else "" if place in {"fields", "body"} else place, says)
    return found


def _others(given: Mapping[str, Any], said: set[str]) -> str:
    """Keys the form has no field for, as JSON: they travel with it unseen, and are judged as the rest is."""
    rest = {key: value for key, value in given.items() if key not in said}
    return json.dumps(rest, ensure_ascii=False) if rest else ""


def _object(text: str, said: set[str]) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if key not in said} if isinstance(found, dict) else {}
