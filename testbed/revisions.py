"""How records change: nobody's save is overwritten unseen, and every change is written down."""

import re
import secrets
import unicodedata
from typing import Any

from sqlmodel import SQLModel, func
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.activity import changes, record
from testbed.errors import Conflict, Stale
from testbed.texts import message

STALE = message("Somebody saved this meanwhile. Nothing of yours is lost: compare, and save again.")
BEING_WRITTEN = {"row_version", "updated_at", "updated_by_id"}


async def revise(
    session: AsyncSession,
    actor: Actor,
    row: SQLModel,
    written: dict[str, Any],
    seen_version: int,
    *,
    action: str,
    pilot_id: int | None = None,
    before: dict[str, Any] | None = None,
) -> bool:
    """Write ``written`` (column → value) over a row that was fetched with ``lock=True``; whether anything changed.

    With ``before``, both are values that belong to the row but are kept elsewhere: the caller writes them.

    Raises:
        Stale: the row is not at ``seen_version`` any more; carries the row as it is now.
    """
    kept: Any = row
    elsewhere = before is not None
    before = {name: getattr(kept, name) for name in written} if before is None else before
    if kept.row_version != seen_version:
        raise Stale(STALE, current={**_plain(before), "row_version": kept.row_version})
    changed = changes(before, written)
    if not changed:
        return False
    for name in () if elsewhere else changed:
        setattr(kept, name, written[name])
    _stamp(kept, actor)
    session.add(kept)
    await _log(session, actor, action, kept, pilot_id, changed=_plain(changed))
    return True


async def archive(
    session: AsyncSession,
    actor: Actor,
    row: SQLModel,
    *,
    action: str,
    pilot_id: int | None = None,
    back: bool = False,
) -> None:
    """Put a record away, or take it ``back``; it keeps its address and everything that points at it.

    Raises:
        Conflict: it is where it is wanted already.
    """
    kept: Any = row
    if (kept.archived_at is None) == back:
        raise Conflict(message("This was done already."))
    kept.archived_at = None if back else func.now()
    _stamp(kept, actor)
    session.add(kept)
    await _log(session, actor, action, kept, pilot_id)
    await session.refresh(kept)


def _stamp(kept: Any, actor: Actor) -> None:
    kept.row_version += 1
    if hasattr(kept, "updated_at"):
        kept.updated_at = func.now()
        kept.updated_by_id = actor.person_id


async def _log(
    session: AsyncSession, actor: Actor, action: str, kept: Any, pilot_id: int | None, **details: Any
) -> None:
    await session.flush()
    await session.refresh(kept)
    await record(session, actor, action, kept.__tablename__, kept.id, pilot_id=pilot_id, **details)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if value is None or isinstance(value, str | int | float | bool | list | dict)
        else str(value)
        for name, value in values.items()
    }


def slug_of(title: str) -> str:
    """Make a slug nobody has to choose: were it chosen, "taken" would tell of rows one may not see."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
    return f"{words or 'x'}-{secrets.token_hex(2)}"
