"""What a rule wants of a cell, short and in signs that need no translation."""

from collections.abc import Mapping, Sequence
from typing import Any

from testbed.tabular.conditions import DEGREES, Cell

LISTED = 12


def expected(cell: Cell, rule: str, references: Mapping[str, Any]) -> str | None:
    """``number``, ``≥ 0``, ``S[0-9]{2}``, ``a | b | c`` …; None where the rule says it all."""
    if rule in {"minimum", "maximum", "sweref"}:
        return _bound(cell, rule)
    if rule in {"unit-of-trial", "arm-of-trial"}:
        return _some(references["units" if rule == "unit-of-trial" else "arms"])
    if rule == "in-trial-period":
        return " – ".join(day or "" for day in references["period"])
    of_field = {"type": _type, "formula-error": _type, "decimals": _decimals, "length": _length}.get(rule)
    if of_field is not None:
        return of_field(cell)
    given = cell.field.constraints
    return {
        "pattern": given.get("pattern"),
        "enum": _some(given.get("enum", ())),
        "decimal-comma": "16.4",
    }.get(rule)


def _decimals(cell: Cell) -> str:
    places = cell.field.decimals or 0
    return f"0.{'0' * places}" if places else "0"


def _length(cell: Cell) -> str:
    given = cell.field.constraints
    return f"{given.get('minLength', 0)}–{given.get('maxLength', '')}"


def _type(cell: Cell) -> str:
    told = cell.spelling.assumed.get("date_format") or cell.spelling.assumed.get("decimal")
    declared = cell.field.format if cell.spelling.key == "declared" else None
    shape = {",": "16,4"}.get(told or "", told) or declared
    return f"{cell.field.type} ({shape})" if shape else cell.field.type


def _bound(cell: Cell, rule: str) -> str:
    most = DEGREES.get(cell.field.geographic or "")
    if rule == "sweref":
        return f"−{most} … {most}"
    low, high = cell.field.constraints.get("exclusiveMinimum"), cell.field.constraints.get("exclusiveMaximum")
    bound = cell.field.constraints.get(rule)
    if rule == "minimum":
        return (
            f"> {low}" if bound is None and low is not None else f"≥ {f'−{most}' if bound is None else bound}"
        )
    return f"< {high}" if bound is None and high is not None else f"≤ {most if bound is None else bound}"


def _some(values: Sequence[Any]) -> str:
    more = " | …" if len(values) > LISTED else ""
    return " | ".join(str(value) for value in values[:LISTED]) + more
