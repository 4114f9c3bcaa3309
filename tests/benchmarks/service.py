"""The service and the bare server it is held against, each a process of its own on a free port."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
LISTENING = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)")
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """``data`` is the data folder; ``started_s`` the time from the command to the first line that says it listens."""

    port: int
    process: subprocess.Popen[str]
    data: Path
    started_s: float

    def peak_rss_bytes(self) -> int:
        """The most memory the web process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A folder on a real disk that the database's user may pass through."""
    made = Path(tempfile.mkdtemp(prefix="testbed-bench-", dir="/var/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def started(words: list[str], data: Path, **environment: str) -> Iterator[Running]:
    """Run a command of ours until it listens, and end it after."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TESTBED_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=TOP,
        env=kept | {"TESTBED_DATA_DIR": str(data)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Running(_port(process), process, data, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    deadline = time.monotonic() + PATIENCE_SECONDS
    for line in process.stdout:
        if found := LISTENING.search(line):
            return int(found[1])
        if time.monotonic() > deadline:
            break
    raise RuntimeError("the server does not listen")


def cli(data: Path, *words: str) -> str:
    """Run a command of ours to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "testbed", *words],
        cwd=TOP,
        env={**os.environ, "TESTBED_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
