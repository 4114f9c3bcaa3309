"""A running public pilot with one trial, in which Lunet (Bo) supplies and LTU (Cecilia) does research."""

import pytest

from testbed.jobs import Workshop
from tests import cast
from tests.trials.tus import Tus


@pytest.fixture
async def trial(db) -> int:
    async with db.raw() as connection:
        pilot = await cast.running_pilot(connection, visibility="public")
        return await cast.trial_of(connection, pilot)


@pytest.fixture
def shop(db, store, settings) -> Workshop:
    return Workshop(db, store, settings)


@pytest.fixture
def tus(client, trial) -> Tus:
    return Tus(client, trial)
