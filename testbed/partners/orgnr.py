"""Swedish organisation numbers: ten digits, the last a check digit (Luhn); Peppol rule SE-R-013 checks the same."""

import re
from datetime import date

from testbed.errors import Invalid
from testbed.texts import message

WRITTEN = re.compile(r"(?:16)?([0-9]{6})[- ]?([0-9]{4})", re.ASCII)
WRONG = message(
    "This is no organisation number; it has ten digits, as 212000-2742, and the last checks the others."
)


def read(text: str) -> tuple[str, bool]:
    """Return the ten digits, and whether they are a person's number (a sole trader's).

    Raises:
        Invalid: wrong form, wrong check digit, or neither an organisation's nor a person's number.
    """
    found = WRITTEN.fullmatch(re.sub(r"\s+", "", text)) if text.isascii() else None
    digits = found[1] + found[2] if found else ""
    if not digits or not _luhn(digits) or digits[0] == "0":
        raise Invalid(WRONG, fields={"orgnr": WRONG})
    if digits[2] >= "2":
        return digits, False
    if not _is_birthday(digits):
        raise Invalid(WRONG, fields={"orgnr": WRONG})
    return digits, True


def shown(digits: str | None) -> str | None:
    return f"{digits[:6]}-{digits[6:]}" if digits else None


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(digits)]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _is_birthday(digits: str) -> bool:
    """Whether the first six digits are a date; a coordination number has 60 added to its day."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    for century in (1900, 2000):
        try:
            date(century + year, month, day - 60 if day > 60 else day)
        except ValueError:
            continue
        return True
    return False
