"""Files handed to whoever measures: an empty table to fill in, and what each of its columns means.

A CSV here has semicolons and a byte order mark: a spreadsheet in Swedish opens no other kind right, and what reads
the file when it comes back finds the delimiter by itself. The example stands on its side, a line for each column:
such a file can never be taken for data, as a filled row under the header would be.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from testbed.tabular.sheet_xml import EXPLANATION
from testbed.texts import said
from testbed.trials.schema_views import WantedColumn, columns_of
from testbed.trials.values import NUMERIC, TEMPORAL, ColumnType

Body = Mapping[str, Any]
DATA, ABOUT = "Data", EXPLANATION
LAST_ROW = 1_048_575
MESSAGE, TITLE, LISTED = 255, 32, 255
"""Characters that a spreadsheet takes in the note of a cell, in its title, and in a list of allowed values."""

ONLY_DATA = (
    "Fyll i bladet Data; det här bladet läses inte.  /  Fill in the sheet Data; this sheet is not read."
)
HEADS = (
    "kolumn", "exempel", "titel", "title", "typ", "type", "enhet", "måste fyllas i", "required", "gränser", "tillåtna värden",
    "förklaring", "explanation",
)  # fmt: skip
KINDS = {
    ColumnType.string: ("text", "text"),
    ColumnType.integer: ("heltal", "whole number"),
    ColumnType.number: ("tal", "number"),
    ColumnType.boolean: ("ja eller nej", "yes or no (ja, nej)"),
    ColumnType.date: ("datum, 2026-11-23", "date, 2026-11-23"),
    ColumnType.time: ("klockslag, 14:30", "time of day, 14:30"),
    ColumnType.datetime: ("datum och tid, 2026-11-23 14:30", "date and time, 2026-11-23 14:30"),
    ColumnType.geopoint: ("punkt: longitud, latitud", "point: longitude, latitude"),
    ColumnType.array: ("lista (JSON)", "list (JSON)"),
    ColumnType.object: ("objekt (JSON)", "object (JSON)"),
    ColumnType.geojson: ("geometri (GeoJSON)", "geometry (GeoJSON)"),
}
TEXT: str | int = 49
"""The number of the spreadsheet's own format for text."""
EXCEL = {
    ColumnType.date: "yyyy-mm-dd",
    ColumnType.time: "hh:mm:ss",
    ColumnType.datetime: "yyyy-mm-dd hh:mm:ss",
}


def header_csv(body: Body) -> bytes:
    """The header alone."""
    return _csv([[each["name"] for each in body["fields"]]])


def example_csv(body: Body) -> bytes:
    """Every column on a line of its own: an example, and what it means in both languages."""
    return _csv([list(HEADS), *(_about(each) for each in columns_of(body))])


def sample(body: Body) -> str:
    """A header and a made-up row, to be looked at on a page: a file with it would come back as data."""
    columns = columns_of(body)
    rows = [[each.name for each in columns], [each.example for each in columns]]
    return _csv(rows).decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n")


def _csv(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([[_guarded(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def _guarded(cell: str) -> str:
    """A text that a spreadsheet would run as a formula is shown as text; numbers are left alone."""
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
    return cell


def _about(column: WantedColumn) -> list[str]:
    swedish, english = KINDS[column.type]
    return [
        column.name, column.example, said(column.title, "sv"), said(column.title, "en"), _typed(column, swedish),
        _typed(column, english), column.unit_shown, "ja" if column.required else "nej", "yes" if column.required else "no",
        _limits(column), " | ".join(column.enum), said(column.description, "sv"), said(column.description, "en"),
    ]  # fmt: skip


def _typed(column: WantedColumn, words: str) -> str:
    if column.format:
        words = words.partition(",")[0] + f", {column.format}"
    return f"{words} ({column.zone})" if column.zone else words


def _limits(column: WantedColumn) -> str:
    """``0 … 400``, ``≥ 0``, a pattern, a length: signs that need no language."""
    if column.minimum is not None and column.maximum is not None:
        return f"{column.minimum} … {column.maximum}"
    if column.minimum is not None or column.maximum is not None:
        return f"≥ {column.minimum}" if column.minimum is not None else f"≤ {column.maximum}"
    if column.pattern:
        return column.pattern
    low, high = column.min_length, column.max_length
    return "" if low is None and high is None else f"{low or 0} … {'' if high is None else high} ⌷"


def workbook(body: Body, *, title: str, made_at: datetime) -> bytes:
    """An XLSX with the header and rules for its cells on the first sheet, and the explanation on the second.

    The first sheet has nothing but the header, so that a filled copy holds nothing but data.
    """
    kept = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(kept, options) as book:
        book.set_properties({"title": title, "created": made_at.replace(tzinfo=None, microsecond=0)})
        data, about = book.add_worksheet(DATA), book.add_worksheet(ABOUT)
        columns = columns_of(body)
        allowed = _explained(book, about, columns, title)
        _header(book, data, columns, allowed)
    return kept.getvalue()


def _header(
    book: xlsxwriter.Workbook, sheet: Worksheet, columns: list[WantedColumn], allowed: Mapping[str, str]
) -> None:
    needed = book.add_format({"bold": True, "bg_color": "#E5F1F8", "bottom": 1, "num_format": TEXT})
    optional = book.add_format({"bottom": 1, "num_format": TEXT})
    formats: dict[str | int | None, Format | None] = {None: None}
    for each in (TEXT, *EXCEL.values()):
        formats[each] = book.add_format({"num_format": each})
    for place, column in enumerate(columns):
        sheet.set_column(place, place, max(12, min(40, len(column.name) + 4)), formats[_cell_format(column)])
        sheet.write_string(0, place, column.name, needed if column.required else optional)
        sheet.data_validation(1, place, LAST_ROW, place, _rule(column, place, allowed.get(column.name)))
    sheet.freeze_panes(1, 0)


def _cell_format(column: WantedColumn) -> str | int | None:
    """Text stays text (007, 1E5); so do times whose spelling or zone a spreadsheet would lose."""
    if column.type in NUMERIC:
        return None
    return EXCEL[column.type] if _as_cell(column) else TEXT


def _as_cell(column: WantedColumn) -> bool:
    """Whether the spreadsheet's own dates and times say the same: they know no zone and no other spelling."""
    return (
        column.type in TEMPORAL
        and not column.format
        and not column.enum
        and (column.type != ColumnType.datetime or bool(column.zone))
    )


def _rule(column: WantedColumn, place: int, listed: str | None) -> dict[str, Any]:
    """What a cell takes, told when it is chosen and when it is wrong."""
    kinds = " / ".join(dict.fromkeys(_typed(column, words) for words in KINDS[column.type]))
    told = " · ".join(each for each in (kinds, column.unit_shown, _limits(column)) if each)
    about = [told, said(column.description, "sv")]
    if said(column.description, "en") not in about:
        about.append(said(column.description, "en"))
    return {
        "ignore_blank": True,
        "input_title": _cut(said(column.title, "sv") or column.name, TITLE),
        "input_message": _cut("\n".join(each for each in about if each), MESSAGE),
        "error_title": _cut(column.name, TITLE),
        "error_message": _cut(told, MESSAGE),
        **(_list(column, listed) or _bounded(column, place)),
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _list(column: WantedColumn, listed: str | None) -> dict[str, Any] | None:
    if column.type == ColumnType.boolean:
        return {"validate": "list", "source": column.answers or ["ja", "nej"]}
    return {"validate": "list", "source": listed} if listed else None


def _bounded(column: WantedColumn, place: int) -> dict[str, Any]:
    """The rule of a type; where both ends are open a formula asks for the type alone."""
    cell = f"{xl_col_to_name(place)}2"
    if column.type in NUMERIC:
        kind = "integer" if column.type == ColumnType.integer else "decimal"
        whole = f"={cell}=INT({cell})" if kind == "integer" else f"=ISNUMBER({cell})"
        return _ends(kind, column, float) or {"validate": "custom", "value": whole}
    if _as_cell(column):
        read = {ColumnType.date: date.fromisoformat, ColumnType.time: time.fromisoformat}.get(
            column.type, _naive
        )
        return _ends(column.type.value.replace("datetime", "date"), column, read) or {
            "validate": "custom", "value": f"=ISNUMBER({cell})",
        }  # fmt: skip
    if column.type == ColumnType.string and (column.min_length or column.max_length is not None):
        ends = {
            "minimum": column.min_length or 0,
            "maximum": 32_767 if column.max_length is None else column.max_length,
        }
        return {"validate": "length", "criteria": "between", **ends}
    return {"validate": "any"}


def _ends(kind: str, column: WantedColumn, read: Any) -> dict[str, Any] | None:
    low, high = (None if each is None else read(each) for each in (column.minimum, column.maximum))
    if low is not None and high is not None:
        return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}
    if low is not None or high is not None:
        return {
            "validate": kind,
            "criteria": "<=" if low is None else ">=",
            "value": high if low is None else low,
        }
    return None


def _naive(written: str) -> datetime:
    """A wall clock's time, as a spreadsheet has it; the zone of the column says where the clock hangs."""
    return datetime.fromisoformat(written).replace(tzinfo=None)


def _explained(
    book: xlsxwriter.Workbook, sheet: Worksheet, columns: list[WantedColumn], title: str
) -> dict[str, str]:
    """Fill the second sheet; where in it the allowed values of each column stand: ``{name: "='…'!$B$20:$B$24"}``."""
    head = book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": TEXT})
    plain = book.add_format({"num_format": TEXT})
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(
        1,
        0,
        "Fyll i bladet Data. Det här bladet läses inte.  /  Fill in the sheet Data. This sheet is not read.",
    )
    sheet.write_string(
        3, 0, "Så kan en rad se ut  /  What a row may look like", book.add_format({"bold": True})
    )
    _row(sheet, 4, [each.name for each in columns], head)
    _row(sheet, 5, [each.example for each in columns], plain)
    _row(sheet, 8, HEADS, head)
    for line, column in enumerate(columns, 9):
        _row(sheet, line, _about(column), wrapped)
    sheet.set_column(0, len(HEADS) - 1, 22)
    return _values(sheet, columns, len(columns) + 11, head, plain)


def _values(
    sheet: Worksheet, columns: list[WantedColumn], line: int, head: Format, plain: Format
) -> dict[str, str]:
    listed = [each for each in columns if each.enum]
    if listed:
        sheet.write_string(line, 0, "Tillåtna värden  /  Allowed values", head)
    places = {}
    for place, column in enumerate(listed):
        sheet.write_string(line + 1, place, column.name, head)
        numbers = column.type in NUMERIC
        for down, value in enumerate(column.enum, line + 2):
            if numbers:
                sheet.write_number(down, place, float(value))
            else:
                sheet.write_string(down, place, value, plain)
        name = xl_col_to_name(place)
        places[column.name] = f"='{ABOUT}'!${name}${line + 3}:${name}${line + 2 + len(column.enum)}"
    return places


def _row(sheet: Worksheet, line: int, cells: Iterable[str], style: Format) -> None:
    for place, cell in enumerate(cells):
        sheet.write_string(line, place, cell, style)
