"""Where a result stands: what it was checked against, what was decided, what it corrects and what corrects it."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed
from testbed.lists import Ref
from testbed.trials import families
from testbed.trials.chosen import current
from testbed.trials.families import TAKEN
from testbed.trials.models import Result, TableSchema
from testbed.trials.views import Standing


async def standing(session: AsyncSession, actor: Actor, result: Result) -> Standing:
    """The standing of a result the actor may view; of others it names only those the actor may view too."""
    now = await current(session, result.trial_id)
    checked = await session.get(TableSchema, result.schema_id) if result.schema_id else None
    above = await _seen(session, actor, col(Result.id) == result.replaces_id) if result.replaces_id else []
    corrections = await families.corrections_of(session, [result])
    shown = {
        each.id for each in await _seen(session, actor, col(Result.id).in_([each.id for each in corrections]))
    }
    instead = await _seen(
        session, actor, col(Result.replaces_id) == result.id, ~col(Result.corrects), col(Result.acceptance).in_(TAKEN)
    )  # fmt: skip
    return Standing(
        acceptance=result.acceptance,
        needed=now is not None,
        schema_number=checked.number if checked else None,
        outdated=bool(now and checked and now.id != checked.id),
        answers=result.answers,
        reason=result.acceptance_reason,
        accepted_at=result.accepted_at,
        asked_at=result.asked_at,
        corrects=ref(above[0]) if above and result.corrects else None,
        correction=families.correction(result),
        replaces=ref(above[0]) if above and not result.corrects else None,
        replaced_by=ref(instead[0]) if instead else None,
        corrections=[ref(each) for each in corrections if each.id in shown],
        left=families.left_aside(result, corrections),
    )


def ref(result: Result) -> Ref:
    return Ref(id=result.id, title=f"{result.filename} ({result.code})", url=f"/results/{result.code}")


async def _seen(session: AsyncSession, actor: Actor, *where: Any) -> list[Result]:
    query: Any = select(Result).where(*where, allowed(actor, VIEW, Result)).order_by(col(Result.id))
    return [row[0] for row in (await session.exec(query)).all()]
