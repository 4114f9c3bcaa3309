"""Data folders to start the embedded server in."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.embedded.processes import start

MEMORY = Path("/dev/shm")


def _passable() -> Path:
    """A folder that others may pass, in memory where that is large: these tests make many clusters."""
    fit = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30
    fit = fit and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC  # programs are copied there, too
    made = Path(tempfile.mkdtemp(prefix="tb-", dir=MEMORY if fit else "/tmp"))
    made.chmod(0o755)
    return made


@pytest.fixture
def around() -> Iterator[Path]:
    """A folder that everybody may pass; what a killed process left running below it is stopped."""
    made = _passable()
    yield made
    for file in made.rglob("postmaster.pid"):
        with suppress(OSError, ValueError):
            os.kill(int(file.read_text().splitlines()[0]), signal.SIGQUIT)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def pattern() -> Iterator[Path]:
    """A data folder whose server was made and stopped, to copy: to make one takes a second."""
    made = _passable()
    with start(made / "h"):
        pass
    yield made / "h"
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def home(around: Path, pattern: Path) -> Path:
    """A data folder of our own in which the server has run once."""
    subprocess.run(["cp", "-a", pattern, around / "h"], check=True)
    return around / "h"


@pytest.fixture
def fresh(around: Path) -> Path:
    """A data folder not made yet."""
    return around / "f"
