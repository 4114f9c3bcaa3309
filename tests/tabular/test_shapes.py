"""Delimiters, encodings, quotation marks and line ends: read as Python's strict reader reads them."""

import csv
import io
import itertools

import pytest

from testbed.tabular.limits import Limits
from tests.tabular.conftest import Reader, rows_of, rules_of, types_of

ROWS = [
    ["ö ä å", "1.5", "x"],
    ['he said "no"', "2", ""],
    [" blank ", "-3", "#c"],
    ["comma, semi; tab\t", "4", "'q'"],
]


@pytest.mark.parametrize(
    ("delimiter", "line_end", "encoding"),
    list(itertools.product(",;\t|", ("\n", "\r\n"), ("utf-8", "utf-8-sig", "utf-16", "cp1252"))),
)
async def test_a_table_is_the_same_in_every_spelling(
    reading: Reader, delimiter: str, line_end: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows([["namn", "b", "c"], *ROWS])

    report = await reading(text.getvalue().encode(encoding))

    assert (report.state, types_of(report)) == ("ready", {"namn": "string", "b": "number", "c": "string"})
    assert [list(row) for row in rows_of(report.table)] == [[a, float(b), c or None] for a, b, c in ROWS]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("broken", [False, True], ids=["plain", "line breaks inside"])
async def test_many_rows_come_through_unchanged(
    reading: Reader, line_end: str, quoting: int, broken: bool
) -> None:
    middle = "a\r\nb" if broken else "a b"
    wanted = [(i, f'text "{i}", {middle}', f"{i % 7}x") for i in range(30_000)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("i", "t", "s"), *wanted])

    report = await reading(text.getvalue())

    assert (report.state, report.rows) == ("ready", 30_000)
    assert rows_of(report.table) == wanted


async def test_columns_may_be_called_as_statistics_call_theirs(reading: Reader) -> None:
    names = ["bin", "n", "v", "month", "t", "rule", "tid", "kg"]
    rows = [f"Kärl {n};{n};{n},5;{n};{n};{n};2026-03-{n:02};{n},25" for n in range(1, 9)]

    report = await reading("\n".join([";".join(names), *rows]).encode())

    assert (report.state, report.rows) == ("ready", 8)
    assert [column["name"] for column in report.columns] == names
    assert report.columns[6]["statistics"]["months"] == {"2026-03": 8}
    assert sum(report.columns[7]["statistics"]["histogram"]["counts"]) == 8


async def test_windows_1252_is_said(reading: Reader) -> None:
    report = await reading("plats;grader\nLuleå – hamn;1\n".encode("cp1252"))

    assert (report.state, report.assumed["encoding"]) == ("ready", "windows-1252")
    assert rules_of(report) == ["encoding-assumed"]


async def test_a_file_without_header_gets_names_by_place(reading: Reader) -> None:
    report = await reading("1;2024-01-01\n2;2024-01-02\n")

    assert types_of(report) == {"column_1": "integer", "column_2": "date"}
    assert report.assumed["header"] is False


async def test_names_that_differ_only_in_capitals_are_told_apart(reading: Reader) -> None:
    report = await reading("Temp;temp;\n1;2;3\n")

    assert list(types_of(report)) == ["Temp", "temp_2", "column_3"]
    assert rules_of(report) == ["header-duplicate"]


async def test_ragged_rows_are_refused_with_their_lines_and_the_rest_is_kept(reading: Reader) -> None:
    report = await reading('a,b\n1,"x\ny"\n2\n3,z\n\n4,5,6\n')

    assert (report.state, report.rows, report.rejected) == ("partly", 2, 2)
    (problem,) = report.problems
    assert (problem["rule"], problem["count"]) == ("columns", 2)
    assert [each["line"] for each in problem["examples"]] == [4, 7]
    assert report.rejected_rows is not None
    assert list(csv.reader(io.StringIO(report.rejected_rows.read_text("utf-8-sig")))) == [
        ["__line", "__rules", "a", "b", "__rest"],
        ["4", "columns", "2", "", ""],
        ["7", "columns", "4", "5", "6"],
    ]


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        (b"", "empty", None),
        (b"a,b\n1,\x00\n", "nul-byte", 2),
        (b'a,b\n1,2\n3,"open\n4,5\n', "open-quote", 3),
        (b"a,b\n1,2\n3," + b"x" * 200_000 + b"\n4,5\n", "field-too-long", 3),
        (b"a,b\nx,\x81\n", "encoding", 2),
        (
            ",".join(f"c{i}" for i in range(20_000)).encode() + b"\n" + b",".join([b"1"] * 20_000),
            "too-many-columns",
            1,
        ),
        (b"[" * 100_000, "not-objects", 1),
        (b'{"a":' * 50_000, "not-objects", None),
        (b"%PDF-1.7\n...", "not-a-table", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-table", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old-spreadsheet", None),
        (b"PAR1" + b"\xff" * 40 + b"PAR1", "parser-failed", None),
        (b"\x1f\x8b\x08\x00\x00\x00", "gzip", None),
        (b"PK\x05\x06" + b"\0" * 18 + b"tail", "zip", None),
    ],
)
async def test_what_cannot_be_read_says_why_and_where(
    reading: Reader, content: bytes, rule: str, line: int | None
) -> None:
    report = await reading(content)

    assert (report.state, report.table) == ("unreadable", None)
    assert (report.problems[0]["rule"], report.problems[0]["line"]) == (rule, line)
    assert all(report.problems[0]["hint"].values())


async def test_broken_lines_of_json_are_refused_one_by_one(reading: Reader) -> None:
    report = await reading('{"a": 1}\n{"a": NaN}\n{"a": 2, "a": 3}\n[1]\n{"a": "\\ud800"}\n{"a": 4}\n')

    assert (report.state, report.rows, report.rejected) == ("partly", 2, 4)
    assert [each["line"] for each in report.problems[0]["examples"]] == [2, 3, 4, 5]


async def test_too_many_rows_are_refused(reading: Reader) -> None:
    report = await reading("a,b\n" + "1,2\n" * 50, limits=Limits(rows=49))

    assert rules_of(report) == ["too-many-rows"]
