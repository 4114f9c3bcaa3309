"""Telling one event to one address: signed at each try, tried again for a day and a half, then paused and said."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.catalogues import gettext, spoken_in
from testbed.db import driver
from testbed.errors import Invalid
from testbed.jobs import Kind, Task, Workshop, later
from testbed.notices import mail
from testbed.notices.mail import PAUSES_SECONDS
from testbed.notices.models import CallState
from testbed.notices.webhooks import KIND, TEST
from testbed.outgoing import NoAnswer, NotPublic, Outgoing
from testbed.people.models import MailKind
from testbed.settings import Settings
from testbed.texts import message

log = structlog.get_logger(__name__)

SUBJECT = message("Calls to {host} are paused")
BODY = message(
    "Your system at {url} did not take an event after seven tries over a day and a half, so nothing more is sent there."
    " The last answer was: {error}.\n\nNothing is lost: the events wait for seven days. When your system answers again,"
    " send a test and take it up again here:\n{link}"
)
TAKE = """
    SELECT d.id, d.identifier, d.event, d.data::text AS data, d.created_at, d.state, d.attempts,
           w.id AS webhook_id, w.url, w.secret, w.paused_at IS NOT NULL AS paused, w.archived_at IS NOT NULL AS removed,
           w.partner_id, partner.slug
    FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id JOIN partner ON partner.id = w.partner_id
    WHERE d.id = $1
"""
# As with letters, the number of tries is the fence.
TRIED = """
    UPDATE webhook_delivery SET attempts = attempts + 1, state = $3, status = $4, error = $5, tried_at = now(),
           next_at = now() + make_interval(secs => $6)
    WHERE id = $1 AND attempts = $2 AND state = 'waiting' RETURNING id
"""
OFF = "switched off in this installation"
HOLD = "UPDATE webhook_delivery SET state = 'held', next_at = NULL WHERE id = $1 AND state = 'waiting'"
PAUSE = """
    UPDATE webhook SET paused_at = now(), paused_why = $2, row_version = row_version + 1
    WHERE id = $1 AND paused_at IS NULL RETURNING id
"""
GIVEN_UP = "UPDATE webhook_delivery SET state = 'failed', error = $2 WHERE id = $1 AND state = 'waiting'"


def signature(secret: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body`` (Standard Webhooks)."""
    signed = b".".join([identifier.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def body_of(settings: Settings, row: Mapping[str, Any]) -> bytes:
    """What is sent: the event, when it happened, ids and links; the same bytes at every try."""
    data = json.loads(row["data"])
    data["links"] = {name: settings.base_url + path for name, path in data.get("links", {}).items()}
    told = {"type": row["event"], "timestamp": row["created_at"].isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(row: Mapping[str, Any], timestamp: int, body: bytes) -> dict[str, str]:
    identifier = named(row["identifier"])
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(row["secret"], identifier, timestamp, body),
        "content-type": "application/json",
        "user-agent": "testbed-webhooks",
    }


def named(identifier: UUID) -> str:
    return f"msg_{identifier.hex}"


class Caller:
    """Does the jobs that call; ``door`` is how the outside is reached."""

    def __init__(self, door: Outgoing) -> None:
        self.door = door

    async def call(self, task: Task) -> Mapping[str, Any]:
        """Tell one event to one address; what came of it is written down, and the next try asked for."""
        async with task.shop.db.raw() as connection:
            row = await connection.fetchrow(TAKE, int(task.args["call"]))
            if row is None or row["state"] != CallState.waiting or row["attempts"] != task.args["attempt"]:
                return {"state": "past"}
            if row["removed"] or not task.shop.settings.webhooks:
                await connection.execute(GIVEN_UP, row["id"], "removed" if row["removed"] else OFF)
                return {"state": str(CallState.failed)}
            if row["paused"] and row["event"] != TEST:
                await connection.execute(HOLD, row["id"])
                return {"state": "held"}
            now: int = await connection.fetchval("SELECT extract(epoch FROM now())::bigint")
        status, error = await self._answer(task.shop.settings, row, now)
        return await _tried(task.shop, row, status, error)

    async def _answer(
        self, settings: Settings, row: asyncpg.Record, now: int
    ) -> tuple[int | None, str | None]:
        """The status that came back, and what is wrong with it."""
        body = body_of(settings, row)
        try:
            status = await self.door.post(row["url"], body, headers_of(row, now, body))
        except (Invalid, NotPublic, NoAnswer) as error:
            return None, str(error)
        if 300 <= status < 400:
            return status, f"{status}: redirects are not followed"
        return status, None if 200 <= status < 300 else f"answered {status}"


async def _tried(
    shop: Workshop, row: asyncpg.Record, status: int | None, error: str | None
) -> dict[str, Any]:
    attempts = row["attempts"]
    again = error is not None and attempts < len(PAUSES_SECONDS) and row["event"] != TEST
    state = CallState.delivered if error is None else CallState.waiting if again else CallState.failed
    pause = float(PAUSES_SECONDS[attempts]) if again else None
    async with shop.db.begin() as session:
        connection = await driver(session)
        told = error[:400] if error else None
        ours = await connection.fetchval(TRIED, row["id"], attempts, state, status, told, pause)
        if ours is not None and pause is not None:
            await later(session, KIND, after_seconds=pause, call=row["id"], attempt=attempts + 1)
        elif ours is not None and error is not None and row["event"] != TEST:
            await _paused(session, shop.settings, row, error)
    if error:
        log.warning("webhook not delivered", call=row["id"], state=state, attempts=attempts + 1, error=error)
    return {"state": str(state), "status": status}


async def _paused(session: AsyncSession, settings: Settings, row: asyncpg.Record, error: str) -> None:
    """Stop calling an address that does not answer, keep what it missed, and tell its managers."""
    connection = await driver(session)
    if await connection.fetchval(PAUSE, row["webhook_id"], error[:400]) is None:
        return
    await connection.execute(
        "UPDATE webhook_delivery SET state = 'held' WHERE id = $1 AND state = 'failed'", row["id"]
    )
    words = {
        "host": row["url"].split("/")[2],
        "url": row["url"],
        "error": error,
        "link": f"{settings.base_url}/partners/{row['slug']}/webhooks/{row['webhook_id']}",
    }
    once = f"webhook:{row['webhook_id']}:{row['id']}"
    for manager in await mail.managers(session, row["partner_id"], MailKind.webhook):
        with spoken_in(manager.language):
            letter = gettext(SUBJECT).format(**words), gettext(BODY).format(**words)
        await mail.write(session, settings, manager, MailKind.webhook, letter, once)


async def gave_up(shop: Workshop, args: Mapping[str, Any], error: str) -> None:
    """Give a call an end that killed every worker which tried it."""
    async with shop.db.raw() as connection:
        await connection.execute(GIVEN_UP, int(args["call"]), error[:400])


def kinds(door: Outgoing) -> dict[str, Kind]:
    """The kind of job that calls, through a door."""
    return {KIND: Kind(Caller(door).call, gave_up)}
