"""What people answered about a file; each answer stands above what would be guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.tabular.problems import Unreadable

ENCODINGS = {
    "utf-8": "utf-8", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be", "windows-1252": "cp1252",
    "iso-8859-1": "iso-8859-1", "iso-8859-15": "iso-8859-15", "ibm850": "cp850", "macintosh": "mac_roman",
}  # fmt: skip
"""IANA names (old Swedish loggers write IBM850) and what Python calls them."""
DELIMITERS = {
    "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", ",": ",", ";": ";", "\t": "\t", "|": "|",
}  # fmt: skip
WORDS = {
    "encoding": {name: name for name in ENCODINGS}, "delimiter": DELIMITERS, "decimal": {",": ",", ".": "."},
    "date_order": {"day-first": "day-first", "month-first": "month-first"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answers:
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    zone: str | None = None
    sheet: str | None = None
    header: bool | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Title in the file: name of the field, or None for a column that is none."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Field: the unit the file is in."""


def _refused(key: str, value: Any) -> Unreadable:
    return Unreadable("answer", value=f"{key}: {value}"[:200])


def parse(given: Mapping[str, Any]) -> Answers:
    """Raises: Unreadable (answer) for one that means nothing here. Empty answers are none."""
    told = {key: value for key, value in given.items() if value not in (None, "", {})}
    unknown = set(told) - set(Answers.__dataclass_fields__)
    if unknown:
        raise _refused(sorted(unknown)[0], "?")
    for key in ("encoding", "delimiter", "decimal", "date_order", "zone", "sheet"):
        if key in told:
            told[key] = _word(key, told[key])
    if "header" in told and not isinstance(told["header"], bool):
        raise _refused("header", told["header"])
    for key in ("columns", "units"):
        if not isinstance(told.get(key, {}), dict):
            raise _refused(key, told[key])
    return Answers(**told)


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refused(key, value)
    words = WORDS.get(key)
    if words is None:
        return value
    if value.lower() not in words:
        raise _refused(key, value)
    return words[value.lower()]
