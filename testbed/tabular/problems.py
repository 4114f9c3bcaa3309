"""What was found wrong with a file, in words for the person who sent it, in Swedish and English."""

from collections.abc import Iterable
from typing import Any

EXAMPLES = 100
GROUPS = 200
VALUE = 200

# rule: (severity, Swedish, English). "error": something was not taken. "warning": taken, but look at it.
RULES: dict[str, tuple[str, str, str]] = {
    "empty": ("error", "Filen innehåller inga rader.", "The file holds no rows."),
    "no-rows": ("warning", "Filen har en rubrikrad men inga rader.", "The file has a header but no rows."),
    "not-a-table": (
        "error",
        "Det här är ingen tabell vi kan läsa. Filen sparas som den är. "
        "Spara tabeller som CSV, XLSX, JSON Lines eller Parquet.",
        "This is not a table we can read. The file is kept as it is. Save tables as CSV, XLSX, JSON Lines or Parquet.",
    ),
    "old-spreadsheet": (
        "error",
        "Kalkylbladet är i ett äldre eller annat format. Spara det som XLSX eller CSV.",
        "The spreadsheet is in an older or another format. Save it as XLSX or CSV.",
    ),
    "parser-failed": (
        "error",
        "Filen gick inte att läsa: den är skadad, för stor eller ovanlig. Originalet är sparat.",
        "The file could not be read: it is damaged, too large or unusual. The original is kept.",
    ),
    "encoding": (
        "error",
        "Texten är varken UTF-8 eller Windows-1252. Spara filen som UTF-8.",
        "The text is neither UTF-8 nor Windows-1252. Save the file as UTF-8.",
    ),
    "encoding-assumed": (
        "warning",
        "Texten är inte UTF-8 och lästes som Windows-1252. Kontrollera å, ä och ö.",
        "The text is not UTF-8 and was read as Windows-1252. Check the letters beyond A to Z.",
    ),
    "nul-byte": (
        "error",
        "Filen innehåller nolltecken (byte 0). Spara den som UTF-8.",
        "The file holds NUL bytes. Save it as UTF-8.",
    ),
    "open-quote": (
        "error",
        "Ett citattecken som öppnas på den här raden stängs aldrig.",
        "A quotation mark opened on this line is never closed.",
    ),
    "quote": (
        "error",
        "Citattecknen på raden går inte ihop. Skriv ett citattecken inne i ett värde som två.",
        "The quotation marks of the row do not match. Write a quotation mark inside a value as two.",
    ),
    "field-too-long": (
        "error",
        "Ett värde är längre än 131 072 tecken.",
        "A value is longer than 131,072 characters.",
    ),
    "too-many-columns": (
        "error",
        "Tabellen har fler än 2 000 kolumner.",
        "The table has more than 2,000 columns.",
    ),
    "too-many-rows": (
        "error",
        "Tabellen har fler än 100 miljoner rader.",
        "The table has more than 100 million rows.",
    ),
    "columns": (
        "error",
        "Raden har inte lika många värden som tabellen har kolumner.",
        "The row does not have as many values as the table has columns.",
    ),
    "header-missing": (
        "warning",
        "Ingen rubrikrad hittades; kolumnerna fick namn efter sin plats.",
        "No header was found; the columns were named by their place.",
    ),
    "header-duplicate": (
        "warning",
        "Två kolumner heter likadant; den senare fick ett nummer efter namnet.",
        "Two columns have the same name; the later one got a number after its name.",
    ),
    "type": (
        "error",
        "Värdet passar inte kolumnens typ och lämnades tomt i tabellen.",
        "The value does not fit the type of the column and was left empty in the table.",
    ),
    "mixed": (
        "warning",
        "Kolumnen blandar värden av olika slag och lästes som text.",
        "The column mixes values of several kinds and was read as text.",
    ),
    "decimal-comma": (
        "warning",
        "Kommatecken lästes som decimaltecken. Är det tusentalstecken är talen fel.",
        "Commas were read as decimal marks. If they separate thousands, the numbers are wrong.",
    ),
    "date-order": (
        "warning",
        "Datumen lästes med dagen först; inget värde avgör om det är dag eller månad.",
        "The dates were read day first; no value decides whether it is the day or the month.",
    ),
    "json": (
        "error",
        "Raden är inte ett JSON-objekt som går att läsa.",
        "The line is not a JSON object that can be read.",
    ),
    "not-objects": (
        "error",
        "JSON-filen måste vara en lista av objekt, eller ett objekt per rad.",
        "The JSON file must be a list of objects, or one object per line.",
    ),
    "zip": (
        "error",
        "Arkivet är skadat eller innehåller något vi inte packar upp.",
        "The archive is damaged or holds something we do not unpack.",
    ),
    "gzip": (
        "error",
        "Gzip-filen är avhuggen, skadad eller packad hårdare än 100:1.",
        "The gzip file is cut off, damaged or packed tighter than 100:1.",
    ),
    "sheet": (
        "warning",
        "Arbetsboken har flera blad; det första synliga bladet med innehåll lästes.",
        "The workbook has several sheets; the first visible one with content was read.",
    ),
    "sheet-unsafe": (
        "error",
        "Kalkylbladet innehåller något vi inte läser (makron, orimliga celler eller felaktig XML).",
        "The spreadsheet holds something we do not read (macros, impossible cells or broken XML).",
    ),
    "merged-cells": (
        "warning",
        "Sammanslagna celler: värdet står bara i den första av dem.",
        "Merged cells: only the first of them holds the value.",
    ),
    "formula-error": (
        "error",
        "En formel gav ett fel (till exempel #DIV/0!); cellen lämnades tom.",
        "A formula gave an error (such as #DIV/0!); the cell was left empty.",
    ),
    "excel-precision": (
        "warning",
        "Heltal med fler än 15 siffror är redan avrundade av Excel. Formatera kolumnen som text.",
        "Integers of more than 15 digits are already rounded by Excel. Format the column as text.",
    ),
    "not-finite": (
        "error",
        "Oändliga tal går inte att räkna med; cellen lämnades tom.",
        "Infinite numbers cannot be worked with; the cell was left empty.",
    ),
    "columns-clash": (
        "error",
        "Kolumnen har olika typer i filerna, så de går inte att slå ihop.",
        "The column has different types in the files, so they cannot be joined.",
    ),
}


class Unreadable(Exception):
    """The file as a whole cannot be taken; ``rule`` says why."""

    def __init__(self, rule: str, *, line: int | None = None, value: str | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.line = line
        self.value = value


class Problems:
    """Counts exactly per rule and column; keeps the first 100 lines of each."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.more = 0

    def add(
        self,
        rule: str,
        *,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
        count: int = 1,
    ) -> None:
        """``count=0`` gives a further example of what is counted already."""
        group = self._found.get((rule, column))
        if group is None:
            if len(self._found) >= GROUPS:
                self.more += count
                return
            severity, sv, en = RULES[rule]
            group = {
                "rule": rule, "severity": severity, "line": line, "column": column, "value": _short(value),
                "count": 0, "hint": {"sv": sv, "en": en}, "examples": [],
            }  # fmt: skip
            self._found[rule, column] = group
        group["count"] += count
        if line is not None and len(group["examples"]) < EXAMPLES:
            group["examples"].append({"line": line, "value": _short(value)})

    def add_all(self, rule: str, column: str, count: int, examples: Iterable[tuple[int, str]]) -> None:
        """``count`` cells of one column, the first of which are given as (line, value)."""
        for line, value in examples:
            self.add(rule, line=line, column=column, value=value, count=count)
            count = 0

    @property
    def lossy(self) -> bool:
        """Whether anything in the file was not taken."""
        return any(group["severity"] == "error" for group in self._found.values())

    def listed(self) -> list[dict[str, Any]]:
        """Errors first, then as they were met."""
        return sorted(self._found.values(), key=lambda group: str(group["severity"]))


def _short(value: str | None) -> str | None:
    if value is None or len(value) <= VALUE:
        return value
    return value[: VALUE - 1] + "…"
