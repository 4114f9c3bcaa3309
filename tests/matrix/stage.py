"""A service with the world in it, in which whatever a request does is gone once it was answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.db import Database
from testbed.settings import Settings
from tests.matrix.asking import Answer, Question, call, plain
from tests.matrix.builder import World
from tests.matrix.judge import told_apart, verdict, wrong
from tests.matrix.oracle import Principal, Thing
from tests.matrix.requests import Try
from tests.matrix.world import PRINCIPALS

HELD: ContextVar[AsyncConnection] = ContextVar("held")
# Tables this transaction wrote to, also where a savepoint took it back; tries are counted, whoever tries.
WRITTEN = """
    SELECT relname FROM pg_stat_xact_user_tables
    WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND relname <> 'rate_bucket' ORDER BY relname
"""


class Undone(Database):
    """Every transaction of one ``request`` is a savepoint in a transaction that is rolled back after it."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=1)
        # Statements come back many times: planning each anew costs more than running it.
        kept = {"prepared_statement_cache_size": 5000, "statement_cache_size": 5000}
        server = {"timezone": "UTC", "jit": "off", "plan_cache_mode": "force_generic_plan"}
        self.engine = create_async_engine(
            self.url,
            pool_size=1,
            max_overflow=0,
            query_cache_size=20_000,
            connect_args={**kept, "server_settings": server},
        )

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        async with self.engine.connect() as connection:
            await connection.begin()
            held = HELD.set(connection)
            try:
                yield
            finally:
                HELD.reset(held)
                await connection.rollback()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(HELD.get(), join_transaction_mode="create_savepoint", expire_on_commit=False)
        async with session as opened, opened.begin():
            yield opened

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[asyncpg.Connection]:
        pooled = await HELD.get().get_raw_connection()
        yield pooled.driver_connection

    async def written(self) -> frozenset[str]:
        """The tables this request wrote to so far; most requests are seen not to have written at all."""
        async with self.raw() as connection:
            if await connection.fetchval("SELECT pg_current_xact_id_if_assigned() IS NULL"):
                return frozenset()
            found = frozenset(row["relname"] for row in await connection.fetch(WRITTEN))
            await connection.execute(
                "SELECT pg_stat_force_next_flush()"
            )  # else the next request is told again
            return found


class Stage:
    """The service, its world and all its routes."""

    def __init__(self, app: Any, db: Undone, world: World, tries: list[Try], settings: Settings) -> None:
        self.app, self.db, self.world, self.tries, self.settings = app, db, world, tries, settings
        self._hidden: dict[str, set[str]] = {}
        self._verdicts: dict[tuple[str, str], dict[str, list[Thing | None]]] = {}

    def hidden(self, who: Principal) -> set[str]:
        """The canaries a person must never meet."""
        if who.name not in self._hidden:
            self._hidden[who.name] = self.world.hidden_from(who)
        return self._hidden[who.name]

    def verdicts(self, who: Principal, one: Try) -> dict[str, list[Thing | None]]:
        """The rows of a route by how it has to answer."""
        key = (who.name, one.name)
        if key not in self._verdicts:
            kinds: dict[str, list[Thing | None]] = {}
            for thing in one.things(self.world):
                kinds.setdefault(verdict(self.world, who, plain(one, thing)), []).append(thing)
            self._verdicts[key] = kinds
        return self._verdicts[key]

    def first_of(self, who: Principal, one: Try) -> Principal:
        """The first of the cast to whom every row of a route has to answer as it has to answer to ``who``."""
        return next(
            each
            for each in PRINCIPALS
            if (each.signed_in, each.scopes) == (who.signed_in, who.scopes)
            and self.verdicts(each, one) == self.verdicts(who, one)
        )

    async def deviations(self, who: Principal, question: Question, answer: Answer) -> list[str]:
        """Everything an answer does otherwise than the policy says, and every canary that got out."""
        found = list(wrong(self.world, who, question, answer, self.hidden(who)))
        if question.absent is not None:
            none = await self.ask(who, question.absent)
            found += [f"{who.name} {told}" for told in told_apart(question, answer, none)]
        return found

    async def ask(self, who: Principal, question: Question) -> Answer:
        headers = {**who.headers, "host": "testserver", "accept": question.face}
        if question.kind:
            headers |= {"content-type": question.kind, "content-length": str(len(question.content))}
        headers |= dict(question.headers)
        async with self.db.request():
            status, told, text = await call(self.app, question, headers)
            return Answer(status, told, text, await self.db.written())
