"""One reading under way, and the rows it found, as text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from testbed.tabular import matching, rejected
from testbed.tabular.answers import Answers
from testbed.tabular.engine import duckdb
from testbed.tabular.kinds import Guess
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems
from testbed.tabular.rows import Raw, Refused
from testbed.tabular.schema import Schema

Step = Callable[[str, int, int], None]


@dataclass
class Reading:
    job: Path
    connection: duckdb.DuckDBPyConnection
    limits: Limits
    step: Step
    answers: Answers = field(default_factory=Answers)
    schema: Schema | None = None
    references: Mapping[str, Any] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    assumed: dict[str, Any] = field(default_factory=dict)
    kind: str = "other"
    delimiter: str = ";"
    """Of ``rejected.csv``: that of the file, so that it opens as the file did."""
    rejected: int = 0
    more: bool = False
    """Whether something may be in the file that is not in the table as it stands: in a zip file or a workbook, which can hold
    anything, in a text whose encoding was told, in bytes, or in columns of our own."""
    raw: Raw | None = None

    @property
    def target(self) -> Path:
        return self.job / "table.parquet"

    @property
    def findings(self) -> Path:
        return self.job / "findings.parquet"

    def without_own(self, found: "Found") -> "Found":
        """Without columns of our own, which hold what was refused once and are in no table."""
        left = found.without_own()
        self.more = self.more or left is not found
        return left

    def refused(self, columns: int) -> Refused:
        return Refused(self.job / "refused", columns)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a file before anything is known of their types."""

    raw: Raw
    titles: Sequence[str | None]
    sample: Sequence[Sequence[str | None]]
    rows: int
    header: int | None
    """Physical line of the header."""
    named: bool = False
    """Whether the titles are the names of columns although no line holds them."""
    refused: Refused | None = None
    guesses: Sequence[Guess] | None = None
    """What the file itself says of its types (JSON)."""
    sheet: bool = False
    rounded: Sequence[tuple[int, int, str]] = ()
    """Line, column from 1 and value of integers that a spreadsheet has rounded."""
    quick: bool = False
    """Whether the careful way is left, should the rows turn out to be fewer."""
    at: Callable[[Sequence[int]], Iterator[tuple[int, list[str]]]] | None = None
    """The values on some lines, where they can be found without reading everything once more."""

    def without_own(self) -> "Found":
        """Without the columns of a ``rejected.csv`` that comes back, and without what guarded its formulas."""
        own = matching.own(self.titles)
        if not own:
            return self
        left = [i for i in range(len(self.titles)) if i not in own]
        return replace(
            self,
            raw=self.raw.of(left, rejected.UNGUARDED),
            at=None,
            titles=[rejected.unguarded(self.titles[i] or "") for i in left],
            sample=[[rejected.unguarded(row[i] or "") for i in left] for row in self.sample],
            guesses=None if self.guesses is None else [self.guesses[i] for i in left],
            refused=self.refused and self.refused.without(own),
        )
