"""Files that have made fools of others: each read as it is, or refused in words, within its limits."""

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from testbed.tabular.limits import MIB, Limits
from tests.tabular.conftest import Holding, Reader, rules_of, schema_of
from tests.tabular.test_spreadsheet import HEAD, _workbook

VALUES = schema_of("tid:integer", {"name": "värde", "type": "number", "constraints": {"maximum": 1000.25}})
SMALL = Limits(cpu_seconds=20, memory_bytes=1536 * MIB)
"""Less than a file is given, so that what only just fits is seen."""


def test_a_text_after_850_numbers_leaves_them_numbers_and_is_named(holding: Holding) -> None:
    rows = "".join(f"{i};{1000 + i}\n" for i in range(850))

    held = holding(f"n;kod\n{rows}850;0164A\n851;12\n")

    assert [(each["rule"], each["line"], each["value"]) for each in held.report.problems] == [
        ("type", 852, "0164A")
    ]
    assert held.table[849:] == [("849", "1849"), ("850", None), ("851", "12")]


def test_codes_clock_times_and_old_days_are_what_they_say(holding: Holding) -> None:
    held = holding("kod;kl;dag\n0070;00:10;1899-12-31\n0164;00:00;1850-03-01\n")

    assert held.table == [("0070", "00:10:00", "1899-12-31"), ("0164", "00:00:00", "1850-03-01")]
    assert [each["type"] for each in held.report.columns] == ["string", "time", "date"]
    assert held.report.problems == []


def _wide(columns: int, rows: int) -> str:
    line = ";".join(f"{n}.5" for n in range(columns))
    return ";".join(f"c{n}" for n in range(columns)) + "\n" + f"{line}\n" * rows


FIRST = schema_of(*(f"c{n}:number" for n in range(500)))


@pytest.mark.parametrize("held_to", [None, FIRST], ids=["free", "schema"])
async def test_a_table_of_41_723_columns_is_refused_for_its_width(reading: Reader, held_to: Any) -> None:
    report = await reading(_wide(41_723, 3), schema=held_to, limits=SMALL)

    assert (report.state, rules_of(report), report.problems[0]["value"]) == (
        "unreadable", ["too-many-columns"], "41723",
    )  # fmt: skip


async def test_a_bad_cell_of_the_widest_table_there_may_be_is_found(reading: Reader) -> None:
    report = await reading(_wide(1000, 30) + "x" + ";1" * 999, schema=FIRST, limits=Limits(cpu_seconds=20))

    assert (report.state, report.rows, len(report.columns)) == ("partly", 30, 1000), report.problems
    assert [(each["rule"], each["line"], each["column"]) for each in report.problems] == [("type", 32, "c0")]


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:XFD1048576"])
def test_what_a_sheet_says_of_its_size_hides_no_fault(holding: Holding, dimension: str) -> None:
    cells = "".join(
        f'<row r="{i}"><c r="A{i}"><v>{i}</v></c><c r="B{i}"><v>{i / 4}</v></c></row>' for i in range(2, 4002)
    )
    bad = '<row r="4002"><c r="A4002"><v>4002</v></c><c r="B4002"><v>1000.5</v></c></row>'

    held = holding(_workbook(HEAD + cells + bad, dimension=dimension), VALUES)

    assert held.found("line", "row", "column", "value", "rule") == [
        (4002, 4001, "värde", "1000.5", "maximum")
    ]
    assert (len(held.table), held.table[-1]) == (4000, ("4001", "1000.25"))


GOOD = b"tid;v\xc3\xa4rde\n1;2\n"


def _zip(*names: str, content: bytes = GOOD, method: int = zipfile.ZIP_STORED, link: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(info, content, method)
    return made.getvalue()


def _with(change: Callable[[bytearray, int], None]) -> bytes:
    """A good zip file after a change at its directory."""
    data = bytearray(_zip("a.csv"))
    change(data, data.index(b"PK\x01\x02"))
    return bytes(data)


HOSTILE = {
    "leads out of its folder": _zip("../../etc/a.csv"), "is at the root": _zip("/a.csv"), "is on a drive": _zip("C:/a.csv"),
    "has another system's way out": _zip("..\\a.csv"), "turns its end around": _zip("a\u202evsc.csv"),
    "ends in the middle": _zip("a.csv\0.png"), "is there twice": _zip("a.csv", "A.CSV"),
    "is too deep": _zip("d/" * 11 + "a.csv"), "is too long": _zip("a" * 252 + ".csv"), "is a link": _zip("a.csv", link=True),
    "is a bomb": _zip("a.csv", content=b"1;2\n" * 2**20, method=zipfile.ZIP_DEFLATED),
    "is one of too many": _zip(*(f"{n}.csv" for n in range(2001))),
    "is enciphered": _with(lambda data, at: struct.pack_into("<H", data, at + 8, 1)),
    "is smaller than it is": _with(lambda data, at: struct.pack_into("<L", data, at + 24, 5)),
    "is larger than it is": _with(lambda data, at: struct.pack_into("<L", data, at + 24, 500)),
    "has other bytes": _with(lambda data, at: data.__setitem__(at - 3, 57)),
    "follows something else": b"GIF89a" + _zip("a.csv"), "is followed by something else": _zip("a.csv") + b"\n<script>",
    "lies over another": _with(lambda data, at: struct.pack_into("<L", data, at + 42, 4)),
}  # fmt: skip


@pytest.mark.parametrize("held_to", [None, VALUES], ids=["free", "schema"])
@pytest.mark.parametrize("entry", HOSTILE)
def test_an_archive_is_refused_whose_entry(holding: Holding, work: Any, entry: str, held_to: Any) -> None:
    data = HOSTILE[entry]

    held = holding(data, held_to)

    assert (held.report.state, held.report.rows) == ("unreadable", 0)
    assert [each["rule"] for each in held.report.problems] in (["zip"], ["not-a-table"]), held.report.problems
    assert list(work.iterdir()) == []


def test_the_archive_that_was_broken_for_them_is_a_good_one(holding: Holding) -> None:
    assert holding(_zip("a.csv"), VALUES).table == [("1", "2.0")]


def test_a_gzip_bomb_is_not_unpacked(holding: Holding) -> None:
    import gzip

    held = holding(gzip.compress(b"1;2\n" * 2**22), VALUES)

    assert [(each["rule"], each["value"]) for each in held.report.problems] == [("gzip", "> 100:1")]


def test_several_tables_in_a_zip_file_are_named_and_people_are_told_what_to_do(holding: Holding) -> None:
    held = holding(_zip("januari.csv", "februari.csv"), VALUES)

    (problem,) = held.report.problems
    assert (problem["rule"], problem["value"]) == ("zip-several", "januari.csv, februari.csv")
    assert "ladda upp tabellerna en i taget" in problem["hint"]["sv"]
    assert "The zip file is kept" in problem["hint"]["en"]
