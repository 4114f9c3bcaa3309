"""An installation that mails and calls, its worker, and where its calls end."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from testbed.app import KINDS
from testbed.jobs import Kind, Workshop
from testbed.notices import calling
from testbed.settings import Settings
from testbed.web.shell import Shell
from tests import cast
from tests.conftest import BASE, alive, app_of
from tests.notices.door import Door
from tests.post import mailing


@pytest.fixture
def on(settings, sink) -> Settings:
    return mailing(settings, sink.port, webhooks=True)


@pytest.fixture
def shop(db, store, on) -> Workshop:
    return Workshop(db, store, on)


@pytest.fixture
async def client(on) -> AsyncIterator[httpx.AsyncClient]:
    inner = app_of(on)
    async with alive(inner):
        yield asking(inner, on)


def asking(inner: Litestar, settings: Settings) -> httpx.AsyncClient:
    """A client of an app that is alive."""
    transport = httpx.ASGITransport(app=Shell(inner, settings), raise_app_exceptions=False)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=BASE)


@pytest.fixture
async def trial(db) -> int:
    async with db.raw() as connection:
        pilot = await cast.running_pilot(connection, visibility="public")
        return await cast.trial_of(connection, pilot)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def kinds(door) -> dict[str, Kind]:
    """All kinds of jobs; those that call end at the door."""
    return {**KINDS, **calling.kinds(door)}
