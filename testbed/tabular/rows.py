"""Rows on their way to DuckDB: canonical CSV of text, each row with the line it came from; and the refused ones."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from testbed.tabular.engine import literal

TITLE = 200
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows of text as DuckDB reads them: columns ``c0``, ``c1`` …, missing = NULL."""

    relation: str
    start: int | None = None
    """The physical line of the first row, if every row is one line; else the relation has ``__line`` and ``__row``."""
    empties: bool = False
    """Whether an empty text is another thing than a missing value."""

    @property
    def numbered(self) -> str:
        """The relation with its lines in it as ``__line``, a number."""
        if self.start is None:
            return f"(SELECT * REPLACE (__line::BIGINT AS __line) FROM {self.relation})"
        return f"(SELECT row_number() OVER () + {self.start - 1} AS __line, * FROM {self.relation})"

    def of(self, places: Sequence[int], spelt: str) -> "Raw":
        """Only these columns, as ``spelt`` says of a column ``{x}``."""
        counted = ["__line", "__row"] if self.start is None else []
        columns = [f"{spelt.replace('{x}', f'c{place}')} AS c{i}" for i, place in enumerate(places)]
        return replace(self, relation=f"(SELECT {', '.join([*counted, *columns])} FROM {self.relation})")


def columns_of(count: int) -> list[str]:
    return [f"c{i}" for i in range(count)]


def read_csv(
    path: Path,
    columns: Sequence[str],
    *,
    delimiter: str,
    quoted: bool,
    line_end: str,
    skip: int,
    nulls_quoted: bool,
    longest: int = 4 << 20,
) -> str:
    """A strict reading of text: nothing is detected, nothing mended."""
    names = ", ".join(f"{name}: 'VARCHAR'" for name in columns)
    quote = '"' if quoted else ""
    # said outright, CRLF together with strict mode loses rows (DuckDB 2.0): it has to find CRLF itself
    end = ", new_line='\\n'" if line_end == "\n" else ""
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, columns={{{names}}}, delim={literal(delimiter)}, "
        f"quote={literal(quote)}, escape={literal(quote)}, header=false, skip={skip}{end}, nullstr='', "
        f"allow_quoted_nulls={str(nulls_quoted).lower()}, strict_mode=true, comment='', max_line_size={longest})"
    )


class Canonical:
    """Writes rows whose first values are the line they came from and their number among the records below the header."""

    def __init__(self, path: Path, columns: int) -> None:
        self.path = path
        self.rows = 0
        self.records = 0
        """Rows and what was refused among them."""
        self._columns = columns
        self._empties = False
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write_text(self, line: int, values: Sequence[str]) -> None:
        """Empty means missing, as in every delimited text."""
        self.records += 1
        self.rows += 1
        self._writer.writerow([line, self.records, *values])

    def write_values(self, line: int, values: Iterable[str | None]) -> None:
        """None is missing, an empty text is a value."""
        self._empties = True
        self.records += 1
        self.rows += 1
        parts = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
        self._file.write(f"{line},{self.records},{','.join(parts)}\n")

    def raw(self) -> Raw:
        """The rows written so far; nothing can be added afterwards."""
        self._file.close()
        relation = read_csv(
            self.path, ["__line", "__row", *columns_of(self._columns)],
            delimiter=",", quoted=True, line_end="\n", skip=0, nulls_quoted=not self._empties,
        )  # fmt: skip
        return Raw(relation, empties=self._empties)


class Refused:
    """Records that are no rows, as they were: kept aside to be listed, mended and sent again."""

    def __init__(self, path: Path, columns: int) -> None:
        self.path = path
        self.count = 0
        self.columns = self._width = columns
        self._left = list(range(columns))
        self._file: io.TextIOWrapper | None = None

    def add(self, line: int, row: int, rule: str, values: Sequence[str], rest: str | None = None) -> None:
        """``rest``: what goes beyond the columns; of ``values`` if not given."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
        kept = [*values[: self.columns], *[""] * (self.columns - len(values))]
        over = ",".join(values[self.columns :]) if rest is None else rest
        csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(
            [line, row, rule, *kept, over]
        )
        self.count += 1

    def without(self, places: Sequence[int]) -> "Refused":
        """The same without some columns; nothing can be added afterwards."""
        self._left = [i for i in range(self.columns) if i not in places]
        self.columns = len(self._left)
        return self

    def relation(self) -> str:
        """``__line``, ``__row``, ``__rule``, ``c0`` … and ``__rest``, all text; nothing can be added afterwards."""
        if self._file is None:
            raise ValueError("nothing was refused")
        self._file.close()
        whole = read_csv(
            self.path, ["__line", "__row", "__rule", *columns_of(self._width), "__rest"],
            delimiter=",", quoted=True, line_end="\n", skip=0, nulls_quoted=True,
        )  # fmt: skip
        columns = [f"c{place} AS c{i}" for i, place in enumerate(self._left)]
        return f"(SELECT {', '.join(['__line', '__row', '__rule', *columns, '__rest'])} FROM {whole})"


@dataclass
class Names:
    """Column names that are safe and unique (also when capitals are not told apart), nearest to the titles."""

    names: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)


def named(titles: Sequence[str | None]) -> Names:
    given = Names()
    taken: set[str] = set()
    for i, title in enumerate(titles, 1):
        name = UNSEEN.sub(" ", unicodedata.normalize("NFC", title or "")).strip()[:TITLE] or f"column_{i}"
        free = next(each for each in _spellings(name) if each.casefold() not in taken)
        if free != name:
            given.duplicates.append(name)
        taken.add(free.casefold())
        given.names.append(free)
    return given


def _spellings(name: str) -> Iterator[str]:
    yield name
    n = 2
    while True:
        yield f"{name}_{n}"
        n += 1
