"""Rows on their way to DuckDB: canonical CSV of text, each row with the line it came from; and the refused ones."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.tabular.engine import literal

TITLE = 200
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows of text as DuckDB reads them: columns ``c0``, ``c1`` …, missing = NULL."""

    relation: str
    line: str
    """SQL for the physical line of a row."""
    numbered: str
    """The relation with that line in it as ``__line``."""


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
    """Writes rows whose first value is the line they came from."""

    def __init__(self, path: Path, columns: int) -> None:
        self.path = path
        self.rows = 0
        self._columns = columns
        self._nulls_quoted = True
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write_text(self, line: int, values: Sequence[str]) -> None:
        """Empty means missing, as in every delimited text."""
        self._writer.writerow([line, *values])
        self.rows += 1

    def write_values(self, line: int, values: Iterable[str | None]) -> None:
        """None is missing, an empty text is a value."""
        self._nulls_quoted = False
        parts = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
        self._file.write(f"{line},{','.join(parts)}\n")
        self.rows += 1

    def raw(self) -> Raw:
        """The rows written so far; nothing can be added afterwards."""
        self._file.close()
        relation = read_csv(
            self.path, ["__line", *columns_of(self._columns)],
            delimiter=",", quoted=True, line_end="\n", skip=0, nulls_quoted=self._nulls_quoted,
        )  # fmt: skip
        return Raw(relation, "__line::BIGINT", relation)


class Rejects:
    """``rejected.csv``: the refused rows as they were, with line and rule, to be mended and sent again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.titles: Sequence[str] = ()
        self._file: io.TextIOWrapper | None = None

    def add(self, line: int, rule: str, values: Sequence[str]) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(["__line", "__rules", *self.titles, "__rest"])
        width = len(self.titles)
        kept = [*values[:width], *[""] * (width - len(values))]
        csv.writer(self._file).writerow([line, rule, *kept, *[",".join(values[width:])]])
        self.count += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


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
