"""A real PostgreSQL for every test: one server, one database that is as new for each of them, all on one event loop.

The server is the embedded one, started from the binaries in ``TESTBED_TEST_PG_BIN`` when that is set.
"""

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar
from sqlalchemy import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from xdist.scheduler import LoadFileScheduling

from testbed import db as database
from testbed import log
from testbed.app import create_app
from testbed.db import Database, migrate
from testbed.embedded import Login, running
from testbed.files import Store, store_of
from testbed.settings import Settings
from testbed.texts import FALLBACK, language
from testbed.web.shell import Shell
from tests import cast
from tests.kept import Kept, Lasting
from tests.post import Sink, sink_at

FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB"}
BASE = "http://testserver"
KEPT = "kept_"  # begins the name of a database that is kept between tests
LASTING: dict[URL, Lasting] = {}


LONGEST = ["matrix", "browser", "faults"]
"""Folders whose tests share what is dear to make: one process takes all of them, and begins with them."""


class Sharing(LoadFileScheduling):  # type: ignore[misc]
    """What the processes take from one another: a file of tests, or a whole folder where making its world costs most."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        folder = Path(file).parent.name
        return folder if folder in LONGEST else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process has minutes to go when the others are done."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.parent.name, len(LONGEST)))


@pytest.fixture(autouse=True)
def _in_swedish() -> None:
    """Every test begins in the language that holds where nobody chose one, whatever the one before it spoke."""
    language.set(FALLBACK)


@pytest.fixture(scope="session", autouse=True)
def _plain_log() -> None:
    """Tracebacks without the values of variables: drawing those takes half a minute."""
    log.set_up(readable=False)
    logging.getLogger("access").setLevel(logging.WARNING)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Every test opens the database anew, and would compile its statements anew: a fifth of a second a test.

    They are kept by dialect, so engines share the first one's, which knows the same server. The database that is kept
    between tests has one engine, so that its connections are kept too.
    """
    first: Engine | None = None

    def sharing(url: URL, **more: Any) -> AsyncEngine:
        nonlocal first
        if url in LASTING:
            return LASTING[url]
        engine = create_async_engine(url, query_cache_size=10_000, **more)
        first = first or engine.sync_engine
        engine.sync_engine.dialect = first.dialect
        engine.sync_engine._compiled_cache = first._compiled_cache
        if KEPT in str(url.database):
            LASTING[url] = engine = Lasting(engine.sync_engine)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_async_engine", sharing)
        yield


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that other users may pass through, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="tb-", dir=memory if memory.is_dir() else "/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Login]:
    """The superuser's way into the server that all tests use."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else a run cut short leaves its server behind
    given = os.environ.get("TESTBED_TEST_PG_BIN")
    with running(
        folder / "v", bin_dir=Path(given) if given else None, options=FAST, say=lambda _: None
    ) as cluster:
        yield cluster.login("postgres", "postgres")


def url_of(server: Login, database: str) -> str:
    password, host = quote(server.password, safe=""), quote(str(server.host), safe="/")
    return f"postgresql://{server.user}:{password}@/{database}?host={host}"


@asynccontextmanager
async def made(server: Login, template: str = "template1", begins: str = "t_") -> AsyncIterator[str]:
    """Make a database, yield its URL, and drop it."""
    name = f"{begins}{uuid4().hex}"
    admin = await asyncpg.connect(**server.kwargs())
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield url_of(server, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
async def template(server: Login) -> AsyncIterator[str]:
    """Name of a migrated database, with the cast in it, that every test's database is cloned from."""
    async with made(server) as url:
        async with Database(url) as db:
            await migrate(db)
            async with db.raw() as connection:
                await cast.enter(connection)
        yield url.split("@/")[1].split("?")[0]


@pytest.fixture
async def empty_url(server: Login) -> AsyncIterator[str]:
    """URL of a database without any table."""
    async with made(server) as url:
        yield url


@pytest.fixture(scope="session")
async def lasting(server: Login, template: str) -> AsyncIterator[Kept]:
    """A database with the cast in it, for one test after the other."""
    async with made(server, template, KEPT) as url:
        keeping = await Kept.begin(url)
        yield keeping
        await keeping.end()
        for engine in LASTING.values():
            await engine.end()


@pytest.fixture
async def database_url(lasting: Kept) -> AsyncIterator[str]:
    """URL of a database with nothing but the cast in it."""
    yield lasting.url
    await lasting.put_back()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def lasting_folder(folder: Path) -> Path:
    """A data folder for one test after the other."""
    made = Path(tempfile.mkdtemp(prefix="d-", dir=folder))
    made.chmod(0o755)
    return made


@pytest.fixture
def data_dir(lasting_folder: Path) -> Iterator[Path]:
    """A data folder in which nothing lies but the store's 256 folders, which take as long to make as a short test."""
    yield lasting_folder
    for place in lasting_folder.iterdir():
        if place.name == "blobs":
            for file in place.glob("*/*"):
                file.unlink()
        elif place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()


@pytest.fixture
def settings(database_url: str, data_dir: Path) -> Settings:
    """Settings of a service of its own: its database, its files, passwords that cost nothing."""
    return Settings(
        base_url=BASE,
        database_url=database_url,
        data_dir=data_dir,
        free_bytes_floor=0,
        upload_max_bytes=50_000_000,
        password_memory_kib=8,
        password_rounds=1,
    )


@pytest.fixture
def store(settings: Settings) -> Store:
    return store_of(settings)


@asynccontextmanager
async def alive(app: Litestar) -> AsyncIterator[Litestar]:
    """Enter and leave the app's lifespan in one task, as it must be; fixtures do not promise that."""
    up, down = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            up.set()
            await down.wait()

    life = asyncio.create_task(live())
    ready = asyncio.create_task(up.wait())
    await asyncio.wait({life, ready}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        ready.cancel()
        await life  # it failed: say so
    try:
        yield app
    finally:
        down.set()
        await life


APPS: dict[str, Litestar] = {}


def app_of(settings: Settings) -> Litestar:
    """An app with these settings; one at a time is alive of those that differ by database, folder and mail server only.

    Building one takes half a second, so a process builds one and gives it another test's settings.
    """
    rest = settings.model_dump_json(exclude={"database_url", "data_dir", "smtp_port"})
    app = APPS[rest] = APPS.get(rest) or create_app(settings)
    app.state.settings = settings
    return app


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Shell]:
    inner = app_of(settings)
    async with alive(inner):
        yield Shell(inner, settings)


@pytest.fixture
async def client(app: Shell) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app on the test's own event loop; answers arrive whole (``tests/live.py`` has a real server)."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as opened:
        yield opened


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A mail server for one test."""
    async with sink_at() as kept:
        yield kept
