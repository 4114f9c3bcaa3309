"""What kind of file this is, by its bytes and never by its name; and text made UTF-8."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from testbed.tabular.answers import ENCODINGS
from testbed.tabular.problems import Unreadable

BLOCK = 1 << 20
HEAD = 1 << 16
SPREADSHEETS = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)  # XLS and other compound files
OPAQUE = (
    b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"II*\x00", b"MM\x00*", b"7z\xbc\xaf", b"Rar!\x1a",
    b"\x7fELF", b"MZ\x90", b"SQLite format 3\x00", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"OggS\x00", b"ID3\x03", b"ID3\x04",
    b"ARROW1\x00", b"\x89HDF", b"CDF\x01", b"CDF\x02",
)  # fmt: skip
MARKUP = re.compile(rb"<(!doctype|html|svg|\?xml|script|body|head|!--|\?php)", re.IGNORECASE)
CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1b")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def kind_of(path: Path) -> str:
    """One of ``empty gzip zip parquet text unmarked-text old-spreadsheet other``."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, path.stat().st_size - 4))
        tail = file.read(4)
    if not head:
        return "empty"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"PAR1"):
        return "parquet" if tail == b"PAR1" and path.stat().st_size >= 12 else "other"
    return plain(head)


def plain(head: bytes) -> str:
    """What it is if it is neither packed nor Parquet; ``unmarked-text`` is UTF-16 that does not say so."""
    if head.startswith(SPREADSHEETS):
        return "old-spreadsheet"
    if head.startswith(OPAQUE):
        return "other"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "text"
    if MARKUP.match(head.removeprefix(codecs.BOM_UTF8).lstrip()):
        return "other"
    controls = _controls(head)
    if controls <= max(4, len(head) // 10):
        return "text"
    halves = (head[::2], head[1::2])
    wide = any(
        half.count(0) > len(half) // 2 and not _controls(other) for half, other in (halves, halves[::-1])
    )
    return "unmarked-text" if wide else "other"


def _controls(head: bytes) -> int:
    return len(head) - len(head.translate(None, CONTROL))


@dataclass(frozen=True, slots=True)
class Text:
    """A file of UTF-8 text without NUL, and what one pass over its bytes showed."""

    path: Path
    encoding: str
    line_end: str
    """``\\n`` or ``\\r\\n`` when every line ends so, else empty."""
    line_ends: int
    ended: bool
    """Whether the last line has its end."""
    quotes: int
    bom: bool

    @property
    def lines(self) -> int:
        return self.line_ends + (0 if self.ended else 1)


def text_of(path: Path, job: Path, told: str | None = None) -> Text:
    """Prove the encoding (``told``: that one) over the whole file; write ``job/text`` unless it is UTF-8 already.

    Raises: Unreadable (encoding, nul-byte, empty).
    """
    with path.open("rb") as file:
        start = file.read(4)
    for bom, encoding in BOMS:
        if start.startswith(bom):
            if encoding == "utf-8-sig":
                return _survey(path, encoding, bom=True)
            return _survey(_transcoded(path, job / "text", encoding, len(bom)), encoding)
    try:
        if told in {None, "utf-8"}:
            return _survey(path, "utf-8")
    except UnicodeDecodeError:
        if told:
            raise Unreadable("answer", value=f"encoding: {told}") from None
    if told:
        return _survey(_transcoded(path, job / "text", ENCODINGS[told], 0), told)
    return _survey(_transcoded(path, job / "text", "cp1252", 0), "windows-1252")


def _survey(path: Path, encoding: str, *, bom: bool = False) -> Text:
    """Counted in blocks of 1 MiB: about 0.6 s for 390 MB. Raises: UnicodeDecodeError, Unreadable."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    newlines = pairs = returns = quotes = 0
    last = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
            if b"\0" in block:
                line = newlines + block[: block.index(b"\0")].count(b"\n") + 1
                raise Unreadable("nul-byte", line=line)
            newlines += block.count(b"\n")
            quotes += block.count(b'"')
            if b"\r" in block or last == b"\r":
                returns += block.count(b"\r")
                pairs += block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
            last = block[-1:]
    decoder.decode(b"", final=True)
    if not last:
        raise Unreadable("empty")
    line_end = {(0, 0): "\n", (newlines, newlines): "\r\n"}.get((returns, pairs), "")
    return Text(path, encoding, line_end, newlines, last == b"\n", quotes, bom)


def _transcoded(path: Path, target: Path, encoding: str, skip: int) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines = 1
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(skip)
        while True:
            block = source.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as wrong:
                line = lines + wrong.object[: wrong.start].count(b"\n")
                raise Unreadable("encoding", line=line) from None
            lines += text.count("\n")
            out.write(text.encode("utf-8", "strict"))
            if not block:
                return target


def looks_like_json(head: str) -> str | None:
    """``json`` for a list, ``jsonl`` for objects, None for other text."""
    start = head.lstrip("\ufeff \t\r\n")
    if re.match(r'\{\s*("|\})', start):
        return "jsonl"
    if re.match(r"\[\s*[\[{\]]", start) or (start.startswith("[") and start.rstrip().endswith("]")):
        return "json"
    return None
