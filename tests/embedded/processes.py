"""Processes that share the embedded server, and what tests ask of it."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from testbed.embedded import Login, running

OTHER_UID = 1  # daemon, on every system
BIN = os.environ.get("TESTBED_TEST_PG_BIN")
BIN_DIR = Path(BIN) if BIN else None
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives way to another user")
OPEN = all(each.stat().st_mode & 0o001 for each in Path(__file__).parents)
read_by_others = pytest.mark.skipif(
    os.geteuid() == 0 and not OPEN, reason="the checkout lies where other users may not read"
)
with_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc")
start = partial(running, bin_dir=BIN_DIR, options={"fsync": "off"})

CHILD = """
import os, signal, sys, threading
from pathlib import Path
from testbed import embedded, pg_server

home, bin_dir, user, step, after_s = sys.argv[1:]

def dying(real):
    def call(*given, **named):
        if float(after_s) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Timer(float(after_s), os.kill, (os.getpid(), signal.SIGKILL)).start()
        return real(*given, **named)
    return call

if step:
    *path, name = step.split(".")
    place = getattr(pg_server, path[0]) if path else pg_server
    setattr(place, name, dying(getattr(place, name)))
if user:
    os.setgroups([]); os.setgid(int(user)); os.setuid(int(user))
with embedded.running(Path(home), bin_dir=Path(bin_dir) if bin_dir else None):
    print("up", flush=True)
    sys.stdin.read()
"""


def child(
    home: Path, *, user: str = "", step: str = "", after_s: float = 0, path: str = ""
) -> "subprocess.Popen[str]":
    """A process that uses the server until its input ends, or is killed ``after_s`` it reached ``step``."""
    words = [sys.executable, "-c", CHILD, str(home), BIN or "", user, step, str(after_s)]
    found = os.pathsep.join([path, str(Path(__file__).parents[2])]).strip(os.pathsep)
    env = os.environ | {"PYTHONPATH": found}
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)


@contextmanager
def another(home: Path, **named) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server meanwhile."""
    with child(home, **named) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def pid_of(home: Path) -> int:
    return int((home / "pg/data/postmaster.pid").read_text().splitlines()[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def until(true, within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(true())


async def ask(login: Login, *questions: str) -> object:
    """The answer to the last question."""
    connection = await asyncpg.connect(**login.kwargs())
    try:
        for question in questions[:-1]:
            await connection.execute(question)
        return await connection.fetchval(questions[-1])
    finally:
        await connection.close()
