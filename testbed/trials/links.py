"""Trials and results as nodes of the evidence chain."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed
from testbed.devices.models import Deployment
from testbed.pilots import chain
from testbed.pilots.chain import Link, Node
from testbed.trials.models import Result, Trial


async def trials(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """Each trial rests on its pilot, and on the devices that measured in it."""
    query = (
        select(Trial)
        .where(col(Trial.pilot_id) == pilot_id, col(Trial.archived_at).is_(None), allowed(actor, VIEW, Trial))
        .order_by(col(Trial.id))
    )
    below = [
        f"pilot:{pilot_id}",
        *(f"device:{number}" for number in await _devices(session, pilot_id)),
    ]
    return [
        Node(
            key=f"trial:{trial.id}",
            kind=Link.trial,
            title=trial.title,
            url=f"/trials/{trial.id}",
            at=trial.created_at,
            rests_on=below,
        )
        for trial in await session.exec(query)
    ]


async def _devices(session: AsyncSession, pilot_id: int) -> list[int]:
    """Those that measured for the pilot; the chain drops those that the reader may not see."""
    query = select(col(Deployment.device_id)).where(col(Deployment.pilot_id) == pilot_id).distinct()
    return list(await session.exec(query.order_by(col(Deployment.device_id))))


async def results(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """Each result rests on its trial, and on what it corrects or replaces; its digest pins its content."""
    query = (
        select(Result)
        .join(Trial, col(Trial.id) == col(Result.trial_id))
        .where(
            col(Trial.pilot_id) == pilot_id, col(Result.archived_at).is_(None), allowed(actor, VIEW, Result)
        )
        .order_by(col(Result.id))
    )
    found = (await session.exec(query)).all()
    seen = {result.id for result in found}
    return [
        Node(
            key=f"result:{result.id}",
            kind=Link.result,
            title=result.filename,
            url=f"/results/{result.code}",
            note=result.code,
            sha256=result.sha256,
            at=result.received_at,
            rests_on=[f"trial:{result.trial_id}"]
            + ([f"result:{result.replaces_id}"] if result.replaces_id in seen else []),
            generated=result.generated,
        )
        for result in found
    ]


chain.tells(Link.trial, trials)
chain.tells(Link.result, results)
