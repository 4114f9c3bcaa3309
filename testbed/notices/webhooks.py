"""Addresses of partners' own systems, and the events they are told: signed, ids and links only."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, fetch
from testbed.activity import history, record
from testbed.db import driver
from testbed.errors import Conflict, NotFound
from testbed.jobs import later
from testbed.notices.models import (
    CallItem,
    CallState,
    Happening,
    Webhook,
    WebhookDelivery,
    WebhookDraft,
    WebhookItem,
    WebhookMade,
    WebhooksView,
    WebhookView,
)
from testbed.outgoing import target
from testbed.partners.models import Partner
from testbed.revisions import archive
from testbed.texts import message

MANAGE, KIND = "webhook.manage", "webhook"
MOST = 5
TEST = "test"
OFF = message(
    "Calls to partners' systems are switched off in this installation. The operator can switch them on."
)
ENOUGH = message("A partner has five addresses at most. Remove one first.")
ALREADY = message("This was done already.")
SECRET_BYTES = 32

ANNOUNCE = """
    INSERT INTO webhook_delivery (webhook_id, event, once, data, state)
    SELECT id, $2::text, $3, $4, CASE WHEN paused_at IS NULL THEN 'waiting' ELSE 'held' END FROM webhook
    WHERE partner_id = $1 AND archived_at IS NULL AND $2::text = ANY(events)
    ON CONFLICT (webhook_id, once) DO NOTHING RETURNING id, state
"""
RELEASE = """
    UPDATE webhook_delivery SET state = 'waiting', attempts = 0
    WHERE webhook_id = $1 AND state = 'held' AND created_at > now() - interval '7 days' RETURNING id
"""
DROP = """
    UPDATE webhook_delivery SET state = 'failed', error = 'removed' WHERE webhook_id = $1 AND state IN ('waiting', 'held')
"""
ITEMS = """
    SELECT w.id, w.url, w.events, w.paused_at, w.paused_why, w.created_at,
           count(d.id) FILTER (WHERE d.state IN ('waiting', 'held')) AS waiting,
           count(d.id) FILTER (WHERE d.state = 'failed' AND d.created_at > now() - interval '7 days') AS failed,
           max(d.tried_at) FILTER (WHERE d.state = 'delivered') AS delivered_at
    FROM webhook w LEFT JOIN webhook_delivery d ON d.webhook_id = w.id
    WHERE w.partner_id = $1 AND w.archived_at IS NULL AND ($2::bigint IS NULL OR w.id = $2)
    GROUP BY w.id ORDER BY w.id
"""


def spelt(secret: bytes) -> str:
    """A secret as people copy it: ``whsec_`` and base64, as the Standard Webhooks specification has it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


async def announce(
    session: AsyncSession, partner_id: int, event: Happening, data: Mapping[str, Any], *, once: str
) -> int:
    """Tell a partner's systems of an event once this transaction commits; return how many addresses there are.

    ``data`` is ids and ``links`` (paths here), never content. ``once`` names this event: told again, it is not.
    """
    connection = await driver(session)
    await session.flush()
    rows = await connection.fetch(ANNOUNCE, partner_id, event, once, json.dumps(data))
    for row in rows:
        if row["state"] == CallState.waiting:
            await later(session, KIND, call=row["id"], attempt=0)
    return len(rows)


async def register(
    session: AsyncSession, actor: Actor, slug: str, draft: WebhookDraft, *, on: bool
) -> WebhookMade:
    """Register an address and make its secret, which is in this answer and nowhere else.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Invalid: no address that may be called. Conflict: switched off, or five are enough.
    """
    partner = await fetch(session, actor, MANAGE, Partner, col(Partner.slug) == slug, lock=True)
    if not on:
        raise Conflict(OFF)
    target(draft.url)
    alive = (Webhook.partner_id == partner.id, col(Webhook.archived_at).is_(None))
    if (await session.exec(select(func.count()).select_from(Webhook).where(*alive))).one() >= MOST:
        raise Conflict(ENOUGH, fields={"url": ENOUGH})
    events = [str(each) for each in dict.fromkeys(draft.events)]
    made = Webhook(
        partner_id=partner.id, url=draft.url, secret=secrets.token_bytes(SECRET_BYTES), events=events,
        created_by_id=actor.person_id,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    await session.refresh(made)
    await _log(session, actor, "webhook.register", made, url=made.url, events=events)
    return WebhookMade(id=made.id, partner=partner.name, slug=slug, url=made.url, secret=spelt(made.secret))


async def _log(session: AsyncSession, actor: Actor, action: str, hook: Webhook, **details: Any) -> None:
    await record(session, actor, action, "webhook", hook.id, partner_id=hook.partner_id, **details)


async def page(session: AsyncSession, actor: Actor, slug: str, *, on: bool) -> WebhooksView:
    """The addresses of a partner, for those who manage it."""
    partner = await fetch(session, actor, MANAGE, Partner, col(Partner.slug) == slug)
    rows = await (await driver(session)).fetch(ITEMS, partner.id, None)
    items = [WebhookItem.model_validate(dict(row)) for row in rows]
    return WebhooksView(partner=partner.name, slug=partner.slug, on=on, items=items)


async def view(session: AsyncSession, actor: Actor, slug: str, number: int, *, on: bool) -> WebhookView:
    """One address, with the last 50 events that were told to it."""
    partner, hook = await _hook(session, actor, slug, number)
    row = await (await driver(session)).fetchrow(ITEMS, partner.id, hook.id)
    if row is None:
        raise NotFound(ABSENT)
    calls = await session.exec(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == hook.id)
        .order_by(col(WebhookDelivery.id).desc())
        .limit(50)
    )
    return WebhookView.model_validate(
        dict(row),
        update={
            "partner": partner.name,
            "slug": partner.slug,
            "on": on,
            "calls": [CallItem.model_validate(each, from_attributes=True) for each in calls],
            "activity": await history(session, "webhook", hook.id),
        },
    )


async def _hook(
    session: AsyncSession, actor: Actor, slug: str, number: int, *, lock: bool = False
) -> tuple[Partner, Webhook]:
    partner = await fetch(session, actor, MANAGE, Partner, col(Partner.slug) == slug)
    query = select(Webhook).where(Webhook.id == number, Webhook.partner_id == partner.id)
    found = (await session.exec(query.with_for_update() if lock else query)).one_or_none()
    if found is None or found.archived_at is not None:
        raise NotFound(ABSENT)
    return partner, found


async def send_test(session: AsyncSession, actor: Actor, slug: str, number: int, *, on: bool) -> None:
    """Tell an address a made-up event, so that one can see whether it answers, also while it is paused.

    Raises:
        Conflict: calls are switched off.
    """
    partner, hook = await _hook(session, actor, slug, number, lock=True)
    if not on:
        raise Conflict(OFF)
    made = WebhookDelivery(
        webhook_id=hook.id, event=TEST, once=f"{TEST}:{secrets.token_hex(8)}",
        data={"partner": partner.slug, "links": {"partner": f"/partners/{partner.slug}"}},
    )  # fmt: skip
    session.add(made)
    await session.flush()
    await session.refresh(made)
    await later(session, KIND, call=made.id, attempt=0)
    await _log(session, actor, "webhook.test", hook)


async def pause(session: AsyncSession, actor: Actor, slug: str, number: int, *, back: bool = False) -> None:
    """Keep events for an address until it is taken up again; then those of the last seven days go out.

    Raises:
        Conflict: done already.
    """
    _, hook = await _hook(session, actor, slug, number, lock=True)
    if (hook.paused_at is None) == back:
        raise Conflict(ALREADY)
    now: datetime = (await session.exec(select(func.now()))).one()
    hook.paused_at, hook.paused_why = (None, None) if back else (now, None)
    hook.row_version += 1
    session.add(hook)
    await session.flush()
    if back:
        for row in await (await driver(session)).fetch(RELEASE, hook.id):
            await later(session, KIND, call=row["id"], attempt=0)
    await _log(session, actor, "webhook.resume" if back else "webhook.pause", hook)


async def remove(session: AsyncSession, actor: Actor, slug: str, number: int) -> None:
    """Forget an address: nothing more is sent there, what waited is dropped."""
    _, hook = await _hook(session, actor, slug, number, lock=True)
    await archive(session, actor, hook, action="webhook.remove")
    await (await driver(session)).execute(DROP, hook.id)
