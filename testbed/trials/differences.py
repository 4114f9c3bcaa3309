"""What a new table schema changes against the one before, and what that means for the files that are handed in."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from sqlmodel import SQLModel

from testbed.trials.descriptor import folded
from testbed.trials.values import NUMERIC, TEMPORAL, ColumnType, order

Body = dict[str, Any]


class Effect(StrEnum):
    """``stricter``: what was taken may be refused. ``looser``: what was refused may be taken. ``none``: only words change."""

    stricter = "stricter"
    looser = "looser"
    either = "either"
    none = "none"


class Aspect(StrEnum):
    """What of a column, or of the whole table, is different."""

    added = "added"
    removed = "removed"
    renamed = "renamed"
    order = "order"
    titles = "titles"
    descriptions = "descriptions"
    type = "type"
    unit = "unit"
    required = "required"
    unique = "unique"
    minimum = "minimum"
    maximum = "maximum"
    min_length = "min_length"
    max_length = "max_length"
    pattern = "pattern"
    enum = "enum"
    spelling = "spelling"
    decimals = "decimals"
    zone = "zone"
    check = "check"
    aliases = "aliases"
    example = "example"
    indicator = "indicator"
    secrecy = "secrecy"
    other = "other"
    primary_key = "primary_key"
    missing_values = "missing_values"
    extra_columns = "extra_columns"


class Change(SQLModel):
    """One difference; ``column`` None is the table itself. ``before`` and ``after`` are as the descriptor has them."""

    aspect: Aspect
    effect: Effect
    column: str | None = None
    before: Any = None
    after: Any = None


Judge = Callable[[Any, Any, Body], Effect]


def _words(_before: Any, _after: Any, _column: Body) -> Effect:
    return Effect.none


def _either(_before: Any, _after: Any, _column: Body) -> Effect:
    return Effect.either


def _demand(before: Any, after: Any, _column: Body) -> Effect:
    """Something asked that was not asked, or no more."""
    if before and after:
        return Effect.either
    return Effect.stricter if after else Effect.looser


def _limit(upper: bool) -> Judge:
    def judged(before: Any, after: Any, column: Body) -> Effect:
        """Limits of a column whose type changed too may not compare."""
        if before is None or after is None:
            return Effect.looser if after is None else Effect.stricter
        kind = ColumnType(column["type"])
        try:
            if kind in NUMERIC | TEMPORAL:
                before, after = (order(kind, each, column.get("testbed:zone")) for each in (before, after))
            if before == after:
                return Effect.none
        except ValueError:
            return Effect.either
        if isinstance(before, str) != isinstance(after, str):
            return Effect.either
        return Effect.looser if (after > before) == upper else Effect.stricter

    return judged


def _more_is_looser(before: Any, after: Any, _column: Body) -> Effect:
    gone, come = set(before or []) - set(after or []), set(after or []) - set(before or [])
    if not gone and not come:
        return Effect.none
    return Effect.either if gone and come else Effect.looser if come else Effect.stricter


def _allowed(before: Any, after: Any, column: Body) -> Effect:
    return _more_is_looser(before, after, column) if before and after else _demand(before, after, column)


def _type(before: Any, after: Any, _column: Body) -> Effect:
    widest = [ColumnType.integer, ColumnType.number, ColumnType.string]
    if after == ColumnType.string or (
        before in widest and after in widest and widest.index(after) > widest.index(before)
    ):
        return Effect.looser
    if before == ColumnType.string or (before in widest and after in widest):
        return Effect.stricter
    return Effect.either


KEYS: dict[str, tuple[Aspect, Judge]] = {
    "type": (Aspect.type, _type),
    "format": (Aspect.spelling, _either),
    "decimalChar": (Aspect.spelling, _either),
    "groupChar": (Aspect.spelling, _either),
    "trueValues": (Aspect.spelling, _either),
    "falseValues": (Aspect.spelling, _either),
    "example": (Aspect.example, _words),
    "testbed:titles": (Aspect.titles, _words),
    "testbed:descriptions": (Aspect.descriptions, _words),
    "testbed:unit": (Aspect.unit, _either),
    "testbed:zone": (Aspect.zone, _either),
    "testbed:decimals": (Aspect.decimals, _limit(upper=True)),
    "testbed:check": (Aspect.check, _demand),
    "testbed:indicator": (Aspect.indicator, _words),
    "testbed:secrecy": (Aspect.secrecy, _words),
    "testbed:aliases": (Aspect.aliases, _more_is_looser),
}
CONSTRAINTS: dict[str, tuple[Aspect, Judge]] = {
    "required": (Aspect.required, _demand),
    "unique": (Aspect.unique, _demand),
    "minimum": (Aspect.minimum, _limit(upper=False)),
    "maximum": (Aspect.maximum, _limit(upper=True)),
    "minLength": (Aspect.min_length, _limit(upper=False)),
    "maxLength": (Aspect.max_length, _limit(upper=True)),
    "pattern": (Aspect.pattern, _demand),
    "enum": (Aspect.enum, _allowed),
}
TABLE: dict[str, tuple[Aspect, Judge]] = {
    "primaryKey": (Aspect.primary_key, _demand),
    "missingValues": (Aspect.missing_values, _more_is_looser),
    "testbed:extra_columns": (Aspect.extra_columns, lambda old, new, _: _extra(old, new)),
}
SAID_ELSEWHERE = {"name", "title", "description", "constraints", "fields", "$schema"}


def between(old: Body | None, new: Body) -> list[Change]:
    """Everything that differs, column by column in the order of ``new``, the table's own settings last."""
    if old is None:
        return [_added(column, new) for column in new["fields"]]
    return [*_columns(old, new), *_order(old, new), *_keys(old, new, TABLE, None, {})]


def _columns(old: Body, new: Body) -> Iterator[Change]:
    before = {folded(each["name"]): each for each in old["fields"]}
    after = {folded(each["name"]) for each in new["fields"]}
    for column in new["fields"]:
        was = before.pop(folded(column["name"]), None) or _earlier(column, before, after)
        if was is None:
            yield _added(column, new)
            continue
        before.pop(folded(was["name"]), None)
        if was["name"] != column["name"]:
            yield Change(
                aspect=Aspect.renamed, effect=_known(was["name"], column), column=column["name"],
                before=was["name"], after=column["name"],
            )  # fmt: skip
        yield from _column(was, column)
    for gone in before.values():
        asked = gone.get("constraints", {}).get("required") or gone["name"] in old.get("primaryKey", [])
        refused = new["testbed:extra_columns"] == "refuse"
        effect = Effect.either if asked and refused else Effect.stricter if refused else Effect.looser
        yield Change(aspect=Aspect.removed, effect=effect, column=gone["name"])


def _earlier(column: Body, before: dict[str, Body], after: set[str]) -> Body | None:
    """The column this one was before it was renamed: one that is gone, and whose name it still answers to."""
    known = [folded(alias) for alias in column.get("testbed:aliases", [])]
    return next((before[each] for each in known if each in before and each not in after), None)


def _known(name: str, column: Body) -> Effect:
    """Headings are compared without case; an old name that is still known changes nothing for a file."""
    heard = {folded(column["name"]), *map(folded, column.get("testbed:aliases", []))}
    return Effect.none if folded(name) in heard else Effect.stricter


def _added(column: Body, new: Body) -> Change:
    asked = column.get("constraints", {}).get("required") or column["name"] in new.get("primaryKey", [])
    return Change(
        aspect=Aspect.added,
        effect=Effect.stricter if asked else Effect.either,
        column=column["name"],
        after=column["type"],
    )


def _column(was: Body, column: Body) -> Iterator[Change]:
    yield from _keys(was, column, KEYS, column["name"], column)
    old, new = was.get("constraints", {}), column.get("constraints", {})
    yield from _keys(old, new, CONSTRAINTS, column["name"], column)


def _keys(
    old: Body, new: Body, known: dict[str, tuple[Aspect, Judge]], name: str | None, column: Body
) -> Iterator[Change]:
    for key in dict.fromkeys([*known, *old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after or (key in SAID_ELSEWHERE and key not in known):
            continue
        aspect, judge = known.get(key, (Aspect.other, _words))
        if aspect == Aspect.other:
            before, after = {key: before}, {key: after}
        yield Change(
            aspect=aspect, effect=judge(before, after, column), column=name, before=before, after=after
        )


def _order(old: Body, new: Body) -> Iterator[Change]:
    before, after = _shared(old, new), _shared(new, old)
    if before != after:
        yield Change(aspect=Aspect.order, effect=Effect.none, before=before, after=after)


def _shared(here: Body, there: Body) -> Sequence[str]:
    names = {each["name"] for each in there["fields"]}
    return [each["name"] for each in here["fields"] if each["name"] in names]


def _extra(old: Any, new: Any) -> Effect:
    if "refuse" not in {old, new}:
        return Effect.either
    return Effect.stricter if new == "refuse" else Effect.looser
