"""Somebody at a terminal elsewhere: a home of their own, a token, a file to send."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed import cli
from testbed.sending import command, sender
from tests.cast import token_of
from tests.live import served
from tests.sending.cutting import Cutter, cutting
from tests.sending.double import Double

FAST = (0.01,) * 11


@dataclass
class Terminal:
    """``run`` is the command in this process; ``said`` and ``warned`` are what it printed last."""

    capture: Any
    said: str = ""
    warned: str = ""
    argv: list[str] = field(default_factory=list)

    async def run(self, *words: object) -> object:
        """The exit code."""
        sys.argv = ["testbed", "upload", *map(str, words)]
        status = await asyncio.to_thread(self._run)
        self.said, self.warned = self.capture.readouterr()
        return status

    def _run(self) -> object:
        try:
            cli.main()
        except SystemExit as left:
            return left.code
        raise AssertionError("a command ends with an exit code")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """Waits between tries are short here, and what is remembered lies in the test's folder."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TESTBED_TOKEN", token_of("Bo"))
    monkeypatch.setattr(command, "FIRST_WAITS_SECONDS", FAST)
    monkeypatch.setattr(sender, "CHECKING_SECONDS", 0.01)
    monkeypatch.setattr(command, "WAITS_SECONDS", FAST)
    return Terminal(capsys)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], list[Path]]:
    """What is remembered of uploads that did not end."""
    return lambda: sorted((tmp_path / "state" / "testbed" / "uploads").glob("*.json"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mars.csv"
    path.write_bytes(b"".join(b"%06d;%d\n" % (n, n * 7 % 101) for n in range(700)))  # about seven chunks
    return path


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.fixture
async def way(double: Double) -> AsyncIterator[Cutter]:
    """A way to the double that can be cut."""
    async with served(double) as (host, port), cutting(host, port) as cutter:
        yield cutter
