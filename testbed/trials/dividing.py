"""A zip file of several tables is several results: each has the whole file, and says which table in it it is.

The one that was handed in becomes the first; the others come when it was read, and are read like any other.
"""

from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.files import label
from testbed.tabular.run import Report
from testbed.trials.models import Result, Trial
from testbed.trials.receiving import enter, fresh_code

SEVERAL = "zip-several"


def tables_of(report: Report) -> list[str]:
    """The names of a zip file's tables where there are several; none if there are more than the report can name."""
    told = any(each["rule"] == SEVERAL for each in report.problems)
    names: list[str] = report.assumed["entries"] if told else []
    return names if told and len(names) == report.assumed["tables"] else []


async def divide(session: AsyncSession, actor: Actor, result: Result, tables: list[str]) -> None:
    """Make the result the first of ``tables``, and enter one for each of the others: same sender, file and delivery."""
    result.entry = tables[0]
    trial = await session.get_one(Trial, result.trial_id)
    for name in tables[1:]:
        other = Result(
            code=await fresh_code(session),
            trial_id=result.trial_id,
            owner_id=result.owner_id,
            person_id=result.person_id,
            case_id=result.case_id,
            filename=label(f"{name.replace('/', ' ')} – {result.filename}"),
            sha256=result.sha256,
            size=result.size,
            digest_declared=result.digest_declared,
            note=result.note,
            access=result.access,
            generated=result.generated,
            entry=name,
            delivery_id=result.delivery_id,
            received_at=result.received_at,
        )
        await enter(session, actor, other, trial.pilot_id)
