"""What must hold of a cell, as SQL: its typed value, and a number whose bits say which rules it breaks.

Columns of a raw row are ``c0``, ``c1`` … in the order of the file; of a field ``t0`` … the typed value (of a time: with
its offset), ``l0`` … a time without one, ``f0`` … the bits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.tabular.engine import literal, one_of
from testbed.tabular.schema import Field, number, refused
from testbed.tabular.spelling import CLOCK, DIGITS, EXPONENT, ISO, OFFSET, Spelling

BITS = {
    rule: 1 << i
    for i, rule in enumerate(
        ("required", "key-null", "type", "decimal-comma", "decimals", "formula-error", "minimum", "maximum", "length",
         "pattern", "enum", "unit-of-trial", "arm-of-trial", "in-trial-period", "sweref")
    )
}  # fmt: skip
FORMULA_ERRORS = (
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#FIELD!", "#GETTING_DATA",
    "#DIVISION/0!", "#SAKNAS!", "#SAKNAS", "#NAMN?", "#SKÄRNING!", "#OGILTIGT!", "#REFERENS!", "#VÄRDEFEL!", "#BERÄKNING!",
)  # fmt: skip
NORTHING, EASTING = (6_100_000, 7_700_000), (200_000, 950_000)
"""Of all Sweden in SWEREF 99 TM, in metres."""
DEGREES = {"lat": 90, "lon": 180}


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the schema, where the file has it, and how it is written there."""

    number: int
    field: Field
    place: int | None
    """Which column of the file; None when it is not in it."""
    spelling: Spelling
    zone: str | None = None
    key: bool = False
    local_first: bool = False
    """Whether times are likelier to come without their offset."""

    @property
    def timed(self) -> bool:
        return self.field.type == "datetime"

    @property
    def typed(self) -> str:
        return f"t{self.number}"

    @property
    def local(self) -> str:
        return f"l{self.number}"


def trimmed(x: str) -> str:
    return f"trim({x}, ' \t')"


def _gated(x: str, gate: str, cast: str, sql: str, missing: tuple[str, ...]) -> str:
    """Blanks around a value are rare and taking them off is dear: only what did not pass is trimmed."""
    y = trimmed(x)
    words = tuple(word for word in missing if word and (not gate or re.fullmatch(gate, word, re.ASCII)))
    gone, blank = (f"WHEN {one_of(each, words)} THEN NULL " if words else "" for each in (x, y))
    if not gate:
        return f"CASE WHEN {x} IS NULL THEN NULL {gone}ELSE {cast.replace('{x}', x)} END"
    test = literal(gate)
    return (
        f"CASE {gone}WHEN regexp_full_match({x}, {test}) THEN {cast.replace('{x}', x)} "
        f"{blank}WHEN regexp_full_match({y}, {test}) THEN {cast.replace('{x}', y)} ELSE NULL::{sql} END"
    )


def values(cell: Cell, *, empties: bool) -> str:
    """SQL of the typed value of a cell with its alias; ``empties``: whether an empty text may be there."""
    if cell.timed:
        return _moment_value(cell, local=cell.local_first)
    spelling, missing, x = cell.spelling, cell.field.missing, f"c{cell.place}"
    if cell.place is None:
        return f"NULL::{spelling.sql} AS {cell.typed}"
    if spelling.key == "string":
        words = tuple(missing) if empties else tuple(filter(None, missing))
        typed = f"CASE WHEN {one_of(x, words)} THEN NULL ELSE {x} END" if words else x
        return f"{typed} AS {cell.typed}"
    return f"{_gated(x, spelling.gate, spelling.cast, spelling.sql, missing)} AS {cell.typed}"


def other_value(cell: Cell) -> str:
    """SQL of the second spelling of a time, asked only where the likelier one did not fit."""
    first = cell.local if cell.local_first else cell.typed
    sql, _, alias = _moment_value(cell, local=not cell.local_first).rpartition(" AS ")
    return f"CASE WHEN {first} IS NULL THEN {sql} END AS {alias}"


def _moment_value(cell: Cell, *, local: bool) -> str:
    spelling = cell.spelling
    gate, cast = (spelling.local_gate, spelling.local_cast) if local else (spelling.gate, spelling.cast)
    sql, alias = ("TIMESTAMP", cell.local) if local else ("TIMESTAMPTZ", cell.typed)
    if cell.place is None or not gate:
        return f"NULL::{sql} AS {alias}"
    return f"{_gated(f'c{cell.place}', gate, cast, sql, cell.field.missing)} AS {alias}"


def flags(cell: Cell, holding: Mapping[str, str]) -> str | None:
    """SQL of the bits of a cell; ``holding``: what must hold of its value, by rule. None when nothing can be wrong."""
    if cell.place is None:
        return None
    x, y = f"c{cell.place}", trimmed(f"c{cell.place}")
    absent = BITS["key-null"] if cell.key else BITS["required"] if cell.field.required else 0
    present = (
        f"({cell.typed} IS NOT NULL OR {cell.local} IS NOT NULL)"
        if cell.timed
        else f"{cell.typed} IS NOT NULL"
    )
    broken = " + ".join(f"CASE WHEN {ok} THEN 0 ELSE {BITS[rule]} END" for rule, ok in holding.items()) or "0"
    every = " AND ".join(_every(cell, present, holding))
    if cell.spelling.key == "string":
        if not holding and not absent:
            return None
        return f"CASE WHEN {every} THEN 0 WHEN {cell.typed} IS NULL THEN {absent} ELSE {broken} END"
    missing = f"({x} IS NULL OR {one_of(y, cell.field.missing)})"
    return (
        f"CASE WHEN {every} THEN 0 WHEN {missing} THEN {absent} WHEN {present} THEN {broken} "
        f"WHEN {one_of(f'upper({y})', FORMULA_ERRORS)} THEN {BITS['formula-error']} "
        f"{_odd_numbers(cell.field, cell.spelling, y)}ELSE {BITS['type']} END"
    )


def _every(cell: Cell, present: str, holding: Mapping[str, str]) -> list[str]:
    """What must hold together; of a number within two bounds it is plain that it is there, and finite."""
    within = cell.field.numeric and {"minimum", "maximum"} <= set(holding)
    told = [f"({ok})" for rule, ok in holding.items() if not (within and rule == "type")]
    return told if within else [present, *told]


def _odd_numbers(of: Field, spelling: Spelling, y: str) -> str:
    """Numbers that are none only for their comma, or for having more decimals than the column takes."""
    if of.type != "number":
        return ""
    found = ""
    if spelling.key == "point":
        found = f"WHEN regexp_full_match({y}, {literal(f'[+-]?[0-9]*,[0-9]+{EXPONENT}')}) THEN {BITS['decimal-comma']} "
    if of.decimals is not None:
        cut = "[.]" if spelling.key == "point" else ","
        longer = f"[+-]?[0-9]{{0,{DIGITS - of.decimals}}}{cut}[0-9]+"
        found += f"WHEN regexp_full_match({y}, {literal(longer)}) THEN {BITS['decimals']} "
    return found


def holding(cell: Cell, references: Mapping[str, Any]) -> dict[str, str]:
    """What must hold of the value of a cell, by rule. Raises: Unreadable (schema) for a constraint that cannot be asked."""
    found: dict[str, list[str]] = {}
    for rule, ok in (*_text(cell), *_bounds(cell), *_places(cell), *_known(cell, references)):
        found.setdefault(rule, []).append(ok)
    return {rule: " AND ".join(f"({ok})" for ok in every) for rule, every in found.items()}


def _text(cell: Cell) -> list[tuple[str, str]]:
    of, t, found = cell.field, cell.typed, []
    given = of.constraints
    if of.type == "string":
        found.append(
            # a CASE, for AND would ask both of every value
            (
                "formula-error",
                f"CASE WHEN starts_with({t}, '#') THEN NOT {one_of(f'upper({t})', FORMULA_ERRORS)} ELSE true END",
            )
        )
    if of.spelled_as_text:
        if "pattern" in given:
            found.append(("pattern", f"regexp_full_match({t}, {literal(given['pattern'])})"))
        if "minLength" in given:
            found.append(("length", f"length({t}) >= {given['minLength']}"))
        if "maxLength" in given:
            found.append(("length", f"length({t}) <= {given['maxLength']}"))
    if "enum" in given:
        text = t if cell.spelling.sql == "VARCHAR" else None
        found.append(
            ("enum", one_of(text, [str(each) for each in given["enum"]]) if text else _typed_enum(cell))
        )
    return found


def _typed_enum(cell: Cell) -> str:
    if cell.timed:
        raise refused(f"{cell.field.name}: enum")
    sql = cell.spelling.sql
    allowed = [_value(cell, each) for each in cell.field.constraints["enum"]]
    return "(" + " OR ".join(f"{cell.typed} = {each}::{sql}" for each in allowed) + ")"


def _value(cell: Cell, given: Any) -> str:
    """A value of the schema as SQL of the type of the cell."""
    of = cell.field
    match of.type:
        case "integer" | "number" | "year":
            text = number(of.name, given)
            return text if re.fullmatch("[+-]?[0-9]{1,18}", text) else f"CAST({literal(text)} AS DOUBLE)"
        case "boolean":
            return str(given in (True, "true")).lower()
        case "date":
            return _literal(of, given, ISO, "DATE")
        case "time":
            return _literal(of, given, CLOCK, "TIME")
        case "yearmonth":
            return _literal(of, given, "[0-9]{4}-[0-9]{2}", "VARCHAR")
    raise refused(f"{of.name}: {given}")


def _literal(of: Field, given: Any, gate: str, sql: str) -> str:
    if not re.fullmatch(gate, str(given)):
        raise refused(f"{of.name}: {given}")
    return f"CAST({literal(str(given))} AS {sql})"


def _bounds(cell: Cell) -> list[tuple[str, str]]:
    """Lowest and highest; also what no type of ours can hold: infinite numbers and the year 0."""
    of, t = cell.field, cell.typed
    found: list[tuple[str, str]] = []
    if cell.spelling.sql == "DOUBLE":
        found.append(("type", f"isfinite({t})"))
    if of.type == "date":
        found.append(("type", f"{t} >= DATE '0001-01-01'"))
    for key, rule, sign in (
        ("minimum", "minimum", ">="), ("exclusiveMinimum", "minimum", ">"), ("maximum", "maximum", "<="),
        ("exclusiveMaximum", "maximum", "<"),
    ):  # fmt: skip
        if (given := of.constraints.get(key)) is None:
            continue
        if cell.timed:
            found.append((rule, _instant(cell, sign, *_moment(cell, given))))
        else:
            wide = f" OR {_metres(t)}" if of.geographic and rule == "maximum" else ""
            found.append((rule, f"{t} {sign} {_value(cell, given)}{wide}"))
    return found


def _moment(cell: Cell, given: Any) -> tuple[str, str]:
    """A bound as an instant and as local time."""
    zone = literal(cell.zone or "UTC")
    text = str(given)
    if re.fullmatch(f"{ISO}[T ]{CLOCK}{OFFSET}", text):
        instant = f"CAST({literal(text)} AS TIMESTAMPTZ)"
        return instant, f"timezone({zone}, {instant})"
    local = _literal(cell.field, text, f"{ISO}([T ]{CLOCK})?", "TIMESTAMP")
    return f"timezone({zone}, {local})", local


def _instant(cell: Cell, sign: str, instant: str, local: str) -> str:
    return f"coalesce({cell.typed} {sign} {instant}, true) AND coalesce({cell.local} {sign} {local}, true)"


def _metres(t: str) -> str:
    (south, north), (west, east) = NORTHING, EASTING
    return f"{t} BETWEEN {south} AND {north} OR {t} BETWEEN {west} AND {east}"


def _places(cell: Cell) -> list[tuple[str, str]]:
    """Degrees of latitude and longitude; metres of SWEREF 99 TM are told apart from other numbers too large."""
    kind, t = cell.field.geographic, cell.typed
    if kind is None:
        return []
    most = DEGREES[kind]
    return [
        ("sweref", f"NOT ({_metres(t)})"), ("minimum", f"{t} >= -{most}"), ("maximum", f"{t} <= {most} OR {_metres(t)}"),
    ]  # fmt: skip


def _known(cell: Cell, references: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the schema checks against the record of the trial, row by row."""
    check = cell.field.check
    names = references.get({"unit-of-trial": "units", "arm-of-trial": "arms"}.get(check or "", ""))
    if check in {"unit-of-trial", "arm-of-trial"} and names is not None:
        return [(check, one_of(f"{cell.typed}::VARCHAR", [str(name) for name in names]))]
    if check == "in-trial-period" and (period := references.get("period")):
        return [(check, ok) for ok in _within(cell, *period)]
    return []


def _within(cell: Cell, first: str | None, last: str | None) -> list[str]:
    """Both days belong to the period, in the zone of the column."""
    found = []
    for day, sign, after in ((first, ">=", ""), (last, "<", " + INTERVAL 1 DAY")):
        if day is None:
            continue
        local = f"({_literal(cell.field, str(day)[:10], ISO, 'DATE')}{after})::TIMESTAMP"
        if cell.timed:
            found.append(_instant(cell, sign, f"timezone({literal(cell.zone or 'UTC')}, {local})", local))
        elif cell.field.type == "date":
            found.append(f"{cell.typed} {sign} {local}")
    return found
