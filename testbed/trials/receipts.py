"""The receipt: what was handed in, by whom, when, and what happens next. It never changes.

What names stood for is written down with the result; the rest are columns that the database lets nobody change.
"""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed
from testbed.catalogues import gettext
from testbed.partners.models import Partner
from testbed.partners.service import called
from testbed.people.models import Person
from testbed.pilots.models import Case, Pilot
from testbed.texts import message, said
from testbed.trials import deliveries
from testbed.trials.models import Result, Trial
from testbed.trials.views import Receipt

NEXT = [
    message("The file is read, row by row. Its page shows how far it is, and when it is done."),
    message("Then you see what was understood and what was not, with line and column."),
    message("If something is wrong, upload a corrected file. This one stays exactly as it is."),
    message("What the file becomes part of, a dataset or an outcome, is shown on its page."),
]


async def frozen(session: AsyncSession, result: Result) -> dict[str, Any]:
    """The names on the receipt as they are at this moment, for ``Result.receipt``."""
    trial = await session.get_one(Trial, result.trial_id)
    pilot = await session.get_one(Pilot, trial.pilot_id)
    owner = await session.get_one(Partner, result.owner_id)
    person = await session.get(Person, result.person_id) if result.person_id else None
    delivery = await deliveries.brief(session, result)
    return {
        "trial": trial.title,
        "pilot": pilot.code,
        "partner": owner.name,
        "person": person.name if person else None,
        "delivery": delivery.model_dump(mode="json") if delivery else None,
    }


async def told(session: AsyncSession, actor: Actor, result: Result, *, inside: bool) -> Receipt:
    """The receipt for a reader; ``inside``: they may edit the result, so may know who sent it.

    The partner is named to those who may know of it today, by the name it had when the file came.
    """
    names = result.receipt or await frozen(session, result)  # those from before receipts were kept
    number: Any = select(Case.number).where(col(Case.id) == result.case_id, allowed(actor, VIEW, Case))
    below = f"/results/{result.code}"
    return Receipt(
        result=result.code,
        received_at=result.received_at,
        filename=result.filename,
        size=result.size,
        sha256=result.sha256,
        digest_declared=result.digest_declared,
        trial=said(names["trial"]),
        trial_id=result.trial_id,
        pilot=names["pilot"],
        partner=names["partner"] if await called(session, actor, result.owner_id) else None,
        person=names["person"] if inside else None,
        case=(await session.exec(number)).one_or_none() if result.case_id else None,
        delivery=names["delivery"],
        next=[gettext(each) for each in NEXT],
        links={"state": below, "receipt": f"{below}/receipt", "file": f"{below}/raw"},
        url=below,
    )
