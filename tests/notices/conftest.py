"""A worker that has a mail server, and a trial that takes files."""

import pytest

from testbed.jobs import Workshop
from tests import cast
from tests.post import mailing


@pytest.fixture
def shop(db, store, settings, sink) -> Workshop:
    """A worker that has a mail server."""
    return Workshop(db, store, mailing(settings, sink.port))


@pytest.fixture
async def trial(db) -> int:
    async with db.raw() as connection:
        pilot = await cast.running_pilot(connection, visibility="public")
        return await cast.trial_of(connection, pilot)
