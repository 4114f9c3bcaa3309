"""A running pilot with a trial, a result of LTU's in it, and a worker."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from testbed.db import Database
from testbed.files import Store
from testbed.settings import Settings
from tests.cast import running_pilot, trial_of
from tests.datasets.kept import received, worker

CODE = "LUL-2026-901"


@pytest.fixture
async def pilot(db: Database) -> int:
    async with db.raw() as connection:
        return await running_pilot(connection, CODE)


@pytest.fixture
async def trial(db: Database, pilot: int) -> int:
    async with db.raw() as connection:
        return await trial_of(connection, pilot)


@pytest.fixture
async def result(db: Database, store: Store, trial: int) -> int:
    async with db.raw() as connection:
        return await received(connection, store, trial)


@pytest.fixture
async def working(db: Database, store: Store, settings: Settings) -> AsyncIterator[None]:
    async with worker(db, store, settings):
        yield


@pytest.fixture
def snow(result: int) -> dict[str, Any]:
    """A dataset as it is sent in."""
    return {
        "title": {"sv": "Snödjup i hamnen", "en": "Snow depth in the harbour"},
        "description": {"sv": "Timvis, för hand.", "en": "Hourly, by hand."},
        "pilot": CODE,
        "results": [result],
        "licence": "CC-BY-4.0",
        "access": "public",
        "keywords": ["snö"],
    }
