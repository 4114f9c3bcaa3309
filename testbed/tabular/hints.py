"""Every rule a file can break: how grave it is, and what to do about it, in Swedish and English.

The words are those of somebody who measures things and keeps them in a spreadsheet.
"""

from testbed.tabular.row_hints import ROW, TYPES

# rule: (severity, Swedish, English). "error": something was not taken. "warning": taken, but look at it.
FILE: dict[str, tuple[str, str, str]] = {
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
        "Texten är varken UTF-8 eller Windows-1252. Spara filen som UTF-8, eller ange dess kodning; originalet är sparat.",
        "The text is neither UTF-8 nor Windows-1252. Save the file as UTF-8, or name its encoding; the original is kept.",
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
    "field-too-long": (
        "error",
        "Ett värde är längre än 131 072 tecken.",
        "A value is longer than 131,072 characters.",
    ),
    "too-many-columns": (
        "error",
        "Tabellen har fler än 1 000 kolumner, och så breda läser vi inte. Gör rader av dem: en kolumn för vad som mättes, "
        "en för värdet. Filen är sparad som den är.",
        "The table has more than 1,000 columns, and we read none that wide. Turn them into rows: one column for what was "
        "measured, one for the value. The file is kept as it is.",
    ),
    "too-many-rows": (
        "error",
        "Tabellen har fler än 100 miljoner rader.",
        "The table has more than 100 million rows.",
    ),
    "header-missing": (
        "warning",
        "Ingen rubrikrad hittades; kolumnerna togs efter sin plats.",
        "No header was found; the columns were taken by their place.",
    ),
    "header-duplicate": (
        "warning",
        "Två kolumner heter likadant; den senare fick ett nummer efter namnet.",
        "Two columns have the same name; the later one got a number after its name.",
    ),
    "column-missing": (
        "error",
        "Kolumnen saknas i filen. Lägg till den, eller ange vilken av filens kolumner som är den.",
        "The column is not in the file. Add it, or say which column of the file it is.",
    ),
    "column-duplicate": (
        "error",
        "Två kolumner i filen passar samma kolumn i schemat. Behåll den ena, eller ange vilken som gäller.",
        "Two columns of the file fit the same column of the schema. Keep one, or say which one counts.",
    ),
    "column-unknown": (
        "error",
        "Kolumnen finns inte i schemat, och försöket tar inte emot fler kolumner. Ta bort den eller byt namn på den.",
        "The column is not in the schema, and the trial takes no further columns. Remove or rename it.",
    ),
    "column-dropped": (
        "warning",
        "Kolumnen finns inte i schemat och togs inte med. Originalfilen har den kvar.",
        "The column is not in the schema and was left out. The original file still has it.",
    ),
    "mixed": (
        "warning",
        "Kolumnen blandar värden av olika slag och lästes som text.",
        "The column mixes values of several kinds and was read as text.",
    ),
    "decimal-assumed": (
        "warning",
        "Kommatecken lästes som decimaltecken: 1,234 blev lite mer än ett. Är det tusentalstecken är talen fel.",
        "Commas were read as decimal marks: 1,234 became a little more than one. If they separate thousands, "
        "the numbers are wrong.",
    ),
    "date-order": (
        "warning",
        "Datumen lästes med dagen först; inget värde avgör om det är dag eller månad.",
        "The dates were read day first; no value decides whether it is the day or the month.",
    ),
    "zone-missing": (
        "warning",
        "Tiderna säger inte vilken tidszon de gäller och behölls som lokal tid. Ange zonen, till exempel Europe/Stockholm.",
        "The times do not name their time zone and were kept as local time. Name the zone, such as Europe/Stockholm.",
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
    "zip-several": (
        "error",
        "Zip-filen innehåller flera tabeller, och var och en är ett eget resultat. Här delas den inte: den rättar eller "
        "ersätter en annan fil, eller har fler än 50 tabeller. Packa upp den och ladda upp tabellerna en i taget, eller "
        "ange vilken av dem som gäller. Zip-filen är sparad i sin helhet.",
        "The zip file holds several tables, and each is a result of its own. It is not divided here: it corrects or "
        "replaces another file, or has more than 50 tables. Unpack it and upload the tables one by one, or say which of "
        "them counts. The zip file is kept as a whole.",
    ),
    "zip-ignored": (
        "warning",
        "Det här i zip-filen är ingen tabell och lästes inte. Zip-filen är sparad i sin helhet.",
        "This in the zip file is no table and was not read. The zip file is kept as a whole.",
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
    "columns-clash": (
        "error",
        "Kolumnen har olika typer i filerna, så de går inte att slå ihop.",
        "The column has different types in the files, so they cannot be joined.",
    ),
    "not-compared": (
        "warning",
        "Kolumnen jämfördes inte: registret har inget att jämföra den med. Värdena togs som de är. Det är inte ditt fel; "
        "koordinatorn kan ta bort jämförelsen ur schemat eller skriva in det som saknas.",
        "The column was not compared: the register holds nothing to compare it with. Its values were taken as they are. This "
        "is not your doing; the coordinator can take the comparison out of the schema or enter what is missing.",
    ),
    "key-across": (
        "error",
        "Samma nyckel finns i flera av resultaten, så raderna skulle räknas dubbelt. Inget publicerades, och filerna är kvar "
        "som de är. Ta bort ett av resultaten ur datamängden, eller rätta filen.",
        "The same key is in several of the results, so its rows would count twice. Nothing was published, and the files are "
        "kept as they are. Take one of the results out of the dataset, or correct the file.",
    ),
    "schema": (
        "error",
        "Försökets tabellschema går inte att använda. Det är inte ditt fel: filen är sparad, säg till koordinatorn.",
        "The table schema of the trial cannot be used. This is not your doing: the file is kept, tell the coordinator.",
    ),
    "answer": (
        "error",
        "Svaret passar inte filen. Ändra det och läs filen igen; filen är sparad som den är.",
        "The answer does not fit the file. Change it and read the file again; the file is kept as it is.",
    ),
    "unit-conversion": (
        "error",
        "Vi kan inte räkna om mellan de här enheterna. Räkna om kolumnen i filen, eller ta bort svaret om enheten.",
        "We cannot convert between these units. Convert the column in the file, or withdraw the answer about the unit.",
    ),
}  # fmt: skip

RULES = FILE | ROW


def hint(rule: str, type_: str | None = None) -> dict[str, str]:
    """What to do, in both languages; for the rule ``type`` with an example of a value of that type."""
    sv, en = TYPES.get(type_ or "", RULES[rule][1:]) if rule == "type" else RULES[rule][1:]
    return {"sv": sv, "en": en}
