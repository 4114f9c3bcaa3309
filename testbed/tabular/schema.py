"""A Table Schema (Data Package 2) with the ``testbed:`` keys, read once and held to what the check can keep."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.tabular.problems import Unreadable

KEPT = {
    "string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "date": "date", "time": "time",
    "datetime": "datetime", "year": "integer", "yearmonth": "string", "geopoint": "string", "array": "list",
    "list": "list", "object": "object", "geojson": "object", "duration": "string", "any": "string",
}  # fmt: skip
"""Every type of a schema, and what the table calls it."""
CHECKS = {"unit-of-trial", "arm-of-trial", "in-trial-period", "deployed-at-time"}
EXTRA = {"keep", "refuse", "drop"}
TRUE = ("true", "1", "ja", "yes", "sant")
FALSE = ("false", "0", "nej", "no", "falskt")  # Swedish spreadsheets write SANT and FALSKT
CONSTRAINTS = {
    "required", "unique", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "pattern", "enum",
}  # fmt: skip
LATITUDES = {"lat", "latitude", "latitud"}
LONGITUDES = {"lon", "lng", "long", "longitude", "longitud"}
FIELDS = 2_000
DECIMALS = 15


def refused(why: str) -> Unreadable:
    return Unreadable("schema", value=why)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    format: str = "default"
    constraints: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ("",)
    unit: str | None = None
    zone: str | None = None
    aliases: tuple[str, ...] = ()
    """Further names a file may use, the titles of the schema among them."""
    decimals: int | None = None
    check: str | None = None
    decimal_char: str | None = None
    group_char: str | None = None
    true: tuple[str, ...] = TRUE
    false: tuple[str, ...] = FALSE

    @property
    def kept(self) -> str:
        return KEPT[self.type]

    @property
    def numeric(self) -> bool:
        return self.type in {"integer", "number"}

    @property
    def spelled_as_text(self) -> bool:
        return self.kept == "string"

    @property
    def required(self) -> bool:
        return self.constraints.get("required") is True

    @property
    def geographic(self) -> str | None:
        """``lat`` or ``lon`` when the name of a column of numbers says so."""
        name = self.name.casefold()
        if self.type != "number":
            return None
        return "lat" if name in LATITUDES else "lon" if name in LONGITUDES else None


@dataclass(frozen=True, slots=True)
class Schema:
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    extra: str = "keep"

    def place(self, name: str) -> int:
        return next(i for i, each in enumerate(self.fields) if each.name == name)


def same(name: str) -> str:
    """How names are compared when capitals and composed letters make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def parse(descriptor: Mapping[str, Any]) -> Schema:
    """Raises: Unreadable (schema) when it is no Table Schema, or asks for what is not known."""
    fields = descriptor.get("fields")
    if not isinstance(fields, list) or not 0 < len(fields) <= FIELDS:
        raise refused("fields")
    missing = _words(descriptor.get("missingValues", [""]), "missingValues")
    found = tuple(_field(each, missing) for each in fields)
    names = [each.name for each in found]
    if len({name.casefold() for name in names}) != len(names):
        raise refused("fields: two have the same name")
    key = descriptor.get("primaryKey", [])
    key = (key,) if isinstance(key, str) else tuple(key)
    if not set(key) <= set(names):
        raise refused(f"primaryKey: {', '.join(map(str, key))}")
    extra = descriptor.get("testbed:extra_columns", "keep")
    if extra not in EXTRA:
        raise refused(f"testbed:extra_columns: {extra}")
    return Schema(found, key, extra)


def _field(given: Any, missing: tuple[str, ...]) -> Field:
    if not isinstance(given, dict) or not isinstance(name := given.get("name"), str) or not name:
        raise refused("a field without a name")
    type_ = given.get("type", "string")
    if type_ not in KEPT:
        raise refused(f"{name}: type {type_}")
    check = given.get("testbed:check")
    if check is not None and check not in CHECKS:
        raise refused(f"{name}: testbed:check {check}")
    titles = given.get("testbed:titles") or {}
    aliases = [*(given.get("testbed:aliases") or ()), *titles.values(), *filter(None, [given.get("title")])]
    own = given.get("missingValues")
    return Field(
        name=name,
        type=type_,
        format=given.get("format") or "default",
        constraints=_constraints(name, given.get("constraints") or {}),
        missing=missing if own is None else _words(own, name),
        unit=given.get("testbed:unit"),
        zone=given.get("testbed:zone"),
        aliases=tuple(dict.fromkeys(str(each) for each in aliases)),
        decimals=_decimals(name, given.get("testbed:decimals")),
        check=check,
        decimal_char=given.get("decimalChar"),
        group_char=given.get("groupChar"),
        true=_words(given.get("trueValues", list(TRUE)), name),
        false=_words(given.get("falseValues", list(FALSE)), name),
    )


def _words(given: Any, where: str) -> tuple[str, ...]:
    """A list of texts; Data Package 2 also allows ``{value, label}``."""
    if not isinstance(given, list | tuple):
        raise refused(where)
    return tuple(str(each.get("value", "")) if isinstance(each, dict) else str(each) for each in given)


def _decimals(name: str, given: Any) -> int | None:
    if given is not None and (
        not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= DECIMALS
    ):
        raise refused(f"{name}: testbed:decimals {given}")
    return given


def _constraints(name: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict) or not set(given) <= CONSTRAINTS:
        raise refused(f"{name}: constraints")
    for key in ("minLength", "maxLength"):
        if key in given and (not isinstance(given[key], int) or given[key] < 0):
            raise refused(f"{name}: {key} {given[key]}")
    if "enum" in given and not (isinstance(given["enum"], list) and given["enum"]):
        raise refused(f"{name}: enum")
    if "pattern" in given and not isinstance(given["pattern"], str):
        raise refused(f"{name}: pattern")
    return {key: value for key, value in given.items() if value is not None}


NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def number(name: str, given: Any) -> str:
    """A bound as SQL writes it. Raises: Unreadable (schema)."""
    text = repr(given) if isinstance(given, int | float) and not isinstance(given, bool) else str(given)
    if not NUMBER.fullmatch(text):
        raise refused(f"{name}: {given} is no number")
    return text
