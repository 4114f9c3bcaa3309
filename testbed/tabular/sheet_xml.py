"""The XML of a workbook, looked through before any reader sees it: no DTD, no depth, no impossible cell."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from testbed.tabular import archive
from testbed.tabular.problems import Unreadable

ROWS = 1_048_576
COLUMNS = 16_384
CELLS = 15_000_000
"""Cells of the rectangle that calamine holds in memory."""
ERRORS = 1_000_000
NESTING = 64
EXPLANATION = "Förklaring – Explanation"
"""The sheet of our own templates that explains the columns: it comes back with the data and is none."""
CELL = re.compile(r"([A-Z]{1,4})([0-9]{1,9})")


@dataclass
class Sheet:
    name: str
    last_row: int = 0
    """The last row with a value that is no error."""
    widest: int = 0
    errors: list[tuple[int, int, str]] = field(default_factory=list)
    """Row, column (from 1) and text of every cell whose formula failed."""
    rounded: list[tuple[int, int, str]] = field(default_factory=list)
    """Row, column and value of integers that Excel has rounded; filled while the rows are read."""
    merged: int = 0


class Scan:
    """One streaming pass over the XML of a part; no DTD, no entities, no depth."""

    def __init__(self, sheet: Sheet, *, cells: bool = True) -> None:
        self.sheet = sheet
        self.cells = cells
        self.depth = 0
        self.row = self.column = 0
        self.error = self.valued = False
        self.said = ""
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def run(self, path: Path, part: archive.Entry) -> None:
        try:
            for block in archive.unpacked(path, part):
                self.parser.Parse(block, False)
            self.parser.Parse(b"", True)
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
            if self.error:
                self.parser.CharacterDataHandler = self._say
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
        self.said = ""

    def _say(self, text: str) -> None:
        self.said += text[:20]

    def _end(self, tag: str) -> None:
        self.depth -= 1
        if not self.cells or tag.rpartition(":")[2] != "c" or not (self.valued or self.error):
            return
        sheet = self.sheet
        sheet.widest = max(sheet.widest, self.column)
        if self.error:
            self.parser.CharacterDataHandler = None
            sheet.errors.append((self.row, self.column, self.said[:20] or "#N/A"))
            if len(sheet.errors) > ERRORS:
                raise Unreadable("sheet-unsafe", value=f"> {ERRORS} formula errors")
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


def name_of(column: int) -> str:
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def elements(path: Path, part: archive.Entry, wanted: str) -> list[dict[str, str]]:
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


def workbook(path: Path, part: archive.Entry) -> list[tuple[str, bool, str]]:
    """Name, whether it is shown, and relation of every sheet."""
    return [
        (
            each.get("name", ""),
            each.get("state", "visible") == "visible",
            next((value for key, value in each.items() if key.rpartition(":")[2] == "id" and ":" in key), ""),
        )
        for each in elements(path, part, "sheet")
    ]


def relations(path: Path, parts: dict[str, archive.Entry]) -> dict[str, str]:
    part = parts.get("xl/_rels/workbook.xml.rels")
    if part is None:
        raise Unreadable("sheet-unsafe", value="no relations")
    return {
        each.get("Id", ""): each.get("Target", "").removeprefix("/")
        if each.get("Target", "").startswith("/")
        else "xl/" + each.get("Target", "")
        for each in elements(path, part, "Relationship")
        if each.get("TargetMode") != "External"
    }
