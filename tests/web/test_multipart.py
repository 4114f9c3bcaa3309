from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import DomainError, Invalid, TooLarge
from testbed.web.multipart import FIELDS_BYTES, Broken, form_with_file, parts

TYPE = "multipart/form-data; boundary=limit"
PLENTY = 2**30


def form(*fields: tuple[str, str | None, bytes], end: bytes = b"--limit--\r\n") -> bytes:
    """A body of (name, file name or None, content)."""
    body = bytearray()
    for name, filename, content in fields:
        named = "" if filename is None else f'; filename="{filename}"'
        body += f'--limit\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
        body += content + b"\r\n"
    return bytes(body) + end


async def sent(body: bytes, step: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]


async def received(
    body: bytes, step: int = 65_536, most_bytes: int = PLENTY
) -> tuple[dict[str, str], str, bytes]:
    found = await form_with_file(TYPE, sent(body, step), most_bytes=most_bytes)
    return found.fields, found.filename, b"".join([chunk async for chunk in found.chunks])


def test_the_parser_litestar_uses_is_not_hidden_by_ours():
    assert hasattr(import_module("multipart"), "PushMultipartParser")


@pytest.mark.parametrize("step", [1, 7, 65_536])
async def test_fields_come_first_and_the_file_streams_after_them(step):
    body = form(("note", None, "första försöket".encode()), ("file", "mätning.csv", b"a;b\r\n--limi\r\n1;2"))

    assert await received(body, step) == ({"note": "första försöket"}, "mätning.csv", b"a;b\r\n--limi\r\n1;2")


async def test_the_file_is_handed_on_before_the_form_has_ended():
    more = False

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal more
        yield form(("file", "a.csv", b"first"), end=b"")[:-2]
        more = True
        yield b"\r\n--limit--\r\n"

    found = await form_with_file(TYPE, slowly(), most_bytes=PLENTY)
    first = await anext(found.chunks)

    assert (first, more) == (b"first", False)
    await found.chunks.aclose()


@given(content=st.binary(max_size=2_000), step=st.integers(1, 200))
async def test_any_content_arrives_as_it_was_sent(content, step):
    if b"\r\n--limit" in b"\r\n" + content:
        return

    assert (await received(form(("file", "a.bin", content)), step))[2] == content


@pytest.mark.parametrize("kept", range(0, 118, 3))
async def test_a_form_cut_off_anywhere_is_refused(kept):
    body = form(("note", None, b"x"), ("file", "a.csv", b"1;2"))
    whole = len(body) - 2  # the line end after the last boundary may be missing
    assert kept < whole

    with pytest.raises((Broken, Invalid)):
        await received(body[:kept])


async def test_a_file_cut_off_in_the_middle_is_said_to_be_cut():
    with pytest.raises(Broken, match="cut off"):
        await received(form(("file", "a.csv", b"1;2"), end=b""))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (form(("file", "a.csv", b"1"), ("note", None, b"x")), "before the file"),
        (form(("file", "a.csv", b"1"), ("file", "b.csv", b"2")), "one file"),
        (form(("note", None, b"x"), ("note", None, b"y"), ("file", "a.csv", b"1")), "twice"),
        (form(("note", None, b"\xff"), ("file", "a.csv", b"1")), "not valid"),
        (b"no form at all", "not valid"),
        (b"--limit\r\nContent-Disposition: form-data\r\n\r\nx\r\n--limit--\r\n", "not valid"),
        (b'--limit\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--limit--\r\n', "not valid"),
        (b"--limit\r\nBad header\r\n\r\nx\r\n--limit--\r\n", "not valid"),
        (b"--limit\r\n" + b"X-A: b\r\n" * 9 + b"\r\nx\r\n--limit--\r\n", "not valid"),
        (b"--limit\r\nX-A: " + b"b" * 5_000 + b"\r\n\r\nx\r\n--limit--\r\n", "not valid"),
        (b"", "cut off"),
    ],
)
async def test_a_wrong_form_is_refused_with_its_reason(body, says):
    with pytest.raises(Broken, match=says) as refusal:
        await received(body)

    assert refusal.value.status == 400


@pytest.mark.parametrize(
    "content_type",
    ["", "text/csv", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a"],
)
async def test_what_is_no_form_is_refused_by_its_type(content_type):
    with pytest.raises(Broken, match="multipart/form-data"):
        await form_with_file(content_type, sent(b"x"), most_bytes=PLENTY)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form(("note", None, b"x")), "file"),
        (form(("file", "", b"")), "file"),
        (form(("data", "", b"")), "data"),
    ],
)
async def test_a_form_without_a_chosen_file_asks_for_one_beside_its_field(body, field):
    with pytest.raises(Invalid) as refusal:
        await received(body)

    assert list(refusal.value.fields) == [field]


async def test_a_form_over_its_limit_is_refused_while_it_arrives():
    body = form(("file", "a.csv", b"x" * 10_000))

    with pytest.raises(TooLarge):
        await received(body, step=100, most_bytes=5_000)


async def test_fields_beside_the_file_have_a_limit_together():
    half = b"x" * (FIELDS_BYTES // 2)
    fits = form(("a", None, half), ("b", None, half), ("file", "a.csv", b"1"))
    over = form(("a", None, half), ("b", None, half + b"x"), ("file", "a.csv", b"1"))

    assert (await received(fits))[2] == b"1"
    with pytest.raises(TooLarge):
        await received(over)


async def test_a_form_of_countless_parts_is_refused():
    body = form(*[(f"f{number}", None, b"") for number in range(65)])

    with pytest.raises(TooLarge):
        async for _ in parts(TYPE, sent(body), most_bytes=PLENTY):
            pass


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a.csv", "a.csv"),
        ("say %22hi%22.csv", 'say "hi".csv'),
        ("a\u202evsc.exe", "avsc.exe"),
    ],
)
async def test_the_name_of_the_file_becomes_a_label(given_name, kept):
    assert (await received(form(("file", given_name, b"1"))))[1] == kept


@given(body=st.binary(max_size=400))
async def test_no_bytes_bring_the_parser_down(body):
    with suppress(DomainError):
        await received(b"--limit\r\n" + body, step=13)
