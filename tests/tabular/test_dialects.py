"""Every spelling of one table that people send: 240 files, read to the same rows, with the same findings on the same lines.

In this process, with one connection and without statistics: how a file is read is what is tried here, and nothing else.
"""

import csv
import io
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Any

import duckdb
import pytest

from testbed.tabular import checking, guessing, schema, sources
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Unreadable
from testbed.tabular.reading import Reading
from tests.tabular.conftest import schema_of

ENCODINGS = {
    "utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "windows-1252": "cp1252",
}  # fmt: skip
MARKED = ("utf-16-le", "utf-16-be")
TITLES = ["plats", "nivå", "antal", "dag"]
SCHEMA = schema_of("plats:string", "nivå:number", "antal:integer", "dag:date")
PLACES = {
    "plain": ["Skålen", "Ön – norra", "Åkern"],
    "signs": ["Skålen", 'Ön; "norra", a|b\tc', "Åkern, södra"],
    "lines": ["Skålen", 'Ön;\n\n"norra"', "Åkern\n"],
}
BAD = ["Älven", "sju", "4", "2026-01-05"]


@dataclass(frozen=True)
class Spelling:
    """How a table is written down."""

    line_end: str
    delimiter: str
    decimal: str
    header: bool
    encoding: str
    quoting: int
    inside: str
    """What its texts hold, a key of ``PLACES``."""

    def rows(self, *, bad: bool = False) -> list[list[str]]:
        first, second, third = (each.replace("\n", self.line_end) for each in PLACES[self.inside])
        return [
            [first, "12.5", "7", "1899-12-31"], [second, "-0.25", "-3", "2026-01-04"], *([BAD] if bad else []),
            [third, "", "0", "2026-01-06"], ["Ösjön", "1000.125", "12", "2026-10-25"],
        ]  # fmt: skip

    def file(self, *, bad: bool = False) -> bytes:
        spelt = [[a, b.replace(".", self.decimal), c, d] for a, b, c, d in self.rows(bad=bad)]
        text = io.StringIO("\ufeff" if self.encoding in MARKED else "", newline="")
        text.seek(0, io.SEEK_END)
        csv.writer(
            text,
            delimiter=self.delimiter,
            lineterminator=self.line_end,
            quoting=self.quoting,  # type: ignore[arg-type]
        ).writerows([TITLES, *spelt] if self.header else spelt)
        return text.getvalue().encode(ENCODINGS[self.encoding])

    def bad_line(self) -> int:
        """The line on which the bad row begins, counted as an editor does."""
        return 3 + self.header + sum(text.count("\n") for text in PLACES[self.inside][:2])


def _spellings() -> list[Spelling]:
    """All of what a program chooses, each with a turn of what the texts hold and which of them are quoted."""
    chosen = itertools.product(("\n", "\r\n", "\r"), ",;\t|", ".,", (True, False), ENCODINGS)
    turns = itertools.cycle(itertools.product(PLACES, (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    return [
        Spelling(*each, quoting=quoting, inside=inside)
        for each, (inside, quoting) in zip(chosen, turns, strict=False)
    ]


SPELLINGS = _spellings()
FEWER = random.Random(7).sample(SPELLINGS, 60)
"""With a schema every file costs more."""


NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
KINDS = ["string", "number", "integer", "date"]

Read = Callable[..., tuple[Reading, list[tuple[str, str]]]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Read these bytes, held to a schema if one is given: the reading, and name and type of every column."""
    place = tmp_path_factory.mktemp("dialects")
    numbers = itertools.count()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'; SET threads=1")

        def of(
            content: bytes, held_to: dict[str, Any] | None = None
        ) -> tuple[Reading, list[tuple[str, str]]]:
            job = place / str(next(numbers))
            job.mkdir()
            (job / "input").write_bytes(content)
            given = None if held_to is None else schema.parse(held_to)
            reading = Reading(job, connection, Limits(), lambda *_: None, schema=given)
            take = guessing.guess if given is None else partial(checking.check, given)
            columns = sources.opened(reading, job / "input", take)
            return reading, [(each.name, each.kind.type) for each in columns]

        yield of


def _rows(reading: Reading) -> list[tuple[Any, ...]]:
    return reading.connection.execute(f"SELECT * FROM read_parquet('{reading.target}')").fetchall()


def _meant(rows: list[list[str]]) -> list[tuple[Any, ...]]:
    return [(a, float(b) if b else None, int(c), date.fromisoformat(d)) for a, b, c, d in rows]


def _findings(reading: Reading) -> list[tuple[Any, ...]]:
    """Line, row, column, value and rule of all that concerns rows."""
    if not reading.findings.exists():
        return []
    asked = f"SELECT line, row, \"column\", value, rule FROM read_parquet('{reading.findings}') WHERE row IS NOT NULL"
    return reading.connection.execute(asked).fetchall()


def _said(spelling: Spelling) -> set[str]:
    """What is to be said of the file as a whole, and nothing else."""
    doubts = {"encoding-assumed": spelling.encoding == "windows-1252", "header-missing": not spelling.header}
    return {rule for rule, doubted in doubts.items() if doubted}


def _assumed(spelling: Spelling) -> dict[str, Any]:
    return {
        "delimiter": NAMED[spelling.delimiter], "encoding": spelling.encoding.removesuffix("-sig"), "header": spelling.header,
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_is_the_same_however_it_is_spelt(read: Read, encoding: str) -> None:
    for spelling in (each for each in SPELLINGS if each.encoding == encoding):
        names = TITLES if spelling.header else [f"column_{n}" for n in range(1, 5)]

        reading, columns = read(spelling.file())

        assert _rows(reading) == _meant(spelling.rows()), spelling
        assert columns == list(zip(names, KINDS, strict=True)), spelling
        assert {each["rule"] for each in reading.problems.listed()} == _said(spelling), spelling
        assert reading.assumed.items() >= _assumed(spelling).items(), spelling


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bad_row_is_found_on_its_line_however_the_table_is_spelt(read: Read, encoding: str) -> None:
    for spelling in (each for each in FEWER if each.encoding == encoding):
        reading, columns = read(spelling.file(bad=True), SCHEMA)

        assert _findings(reading) == [(spelling.bad_line(), 3, "nivå", "sju", "type")], spelling
        assert _rows(reading) == _meant(spelling.rows()), spelling
        assert columns == list(zip(TITLES, KINDS, strict=True)), spelling
        assert {each["rule"] for each in reading.problems.listed()} == {"type", *_said(spelling)}, spelling
        assert reading.assumed.items() >= _assumed(spelling).items(), spelling


def test_the_fewer_spellings_have_every_two_choices_together() -> None:
    def met(group: list[Spelling]) -> set[Any]:
        named = [[(each.name, getattr(one, each.name)) for each in fields(one)] for one in group]
        return {pair for one in named for pair in itertools.combinations(one, 2)}

    assert len({each.file() for each in SPELLINGS}) == 240
    assert met(FEWER) == met(SPELLINGS)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("plats;nivå\nÅ;1\n".encode("utf-16-le"), "encoding"),
        ("plats;nivå\nÅ;1\n".encode("utf-32"), "nul-byte"),
        ("plats;nivå\nÅ;1\n".encode("utf-16")[:-1], "encoding"),
        (b"plats;niv\xe5\n\x8d;1\n", "encoding"),
    ],
    ids=["utf-16 without its mark", "utf-32", "cut in a letter", "no letter of Windows-1252"],
)
@pytest.mark.parametrize("held_to", [None, schema_of("plats:string", "nivå:number")], ids=["free", "schema"])
def test_letters_that_are_not_known_are_said(
    read: Read, content: bytes, says: str, held_to: dict[str, Any] | None
) -> None:
    with pytest.raises(Unreadable) as said:
        read(content, held_to)

    assert said.value.rule == says


def test_decimal_commas_that_cut_their_own_numbers_make_rows_that_are_refused(read: Read) -> None:
    cut = "plats,nivå\nA,12,5\nB,7,25\nC,3\n".encode()
    held_to = schema_of("plats:string", "nivå:number")

    free, _ = read(cut)
    held, _ = read(cut, held_to)

    for reading in (free, held):
        (said,) = [each for each in reading.problems.listed() if each["rule"] == "columns"]
        assert [each["line"] for each in said["examples"]] == [2, 3]
        assert _rows(reading) == [("C", 3)]
