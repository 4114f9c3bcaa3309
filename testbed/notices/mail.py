"""Letters: kept with the change they tell of, written once for each receiver, sent by the worker.

A letter goes out at least once: when a worker dies between the server's yes and ours, it goes out again with the
same Message-ID, by which mailboxes know it as one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed import smtp
from testbed.db import driver
from testbed.jobs import Kind, Task, Workshop, later
from testbed.notices.models import MailState
from testbed.people.models import MailKind
from testbed.settings import Settings
from testbed.texts import FALLBACK

log = structlog.get_logger(__name__)

KIND = "mail"
PAUSES_SECONDS = (60, 300, 1800, 7200, 28_800, 86_400)
"""How long to wait after each try that failed: a minute, five, half an hour, two hours, eight, a day."""

KEEP = """
    INSERT INTO mail (kind, person_id, address, subject, body, once, state) VALUES ($1, $2, $3, $4, $5, $6, 'waiting')
    ON CONFLICT (once) DO NOTHING RETURNING id
"""
ACTIVE = """
    membership m JOIN partner ON partner.id = m.partner_id AND partner.archived_at IS NULL
    JOIN person ON person.id = m.person_id AND person.state = 'active'
    WHERE m.partner_id = $1 AND m.from_on <= (now() AT TIME ZONE 'Europe/Stockholm')::date
      AND coalesce(m.to_on, 'infinity') >= (now() AT TIME ZONE 'Europe/Stockholm')::date
"""
COLUMNS = "person.id, person.email, person.locale, $2 = ANY(person.mail_off) AS off"
MANAGERS = f"SELECT {COLUMNS} FROM {ACTIVE} AND m.role = 'manager' ORDER BY person.id"  # noqa: S608 - our own constants
MEMBERS = f"SELECT {COLUMNS} FROM {ACTIVE} AND person.id = ANY($3) ORDER BY person.id"  # noqa: S608 - our own constants
PERSON = f"SELECT {COLUMNS} FROM person WHERE id = $1 AND state = 'active'"  # noqa: S608 - our own constant
MAILBOX = "SELECT contact_mailbox FROM partner WHERE id = $1 AND archived_at IS NULL"
TAKE = """
    SELECT mail.*, person.locale, mail.person_id IS NOT NULL AND person.state IS DISTINCT FROM 'active' AS gone
    FROM mail LEFT JOIN person ON person.id = mail.person_id WHERE mail.id = $1
"""
# The number of tries is the fence: of two workers that tried the same letter, one writes down what came of it.
TRIED = """
    UPDATE mail SET attempts = attempts + 1, state = $3::text, error = $4,
           sent_at = CASE WHEN $3::text = 'sent' THEN now() END
    WHERE id = $1 AND attempts = $2 AND state = 'waiting' RETURNING id
"""
GIVEN_UP = "UPDATE mail SET state = 'failed', error = $2 WHERE id = $1 AND state = 'waiting'"
FORGET = "DELETE FROM mail WHERE state <> 'waiting' AND created_at < now() - interval '90 days'"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom a letter is for, in which language; a mailbox of an organisation is nobody in particular."""

    address: str
    person_id: int | None = None
    language: str = FALLBACK


def _receiver(row: asyncpg.Record) -> Receiver:
    return Receiver(row["email"], row["id"], row["locale"] or FALLBACK)


async def person(session: AsyncSession, number: int | None, kind: MailKind) -> Receiver | None:
    """Somebody who is active here and wants this kind of mail."""
    row = await (await driver(session)).fetchrow(PERSON, number, kind) if number is not None else None
    return _receiver(row) if row is not None and not row["off"] else None


async def managers(session: AsyncSession, partner_id: int, kind: MailKind) -> list[Receiver]:
    """The managers of a partner who want this kind of mail."""
    rows = await (await driver(session)).fetch(MANAGERS, partner_id, kind)
    return [_receiver(row) for row in rows if not row["off"]]


async def members(
    session: AsyncSession, partner_id: int, people: Sequence[int], kind: MailKind
) -> list[Receiver]:
    """Those of ``people`` who are members of a partner today and want this kind of mail."""
    rows = await (await driver(session)).fetch(MEMBERS, partner_id, kind, list(people))
    return [_receiver(row) for row in rows if not row["off"]]


async def belong(session: AsyncSession, partner_id: int, people: Sequence[int]) -> bool:
    """Whether anybody of ``people`` is a member of a partner today, whatever mail they want."""
    return bool(await (await driver(session)).fetch(MEMBERS, partner_id, "", list(people)))


async def mailbox(session: AsyncSession, partner_id: int) -> Receiver | None:
    """The mailbox of an organisation, if it has one."""
    found = await (await driver(session)).fetchval(MAILBOX, partner_id)
    return Receiver(found) if found else None


async def write(
    session: AsyncSession,
    settings: Settings,
    to: Receiver,
    kind: MailKind,
    letter: tuple[str, str],
    once: str,
) -> bool:
    """Keep a letter (subject, body) in this transaction and ask for it to be sent; False if it was written before.

    ``once`` names what it is about; with the address of the receiver it is unique.
    """
    if settings.smtp_host is None:
        return False
    subject, body = letter
    kept = (
        kind,
        to.person_id,
        to.address,
        " ".join(subject.split())[:300],
        body,
        f"{once}:{to.address}"[:400],
    )
    number = await (await driver(session)).fetchval(KEEP, *kept)
    if number is not None:
        await later(session, KIND, mail=number)
    return number is not None


async def deliver(task: Task) -> Mapping[str, Any]:
    """Send one letter, or ask for another try after the next pause."""
    settings, number = task.shop.settings, int(task.args["mail"])
    async with task.shop.db.raw() as connection:
        row = await connection.fetchrow(TAKE, number)
    if row is None or row["state"] != MailState.waiting:
        return {"state": row["state"] if row is not None else "gone"}
    if settings.smtp_host is None or row["gone"]:
        return await _tried(task, row, MailState.dropped)
    letter = smtp.Letter(
        row["identifier"], row["address"], row["subject"], row["body"], row["locale"] or FALLBACK
    )
    try:
        await asyncio.to_thread(smtp.send, settings, letter)
    except smtp.Refused as error:
        return await _tried(task, row, MailState.failed, str(error))
    except smtp.Away as error:
        last = row["attempts"] >= len(PAUSES_SECONDS)
        return await _tried(task, row, MailState.failed if last else MailState.waiting, str(error))
    return await _tried(task, row, MailState.sent)


async def _tried(
    task: Task, row: asyncpg.Record, state: MailState, error: str | None = None
) -> dict[str, Any]:
    """Write down what a try came to; another one is asked for in the same transaction."""
    number, attempts = row["id"], row["attempts"]
    async with task.shop.db.begin() as session:
        connection = await driver(session)
        told = error[:1000] if error else None
        ours = await connection.fetchval(TRIED, number, attempts, state, told)
        if ours is not None and state == MailState.waiting:
            await later(session, KIND, after_seconds=PAUSES_SECONDS[attempts], mail=number)
    if error:
        log.warning("mail not sent", mail=number, state=state, error=error)
    return {"state": str(state), "attempts": attempts + 1}


async def gave_up(shop: Workshop, args: Mapping[str, Any], error: str) -> None:
    """Give a letter an end that killed every worker which tried it."""
    async with shop.db.raw() as connection:
        await connection.execute(GIVEN_UP, int(args["mail"]), error[:1000])


async def forget(session: AsyncSession) -> None:
    """Drop letters of long ago: what they said is said on the pages."""
    await (await driver(session)).execute(FORGET)


KINDS = {KIND: Kind(deliver, gave_up)}
