"""What becomes of a result is told to the partner it came from: by mail to people, by signed calls to systems.

The rows are written in the transaction of the change; workers write the letters, in the language of each receiver
and with the rights that receiver has then, and send them. Made-up measurements are told to nobody.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed
from testbed.catalogues import spoken_in
from testbed.jobs import Kind, Task, later
from testbed.notices import mail, webhooks
from testbed.notices.mail import Receiver
from testbed.notices.models import Happening
from testbed.partners.models import Partner
from testbed.people.models import MailKind
from testbed.pilots.models import Pilot
from testbed.settings import Settings
from testbed.trials import deliveries, letters, receipts
from testbed.trials.models import Result, Trial

KIND = "tell"
MAIL = {
    Happening.result_received: MailKind.receipt,
    Happening.result_checked: MailKind.checked,
    Happening.result_accepted: MailKind.accepted,
}


async def tell(session: AsyncSession, happening: Happening, result: Result) -> None:
    """Let the partner know what happened to its result, once this transaction commits; told twice, it is told once."""
    if result.generated:
        return
    once = f"{happening}:{result.code}:{result.job_id}"
    data = await _ids(session, result)
    await webhooks.announce(session, result.owner_id, happening, data, once=once)
    await later(session, KIND, happening=happening, result=result.id, once=once)


async def _ids(session: AsyncSession, result: Result) -> dict[str, Any]:
    trial = await session.get_one(Trial, result.trial_id)
    pilot = await session.get_one(Pilot, trial.pilot_id)
    owner = await session.get_one(Partner, result.owner_id)
    delivery = await deliveries.brief(session, result)
    below = f"/results/{result.code}"
    return {
        "result": result.code,
        "trial": trial.id,
        "pilot": pilot.code,
        "partner": owner.slug,
        "delivery": delivery.code if delivery else None,
        "links": {"result": below, "receipt": f"{below}/receipt", "trial": f"/trials/{trial.id}"},
    }


async def work(task: Task) -> Mapping[str, Any]:
    """The job: write the letters about one result to everybody who is to get one."""
    settings, happening = task.shop.settings, Happening(task.args["happening"])
    if settings.smtp_host is None:
        return {"letters": 0}
    async with task.shop.db.begin() as session:
        result = await session.get(Result, int(task.args["result"]))
        if result is None:
            return {"letters": 0}
        to = await _receivers(session, result, MAIL[happening])
        written = [
            await mail.write(
                session, settings, each, MAIL[happening],
                await _letter(session, settings, happening, result, each), task.args["once"],
            )
            for each in to
        ]  # fmt: skip
    return {"letters": sum(written)}


async def _receivers(session: AsyncSession, result: Result, kind: MailKind) -> list[Receiver]:
    """Whoever sent it, as long as they may see it. Did somebody else send it, its partner is told as well."""
    found = []
    sender = await mail.person(session, result.person_id, kind)
    if sender is not None and await _may_see(session, sender, result):
        found.append(sender)
    people = [result.person_id] if result.person_id is not None else []
    if not await mail.belong(session, result.owner_id, people):
        box = await mail.mailbox(session, result.owner_id)
        found += [box] if box is not None else await mail.managers(session, result.owner_id, kind)
    return list({each.address: each for each in found}.values())


async def _may_see(session: AsyncSession, receiver: Receiver, result: Result) -> bool:
    actor = Actor(kind="job", person_id=receiver.person_id)
    query: Any = select(col(Result.id)).where(col(Result.id) == result.id, allowed(actor, VIEW, Result))
    return (await session.exec(query)).first() is not None


async def _letter(
    session: AsyncSession, settings: Settings, happening: Happening, result: Result, to: Receiver
) -> tuple[str, str]:
    actor = Actor(kind="job", person_id=to.person_id)
    with spoken_in(to.language):
        if happening == Happening.result_received:
            told = await receipts.told(session, actor, result, inside=True)
            return letters.receipt(settings.base_url, told, to)
        if happening == Happening.result_checked:
            return letters.checked(settings.base_url, result, to)
        return letters.accepted(settings.base_url, result, to)


KINDS = {KIND: Kind(work)}
