"""The one door to PostgreSQL: pool, sessions, raw connections, migrations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

import asyncpg
import msgspec
import sqlalchemy.exc
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.embedded import Cluster, running
from testbed.errors import Unavailable
from testbed.settings import Settings, shipped
from testbed.texts import message

if TYPE_CHECKING:
    from alembic.config import Config

AWAY = message("The database is away for the moment. Nothing was changed; try again shortly.")
GONE = {
    "57P01",
    "57P02",
    "57P03",
    "53300",
    "53200",
    "55P03",
    "57014",
    "40001",
    "40P01",
    "08006",
    "08003",
    "08001",
}


class Database:
    """An engine and the sessions made from it. Use as ``async with Database(url) as db``.

    ``url`` is ``postgresql://…``; passwords may be given apart from it, so that they enter no log.
    """

    def __init__(self, url: str, *, password: str | None = None, pool_size: int = 12) -> None:
        made = make_url(url).set(drivername="postgresql+asyncpg")
        self.url: URL = made if password is None else made.set(password=password)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,  # one more would be opened and closed for a single request
            pool_timeout=2,
            pool_recycle=1800,
            pool_use_lifo=True,
            # the conditions of rights are long and their rows few: compiling them costs more than running them
            json_deserializer=msgspec.json.decode,
            connect_args={"timeout": 5, "server_settings": {"timezone": "UTC", "jit": "off"}},
        )
        self.sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Open a session in one transaction: commit on success, roll back on error.

        Raises:
            Unavailable: the database is away, or has no connection left within two seconds.
        """
        with _away():
            async with self.sessions() as opened, opened.begin():
                yield opened

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a pooled asyncpg connection for work that outlives the request session (streams)."""
        async with self.engine.connect() as connection:
            pooled = await connection.get_raw_connection()
            yield pooled.driver_connection

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, outside the pool: for LISTEN and for health."""
        words: dict[str, Any] = dict(self.url.query)
        return await asyncpg.connect(
            host=words.get("host") or self.url.host,
            port=self.url.port,
            user=self.url.username,
            password=self.url.password,
            database=self.url.database,
            timeout=5,
        )


class _away:  # noqa: N801 - reads as a statement: with _away()
    """Turn what a driver says when its server is away into one domain error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and is_away(error):
            raise Unavailable(AWAY, retry_after=5) from error


def is_away(error: BaseException) -> bool:
    """Whether this error says that the server is absent, stopping, full or too slow, not that we are wrong."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return (
            error.connection_invalidated or state in GONE or (error.orig is not None and is_away(error.orig))
        )
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in GONE
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    absent = (ConnectionError, asyncio.TimeoutError, TimeoutError)
    unix = isinstance(error, FileNotFoundError) and error.filename is None
    return isinstance(error, absent) or unix


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """Return the asyncpg connection inside the session's transaction, for COPY and SQL text.

    SQLAlchemy sends BEGIN with its first statement, not when the session opens; COPY issued
    before that would commit on its own. The empty statement forces BEGIN.
    """
    connection = await session.connection()
    pooled = await connection.get_raw_connection()
    raw = cast("asyncpg.Connection", pooled.driver_connection)
    if not raw.is_in_transaction():
        await connection.exec_driver_sql("SELECT")
    return raw


async def listen(
    db: Database, channel: str, heard: Callable[[str], object], *, again_s: float = 5.0
) -> NoReturn:
    """Hear every NOTIFY on a channel over a connection of its own, until cancelled; connect again when it breaks.

    ``heard`` is called with what was said, and with "" each time the line is up, as something may have been missed.
    """
    while True:
        try:
            await _hear(db, channel, heard)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(again_s)


async def _hear(db: Database, channel: str, heard: Callable[[str], object]) -> None:
    """As ``listen``, until the connection breaks."""
    connection, gone = await db.connect(), asyncio.Event()
    try:
        connection.add_termination_listener(lambda *_: gone.set())
        await connection.add_listener(channel, lambda *said: heard(said[-1]))
        heard("")
        await gone.wait()
    finally:
        connection.terminate()


async def migrate(db: Database, target: str = "head") -> None:
    """Bring the schema to ``target``, one transaction a revision.

    Several processes may call this at once: an advisory lock (in ``migrations/env.py``) makes the
    others wait and then find nothing to do. Not twice at once within one process: Alembic's
    context is a global. Costs one query where nothing is to be done, which is nearly always.
    """
    if target == "head" and await _newest_already(db):
        return

    def upgrade(config: "Config") -> None:
        from alembic import command

        command.upgrade(config, target)

    await in_alembic(db, upgrade)


async def _newest_already(db: Database) -> bool:
    """Whether the schema is at the newest of our revisions, which are numbered."""
    newest = max(path.name for path in shipped("migrations").glob("versions/[0-9]*.py"))[:4]
    async with db.raw() as connection:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return False
        found: list[str] = await connection.fetchval("SELECT array_agg(version_num) FROM alembic_version")
    return found == [newest]


async def in_alembic(db: Database, what: Callable[["Config"], object]) -> None:
    """Run one of Alembic's commands on a connection of ours instead of one that it opens."""
    from alembic.config import Config  # slow to import, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        what(config)

    async with db.engine.connect() as connection:
        await connection.run_sync(run)


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL that can be reached: ``owner()`` may migrate, ``app()`` may only read and write rows.

    ``cluster`` is the embedded one, none where the operator runs their own.
    """

    owner: Callable[[], Database]
    app: Callable[[], Database]
    cluster: Cluster | None = None


@contextmanager
def server(settings: Settings, say: Callable[[str], None]) -> Iterator[Server]:
    """The server these settings name: an external one, or the embedded one, joined or started.

    Raises:
        CannotStart: the embedded one did not start.
    """
    if settings.database_url is not None:
        yield Server(lambda: external(settings), lambda: external(settings))
        return
    with running(settings.data_dir, os_user=settings.postgres_os_user, say=say) as cluster:
        owner, app = cluster.owner, cluster.app
        yield Server(
            lambda: Database(owner.url, password=owner.password),
            lambda: Database(app.url, password=app.password),
            cluster,
        )


def external(settings: Settings) -> Database:
    """The database that ``settings.database_url`` names.

    Raises:
        ValueError: no URL is set.
    """
    if settings.database_url is None:
        raise ValueError("TESTBED_DATABASE_URL is not set")
    file = settings.database_password_file
    return Database(settings.database_url, password=file.read_text().strip() if file else None)
