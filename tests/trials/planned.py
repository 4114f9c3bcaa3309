"""Deliveries that tests plan, and days as people in Luleå count them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from testbed.db import Database
from tests.cast import CECILIA

HOME = ZoneInfo("Europe/Stockholm")


def today() -> date:
    return datetime.now(HOME).date()


def in_days(number: int) -> str:
    return (today() + timedelta(days=number)).isoformat()


async def partner_id(db: Database, slug: str) -> int:
    async with db.raw() as connection:
        number: int = await connection.fetchval("SELECT id FROM partner WHERE slug = $1", slug)
    return number


async def planned(
    client: httpx.AsyncClient,
    db: Database,
    trial: int,
    *,
    due: str | int = 10,
    partner: str = "lunet",
    **more: Any,
) -> dict[str, Any]:
    """Cecilia, the researcher, plans a delivery from a partner; ``due`` is a day, or days from today."""
    body = {
        "title": {"sv": "Vecka 1", "en": "Week 1"},
        "from_partner_id": await partner_id(db, partner),
        "due_on": due if isinstance(due, str) else in_days(due),
    }
    answer = await client.post(f"/trials/{trial}/deliveries", json=body | more, headers=CECILIA)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
