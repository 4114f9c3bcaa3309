"""Spreadsheets: all rows, no formula evaluated, nothing hostile opened."""

import io
import zipfile

from tests.tabular.conftest import Reader, rows_of, rules_of, types_of

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = f"""<Types xmlns="{PACKAGE}/content-types">
    <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
    <Override PartName="/xl/workbook.xml" ContentType="{KINDS}.sheet.main+xml"/>
    <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KINDS}.worksheet+xml"/></Types>"""


def _relation(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )


def _workbook(sheet_data: str, dimension: str = "A1", **more: str) -> bytes:
    """An XLSX file with one sheet; the dimension is whatever it claims."""
    sheets = '<sheets><sheet name="Blad1" sheetId="1" r:id="r1"/></sheets>'
    cells = f'<dimension ref="{dimension}"/><sheetData>{sheet_data}</sheetData>'
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": _relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": _relation("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}">{cells}</worksheet>',
        **more,
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return made.getvalue()


def _text(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{_text("A1", "tid")}{_text("B1", "värde")}</row>'


async def test_a_false_dimension_loses_no_row(reading: Reader) -> None:
    rows = "".join(
        f'<row r="{i}"><c r="A{i}"><v>{i}</v></c><c r="B{i}"><v>{i / 4}</v></c></row>' for i in range(2, 5002)
    )

    report = await reading(_workbook(HEAD + rows, dimension="A1"))

    assert (report.state, report.kind, report.rows) == ("ready", "xlsx", 5000)
    assert types_of(report) == {"tid": "integer", "värde": "number"}
    assert rows_of(report.table)[-1] == (5001, 5001 / 4)


async def test_an_error_cell_is_a_finding_and_not_just_missing(reading: Reader) -> None:
    rows = (
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><v>#DIV/0!</v></c></row>'
        '<row r="3"><c r="A3"><v>2</v></c><c r="B3"><v>3</v></c></row>'
    )

    report = await reading(_workbook(HEAD + rows))

    assert (report.state, rules_of(report)) == ("partly", ["formula-error"])
    assert (report.problems[0]["line"], report.problems[0]["value"]) == (2, "B2")
    assert rows_of(report.table) == [(1, None), (2, 3)]


async def test_rows_above_the_table_do_not_shift_its_lines(reading: Reader) -> None:
    rows = (
        f'<row r="3">{_text("B3", "a")}{_text("C3", "b")}</row>'
        '<row r="4"><c r="B4"><v>1</v></c><c r="C4"><v>2</v></c></row>'
    )

    report = await reading(_workbook(rows))

    assert list(types_of(report)) == ["column_1", "a", "b"]
    assert rows_of(report.table) == [(None, 1, 2)]


async def test_macros_are_refused(reading: Reader) -> None:
    report = await reading(_workbook(HEAD, **{"xl/vbaProject.bin": "macro"}))

    assert rules_of(report) == ["sheet-unsafe"]


async def test_a_document_type_is_refused(reading: Reader) -> None:
    bomb = f'<!DOCTYPE x [<!ENTITY a "aaa">]><worksheet xmlns="{MAIN}"><sheetData/></worksheet>'

    report = await reading(_workbook(HEAD, **{"xl/worksheets/sheet1.xml": bomb}))

    assert (rules_of(report), report.problems[0]["value"]) == (["sheet-unsafe"], "DTD")
