"""Column types: a gate that says how a value is spelt, and the cast that is only tried on what passed.

Without the gate DuckDB's casts take ``1.5`` for the integer 2, ``nan`` for a number and ``epoch`` for a date.
The gates are written for RE2 and Python alike. ``x`` in a cast stands for the trimmed value.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

MARKERS = ("NA", "N/A", "#N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "-")
"""Words for a missing value, taken as such only in columns that are not text, and told in the report."""

_INT = "(0|[1-9][0-9]{0,14})"
_EXP = "[eE][+-]?[0-9]{1,3}"
_NUMBER = f"({_INT}([.][0-9]*({_EXP})?|[eE][+-][0-9]{{1,3}})?|[.][0-9]+({_EXP})?|[0-9][eE][0-9]{{1,3}})"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
_HOUR = "([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = "(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)"

AS_CODE = "([+-]?0[0-9]+|[+-]?[0-9]{16,}|[0-9]{2,}[eE][0-9]+|[+][0-9]{7,})"
"""One such value makes a column of numbers text: leading zeros, too many digits, hexadecimal ids, telephones."""


@cache
def _compiled(gate: str) -> re.Pattern[str]:
    return re.compile(gate, re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    key: str
    type: str
    gate: str
    cast: str
    sql: str
    assumed: dict[str, str] = field(default_factory=dict)
    numeric: bool = False
    misfit: str = "'type'"
    """SQL of the rule that is broken by a value that is not taken."""

    def fits(self, value: str) -> bool:
        return _compiled(self.gate).fullmatch(value) is not None

    @property
    def loose(self) -> str:
        """The gate of the second, careful reading, which also takes a plus sign."""
        return f"[+]?{self.gate}" if self.numeric else self.gate

    def value(self, x: str) -> str:
        """SQL of the typed value of the SQL text ``x``; NULL where the cast fails."""
        cast = self.cast.replace("{x}", x)
        return f"CASE WHEN isfinite({cast}) THEN {cast} END" if self.sql == "DOUBLE" else cast

    def zoned(self, zone: str) -> "Kind":
        """Local times as instants, but for the hours that the clock shows twice or not at all."""
        if self.sql != "TIMESTAMP":
            return self
        at = f"timezone('{zone}', {self.cast})"
        exists = f"timezone('{zone}', {at}) = {self.cast}"
        once = " AND ".join(
            f"timezone('{zone}', {at} {sign} INTERVAL 1 HOUR) <> {self.cast}" for sign in "+-"
        )
        hour = f"CASE WHEN {exists} THEN 'time-ambiguous' ELSE 'time-nonexistent' END"
        return replace(
            self, key=f"{self.key}-zoned", cast=f"CASE WHEN {exists} AND {once} THEN {at} END", sql="TIMESTAMPTZ",
            assumed={**self.assumed, "zone": zone},
            misfit=f"CASE WHEN ({self.cast}) IS NULL THEN 'type' ELSE {hour} END",
        )  # fmt: skip


def _boolean(yes: str, no: str) -> Kind:
    return Kind(
        f"boolean-{yes}", "boolean", f"(?i:{yes}|{no})", f"lower({{x}}) = '{yes}'", "BOOLEAN",
        {} if yes == "true" else {"boolean": f"{yes} / {no}"},
    )  # fmt: skip


def _dates(key: str, gate: str, pattern: str, said: str) -> list[Kind]:
    """A date spelt otherwise than by ISO 8601, alone and followed by a time of day."""
    clocks = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
    stamps = ", ".join(f"'{pattern} {clock}'" for clock in clocks)
    return [
        Kind(key, "date", gate, f"try_strptime({{x}}, '{pattern}')::DATE", "DATE", {"date_format": said}),
        Kind(
            f"{key}-time", "datetime", f"{gate}[ T]{_HOUR}", f"try_strptime(replace({{x}}, 'T', ' '), [{stamps}])",
            "TIMESTAMP", {"date_format": f"{said} hh:mm", "zone": "none"},
        ),
    ]  # fmt: skip


_D, _M, _Y = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])", "[0-9]{4}"

KINDS: tuple[Kind, ...] = (
    _boolean("true", "false"),
    _boolean("ja", "nej"),
    _boolean("yes", "no"),
    Kind("integer", "integer", f"-?{_INT}", "TRY_CAST({x} AS BIGINT)", "BIGINT", numeric=True),
    Kind("number", "number", f"-?{_NUMBER}", "TRY_CAST({x} AS DOUBLE)", "DOUBLE", numeric=True),
    Kind(
        "number-comma", "number", f"-?{_INT}(,[0-9]+({_EXP})?)?", "TRY_CAST(replace({x}, ',', '.') AS DOUBLE)", "DOUBLE",
        {"decimal": ","}, numeric=True,
    ),
    Kind("date", "date", _ISO, "TRY_CAST({x} AS DATE)", "DATE"),
    Kind("datetime", "datetime", f"{_ISO}[T ]{_CLOCK}", "TRY_CAST({x} AS TIMESTAMP)", "TIMESTAMP", {"zone": "none"}),
    Kind("datetime-offset", "datetime", f"{_ISO}[T ]{_CLOCK} ?{_OFFSET}", "TRY_CAST({x} AS TIMESTAMPTZ)", "TIMESTAMPTZ"),
    Kind("time", "time", _CLOCK, "TRY_CAST({x} AS TIME)", "TIME"),
    *_dates("day-first", f"{_D}/{_M}/{_Y}", "%d/%m/%Y", "dd/mm/yyyy"),
    *_dates("month-first", f"{_M}/{_D}/{_Y}", "%m/%d/%Y", "mm/dd/yyyy"),
    *_dates("dotted", f"{_D}[.]{_M}[.]{_Y}", "%d.%m.%Y", "dd.mm.yyyy"),
    *_dates("dashed", f"{_D}-{_M}-{_Y}", "%d-%m-%Y", "dd-mm-yyyy"),
    *_dates("year-first", f"{_Y}/{_M}/{_D}", "%Y/%m/%d", "yyyy/mm/dd"),
)  # fmt: skip

# Types that come from the file itself (JSON); nothing is guessed about these.
JSON_INTEGER = Kind("json-integer", "integer", "-?[0-9]{1,18}", "TRY_CAST({x} AS BIGINT)", "BIGINT")
JSON_NUMBER = Kind(
    "json-number", "number", "-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?", "TRY_CAST({x} AS DOUBLE)", "DOUBLE"
)
JSON_BOOLEAN = _boolean("true", "false")
TEXT = Kind("string", "string", "", "{x}", "VARCHAR")
OBJECT = Kind("object", "object", "", "{x}", "VARCHAR")
LIST = Kind("list", "list", "", "{x}", "VARCHAR")
ISO_KINDS = tuple(kind for kind in KINDS if kind.key in {"date", "datetime", "datetime-offset"})


def offered(decimal: str | None, date_order: str | None, *, sheet: bool) -> tuple[Kind, ...]:
    """What a column may be after what people answered. A spreadsheet gives the times at midnight as dates."""
    unwanted = [
        *{".": ["number-comma"], ",": ["number"]}.get(decimal or "", []),
        *{"day-first": ["month-first"], "month-first": ["day-first"]}.get(date_order or "", []),
    ]
    left = [kind for kind in KINDS if kind.key.removesuffix("-time") not in unwanted]
    return tuple(
        replace(kind, gate=f"{_ISO}([T ]{_CLOCK})?") if sheet and kind.key == "datetime" else kind
        for kind in left
    )


ENOUGH = 0.99
"""Such a share of the values of a column must fit for its type to be taken."""

LIKELY = 0.9
"""Such a share of a spread sample makes a type worth asking the whole column about."""

UNTYPED = {"string", "object", "list"}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a sample says of a column; the whole column has the last word."""

    candidates: tuple[Kind, ...]
    """Best first; none: text."""
    markers: tuple[str, ...] = ()
    fixed: bool = False
    """The file itself says the type; nothing is left to find out."""
    unseen: bool = False
    """The sample held no value; any later one has to be asked about."""

    def zoned(self, zone: str) -> "Guess":
        return replace(self, candidates=tuple(each.zoned(zone) for each in self.candidates))

    @property
    def best(self) -> Kind:
        return TEXT if self.unseen or not self.candidates else self.candidates[0]


def guess(values: Sequence[str | None], kinds: Sequence[Kind] = KINDS) -> Guess:
    """The kinds that at least 90 % of the sample fits. ``values``: one column of the sample, missing = None or empty."""
    trimmed = [value.strip(" \t") for value in values if value and value.strip(" \t")]
    markers = tuple(marker for marker in MARKERS if marker in set(trimmed))
    present = [value for value in trimmed if value not in MARKERS]
    if not present:
        return Guess(tuple(kinds), markers, unseen=True)
    counted = [(_share(present, kind.fits), -place, kind) for place, kind in enumerate(kinds)]
    likely = sorted((each for each in counted if each[0] >= LIKELY), key=lambda each: each[:2], reverse=True)
    if any(kind.numeric for _, _, kind in likely) and any(map(_code, present)):
        return Guess(())
    return Guess(tuple(kind for _, _, kind in likely), markers if likely else ())


def _code(value: str) -> bool:
    return re.fullmatch(AS_CODE, value, re.ASCII) is not None


def _share(values: Sequence[str], fits: Callable[[str], bool]) -> float:
    """The share that fits, or 0 as soon as it is clear that it will be low."""
    early = values[:100]
    if sum(map(fits, early)) < len(early) // 2 and sum(map(fits, values[-100:])) < len(early) // 2:
        return 0.0
    return sum(map(fits, values)) / len(values)
