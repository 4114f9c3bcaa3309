"""XLSX: the archive and the XML are judged first, then calamine reads, and the rows are counted against the XML.

Readers believe what a sheet says of its own size (and return 1 row of 200 000), and show error cells as empty.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from xml.parsers import expat

import python_calamine

from testbed.tabular import archive
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable

ROWS = 1_048_576
COLUMNS = 16_384
CELLS = 15_000_000
"""Cells of the rectangle that calamine holds in memory."""
NESTING = 64
HEAD = 1000
PRECISE = 10**15
MACROS = re.compile(r"(^|/)(vbaProject|vbaData)|\.bin$|/(macrosheets|activeX)/", re.IGNORECASE)
HARMLESS_BINARY = re.compile(r"printerSettings\d*\.bin$", re.IGNORECASE)
CELL = re.compile(r"([A-Z]{1,4})([0-9]{1,9})")


@dataclass
class Sheet:
    name: str
    last_row: int = 0
    """The last row with a value that is no error."""
    widest: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    error_count: int = 0
    merged: int = 0


@dataclass
class SheetRows:
    head: list[tuple[int, list[str | None]]]
    width: int
    _rest: Iterator[tuple[int, list[str | None]]]

    def all(self) -> Iterator[tuple[int, list[str | None]]]:
        """Row number and values of every row that is not blank; once."""
        yield from self.head
        yield from self._rest


def kind_of(path: Path) -> str:
    """``xlsx``, or Unreadable: other archives are not tables."""
    names = {entry.name for entry in archive.entries(path)}
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise Unreadable(
            "old-spreadsheet" if "mimetype" in names or "xl/workbook.bin" in names else "not-a-table"
        )
    return "xlsx"


def checked(path: Path, limits: Limits, problems: Problems) -> Sheet:
    """The sheet to read, after every part was unpacked once. Raises: Unreadable (zip, sheet-unsafe, empty)."""
    parts = {entry.name: entry for entry in archive.entries(path)}
    if any(MACROS.search(name) and not HARMLESS_BINARY.search(name) for name in parts):
        raise Unreadable("sheet-unsafe", value="macros")
    found = _scanned(path, parts)
    if not found:
        raise Unreadable("empty")
    _say(found, problems)
    if found[0].last_row > limits.rows:
        raise Unreadable("too-many-rows")
    return found[0]


def _scanned(path: Path, parts: dict[str, archive.Entry]) -> list[Sheet]:
    """The visible sheets with content, in order, after all XML was looked through."""
    targets = _relations(path, parts)
    found = []
    for name, visible, relation in _workbook(path, parts["xl/workbook.xml"]):
        part = parts.get(targets.get(relation, ""))
        if visible and part is not None and "worksheets/" in part.name:
            sheet = Sheet(name)
            _Scan(sheet).run(path, part)
            if sheet.widest or sheet.error_count:
                found.append(sheet)
    for name, part in parts.items():
        if name.endswith((".xml", ".rels")) and "worksheets/sheet" not in name:
            _Scan(Sheet(name), cells=False).run(path, part)
    return found


def _say(found: list[Sheet], problems: Problems) -> None:
    chosen = found[0]
    if len(found) > 1:
        problems.add("sheet", value=chosen.name, count=len(found))
    if chosen.merged:
        problems.add("merged-cells", count=chosen.merged)
    count = chosen.error_count
    for line, place in chosen.errors:
        problems.add("formula-error", line=line, value=place, count=count)
        count = 0


class _Scan:
    """One streaming pass over the XML of a part; no DTD, no entities, no depth."""

    def __init__(self, sheet: Sheet, *, cells: bool = True) -> None:
        self.sheet = sheet
        self.cells = cells
        self.depth = 0
        self.row = self.column = 0
        self.error = self.valued = False

    def run(self, path: Path, part: archive.Entry) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            for block in archive.unpacked(path, part):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except expat.ExpatError as wrong:
            raise Unreadable("sheet-unsafe", value=f"XML: {wrong}") from None

    def _doctype(self, *_: object) -> None:
        raise Unreadable("sheet-unsafe", value="DTD")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > NESTING:
            raise Unreadable("sheet-unsafe", value="nesting")
        if not self.cells:
            return
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row = _counted(attributes.get("r"), self.row + 1, ROWS)
            self.column = 0
        elif tag == "c":
            self._cell(attributes)
        elif tag in {"v", "is"}:
            self.valued = True
        elif tag == "mergeCell":
            self.sheet.merged += 1

    def _cell(self, attributes: dict[str, str]) -> None:
        self.column += 1
        if place := attributes.get("r"):
            match = CELL.fullmatch(place)
            if match is None or _counted(match[2], 0, ROWS) != self.row:
                raise Unreadable("sheet-unsafe", value=place[:20])
            self.column = _letters(match[1])
        if self.column > COLUMNS:
            raise Unreadable("sheet-unsafe", value=f"column {self.column}")
        self.error = attributes.get("t") == "e"
        self.valued = False

    def _end(self, tag: str) -> None:
        self.depth -= 1
        if not self.cells or tag.rpartition(":")[2] != "c" or not (self.valued or self.error):
            return
        sheet = self.sheet
        sheet.widest = max(sheet.widest, self.column)
        if self.error:
            sheet.error_count += 1
            if len(sheet.errors) < 100:
                sheet.errors.append((self.row, f"{_name(self.column)}{self.row}"))
        else:
            sheet.last_row = max(sheet.last_row, self.row)
        if sheet.widest * self.row > CELLS:
            raise Unreadable("sheet-unsafe", value=f"{self.row} × {sheet.widest}")


def _counted(text: str | None, otherwise: int, most: int) -> int:
    if text is not None and not text.isdecimal():
        raise Unreadable("sheet-unsafe", value=text[:20])
    number = otherwise if text is None else int(text[:12])
    if number > most:
        raise Unreadable("sheet-unsafe", value=f"row {number}")
    return number


def _letters(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - 64
    return number


def _name(column: int) -> str:
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _elements(path: Path, part: archive.Entry, wanted: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == wanted:
            found.append(attributes)

    def doctype(*_: object) -> None:
        raise Unreadable("sheet-unsafe", value="DTD")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    try:
        for block in archive.unpacked(path, part):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as wrong:
        raise Unreadable("sheet-unsafe", value=f"XML: {wrong}") from None
    return found


def _workbook(path: Path, part: archive.Entry) -> list[tuple[str, bool, str]]:
    """Name, whether it is shown, and relation of every sheet."""
    return [
        (
            each.get("name", ""),
            each.get("state", "visible") == "visible",
            next((value for key, value in each.items() if key.rpartition(":")[2] == "id" and ":" in key), ""),
        )
        for each in _elements(path, part, "sheet")
    ]


def _relations(path: Path, parts: dict[str, archive.Entry]) -> dict[str, str]:
    part = parts.get("xl/_rels/workbook.xml.rels")
    if part is None:
        raise Unreadable("sheet-unsafe", value="no relations")
    return {
        each.get("Id", ""): each.get("Target", "").removeprefix("/")
        if each.get("Target", "").startswith("/")
        else "xl/" + each.get("Target", "")
        for each in _elements(path, part, "Relationship")
        if each.get("TargetMode") != "External"
    }


def rows(path: Path, sheet: Sheet, problems: Problems) -> SheetRows:
    """Raises: Unreadable when calamine does not come as far as the XML goes."""
    values = _values(path, sheet, problems)
    head = list(islice(values, HEAD))
    return SheetRows(head, sheet.widest, values)


def _values(path: Path, sheet: Sheet, problems: Problems) -> Iterator[tuple[int, list[str | None]]]:
    opened = python_calamine.load_workbook(str(path)).get_sheet_by_name(sheet.name)
    if opened.start is None:
        return
    top, left = opened.start
    row = top
    for cells in opened.iter_rows():
        row += 1
        values = [None] * left + [_text(cell, row, problems) for cell in cells]
        if any(value is not None for value in values):
            yield row, values[: sheet.widest]
    if row < sheet.last_row:
        raise Unreadable("parser-failed", value=f"{row} / {sheet.last_row}")


def _text(cell: Any, row: int, problems: Problems) -> str | None:
    """The value as text; numbers without a trailing ``.0``, times as ISO 8601 without zone."""
    match cell:
        case "":
            return None
        case bool():
            return "true" if cell else "false"
        case float() | int():
            if abs(cell) >= PRECISE and float(cell).is_integer():
                problems.add("excel-precision", line=row, value=repr(cell))
            return str(int(cell)) if float(cell).is_integer() and abs(cell) < 1e18 else repr(cell)
        case datetime():
            return cell.isoformat(sep="T")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return repr(cell.total_seconds())
    return str(cell).replace("\0", "")
