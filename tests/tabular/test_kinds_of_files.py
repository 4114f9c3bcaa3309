"""Spreadsheets, Parquet, JSON and zip files held to a schema: the same findings whatever the file is."""

import datetime
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from testbed.tabular.sheet_xml import EXPLANATION
from tests.tabular.conftest import Holding, schema_of
from tests.tabular.test_spreadsheet import HEAD, _text, _workbook

VALUES = schema_of("tid:integer", {"name": "värde", "type": "number", "constraints": {"maximum": 100}})


def _sheet(rows: list[list[object]]) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    sheet = book.add_worksheet()
    formats = {
        datetime.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        datetime.date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime.time: book.add_format({"num_format": "hh:mm"}),
    }
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if isinstance(value, datetime.date | datetime.time):
                sheet.write_datetime(i, j, value, formats[type(value)])
            else:
                sheet.write(i, j, value)
    book.close()
    return made.getvalue()


def _zip(entries: Mapping[str, bytes | str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_cells_of_a_sheet_are_found_by_their_row(holding: Holding) -> None:
    rows = (
        '<row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>101</v></c></row>'
        '<row r="5"><c r="A5"><v>2</v></c><c r="B5" t="e"><v>#DIV/0!</v></c></row>'
        '<row r="6"><c r="A6"><v>3</v></c><c r="B6"><v>3</v></c></row>'
        '<row r="9"><c r="B9" t="e"><v>#REF!</v></c></row>'
    )

    held = holding(_workbook(HEAD + rows), VALUES)

    assert held.found("line", "row", "column", "value", "rule") == [
        (3, 1, "värde", "101", "maximum"),
        (5, 2, "värde", "#DIV/0!", "formula-error"),
        (9, 4, "värde", "#REF!", "formula-error"),
    ]
    assert held.table == [("3", "3.0")]


def test_integers_that_excel_has_rounded_are_warned_of_by_cell(holding: Holding) -> None:
    rows = f'<row r="2"><c r="A2"><v>1234567890123456789</v></c>{_text("B2", "1")}</row>'

    held = holding(_workbook(HEAD + rows), schema_of("tid:string", "värde:number"))

    assert held.found("line", "column", "rule", "severity") == [(2, "tid", "excel-precision", "warning")]


@pytest.mark.parametrize("held_to_schema", [True, False])
def test_midnight_in_a_sheet_is_a_time_like_the_others(holding: Holding, held_to_schema: bool) -> None:
    times = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=8 * i) for i in range(6)]
    days = [datetime.date(1899, 12, 31) + datetime.timedelta(days=20_000 * i) for i in range(1, 7)]
    clocks = [datetime.time(0, 10 * i) for i in range(6)]
    schema = schema_of("t:datetime", "d:date", "k:time") if held_to_schema else None

    held = holding(_sheet([["t", "d", "k"], *map(list, zip(times, days, clocks, strict=True))]), schema)

    assert held.table == [(str(t), str(d), str(k)) for t, d, k in zip(times, days, clocks, strict=True)]
    assert [each["type"] for each in held.report.columns] == ["datetime", "date", "time"]


def test_the_sheet_that_was_answered_is_read(holding: Holding) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    for name in ("Läs mig", "Mätdata"):
        book.add_worksheet(name).write_column(0, 0, [name, 1])
    book.close()

    first, told = holding(made.getvalue()), holding(made.getvalue(), answers={"sheet": "Mätdata"})
    missing = holding(made.getvalue(), answers={"sheet": "Blad9"})

    assert (first.report.assumed["sheet"], [each["rule"] for each in first.report.problems]) == (
        "Läs mig",
        ["sheet"],
    )
    assert (told.report.assumed["sheet"], told.report.problems) == ("Mätdata", [])
    assert [(each["rule"], each["value"]) for each in missing.report.problems] == [("answer", "sheet: Blad9")]


@pytest.mark.parametrize(
    ("sheets", "read", "rules"),
    [
        (["Data", EXPLANATION], "Data", []),
        ([EXPLANATION, "Data"], "Data", []),
        (["Data", EXPLANATION, "Anteckningar"], "Data", ["sheet"]),
        ([EXPLANATION], EXPLANATION, []),
    ],
)
def test_the_sheet_that_explains_our_template_is_no_data_and_needs_no_warning(
    holding: Holding, sheets: list[str], read: str, rules: list[str]
) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    for name in sheets:
        book.add_worksheet(name).write_column(0, 0, [name, 1])
    book.close()

    report = holding(made.getvalue()).report

    assert (report.assumed["sheet"], [each["rule"] for each in report.problems]) == (read, rules)


def test_parquet_is_held_to_a_schema_by_what_its_values_say(holding: Holding, work: Path) -> None:
    target = work / "made.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT i::DOUBLE AS id, CASE i WHEN 2 THEN 'nan'::DOUBLE WHEN 3 THEN 'inf'::DOUBLE ELSE i * 1.5 END AS v,
                DATE '1850-01-01' + i::INTEGER AS d, TIMESTAMP_NS '2024-01-01 10:00:00' AS t, [i, 1] AS l, i % 2 = 0 AS ok
                FROM range(5) r(i)) TO '{target}' (FORMAT parquet)"""
        )
    schema = schema_of(
        {"name": "id", "type": "integer", "constraints": {"minimum": 1}},
        "v:number",
        "d:date",
        "t:datetime",
        "l:array",
        "ok:boolean",
    )

    held = holding(target.read_bytes(), schema)

    assert held.found("line", "row", "column", "value", "rule") == [
        (None, None, "t", None, "zone-missing"),
        (1, 1, "id", "0", "minimum"),
        (4, 4, "v", "inf", "type"),
    ]
    assert held.table[1] == ("2", None, "1850-01-03", "2024-01-01 10:00:00", "[2,1]", "true")


def test_json_lines_are_held_to_a_schema(holding: Holding) -> None:
    rows = [
        {"id": 1, "o": {"a": 1}, "t": "2024-01-01T00:00:00Z"},
        {"id": "x", "o": [1]},
        {"id": 3, "o": None},
    ]

    held = holding(
        "".join(json.dumps(row) + "\n" for row in rows) + "{broken\n",
        schema_of("id:integer", "o:object", "t:datetime"),
    )

    assert held.found("line", "column", "rule") == [(2, "id", "type"), (2, "o", "type"), (4, None, "json")]
    assert held.table == [("1", '{"a":1}', "2024-01-01 00:00:00+00"), ("3", None, None)]
    assert '"{broken"' in held.rejected.replace("{broken", '"{broken"')


def test_a_zip_of_one_table_is_that_table_and_what_else_is_in_it_is_named(holding: Holding) -> None:
    packed = _zip({
        "mätningar/januari.csv": "tid;värde\n1;2,5\n2;101\n", "__MACOSX/._januari.csv": b"\0\5\26\7\0\2",
        "bild.png": b"\x89PNG\r\n", "LÄS MIG.txt": "Det här är mätningarna från januari.\nHälsningar från Bo som arbetar på Lunet.\n",
    })  # fmt: skip

    held = holding(packed, VALUES)

    assert held.found("line", "value", "rule")[-1] == (3, "101", "maximum")
    assert held.table == [("1", "2.5")]
    assert (held.report.assumed["packed"], held.report.assumed["entry"]) == ("zip", "mätningar/januari.csv")
    assert [(each["rule"], each["count"]) for each in held.report.problems] == [
        ("maximum", 1),
        ("zip-ignored", 2),
    ]


def test_of_several_tables_in_a_zip_none_is_chosen_but_by_an_answer(holding: Holding) -> None:
    packed = _zip({"a.csv": "tid;värde\n1;2\n", "b.csv": "tid;värde\n3;4\n"})

    asked, told = holding(packed, VALUES), holding(packed, VALUES, answers={"sheet": "b.csv"})

    assert asked.report.state == "unreadable"
    assert [(each["rule"], each["value"]) for each in asked.report.problems] == [
        ("zip-several", "a.csv, b.csv")
    ]
    assert asked.report.assumed["entries"] == ["a.csv", "b.csv"]
    assert told.table == [("3", "4.0")]


def test_nothing_packed_in_a_zip_is_unpacked_again(holding: Holding) -> None:
    inner = _zip({"a.csv": "tid;värde\n1;2\n"})

    for entries in ({"inner.zip": inner}, {"blad.xlsx": _sheet([["tid", "värde"], [1, 2]])}):
        held = holding(_zip(entries), VALUES)
        assert [each["rule"] for each in held.report.problems] == ["not-a-table"]
