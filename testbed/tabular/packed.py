"""A zip file of tables. One table in it is read as that table; what is no table is named and left alone.

Several tables are several results, each with its own receipt, report and acceptance, so none of them is chosen here: the
report names them, and whoever asked asks again with the name of each (the answer ``sheet``, as for the sheets of a
workbook). Nothing packed inside the zip is unpacked again, spreadsheets included.
"""

import codecs
import unicodedata
from pathlib import Path

from testbed.tabular import archive, delimited, sniff
from testbed.tabular.problems import Unreadable
from testbed.tabular.reading import Reading

HEAD = 1 << 16
UNSEEN = ("__MACOSX/", ".")
"""Entries that systems add without being asked."""
LISTED = 50


def only_table(reading: Reading, source: Path) -> Path:
    """The unpacked table. Raises: Unreadable (zip, zip-several, not-a-table, answer)."""
    entries = [each for each in archive.entries(source) if not each.name.endswith("/")]
    columns = {each.name: _columns(_head(source, each)) for each in entries}
    wide = [each for each in entries if columns[each.name] > 1]
    tables = wide or [each for each in entries if columns[each.name]]
    names = [each.name for each in tables]
    reading.assumed |= {"packed": "zip", "entries": names[:LISTED], "tables": len(names)}
    chosen = _chosen(tables, reading.answers.sheet)
    for each in entries:
        seen = not each.name.rpartition("/")[2].startswith(UNSEEN) and not each.name.startswith(UNSEEN)
        if each not in tables and seen:
            reading.problems.add("zip-ignored", value=each.name)
    reading.assumed["entry"] = chosen.name
    target = reading.job / "entry"
    with target.open("wb") as out:
        for block in archive.unpacked(source, chosen):
            out.write(block)
    return target


def _chosen(tables: list[archive.Entry], told: str | None) -> archive.Entry:
    if told is not None:
        wanted = unicodedata.normalize("NFC", told)
        for each in tables:
            if unicodedata.normalize("NFC", each.name) == wanted:
                return each
        raise Unreadable("answer", value=f"sheet: {told}"[:200])
    if not tables:
        raise Unreadable("not-a-table")
    if len(tables) > 1:
        raise Unreadable("zip-several", value=", ".join(each.name for each in tables))
    return tables[0]


def _head(source: Path, entry: archive.Entry) -> bytes:
    head = b""
    for block in archive.unpacked(source, entry):
        head += block
        if len(head) >= HEAD:
            break
    return head


def _columns(head: bytes) -> int:
    """How many columns a table that begins so has, as far as that tells; 0: no table."""
    if head.startswith(b"PAR1"):
        return 2
    if not head or sniff.plain(head) != "text":
        return 0
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = head.decode("utf-16" if utf16 else "utf-8-sig", "replace")
    if sniff.looks_like_json(text):
        return 2
    try:
        return delimited.dialect_of(text).columns
    except Unreadable:
        return 0
