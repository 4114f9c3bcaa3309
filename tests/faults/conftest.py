"""One data folder is filled for the whole run; every test that breaks something gets a copy."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.service import Service, command

WORLD = """
    WITH city AS (INSERT INTO partner (slug, name, kind, visibility) VALUES ('lulea', 'Luleå kommun', 'city', 'public') RETURNING id),
    place AS (INSERT INTO testbed (slug, name, environment, owner_partner_id, visibility)
              SELECT 'centrum', '{"sv": "Luleå centrum"}', 'real', id, 'public' FROM city RETURNING id),
    head AS (INSERT INTO testbed_coordinator (person_id, testbed_id) SELECT person.id, place.id FROM person, place),
    pilot AS (INSERT INTO pilot (testbed_id, code, title, lead_partner_id, stage, state, visibility)
              SELECT place.id, 'LUL-2026-001', '{"sv": "Pilot"}', city.id, 'running', 'active', 'public' FROM place, city RETURNING id),
    lead AS (INSERT INTO pilot_partner (pilot_id, partner_id, roles) SELECT pilot.id, city.id, '{lead}' FROM pilot, city)
    INSERT INTO trial (pilot_id, title, visibility) SELECT id, '{"sv": "Försök"}', 'public' FROM pilot RETURNING id
"""


@pytest.fixture(autouse=True, scope="session")
def needs_proc() -> None:
    if sys.platform != "linux":
        pytest.skip("asks /proc")


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that the database's user may pass through, on the disk: these tests are about what lasts."""
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # else a run cut short leaves its servers behind
    made = Path(tempfile.mkdtemp(prefix="tb-faults-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def pattern(ground: Path) -> Service:
    """A data folder with a person, a token, a pilot and a trial; nothing runs on it."""
    data = ground / "pattern"
    added = command(data, "person", "add", "maj@demo.example", "--name", "Maj", "--admin")
    assert added.returncode == 0, added.stderr
    made = Service(data, "", 0)
    made.trial = made.ask(WORLD)
    made.token = command(data, "token", "create", "--person", "maj@demo.example").stdout.split()[-1]
    assert made.token.startswith("tb_")
    return made


@pytest.fixture
def copied(pattern: Service, ground: Path) -> Iterator[Callable[[Path], Service]]:
    """Copies the pattern to a place; what runs there is ended after the test."""
    with ExitStack() as stack:

        def copy(place: Path) -> Service:
            subprocess.run(["cp", "--archive", f"{pattern.data}/.", str(place)], check=True)
            made = Service(place, pattern.token, pattern.trial)
            stack.callback(made.clear)
            return made

        yield copy


@pytest.fixture
def service(copied: Callable[[Path], Service], ground: Path) -> Service:
    """A service that is not started yet."""
    data = Path(tempfile.mkdtemp(prefix="d-", dir=ground))
    data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return copied(data)
