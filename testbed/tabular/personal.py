"""What in a table may say something of a person: its columns, kinds and counts, never a value.

The whole of every column of text is asked in one pass, and the titles; memory does not grow with the rows. Beyond
``CELLS`` cells a sample is asked, and the answer says how many rows that were. About 0.5 s a million short texts on two
cores.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from testbed.tabular import personal_numbers, tracks
from testbed.tabular.engine import duckdb, ident, likely, literal, parquet

RULES = 2
"""Raised when the rules find something new: files of earlier are then looked through again before they are published."""

CELLS = 10_000_000
SEED = 42
HALF = 0.5
FEW = 10_000
"""Of a column with so many distinct values, as of names of devices, each value is looked at once."""
SEVERAL = 3
"""Bare digits are taken for what they look like where so many of them, and half of all that look alike, hold."""

TEXTS = {"string", "object", "list"}


class PersonalKind(StrEnum):
    """``device`` and ``ip`` are told; all others stop open publishing until somebody has looked."""

    personal_number = "personal_number"
    email = "email"
    phone = "phone"
    track = "track"
    device = "device"
    ip = "ip"


STOPPING = frozenset(PersonalKind) - {PersonalKind.device, PersonalKind.ip}

BEFORE, AFTER = "(?:^|[^A-Za-z0-9_+.,:/-])", "(?:$|[^A-Za-z0-9_+:/-])"
EMAIL = r"[^\s@\"'<>(),;:\[\]]+@[\p{L}0-9-]+(?:\.[\p{L}0-9-]+)*\.\p{L}{2,}"
PICTURE = r"@[0-9]x\.\p{L}+$"
ABROAD = r"\+[1-9][0-9]{0,2}[ -]?(?:\(0\)[ -]?)?[0-9]{1,4}(?:[ -]?[0-9]{2,4}){1,4}"
AT_HOME = r"(?:08|0[1-9][0-9]{1,2})(?: ?[-/] ?| )[0-9]{2,3}(?: ?[0-9]{2,3}){1,3}"
WRITTEN = rf"{BEFORE}({ABROAD}|{AT_HOME}){AFTER}"
MOBILE = rf"{BEFORE}(?:07[02369]|00467[02369]|467[02369])[0-9]{{7}}{AFTER}"
BARE = rf"{BEFORE}[0-9]{{10,13}}{AFTER}"
PHONE_DIGITS = (9, 15)
PAIR = "[0-9A-Fa-f]{2}"
_SPELT = "|".join(f"(?:{PAIR}{sign}){{5}}(?:{PAIR}{sign}{PAIR}{sign})?{PAIR}" for sign in ":-")
SPELT_DEVICE = f"(?:^|[^A-Za-z0-9:-])(?:{_SPELT})(?:$|[^A-Za-z0-9:-])"
BARE_DEVICE = r"\s*(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{16})\s*"
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IP4 = rf"(?:^|[^A-Za-z0-9.])(?:{OCTET}\.){{3}}{OCTET}(?:$|[^A-Za-z0-9.]|\.$)"
_GROUP = "(?::[0-9A-Fa-f]{1,4})"
IP6 = f"(?:^|[^A-Za-z0-9:])(?:2[0-9A-Fa-f]{{3}}|fe80)(?:{_GROUP}{{7}}|{_GROUP}{{0,6}}::)"
IP = f"{IP4}|{IP6}"
MARKS = "|".join(
    f"(?:{each})"
    for each in (personal_numbers.DASHED, personal_numbers.PLAIN, WRITTEN, BARE, SPELT_DEVICE, IP)
)
"""Digits as they stand in all that is looked for but e-mail: one question rules most values out."""
ANY = rf"(?m:@|^{BARE_DEVICE}$|{MARKS})"

PHONE_WORDS = ("telefon", "phone", "mobil", "tfn")
DEVICE_WORDS = ("eui", "mac")
VERSION_WORDS = ("version", "firmware", "fw")


def scan(
    connection: duckdb.DuckDBPyConnection,
    table: Path,
    columns: Sequence[tuple[str, str, str]],
    stats: Sequence[dict[str, Any]],
    devices: Iterable[Any] = (),
    titles: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """``{rules, rows, scanned, found: [{columns, kind, count[, known]}]}``; ``columns`` as ``profile.statistics`` takes them.

    ``count``: values (of a track: rows) among the ``scanned`` rows. ``known``: how many of the device addresses are
    names of ``devices`` (``{code, names}``), which are expected in measurements. ``titles``: what columns were called before.
    """
    rows = stats[0]["n"] + stats[0]["missing"] if stats else 0
    share = min(1.0, CELLS / max(1, rows * sum(type_ in TEXTS for _, type_, _ in columns)))
    source = parquet(table)
    if share < 1:
        source += f" TABLESAMPLE bernoulli({share * 100:.6f}%) REPEATABLE ({SEED})"
    found = []
    personal_numbers.prepare(connection)
    _know(connection, devices)
    texts = [
        name for (name, type_, _), stat in zip(columns, stats, strict=True) if stat["n"] and type_ in TEXTS
    ]
    worth = set(likely(connection, source, texts, ANY))
    for (name, type_, _), stat in zip(columns, stats, strict=True):
        if name in worth:
            found += _of_text(connection, source, name, few=stat.get("distinct", FEW) < FEW)
        elif stat["n"] and type_ == "integer":
            found += _of_integers(connection, source, name, stat)
    found += [
        {"columns": each.columns, "kind": PersonalKind.track.value, "count": each.rows}
        for each in tracks.found(connection, table, columns, stats)
    ]
    known = {(*each["columns"], each["kind"]) for each in found}
    called = {name: (titles or {}).get(name) or name for name, _, _ in columns}
    found += [
        each for each in _of_titles(connection, called) if (*each["columns"], each["kind"]) not in known
    ]
    return {"rules": RULES, "rows": rows, "scanned": round(rows * share), "found": found}


def _hit(name: str, kind: PersonalKind, count: int, **more: int) -> dict[str, Any]:
    return {"columns": [name], "kind": kind.value, "count": count, **more}


def _named(name: str, words: Sequence[str]) -> bool:
    return any(word in name.casefold() for word in words)


def _matches(pattern: str) -> str:
    return f"regexp_matches(v, {literal(pattern)})"


def _ask(connection: duckdb.DuckDBPyConnection, values: str, asked: dict[str, str]) -> dict[str, int]:
    """How many cells of ``values`` (each ``v`` stands in ``w`` of them) meet each condition."""
    told = ", ".join(f"coalesce(sum(w) FILTER ({condition}), 0)::BIGINT" for condition in asked.values())
    row = connection.execute(f"SELECT {told} FROM {values}").fetchone() or ()
    return dict(zip(asked, row, strict=True))


def _of_text(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, *, few: bool
) -> list[dict[str, Any]]:
    weighed = f"count(*) AS w FROM {source} GROUP BY ALL" if few else f"1 AS w FROM {source}"
    values = f"(SELECT {ident(name)}::VARCHAR AS v, {weighed})"
    addresses = _ask(
        connection,
        f"(SELECT v, w, regexp_full_match(v, {literal(BARE_DEVICE)}) AS hex FROM {values})",
        {
            "n": "v IS NOT NULL",
            "email": f"contains(v, '@') AND {_matches(EMAIL)} AND NOT {_matches(PICTURE)}",
            "hex": "hex",
            "letters": "hex AND regexp_matches(v, '[A-Fa-f]')",
        },
    )
    phones = f"regexp_extract_all(v, {literal(WRITTEN)}, 1)"
    digits = "length(regexp_replace(x, '[^0-9]', '', 'g'))"
    told = addresses | _ask(
        connection,
        f"(SELECT v, w FROM {values} WHERE {_matches(MARKS)})",
        {
            "phone": f"len(list_filter({phones}, lambda x: {digits} BETWEEN {PHONE_DIGITS[0]} AND {PHONE_DIGITS[1]})) > 0",
            "mobile": _matches(MOBILE),
            "bare": _matches(BARE),
            "spelt": _matches(SPELT_DEVICE),
            "ip": _matches(IP),
            **personal_numbers.of_text(),
        },
    )
    found = [*_numbers(name, told), *_phones(name, told)]
    if count := _devices(name, told):
        found.append(_hit(name, PersonalKind.device, count, known=_known(connection, values)))
    if told["email"]:
        found.append(_hit(name, PersonalKind.email, told["email"]))
    if told["ip"] and not _named(name, VERSION_WORDS):
        found.append(_hit(name, PersonalKind.ip, told["ip"]))
    return found


def _of_titles(connection: duckdb.DuckDBPyConnection, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row of values may have been taken for titles; then it goes wherever those of the columns go."""
    worth = connection.execute(
        "SELECT name, title FROM (SELECT unnest(?::VARCHAR[]) AS name, unnest(?::VARCHAR[]) AS title)"
        f" WHERE regexp_matches(title, {literal(ANY)})",
        [list(titles), list(titles.values())],
    ).fetchall()
    return [
        hit
        for name, title in worth
        for hit in _of_text(connection, f"(SELECT {literal(title)} AS {ident(name)})", name, few=False)
    ]


def _of_integers(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, stat: dict[str, Any]
) -> list[dict[str, Any]]:
    """Numbers that were read as such: the zeros before a personal number of this century are gone."""
    if stat["max"] < 10**6 or stat["min"] < 0:
        return []
    column = ident(name)
    values = f"(SELECT {column}::BIGINT AS v, 1 AS w FROM {source} WHERE {column} IS NOT NULL)"
    told = _ask(connection, values, personal_numbers.of_integer())
    found = _numbers(name, told)
    if not found and _named(name, PHONE_WORDS):
        found.append(_hit(name, PersonalKind.phone, stat["n"]))
    return found


def _numbers(name: str, told: dict[str, int]) -> list[dict[str, Any]]:
    """Of ten digits that begin with a date, one in ten has a right check digit by chance: far more must have it."""
    named = _named(name, personal_numbers.WORDS)
    count = told["dashed"] if told["dashed"] >= HALF * max(1, told["dashed_dated"]) else 0
    if told["plain"] >= (1 if named else SEVERAL) and told["plain"] >= HALF * told["plain_dated"]:
        count += told["plain"]
    return [_hit(name, PersonalKind.personal_number, count)] if count else []


def _phones(name: str, told: dict[str, int]) -> list[dict[str, Any]]:
    count = told["phone"]
    if _named(name, PHONE_WORDS):
        count = max(count, told["bare"])
    elif told["mobile"] >= SEVERAL and told["mobile"] >= HALF * told["bare"]:
        count += told["mobile"]
    return [_hit(name, PersonalKind.phone, count)] if count else []


def _devices(name: str, told: dict[str, int]) -> int:
    """Sixteen hexadecimal digits alone are an EUI-64 where the column holds little else."""
    alone = told["hex"] >= HALF * told["n"] and (told["letters"] or _named(name, DEVICE_WORDS))
    return told["spelt"] + (told["hex"] if alone else 0)


def _know(connection: duckdb.DuckDBPyConnection, devices: Iterable[Any]) -> None:
    """Every name of a device as ``_known`` compares it."""
    connection.execute("CREATE OR REPLACE TEMP TABLE known_devices (name VARCHAR)")
    names = {
        "".join(sign for sign in str(name) if sign.isalnum()).lower()
        for each in devices
        for name in each.get("names") or ()
    }
    if told := sorted(name for name in names if name.isascii() and len(name) in {12, 16}):
        connection.execute("INSERT INTO known_devices SELECT unnest(?)", [told])


def _known(connection: duckdb.DuckDBPyConnection, values: str) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(w), 0)::BIGINT FROM "
        f"(SELECT w, lower(regexp_replace(v, '[^0-9A-Za-z]', '', 'g')) AS name FROM {values}) "
        "SEMI JOIN known_devices USING (name)"
    ).fetchone()
    return int(row[0]) if row else 0
