"""What a table schema must be besides well formed: that its parts go together, each fault beside the key it is about."""

import re
from collections.abc import Iterator
from typing import Any

from testbed.canonical import canonical
from testbed.tabular import patterns
from testbed.texts import message
from testbed.trials.descriptor import Column, Descriptor, Fault, RecordCheck, body, fault, folded, read
from testbed.trials.values import LARGEST, NESTED, NUMERIC, TEMPORAL, ColumnType, NoValue, order, spelt, zones

LARGEST_BODY = 2**18
"""Bytes in the one spelling; a form carries it to and fro."""

Columns = list[tuple[int, Column]]

RESERVED = {"__line", "__rules"}
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
DIRECTIVES = re.compile(r"(%[YymdHMSfz]|[-./: T,])+")
PARTS = {
    ColumnType.date: {"%m", "%d"},
    ColumnType.time: {"%H", "%M"},
    ColumnType.datetime: {"%m", "%d", "%H", "%M"},
}
CHECKED = {
    RecordCheck.unit_of_trial: {ColumnType.string, ColumnType.integer},
    RecordCheck.arm_of_trial: {ColumnType.string},
    RecordCheck.deployed_at_time: {ColumnType.string},
    RecordCheck.in_trial_period: {ColumnType.date, ColumnType.datetime},
}

TWICE = message("Another column has this name, or this other name, already.")
UNKNOWN = message(
    "Nothing here acts on this key. Take it away, or give it a prefix of your own, such as x:note."
)
NO_ORDER = message("Only numbers, dates and times have a smallest and a largest value.")
WRONG_WAY = message("The smallest value is larger than the largest.")


def sound(given: Any) -> tuple[dict[str, Any], list[Fault]]:
    """The schema in its one spelling, and everything that is wrong with what was given; one of them is empty."""
    schema, faults = read(given)
    columns = [(place, column) for place, column in enumerate(schema.fields) if column is not None]
    faults += _unknown(schema.model_extra)
    for place, column in columns:
        faults += [{**each, "loc": ("fields", place, *each["loc"])} for each in _column(column)]
    if len(columns) == len(schema.fields):
        faults += _whole(schema, columns)
    whole = {} if faults else body(schema)
    if whole and len(canonical(whole)) > LARGEST_BODY:
        return {}, [fault(message("The table schema is too large: shorten its texts and lists."), "fields")]
    return whole, faults


def _whole(schema: Descriptor, columns: Columns) -> Iterator[Fault]:
    """How the columns go together; asked once each of them could be read."""
    yield from _names(columns)
    yield from _checks(columns)
    yield from _key(schema.primaryKey, columns)


def _unknown(extra: dict[str, Any] | None) -> Iterator[Fault]:
    for key in extra or {}:
        if ":" not in key or key.startswith("testbed:"):
            yield fault(UNKNOWN, key)
        elif not _storable(extra[key] if extra else None):
            yield fault(
                message("This cannot be kept: it is nested too deep, too large, or no plain text."), key
            )


def _storable(value: Any, depth: int = 0) -> bool:
    """Whether PostgreSQL and every JSON reader keep it as it is."""
    if isinstance(value, dict | list) and depth < 8:
        inside = [*value, *value.values()] if isinstance(value, dict) else value
        return all(_storable(each, depth + 1) for each in inside)
    if isinstance(value, int | float):
        return abs(value) <= LARGEST
    if isinstance(value, str):
        return len(value) <= 4000 and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)
    return value is None


def _names(columns: Columns) -> Iterator[Fault]:
    taken: set[str] = set()
    for place, column in columns:
        if column.key() in taken:
            yield fault(TWICE, "fields", place, "name")
        taken.add(column.key())
    for place, column in columns:
        for alias in column.aliases:
            if folded(alias) in taken and folded(alias) != column.key():
                yield fault(TWICE, "fields", place, "testbed:aliases")
                break
        taken |= {folded(alias) for alias in column.aliases}


def _column(column: Column) -> Iterator[Fault]:
    yield from _unknown(column.model_extra)
    yield from _name(column)
    yield from _kind(column)
    yield from _format(column)
    yield from _signs(column)
    yield from _pattern(column)
    limits = list(_limits(column))
    yield from limits
    if not limits:
        yield from _values(column)


def _name(column: Column) -> Iterator[Fault]:
    if column.name in RESERVED:
        yield fault(message("This name is taken: the service writes it into files of its own."), "name")
    elif column.name.startswith(FORMULA):
        yield fault(
            message("A name cannot begin with =, +, - or @: a spreadsheet would take it for a formula."),
            "name",
        )


def _kind(column: Column) -> Iterator[Fault]:
    """Keys that only some types have."""
    numeric = column.type in NUMERIC
    if column.unit and not numeric:
        yield fault(message("Only numbers have a unit."), "testbed:unit")
    if column.decimals is not None and column.type != ColumnType.number:
        yield fault(message("Only numbers have decimals."), "testbed:decimals")
    if column.zone and column.type != ColumnType.datetime:
        yield fault(message("Only a date with a time of day has a time zone."), "testbed:zone")
    elif column.zone and column.zone not in zones():
        yield fault(
            message("This is no time zone. Write its name as Europe/Stockholm, or UTC."), "testbed:zone"
        )
    if column.check and column.type not in CHECKED[column.check]:
        yield fault(message("A column of this type cannot be compared with that."), "testbed:check")


def _format(column: Column) -> Iterator[Fault]:
    written = column.format
    if written in {None, "default"}:
        column.format = None
        return
    asked = set(re.findall("%.", written or ""))
    if column.type not in PARTS:
        yield fault(message("Only dates and times have a format here."), "format")
    elif not DIRECTIVES.fullmatch(written or "") or not PARTS[column.type] <= asked:
        yield fault(
            message("Write the format with %Y, %m, %d, %H, %M and %S, as in %d/%m/%Y %H:%M."), "format"
        )
    elif column.type != ColumnType.time and len(asked & {"%Y", "%y"}) != 1:
        yield fault(message("A date needs its year once, as %Y or %y."), "format")


def _signs(column: Column) -> Iterator[Fault]:
    """How numbers and answers are written, where that is declared."""
    if column.decimalChar and column.type != ColumnType.number:
        yield fault(message("Only numbers have decimals."), "decimalChar")
    if column.groupChar and (column.type not in NUMERIC or column.groupChar == (column.decimalChar or ".")):
        yield fault(
            message("Only numbers are grouped, and with another sign than their decimals."), "groupChar"
        )
    words = [*(column.trueValues or []), *(column.falseValues or [])]
    if words and column.type != ColumnType.boolean:
        yield fault(message("Only yes or no has words of its own."), "trueValues")
    elif len({folded(word) for word in words}) < len(words):
        yield fault(message("A word cannot mean both yes and no."), "trueValues")


def _pattern(column: Column) -> Iterator[Fault]:
    pattern = column.constraints.pattern
    if pattern is None:
        return
    if column.type != ColumnType.string:
        yield fault(message("Only text has a pattern."), "constraints", "pattern")
        return
    try:
        patterns.matches(pattern, "")
    except patterns.NoPattern:
        yield fault(
            message(
                "This pattern cannot be used. At most 200 characters: letters, [a-z], [0-9]{2}, (a|b), * + ?, \\d."
            ),
            "constraints",
            "pattern",
        )


def _limits(column: Column) -> Iterator[Fault]:
    limits = column.constraints
    if (limits.minLength is not None or limits.maxLength is not None) and column.type != ColumnType.string:
        yield fault(message("Only text has a length."), "constraints", "minLength")
    elif None not in (limits.minLength, limits.maxLength) and (limits.minLength or 0) > (
        limits.maxLength or 0
    ):
        yield fault(message("The shortest is longer than the longest."), "constraints", "minLength")
    wrong = False
    for key in ("minimum", "maximum"):
        if (written := getattr(limits, key)) is None:
            continue
        try:
            setattr(limits, key, _bound(column, written))
        except NoValue as error:
            wrong = True
            yield fault(str(error), "constraints", key)
    if not wrong and None not in (limits.minimum, limits.maximum):
        low, high = (order(column.type, each, column.zone) for each in (limits.minimum, limits.maximum))  # type: ignore[arg-type]
        if low > high:
            yield fault(WRONG_WAY, "constraints", "minimum")


def _bound(column: Column, written: Any) -> Any:
    if column.type not in NUMERIC | TEMPORAL:
        raise NoValue(NO_ORDER)
    return spelt(column.type, written)


def _values(column: Column) -> Iterator[Fault]:
    """Allowed values and the example: each of the type, and within every other limit."""
    limits = column.constraints
    if limits.enum is not None and column.type in NESTED | {ColumnType.boolean}:
        yield fault(
            message("A column of this type cannot have a list of allowed values."), "constraints", "enum"
        )
        return
    try:
        limits.enum = limits.enum and [_allowed(column, each) for each in limits.enum]
    except NoValue as error:
        yield fault(str(error), "constraints", "enum")
        return
    if limits.enum and len(set(limits.enum)) < len(limits.enum):
        yield fault(message("A value is in the list twice."), "constraints", "enum")
    if column.example is None:
        return
    try:
        column.example = _example(column)
    except NoValue as error:
        yield fault(str(error), "example")


def _example(column: Column) -> Any:
    if column.type in NESTED or column.format:
        return str(column.example)
    found = _allowed(column, column.example)
    if column.constraints.enum and found not in column.constraints.enum:
        raise NoValue(message("This is not among the allowed values."))
    return found


def _allowed(column: Column, written: Any) -> Any:
    """One value, if it is of the type and within the limits. Raises: NoValue."""
    value, limits = spelt(column.type, written), column.constraints
    if column.type == ColumnType.string:
        _text(str(value), limits)
    elif column.type != ColumnType.boolean:
        at = order(column.type, value, column.zone)
        low, high = (
            None if each is None else order(column.type, each, column.zone)
            for each in (limits.minimum, limits.maximum)
        )
        if (low is not None and at < low) or (high is not None and at > high):
            raise NoValue(message("A value lies outside the smallest and the largest."))
    return value


def _text(value: str, limits: Any) -> None:
    if len(value) < (limits.minLength or 0) or (
        limits.maxLength is not None and len(value) > limits.maxLength
    ):
        raise NoValue(message("A value is shorter or longer than allowed."))
    try:
        if limits.pattern and not patterns.matches(limits.pattern, value):
            raise NoValue(message("A value does not fit the pattern."))
    except patterns.NoPattern:  # told already
        return


def _checks(columns: Columns) -> Iterator[Fault]:
    timed = any(each.type in {ColumnType.date, ColumnType.datetime} for _, each in columns)
    for place, column in columns:
        if column.check == RecordCheck.deployed_at_time and not timed:
            yield fault(
                message("Where a device was is asked for a time: the table needs a column with a date."),
                "fields", place, "testbed:check",
            )  # fmt: skip


def _key(key: list[str], columns: Columns) -> Iterator[Fault]:
    known = {each.name: each for _, each in columns}
    if len(set(key)) < len(key):
        yield fault(message("A column is in the key twice."), "primaryKey")
    for name in key:
        if name not in known:
            yield fault(message("The key names a column that is not there."), "primaryKey")
        elif known[name].type in NESTED:
            yield fault(message("A column of this type cannot be part of the key."), "primaryKey")
