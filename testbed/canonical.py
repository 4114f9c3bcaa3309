"""JSON with one spelling only (RFC 8785), so that a manifest has one SHA-256, wherever it is computed."""

import hashlib
import json
import math
from typing import Any

LARGEST_EXACT = 2**53


def canonical(value: Any) -> bytes:
    """The one spelling of ``value`` in UTF-8.

    Raises:
        ValueError: a number that is not finite, or an integer that a double cannot hold.
    """
    return _spelt(value).encode()


def digest(value: Any) -> str:
    """SHA-256 of the one spelling, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _spelt(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > LARGEST_EXACT:
            raise ValueError(value)
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_spelt(name)}:{_spelt(value[name])}" for name in names) + "}"
    return "[" + ",".join(map(_spelt, value)) + "]"


def _number(value: float) -> str:
    """As ECMAScript writes a double: the shortest digits, an exponent below 1e-6 and from 1e21 on."""
    if not math.isfinite(value):
        raise ValueError(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, part = digits.partition(".")
    point = len(whole) + int(exponent or 0)
    figures = whole + ("" if part == "0" else part)
    point -= len(figures) - len(figures.lstrip("0"))
    figures = figures.strip("0") or "0"
    if len(figures) <= point <= 21:
        return sign + figures + "0" * (point - len(figures))
    if 0 < point <= 21:
        return f"{sign}{figures[:point]}.{figures[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{figures}"
    mantissa = figures[0] + (f".{figures[1:]}" if len(figures) > 1 else "")
    return f"{sign}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
