"""Made-up measurements of eight sorting bins: twelve weeks, the same numbers every time.

Four bins get a sensor in weeks five to eight. Emptyings a week and overfull bins in 28 days come out, bin by
bin, as ``BINS`` says, so that whoever works the example by hand finds the same effect.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

FIRST_MONDAY = date(2026, 5, 4)
WEEKS = 12
LAST_DAY = FIRST_MONDAY + timedelta(weeks=WEEKS, days=-1)
PERIODS = ("före", "införande", "efter")
COLUMNS = ("vecka_från", "kärl", "plats", "grupp", "period", "tömningar", "överfulla", "fyllnad_procent")
SEED = 65_22


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs are (before, after): emptyings a week, and times it was overfull in 28 days."""

    name: str
    place: str
    sensor: bool
    emptied: tuple[int, int]
    overfull: tuple[int, int]


BINS = (
    Bin("K1", "Stadsparken", True, (10, 7), (2, 2)),
    Bin("K2", "Stadsparken", False, (10, 10), (2, 2)),
    Bin("K3", "Stadsparken", True, (12, 8), (1, 2)),
    Bin("K4", "Nytorget", False, (11, 10), (2, 1)),
    Bin("K5", "Nytorget", True, (11, 9), (2, 1)),
    Bin("K6", "Nytorget", False, (12, 12), (1, 2)),
    Bin("K7", "Storgatan", True, (13, 8), (3, 3)),
    Bin("K8", "Storgatan", False, (11, 12), (2, 2)),
)


def sensor_file() -> bytes:
    """Bins with a sensor as a Swedish spreadsheet writes them: semicolons, decimal commas, a byte order mark."""
    return _written([bin_ for bin_ in BINS if bin_.sensor], delimiter=";", comma=",").encode("utf-8-sig")


def ordinary_file() -> bytes:
    """Ordinary bins as a researcher writes them: commas, decimal points."""
    return _written([bin_ for bin_ in BINS if not bin_.sensor], delimiter=",", comma=".").encode()


def _written(bins: list[Bin], *, delimiter: str, comma: str) -> str:
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in sorted(row for bin_ in bins for row in _weeks(bin_)):
        *words, fill = row
        writer.writerow([*words, f"{fill:.1f}".replace(".", comma)])
    return sheet.getvalue()


def _weeks(bin_: Bin) -> Iterator[tuple[date, str, str, str, str, int, int, float]]:
    chance = Random(f"{SEED}-{bin_.name}")  # noqa: S311 - it has to be foreseeable
    between = round(sum(bin_.emptied) / 2)
    emptied = [
        *_around(chance, bin_.emptied[0]),
        *_around(chance, between),
        *_around(chance, bin_.emptied[1]),
    ]
    overfull = [
        *_spread(chance, bin_.overfull[0]),
        *_spread(chance, bin_.overfull[0]),
        *_spread(chance, bin_.overfull[1]),
    ]
    for week, (times, over) in enumerate(zip(emptied, overfull, strict=True)):
        fuller = 8.0 * (week // 4) if bin_.sensor else 0.0
        fill = round(chance.gauss(51 + fuller, 4), 1)
        monday = FIRST_MONDAY + timedelta(weeks=week)
        group = "sensor" if bin_.sensor else "vanlig"
        yield monday, bin_.name, bin_.place, group, PERIODS[week // 4], times, over, fill


def _around(chance: Random, mean: int) -> list[int]:
    """Four whole numbers whose mean is ``mean``."""
    one, other = chance.randint(0, 2), chance.randint(0, 2)
    numbers = [mean + one, mean - one, mean + other, mean - other]
    chance.shuffle(numbers)
    return numbers


def _spread(chance: Random, events: int) -> list[int]:
    """``events`` spread over four weeks."""
    weeks = [0, 0, 0, 0]
    for _ in range(events):
        weeks[chance.randrange(4)] += 1
    return weeks
