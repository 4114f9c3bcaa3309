"""What goes on in a testbed, now and before: told by the domains above, each of which registers who tells it."""

from collections.abc import Awaitable, Callable
from datetime import date

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor


class Use(SQLModel):
    """Something that is tried in a testbed, or was; ``stage`` is how far it has come."""

    code: str
    title: dict[str, str]
    url: str
    stage: str
    over: bool
    start_on: date | None = None
    end_on: date | None = None


Teller = Callable[[AsyncSession, Actor, int], Awaitable[list[Use]]]
TELLERS: list[Teller] = []


def tells(teller: Teller) -> None:
    """Register who tells uses: ``teller(session, actor, testbed_id)``, limited to what may be seen."""
    TELLERS.append(teller)


async def uses_of(session: AsyncSession, actor: Actor, testbed_id: int) -> list[Use]:
    """The latest uses of a testbed the caller has fetched already; what goes on now comes first."""
    found = [each for teller in TELLERS for each in await teller(session, actor, testbed_id)]
    return sorted(found, key=lambda each: each.over)
