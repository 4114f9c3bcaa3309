"""``testbed doctor``: what was promised, looked at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from alembic.config import Config
from alembic.script import ScriptDirectory

from testbed import smtp
from testbed.activity import broken_link
from testbed.db import Database
from testbed.files import Store
from testbed.settings import Settings, shipped

KEPT = """
    SELECT 'result ' || code AS what, sha256, size FROM result
    UNION ALL SELECT 'table of result ' || code, parquet_sha256, NULL FROM result WHERE parquet_sha256 IS NOT NULL
    UNION ALL SELECT 'Parquet of version ' || id, parquet_sha256, parquet_size FROM version
    UNION ALL SELECT 'CSV of version ' || id, csv_sha256, csv_size FROM version
"""
UNSENT = """
    SELECT (SELECT count(*) FROM mail WHERE state = 'failed' AND created_at > now() - interval '7 days') AS letters,
           (SELECT count(*) FROM webhook WHERE paused_why IS NOT NULL AND archived_at IS NULL) AS webhooks
"""
OFF = "off: TESTBED_{} is not set"
LOST = "SELECT id FROM job WHERE state = 'running' AND lease_until < now() - interval '60 s'"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as promised."""

    what: str
    detail: str


async def run(
    db: Database, store: Store, settings: Settings, say: Callable[[str], None], *, deep: bool = False
) -> int:
    """Look at everything and tell what was found; 0 if all is as promised, else 1."""
    found = 0
    for line in await _switched(db, settings):
        say(line)
    async for finding in _findings(db, store, settings, deep=deep):
        found += 1
        say(f"{finding.what}: {finding.detail}")
    say(f"{found} findings." if found else "Everything is as promised.")
    return 1 if found else 0


async def _findings(db: Database, store: Store, settings: Settings, *, deep: bool) -> AsyncIterator[Finding]:
    async with db.raw() as connection:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        letters = await connection.fetchval("SELECT lower('ÅÄÖ') = 'åäö'")
        lost = await connection.fetch(LOST)
        kept = await connection.fetch(KEPT)
    if revision != (head := _head()):
        yield Finding("schema", f"it is at {revision}, this program needs {head}; run: testbed migrate")
    if not letters:
        yield Finding("database locale", "it does not know å, ä and ö; create it with the locale C.UTF-8")
    for row in lost:
        yield Finding(f"job {row['id']}", "its worker fell silent and nobody took it; is a worker running?")
    if (
        deep
        and settings.smtp_host is not None
        and (trouble := await asyncio.to_thread(smtp.trouble, settings))
    ):
        yield Finding("mail server", f"it takes no mail: {trouble}")
    async with db.begin() as session:
        if (broken := await broken_link(session)) is not None:
            yield Finding(f"activity {broken}", "its row does not fit its seal")
    for row in kept:
        async for finding in _file(store, row["what"], row["sha256"], row["size"], deep=deep):
            yield finding


async def _switched(db: Database, settings: Settings) -> list[str]:
    """What the operator may switch on, how it stands, and what did not leave though nothing of ours is broken."""
    async with db.raw() as connection:
        there = await connection.fetchval(
            "SELECT to_regclass('webhook') IS NOT NULL"
        )  # not before a migration
        unsent = await connection.fetchrow(UNSENT) if there else {"letters": 0, "webhooks": 0}
    mail = (
        f"on, by {settings.smtp_host}:{settings.smtp_port}" if settings.smtp_host else OFF.format("SMTP_HOST")
    )
    told = [f"Mail is {mail}.", f"Webhooks are {'on' if settings.webhooks else OFF.format('WEBHOOKS')}."]
    if unsent["letters"]:
        told.append(
            f"{unsent['letters']} letters of the last seven days did not leave; the table mail says why."
        )
    if unsent["webhooks"]:
        told.append(f"{unsent['webhooks']} webhooks are paused because their address does not answer.")
    return told


async def _file(
    store: Store, what: str, sha256: str, size: int | None, *, deep: bool
) -> AsyncIterator[Finding]:
    there = await store.size(sha256)
    if there is None:
        yield Finding(what, f"its file {sha256} is missing")
    elif size is not None and there != size:
        yield Finding(what, f"its file {sha256} has {there} bytes, not {size}")
    elif deep and not await store.verify(sha256):
        yield Finding(what, f"its file {sha256} is damaged")


def _head() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    return ScriptDirectory.from_config(config).get_current_head()
