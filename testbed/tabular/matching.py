"""Which column of a file is which field of the schema: by its exact name, an alias, or both without regard to capitals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.tabular.answers import Answers
from testbed.tabular.problems import Unreadable
from testbed.tabular.schema import Schema, same

OURS = ("__line", "__rules", "__rest")
"""Columns of our own ``rejected.csv``, which comes back corrected: never data."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which column of the file every field is; None: it is not in the file."""

    places: tuple[int | None, ...]
    extra: tuple[int, ...] = ()
    """Columns of the file that are kept though no field is theirs."""
    dropped: tuple[int, ...] = ()
    wrong: bool = False
    """Whether the columns are such that no row can be right."""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """Title in the file: name of the field, where they differ."""
    problems: tuple[tuple[str, str, str | None], ...] = ()
    """Rule, column and value of what is to be said of the columns."""


def own(titles: Sequence[str | None]) -> list[int]:
    """Places of the columns that we added ourselves; none if the line is not among them."""
    if OURS[0] not in titles:
        return []
    return [i for i, title in enumerate(titles) if title in OURS]


def recognised(schema: Schema, titles: Sequence[str | None], answers: Answers) -> int:
    """How many of the titles name a field."""
    return len({name for name in _fields(schema, titles, answers) if name is not None})


def _fields(schema: Schema, titles: Sequence[str | None], answers: Answers) -> list[str | None]:
    """The name of the field that each title is, told by answers or by the closest spelling. A file may be very wide."""
    told = answers.columns
    ways = _spellings(schema)
    names: list[str | None] = []
    for each in titles:
        title = (each or "").strip()
        plain = same(re.sub(r"\s+", " ", title))
        keys = (title, title, plain, plain) if plain else ()
        found = (way[key] for way, key in zip(ways, keys, strict=False) if key in way)
        # a field that was answered for is not found under its own name as well
        name = next((each for each in found if each not in told.values()), None)
        names.append(ways[0].get(told[title] or "") if title in told else name)
    return names


def _spellings(schema: Schema) -> tuple[dict[str, str], ...]:
    """By what titles a field is known: its name, its aliases, and both without regard to capitals; the first one has it."""
    pairs = [(each.name, alias) for each in schema.fields for alias in each.aliases]
    names = [each.name for each in schema.fields]
    return (
        {name: name for name in names},
        {alias: name for name, alias in reversed(pairs)},
        {same(name): name for name in reversed(names)},
        {same(alias): name for name, alias in reversed(pairs)},
    )


def match(schema: Schema, titles: Sequence[str | None], answers: Answers, *, named: bool) -> Match:
    """``named``: whether the file has names for its columns; else they are taken by their place.

    Raises: Unreadable (answer) when an answer names a column or a field that is not there.
    """
    if not named:
        return _by_place(schema, len(titles))
    _refuse_unknown(schema, titles, answers)
    names = _fields(schema, titles, answers)
    places: list[int | None] = []
    problems: list[tuple[str, str, str | None]] = []
    for each in schema.fields:
        found = [i for i, name in enumerate(names) if name == each.name]
        exact = [i for i in found if titles[i] == each.name]
        found = exact if len(exact) == 1 else found
        if len(found) > 1:
            problems.append(("column-duplicate", each.name, " | ".join(titles[i] or "" for i in found)))
        if not found and (not any(names) or each.required or each.name in schema.key):
            problems.append(("column-missing", each.name, None))
        places.append(found[0] if found else None)
    extra, dropped, more = _rest(schema, titles, [i for i in range(len(titles)) if i not in places])
    said = {
        titles[i] or "": each.name
        for i, each in zip(places, schema.fields, strict=True)
        if i is not None and titles[i] != each.name
    }
    problems += more
    wrong = any(rule != "column-dropped" for rule, _, _ in problems)
    return Match(tuple(places), extra, dropped, wrong, said, tuple(problems))


def _refuse_unknown(schema: Schema, titles: Sequence[str | None], answers: Answers) -> None:
    names = {each.name for each in schema.fields}
    given = {(title or "").strip() for title in titles}
    for title, name in answers.columns.items():
        if title not in given or (name and name not in names):
            raise Unreadable("answer", value=f"columns: {title} → {name}"[:200])


def _rest(
    schema: Schema, titles: Sequence[str | None], rest: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[str, str, str | None]]]:
    """What becomes of the columns that are no field: those kept, those dropped, and what to say of them."""
    if schema.extra == "keep":
        return tuple(rest), (), []
    rule = "column-unknown" if schema.extra == "refuse" else "column-dropped"
    names = [titles[i] or f"column_{i + 1}" for i in rest]
    return (), tuple(rest), [(rule, name, name) for name in names]


def _by_place(schema: Schema, width: int) -> Match:
    """Without a header the columns are those of the schema, if there are as many."""
    if width == len(schema.fields):
        return Match(tuple(range(width)))
    missing = tuple(("column-missing", each.name, None) for each in schema.fields)
    return Match((None,) * len(schema.fields), wrong=True, problems=missing)
