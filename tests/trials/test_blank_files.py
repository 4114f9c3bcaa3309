"""Templates: what a partner fills in comes back as data, and nothing else does."""

import csv
import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
import python_calamine

from testbed.tabular.run import read
from testbed.trials.blank_files import ABOUT, example_csv, header_csv, sample, workbook
from testbed.trials.soundness import sound
from tests.trials.schemas import FILL

BODY, _ = sound(FILL)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
AT = datetime(2026, 11, 23, tzinfo=UTC)


def made(body=BODY):
    return workbook(body, title="LUL-2026-901 Första veckan", made_at=AT)


def sheet_xml(content, number=1):
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - our own


def rules(content):
    """``{column letter: (type, first formula, second formula)}``"""
    return {
        each.attrib["sqref"][0]: (
            each.attrib.get("type"),
            *(each.findtext(f"{MAIN}formula{n}") for n in (1, 2)),
        )
        for each in sheet_xml(content).iter(f"{MAIN}dataValidation")
    }


@pytest.fixture
async def reading(folder, tmp_path_factory):
    """Read these bytes as a file of this name, held to the schema."""

    async def of(content: bytes):
        work = tmp_path_factory.mktemp("blank", numbered=True)
        for each in (work, *work.parents[:3]):
            each.chmod(0o755)
        (work / "sent").write_bytes(content)
        return await read(work / "sent", work, schema=BODY)

    return of


def filled_in(content, *rows):
    """The workbook as it comes back: rows under the header of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        files = {name: parts.read(name) for name in parts.namelist()}
    style = [each.attrib.get("style", "0") for each in sheet_xml(content).iter(f"{MAIN}col")]
    cells = "".join(
        f'<row r="{line}">' + "".join(
            f'<c r="{chr(65 + place)}{line}" s="{style[place]}" t="inlineStr"><is><t>{value}</t></is></c>' if isinstance(value, str)
            else f'<c r="{chr(65 + place)}{line}" s="{style[place]}"><v>{value}</v></c>' for place, value in enumerate(row)
        ) + "</row>" for line, row in enumerate(rows, 2)
    )  # fmt: skip
    name = "xl/worksheets/sheet1.xml"
    files[name] = (
        files[name]
        .replace(b"</sheetData>", cells.encode() + b"</sheetData>")
        .replace(b'<dimension ref="A1:D1"/>', b"")
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for each, data in files.items():
            parts.writestr(each, data)
    return out.getvalue()


def test_the_csv_template_is_the_header_alone_as_a_swedish_spreadsheet_opens_it():
    assert header_csv(BODY) == "\ufefftid;kärl;fyllnad;läge\r\n".encode()


def test_the_example_stands_on_its_side_and_explains_in_both_languages():
    rows = list(csv.DictReader(io.StringIO(example_csv(BODY).decode("utf-8-sig")), delimiter=";"))

    assert [row["kolumn"] for row in rows] == ["tid", "kärl", "fyllnad", "läge"]
    assert rows[1]["exempel"] == "Kärl 1"
    assert (rows[2]["enhet"], rows[2]["gränser"], rows[2]["förklaring"], rows[2]["explanation"]) == (
        "%", "0 … 100", "Andel av kärlets höjd.", "Share of the height of the bin.",
    )  # fmt: skip
    assert (rows[0]["måste fyllas i"], rows[0]["required"], rows[3]["tillåtna värden"]) == (
        "ja",
        "yes",
        "inne | ute",
    )


def test_no_cell_of_the_example_runs_as_a_formula():
    body, _ = sound(
        {"fields": [{"name": "a", "type": "string", "description": "=HYPERLINK(1)", "example": "-1+1"}]}
    )

    text = example_csv(body).decode("utf-8-sig")

    assert "'=HYPERLINK(1)" in text
    assert "'-1+1" in text


def test_the_first_sheet_of_the_workbook_has_the_header_and_nothing_else():
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(made()))

    assert book.sheet_names == ["Data", ABOUT]
    assert book.get_sheet_by_name("Data").to_python() == [["tid", "kärl", "fyllnad", "läge"]]


def test_the_second_sheet_shows_a_row_and_explains_every_column():
    rows = (
        python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(made()))
        .get_sheet_by_name(ABOUT)
        .to_python()
    )
    texts = [[cell for cell in row if cell != ""] for row in rows]

    assert ["2026-11-23 14:30", "Kärl 1", "50", "inne"] in texts
    assert [row[0] for row in texts if row and row[0] in {"tid", "kärl", "fyllnad", "läge"}] == [
        "tid",
        "tid",
        "kärl",
        "fyllnad",
        "läge",
        "läge",
    ]
    assert any("Share of the height of the bin." in row and "Andel av kärlets höjd." in row for row in texts)


def test_cells_take_only_what_their_column_takes():
    asked = rules(made())

    assert asked["C"] == ("decimal", "0.0", "100.0")
    assert asked["A"] == ("custom", "ISNUMBER(A2)", None)
    assert asked["D"][0] == "list"
    assert asked["B"][0] is None


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"type": "integer", "constraints": {"minimum": 1}}, ("whole", "1.0", None)),
        ({"type": "integer"}, ("custom", "A2=INT(A2)", None)),
        ({"type": "number", "constraints": {"maximum": 5}}, ("decimal", "5.0", None)),
        ({"type": "date", "constraints": {"minimum": "2026-01-01", "maximum": "2026-12-31"}}, ("date", "46023", "46387")),
        ({"type": "date", "format": "%d/%m/%Y"}, (None, None, None)),
        ({"type": "time"}, ("custom", "ISNUMBER(A2)", None)),
        ({"type": "datetime"}, (None, None, None)),
        ({"type": "string", "constraints": {"maxLength": 5}}, ("textLength", "0", "5")),
        ({"type": "boolean"}, ("list", '"ja,nej"', None)),
        ({"type": "boolean", "trueValues": ["på"], "falseValues": ["av"]}, ("list", '"på,av"', None)),
        ({"type": "geopoint"}, (None, None, None)),
    ],
)  # fmt: skip
def test_every_type_has_its_rule(keys, rule):
    body, faults = sound({"fields": [{"name": "a", **keys}]})

    assert faults == []
    assert rules(made(body))["A"] == rule


def test_text_stays_text_and_the_header_stays_in_sight():
    content = made()
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        styles = ElementTree.fromstring(parts.read("xl/styles.xml"))  # noqa: S314 - our own
    formats = [each.attrib["numFmtId"] for each in next(styles.iter(f"{MAIN}cellXfs"))]
    columns = [formats[int(each.attrib.get("style", "0"))] for each in sheet_xml(content).iter(f"{MAIN}col")]

    pane = next(sheet_xml(content).iter(f"{MAIN}pane"))

    assert columns[1] == columns[3] == "49"  # the format for text
    assert columns[2] == "0"
    assert (pane.attrib["ySplit"], pane.attrib["state"]) == ("1", "frozen")


def test_the_widest_schema_there_may_be_makes_a_workbook():
    names = [
        {"name": f"kolumn {i}", "type": "string", "constraints": {"enum": ["a" * 30, "b"]}}
        for i in range(500)
    ]
    body, faults = sound({"fields": names})

    assert faults == []
    assert (
        len(
            python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(made(body)))
            .get_sheet_by_name("Data")
            .to_python()[0]
        )
        == 500
    )


async def test_a_filled_workbook_comes_back_as_its_rows(reading):
    content = filled_in(made(), (46327.5, "Kärl 1", 50, "inne"), (46328.25, "Kärl 2", 12.5, "ute"))

    report = await reading(content)

    assert (report.rows, report.rejected) == (2, 0), report.problems
    assert {each["rule"] for each in report.problems} <= {"not-compared"}  # nothing was given to compare with
    assert report.assumed["sheet"] == "Data"


async def test_a_filled_csv_comes_back_as_its_rows(reading):
    rows = "2026-11-01 12:00;Kärl 1;50;inne\r\n2026-11-02 06:00;Kärl 2;12,5;ute\r\n"

    report = await reading(header_csv(BODY) + rows.encode())

    assert (report.rows, report.rejected) == (2, 0), report.problems


async def test_the_row_that_is_shown_is_right(reading):
    report = await reading(sample(BODY).encode())

    assert (report.rows, report.rejected) == (1, 0), report.problems


@pytest.mark.parametrize(
    "content", [made(), header_csv(BODY), example_csv(BODY)], ids=["xlsx", "csv", "example"]
)
async def test_a_template_sent_back_as_it_was_holds_no_data(reading, content):
    report = await reading(content)

    assert report.rows == 0
