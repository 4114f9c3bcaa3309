"""How a value of a schema's type may be written: a gate, and the cast that is only tried on what passed it.

Several spellings of one type (decimal point or comma, the orders of a date) are candidates; the file decides, or an answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.tabular import kinds
from testbed.tabular.answers import Answers
from testbed.tabular.engine import literal, one_of
from testbed.tabular.schema import Field, refused
from testbed.tabular.units import Conversion

EXPONENT = "([eE][+-]?[0-9]{1,3})?"
ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
OFFSET = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
COORDINATE = "[+-]?[0-9]{1,3}([.][0-9]+)?"
DIGITS = 18
DIRECTIVES = {
    "%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{1,2}", "%d": "[0-9]{1,2}", "%H": "[0-9]{1,2}", "%I": "[0-9]{1,2}",
    "%M": "[0-9]{1,2}", "%S": "[0-9]{1,2}", "%f": "[0-9]{1,6}", "%p": "(?i:AM|PM)", "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",    "%j": "[0-9]{1,3}", "%z": "[+-][0-9]{2}:?[0-9]{2}", "%%": "%",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spelling:
    """``{x}`` in a cast is the trimmed text. A time of day on a date has two: with its offset from UTC, and local."""

    key: str
    gate: str
    cast: str
    sql: str
    local_gate: str = ""
    local_cast: str = ""
    assumed: Mapping[str, str] = field(default_factory=dict)

    def fits(self, value: str) -> bool:
        return any(gate and re.fullmatch(gate, value, re.ASCII) for gate in (self.gate, self.local_gate))

    def local_first(self, values: Sequence[str | None]) -> bool:
        """Whether most of these times have no offset."""
        locals_, offsets = (
            sum(bool(gate and value and re.fullmatch(gate, value.strip(), re.ASCII)) for value in values)
            for gate in (self.local_gate, self.gate)
        )
        return bool(self.local_gate) and locals_ > offsets


def candidates(
    of: Field, answers: Answers, conversion: Conversion | None, *, sheet: bool
) -> tuple[Spelling, ...]:
    """Best first; one only where nothing is left to find out. Raises: Unreadable (schema)."""
    if of.numeric:
        return _numbers(of, answers, conversion)
    if of.type in {"date", "datetime", "time"}:
        return _moments(of, answers, sheet=sheet)
    return (
        _boolean(of) if of.type == "boolean" else FIXED.get(of.kept if of.kept in FIXED else of.type, TEXT),
    )


def _numbers(of: Field, answers: Answers, conversion: Conversion | None) -> tuple[Spelling, ...]:
    if of.type == "integer":
        return (Spelling("integer", f"[+-]?[0-9]{{1,{DIGITS}}}", _whole(conversion), "BIGINT"),)
    given = answers.decimal or of.decimal_char
    marks = [given] if given else [".", ","]
    return tuple(_number(of, mark, conversion) for mark in marks)


def _whole(conversion: Conversion | None) -> str:
    if conversion is None:
        return "TRY_CAST({x} AS BIGINT)"
    value = conversion.sql("TRY_CAST({x} AS DOUBLE)")
    return f"CASE WHEN {value} = round({value}) THEN TRY_CAST({value} AS BIGINT) END"


def _number(of: Field, mark: str, conversion: Conversion | None) -> Spelling:
    """Rounding would be silent in DuckDB: more decimals than declared do not pass, zeros at the end do."""
    cut, places = re.escape(mark), of.decimals
    group = re.escape(of.group_char) if of.group_char else ""
    whole = f"[0-9]({group}?[0-9])*" if group else "[0-9]+"
    gate = f"[+-]?({whole}({cut}[0-9]*)?|{cut}[0-9]+){EXPONENT}"
    if places is not None:
        whole = (
            f"[0-9]({group}?[0-9]){{0,{DIGITS - places - 1}}}" if group else f"[0-9]{{1,{DIGITS - places}}}"
        )
        gate = f"[+-]?({whole}({cut}[0-9]{{0,{places}}}0*)?|{cut}[0-9]{{1,{max(places, 1)}}}0*)"
    text = f"replace({{x}}, {literal(of.group_char)}, '')" if of.group_char else "{x}"
    text = text if mark == "." else f"replace({text}, {literal(mark)}, '.')"
    sql = "DOUBLE" if places is None else f"DECIMAL({DIGITS},{places})"
    cast = f"TRY_CAST({text} AS {sql})"
    if conversion is not None:
        cast = conversion.sql(f"TRY_CAST({text} AS DOUBLE)")
        cast = cast if places is None else f"TRY_CAST(round({cast}, {places}) AS {sql})"
    return Spelling(
        "point" if mark == "." else "comma", gate, cast, sql, assumed={} if mark == "." else {"decimal": mark}
    )


def _boolean(of: Field) -> Spelling:
    words = "|".join(re.escape(word) for word in (*of.true, *of.false))
    yes = one_of("lower({x})", [word.lower() for word in of.true])
    return Spelling("boolean", f"(?i:{words})", yes, "BOOLEAN")


def _json(kind: str) -> Spelling:
    cast = f"CASE WHEN json_valid({{x}}) THEN CASE WHEN json_type({{x}}) = '{kind}' THEN {{x}} END END"
    return Spelling(kind.lower(), "", cast, "VARCHAR")


def _geopoint() -> Spelling:
    """Longitude, latitude, as the standard has it; kept as text."""
    longitude, latitude = (f"TRY_CAST(trim(split_part({{x}}, ',', {i})) AS DOUBLE)" for i in (1, 2))
    within = f"abs({longitude}) <= 180 AND abs({latitude}) <= 90"
    return Spelling(
        "geopoint", f"{COORDINATE}, ?{COORDINATE}", f"CASE WHEN {within} THEN {{x}} END", "VARCHAR"
    )


def _moments(of: Field, answers: Answers, *, sheet: bool) -> tuple[Spelling, ...]:
    if of.format not in {"default", "any"}:
        return (_declared(of),)
    if of.type == "time":
        return (Spelling("time", CLOCK, "TRY_CAST({x} AS TIME)", "TIME"),)
    unwanted = {"day-first": "month-first", "month-first": "day-first"}.get(answers.date_order or "", "?")
    others = [
        kind for kind in kinds.KINDS
        if kind.type == of.type and "date_format" in kind.assumed and not kind.key.startswith(unwanted)
    ]  # fmt: skip
    if of.type == "date":
        # spreadsheets give a date that was entered with a time of day as midnight, and a time at midnight as a date
        iso = (
            Spelling("date", f"{ISO}(T00:00:00)?", "TRY_CAST(left({x}, 10) AS DATE)", "DATE") if sheet
            else Spelling("date", ISO, "TRY_CAST({x} AS DATE)", "DATE")
        )  # fmt: skip
        compact = Spelling(
            "compact",
            "[0-9]{8}",
            "try_strptime({x}, '%Y%m%d')::DATE",
            "DATE",
            assumed={"date_format": "yyyymmdd"},
        )
        return (iso, *(Spelling(k.key, k.gate, k.cast, k.sql, assumed=k.assumed) for k in others), compact)
    clock = f"([T ]{CLOCK})?" if sheet else f"[T ]{CLOCK}"
    iso = Spelling(
        "datetime", f"{ISO}[T ]{CLOCK}{OFFSET}", "TRY_CAST({x} AS TIMESTAMPTZ)", "TIMESTAMPTZ", f"{ISO}{clock}",
        "TRY_CAST({x} AS TIMESTAMP)",
    )  # fmt: skip
    return (iso, *(_local(k.key, k.gate, k.cast, k.assumed["date_format"]) for k in others))


def _local(key: str, gate: str, cast: str, said: str | None) -> Spelling:
    return Spelling(key, "", "", "TIMESTAMPTZ", gate, cast, {"date_format": said} if said else {})


def _declared(of: Field) -> Spelling:
    """A pattern of strptime, with a gate of its own: DuckDB's parser is lenient about blanks."""
    gate, rest = "", of.format
    while rest:
        if rest.startswith("%"):
            if rest[:2] not in DIRECTIVES:
                raise refused(f"{of.name}: format {of.format}")
            gate, rest = gate + DIRECTIVES[rest[:2]], rest[2:]
        else:
            gate, rest = gate + re.escape(rest[0]), rest[1:]
    parsed = f"try_strptime({{x}}, {literal(of.format)})"
    if of.type == "datetime":
        if "%z" in of.format:
            return Spelling("declared", gate, parsed, "TIMESTAMPTZ")
        return _local("declared", gate, parsed, None)
    sql = of.type.upper()
    return Spelling("declared", gate, f"{parsed}::{sql}", sql)


TEXT = Spelling("string", "", "{x}", "VARCHAR")
FIXED = {
    "year": Spelling("year", "[0-9]{4}", "TRY_CAST({x} AS BIGINT)", "BIGINT"),
    "yearmonth": Spelling("yearmonth", "[0-9]{4}-(0[1-9]|1[0-2])", "{x}", "VARCHAR"),
    "geopoint": _geopoint(), "object": _json("OBJECT"), "list": _json("ARRAY"),
}  # fmt: skip
"""Types that are written in one way only, by what they are or are kept as."""


def choose(found: Sequence[Spelling], values: Sequence[str | None]) -> Spelling:
    """The one that most of a spread sample fits. A decimal comma only wins when nearly all values have it."""
    present = [value.strip(" \t") for value in values if value and value.strip(" \t")]
    if len(found) == 1 or all(map(found[0].fits, present)):
        return found[0]
    fitting = [[each.fits(value) for each in found] for value in present]
    return decide(found, [sum(column) for column in zip(*fitting, strict=True)], sum(map(any, fitting)))


def decide(found: Sequence[Spelling], fits: Sequence[int], any_: int) -> Spelling:
    """By how many values fit each, and how many fit any."""
    best = max(range(len(found)), key=lambda n: (fits[n], -n))
    if found[best].key == "comma" and fits[best] < kinds.ENOUGH * any_:
        return found[0]
    return found[best]
