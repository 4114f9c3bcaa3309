"""Every way the body of a request can end."""

import asyncio

import pytest

from testbed.errors import Malformed
from testbed.trials.uploads import lines
from testbed.trials.uploads.lines import Line


async def body(*chunks: bytes, then: str = "end"):
    for chunk in chunks:
        yield chunk
    if then == "wait":
        await asyncio.Event().wait()
    if then == "break":
        raise Malformed("cut off")


async def test_it_comes_to_its_end():
    line = Line(body(b"ab", b"c"), 3)

    assert [chunk async for chunk in line] == [b"ab", b"c"]
    assert line.end == "whole"


@pytest.mark.parametrize(
    ("then", "most", "end"), [("break", 9, "broken"), ("wait", 9, "silent"), ("end", 2, "long")]
)
async def test_it_ends_otherwise(then, most, end, monkeypatch):
    monkeypatch.setattr(lines, "SILENT_SECONDS", 0.01)
    line = Line(body(b"ab", *([b"c"] if end == "long" else []), then=then), most)

    assert [chunk async for chunk in line] == [b"ab"]
    assert line.end == end


async def test_it_is_ended_from_outside_while_it_waits_however_often_that_is_said():
    line = Line(body(b"ab", then="wait"), 9)
    got = [await anext(line)]
    loop = asyncio.get_running_loop()
    for _ in range(3):
        loop.call_soon(line.stop)

    got += [chunk async for chunk in line]

    line.stop()
    assert (got, line.end) == ([b"ab"], "stopped")


async def test_it_is_ended_from_outside_between_two_chunks():
    line = Line(body(b"ab", b"c"), 9)
    got = [await anext(line)]
    line.stop()

    got += [chunk async for chunk in line]

    assert (got, line.end) == ([b"ab"], "stopped")
