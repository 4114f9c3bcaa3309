"""Mistakes at the keyboard end in a sentence and exit code 2, before anything is sent."""

import os
import subprocess
import sys
from io import StringIO
from typing import get_args

import pytest

from testbed.access.models import Access
from testbed.sending.command import Who
from testbed.sending.kept import Begun, Memory, Taken
from testbed.sending.target import Target, Unclear, target
from testbed.sending.telling import Bar, Rate

HERE = "http://127.0.0.1:1/trials/3"


@pytest.mark.parametrize(
    ("trial", "server", "meant"),
    [
        ("https://tb.example.se/trials/12", None, Target("https://tb.example.se", 12)),
        ("https://tb.example.se/trials/12/upload?lang=en#file", None, Target("https://tb.example.se", 12)),
        ("https://example.se/stad/testbed/trials/12", None, Target("https://example.se/stad/testbed", 12)),
        ("12", "https://tb.example.se/", Target("https://tb.example.se", 12)),
        (
            "https://tb.example.se/trials/12",
            "https://inside.example.se",
            Target("https://inside.example.se", 12),
        ),
        ("http://127.0.0.1:8000/trials/1", None, Target("http://127.0.0.1:8000", 1)),
        ("1", "http://[::1]:8000", Target("http://[::1]:8000", 1)),
        ("1", "http://localhost:8000", Target("http://localhost:8000", 1)),
    ],
)
def test_a_trial_is_meant_by_its_number_or_its_page(trial, server, meant):
    assert target(trial, server) == meant


@pytest.mark.parametrize(
    ("trial", "server", "told"),
    [
        ("12", None, "Say which service"),
        ("vintern", "https://tb.example.se", "--trial takes"),
        ("12", "tb.example.se", "--server takes"),
        ("12", "ftp://tb.example.se", "--server takes"),
        ("12", "https://tb.example.se/?x=1", "--server takes"),
        ("12", "https://bo:secret@tb.example.se", "--server takes"),
        ("12", "https://tb.example.se:99999", "--server takes"),
        ("http://tb.example.se/trials/12", None, "unencrypted"),
        ("12", "http://localhost.example.se", "unencrypted"),
    ],
)
def test_what_cannot_be_meant_is_told(trial, server, told):
    with pytest.raises(Unclear, match=told):
        target(trial, server)


def test_http_to_another_machine_has_to_be_wanted():
    assert target("12", "http://10.0.0.7", allow_http=True) == Target("http://10.0.0.7", 12)


def test_every_answer_to_who_may_see_a_file_can_be_given():
    assert set(get_args(Who)) == {str(each) for each in Access}


async def test_a_file_that_is_not_there_stops_everything(terminal, tmp_path, file):
    assert await terminal.run(file, tmp_path / "april.csv", "--trial", HERE) == 2
    assert "april.csv: No such file or directory. Nothing was sent." in terminal.warned


async def test_a_folder_is_no_file(terminal, tmp_path):
    assert await terminal.run(tmp_path, "--trial", HERE) == 2
    assert "is a folder: name the files in it" in terminal.warned


async def test_a_pipe_is_no_file(terminal, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert await terminal.run(tmp_path / "pipe", "--trial", HERE) == 2
    assert "is not a regular file" in terminal.warned


async def test_without_a_token_it_says_where_one_is_made(terminal, file, monkeypatch):
    monkeypatch.delenv("TESTBED_TOKEN")

    assert await terminal.run(file, "--trial", HERE) == 2
    assert "One with the scope upload is made under My account." in terminal.warned


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"tb_p_x y"])
async def test_a_token_file_has_to_hold_a_token(terminal, file, tmp_path, content):
    (tmp_path / "token").write_bytes(content)

    assert await terminal.run(file, "--trial", HERE, "--token-file", tmp_path / "token") == 2
    assert "token" in terminal.warned.lower()


async def test_a_token_file_that_is_not_there_is_told(terminal, file, tmp_path):
    assert await terminal.run(file, "--trial", HERE, "--token-file", tmp_path / "nowhere") == 2
    assert "cannot be read: No such file or directory." in terminal.warned


def test_it_asks_for_no_setting_of_a_service(file):
    """A misspelt setting stops every other command."""
    environment = {**os.environ, "TESTBED_MISSPELT": "1", "TESTBED_TOKEN": "x"}

    ran = subprocess.run(
        [sys.executable, "-m", "testbed", "upload", str(file), "--trial", "12"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ran.returncode == 2
    assert ran.stderr.startswith("Say which service")


def test_what_is_remembered_belongs_to_one_process_at_a_time(tmp_path):
    memory = Memory(tmp_path / "kept")

    with memory.of("a", 1) as note:
        note.write(Begun("000001", "ab"))
        with pytest.raises(Taken), memory.of("a", 1):
            pass
        with memory.of("a", 2) as other:
            assert other.read() == Begun()

    with memory.of("a", 1) as note:
        assert note.read() == Begun("000001", "ab")
        note.forget()
    with memory.of("a", 1) as note:
        assert note.read() == Begun()


def test_a_memory_that_was_cut_off_is_no_memory(tmp_path):
    with Memory(tmp_path).of("a") as note:
        note.path.write_text('{"upload": "0000')
        assert note.read() == Begun()


def test_the_rate_is_that_of_the_last_seconds():
    now = iter([0.0, 1.0, 30.0, 31.0])
    rate = Rate(lambda: next(now))

    assert rate.at(0) == 0
    assert rate.at(1_000_000) == 1_000_000
    assert rate.at(1_000_000) == 0
    assert rate.at(1_500_000) == 500_000


def test_a_bar_is_one_line_that_says_how_far_it_is():
    now = iter([n * 0.5 for n in range(20)])
    out = StringIO()
    bar = Bar(out, lambda: next(now))

    bar.begin("mars.csv", 4_000_000)
    for done in (0, 1_000_000, 2_000_000):
        bar.at(done)

    drawn = out.getvalue().split("\r")[-1]
    assert drawn.startswith("mars.csv  [############------------]  50 %, 1.907 MiB of 3.815 MiB, ")
    assert drawn.endswith(" s left")
