"""The world, built once, and a service that forgets every request."""

import gc
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testbed.app import create_app
from testbed.datasets import publishing
from testbed.db import Database
from testbed.embedded import Login
from testbed.files import store_of
from testbed.people.passwords import hashed
from testbed.settings import Settings
from testbed.web.shell import Shell
from tests.conftest import BASE, alive, made
from tests.matrix.guards import watched
from tests.matrix.requests import tries
from tests.matrix.stage import Stage, Undone
from tests.matrix.survey import Survey
from tests.matrix.world import PASSWORD, build


@pytest.fixture(scope="module")
async def stage(server: Login, template: str, folder: Path) -> AsyncIterator[Stage]:
    data = Path(tempfile.mkdtemp(prefix="d-", dir=folder))
    data.chmod(0o755)
    async with made(server, template) as url:
        settings = Settings(
            base_url=BASE, database_url=url, data_dir=data, free_bytes_floor=0, password_memory_kib=8, password_rounds=1,
            webhooks=True,
        )  # fmt: skip
        async with Database(url) as db, db.raw() as connection:
            world = await build(connection, store_of(settings))
            password = await hashed(settings, PASSWORD)
            await connection.execute("UPDATE person SET password_hash = $1 WHERE state = 'active'", password)
        undone = Undone(url)
        inner = create_app(settings, undone)
        async with alive(inner):
            gc.freeze()  # what is there by now stays; looking through it again and again costs a tenth of the time
            yield Stage(Shell(inner, settings), undone, world, tries(inner), settings)
    gc.unfreeze()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
async def survey(stage: Stage) -> AsyncIterator[Survey]:
    """Every question, asked once, with every guard watched."""
    found = Survey(stage)
    with pytest.MonkeyPatch.context() as patch, watched(patch):
        patch.setattr(publishing, "WAIT_SECONDS", 0.0)  # no worker runs here
        patch.setattr("testbed.datasets.routes.BROWSER_WAITS", 0.0)
        await found.look()
        yield found
