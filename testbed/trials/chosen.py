"""Which table schema holds for a trial; below everything that shows or decides results."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.trials.models import TableSchema


async def current(session: AsyncSession, trial_id: int) -> TableSchema | None:
    """The schema that files of the trial are checked against from now on: the one with the highest number."""
    query = select(TableSchema).where(col(TableSchema.trial_id) == trial_id)
    return (await session.exec(query.order_by(col(TableSchema.number).desc()).limit(1))).first()
