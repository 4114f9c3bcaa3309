"""Texts, numbers, questions and bodies that are meant to do harm."""

from typing import Any

NAUGHTY = [
    "{{7*7}}", "${7*7}", "{% raw %}", "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "=1+1", "@SUM(A1)",
    "Robert'); DROP TABLE pilot;--", "%s%n%x", "{name}", "{0.__class__}", "Å ä ö \u202e bakvänt", "🏳\u200d🌈 flagga",
    "\u0301kombinerat",
    "ﬁn ligatur", "نص عربي", "..", "/etc/passwd", "NULL", "undefined", "true", "1e400", "\ufeffBOM", "\ufffe\uffff",
    "\\N", "a" * 190,
]  # fmt: skip
IDS = [
    "0", "01", "-1", "+1", "1_0", "1.0", "1e3", "0x1", "١٢", "１", str(2**63), str(2**63 - 1), "9" * 400, "%00", "%ff",
    "a%00b",
    "%ed%a0%80", "%0d%0aX-Evil:%201", "..%2f..%2fetc%2fpasswd", "%252e", "null", "'", "%27%20OR%201=1--", "{{7*7}}",
    "x" * 6000,
]  # fmt: skip
QUERIES = {
    "q": ["'", '"', "!&|():*<->", "a' & b:*", "\\", "\0", "''':*", "-", "åäö " * 40, "x" * 201, "\u0661", "_" * 9, "𝟙²"],
    "sort": ["name; DROP TABLE pilot", "--name", "-", "__class__", "x" * 41],
    "after": ["x", "é", "====", "W10", "bnVsbA", "\0", "A" * 401],
    "limit": ["0", "-1", "201", "1e3", "nan", "٣", str(2**64), ""],
    "format": ["xml", "../x", "html\0"],
    "lang": ["xx", "sv\r\nSet-Cookie: a=b", "\0"],
}  # fmt: skip
ANY = [
    "",
    "\0",
    "'",
    "-1",
    str(2**63),
    str(-(2**63) - 1),
    "nothing",
    "x" * 500,
    "٣",
    "0000-00-00",
    "9999-12-31",
]
SHAPELESS = [
    b"", b"\x00", b"\xff\xfe{}", b"null", b"[]", b"1", b'"x"', b"{" * 5000, b"[" * 2000 + b"]" * 2000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"a=1&a=2&a.b=3", b".=1&..=2&[]=3&a[]b=4", b"&".join(b"f%d=1" % n for n in range(1100)), b"a" + b".b" * 40 + b"=1",
    b"a=%ff&b=%00&c=%ed%a0%80", b"name[]=x&name[]=y&title.sv.x=1&title=2", b"0=1&1=2", b"row_version=99999999999999999999",
    b'{"row_version": 9223372036854775808}', b'{"row_version": 9223372036854775807}',
    b'{"row_version": true, "title": {"sv": ["x"]}}',
]  # fmt: skip
MADE_UP: list[Any] = [
    1, "x", 1.5, 1e308, -1, "", None, [], {"at": 1}, {"at": "x"}, {"on": "0000-00-00"}, {"at": "2026-01-01"},
    {"on": "2026-01-01"}, True,
    "\ud800", 2**63,
]  # fmt: skip
