"""Which results a dataset may hold: where their trial has a table schema, the accepted ones, each with its corrections."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, not_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import allowed
from testbed.trials import families
from testbed.trials.families import TAKEN
from testbed.trials.models import Acceptance, Result, TableSchema


def settled() -> ColumnElement[bool]:
    """Results that may be chosen: accepted, or open in a trial without a schema. Corrections come with their original."""
    has_schema = exists(select(literal(1)).where(col(TableSchema.trial_id) == col(Result.trial_id)))
    untold = and_(col(Result.acceptance) == Acceptance.open, not_(has_schema))
    return and_(or_(col(Result.acceptance).in_(TAKEN), untold), not_(col(Result.corrects)))


async def unsettled(session: AsyncSession, results: Sequence[Result]) -> list[Result]:
    """Those that may not, or no longer, be held."""
    query: Any = select(col(Result.id)).where(col(Result.id).in_([each.id for each in results]), settled())
    fine = {row[0] for row in (await session.exec(query)).all()}
    return [each for each in results if each.id not in fine]


async def with_corrections(session: AsyncSession, results: Sequence[Result]) -> list[Result]:
    """Every result followed by the accepted corrections of it, in the order they came: the rows of a version."""
    return families.joined(results, await families.corrections_of(session, results))


async def permitted(
    session: AsyncSession, actor: Actor, action: str, results: Sequence[Result]
) -> list[Result]:
    """Those of the results that the actor may do ``action`` with."""
    query: Any = select(col(Result.id)).where(
        col(Result.id).in_([each.id for each in results]), allowed(actor, action, Result)
    )
    fine = {row[0] for row in (await session.exec(query)).all()}
    return [each for each in results if each.id in fine]
