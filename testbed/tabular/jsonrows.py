"""JSON lines and lists of objects: every key of any object is a column; nested values stay as they are, as JSON."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.tabular import kinds
from testbed.tabular.kinds import Guess
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.rows import Canonical, Refused
from testbed.tabular.sniff import Text

DEPTH = 32
LIST_BYTES = 200_000_000
LINE_CHARACTERS = 4 << 20


@dataclass
class Seen:
    """Which sorts of value a key had over the whole file."""

    sorts: set[str] = field(default_factory=set)
    large: bool = False

    def guess(self) -> Guess | None:
        """What the file says of the type; None when its texts may still be times."""
        fixed = {
            frozenset({"bool"}): kinds.JSON_BOOLEAN, frozenset({"int"}): kinds.JSON_INTEGER,
            frozenset({"int", "float"}): kinds.JSON_NUMBER, frozenset({"float"}): kinds.JSON_NUMBER,
            frozenset({"list"}): kinds.LIST,
        }.get(frozenset(self.sorts))  # fmt: skip
        if self.sorts == {"str"}:
            return None
        if self.nested and fixed is None:
            fixed = kinds.OBJECT
        if fixed is kinds.JSON_INTEGER and self.large:
            fixed = kinds.TEXT
        return Guess((fixed or kinds.TEXT,), fixed=True)

    @property
    def nested(self) -> bool:
        return bool(self.sorts & {"dict", "list"})


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("number out of range")
    return value


def _constant(text: str) -> float:
    raise ValueError(text)


_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_number, parse_constant=_constant, strict=True
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _taken(text: str, value: Any) -> dict[str, Any]:
    """Raises: ValueError when it is no object, too deep, or holds what no table can."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if _depth(value) > DEPTH:
        raise ValueError("too deep")
    if "\\u" in text:
        _dumps(value).encode()  # half a surrogate pair raises
        if any("\0" in each for pair in value.items() for each in pair if isinstance(each, str)):
            raise ValueError("NUL")
    return value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


Item = tuple[int, dict[str, Any] | None, str]
"""Line, object or None when it cannot be taken, text."""


def lines(path: Path) -> Iterator[Item]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, text in enumerate(file, 1):
            text = text.strip(" \t\r\n")
            if not text:
                continue
            try:
                if len(text) > LINE_CHARACTERS:
                    raise ValueError("too long")
                value, end = _decoder.raw_decode(text)
                if end != len(text):
                    raise ValueError("more than one value")
                yield number, _taken(text, value), text
            except (ValueError, RecursionError):
                yield number, None, text


def elements(path: Path) -> Iterator[Item]:
    """The objects of one list, which is held in memory. Raises: Unreadable when it breaks off or is too large."""
    if path.stat().st_size > LIST_BYTES:
        raise Unreadable("not-objects", value="> 200 MB")
    text = path.read_text(encoding="utf-8-sig")
    at = _blank(text, _blank(text, 0) + 1)
    counted, line = 0, 1
    while not text.startswith("]", at):
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, end = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as wrong:
            raise Unreadable("not-objects", line=line) from wrong
        try:
            yield line, _taken(text[at:end], value), text[at:end]
        except ValueError:
            yield line, None, text[at:end]
        at = _blank(text, end)
        if text.startswith(",", at) and not text.startswith("]", _blank(text, at + 1)):
            at = _blank(text, at + 1)
        elif not text.startswith("]", at):
            raise Unreadable("not-objects", line=line)
    if text[at + 1 :].strip():
        raise Unreadable("not-objects", line=line)


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def keys_of(items: Iterator[Item], limits: Limits) -> tuple[dict[str, Seen], int]:
    """First pass: every key in the order first met, and how many objects there are.

    Raises: Unreadable (too-many-columns, too-many-rows).
    """
    seen: dict[str, Seen] = {}
    rows = 0
    for line, value, _ in items:
        rows += value is not None
        for key, each in (value or {}).items():
            if each is not None:
                about = seen.setdefault(key, Seen())
                about.sorts.add(type(each).__name__)
                about.large |= type(each) is int and abs(each) >= 10**18
            else:
                seen.setdefault(key, Seen())
        if len(seen) > limits.columns:
            raise Unreadable("too-many-columns", line=line)
        if rows > limits.rows:
            raise Unreadable("too-many-rows", line=line)
    return seen, rows


def write(
    items: Iterator[Item], seen: dict[str, Seen], canonical: Canonical, refused: Refused, problems: Problems
) -> None:
    """Second pass: rows of text, and the lines that are no objects."""
    for line, value, text in items:
        if value is None:
            problems.add("json", line=line, value=text)
            canonical.records += 1
            refused.add(line, canonical.records, "json", [], text)
            continue
        canonical.write_values(line, (_text(value.get(key), about) for key, about in seen.items()))


def _text(value: Any, about: Seen) -> str | None:
    if value is None:
        return None
    if about.nested:
        return _dumps(value)
    if isinstance(value, str):
        return value
    return _dumps(value)


def items_of(text: Text, kind: str) -> Iterator[Item]:
    """Raises: Unreadable when the text is not UTF-8."""
    if text.encoding == "windows-1252":
        raise Unreadable("encoding")
    return lines(text.path) if kind == "jsonl" else elements(text.path)


def guesses(seen: dict[str, Seen], sampled: Sequence[Sequence[str | None]]) -> list[Guess]:
    """What every key holds; texts may still be times, as ISO 8601 spells them."""
    return [
        about.guess() or kinds.guess([row[i] for row in sampled], kinds.ISO_KINDS)
        for i, about in enumerate(seen.values())
    ]
