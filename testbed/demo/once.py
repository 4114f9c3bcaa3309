"""What is there already is found by its name and left as it is."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.lists import in_language
from testbed.pilots import registration, service
from testbed.pilots.drafts import PilotDraft, PilotPatch, StageStep
from testbed.pilots.models import Pilot, Stage
from testbed.texts import said

RowT = TypeVar("RowT", bound=SQLModel)


async def there(session: AsyncSession, model: type[RowT], *where: ColumnElement[bool] | bool) -> RowT | None:
    """The oldest row that fits, archived or not."""
    number: Any = model.id  # type: ignore[attr-defined]
    return (await session.exec(select(model).where(*where).order_by(number).limit(1))).first()


def named(column: Any, text: dict[str, str]) -> ColumnElement[bool]:
    """Whether a text in several languages says this in Swedish."""
    return in_language(col(column), "sv") == said(text, "sv")


def called(column: Any, name: str) -> ColumnElement[bool]:
    """Whether a name is this one, whatever the case of its letters."""
    return func.lower(col(column)) == name.lower()


async def registered(
    session: AsyncSession, actor: Actor, draft: PilotDraft, patch: PilotPatch, prefix: str
) -> Pilot:
    """A new pilot, with what its edit form asks for."""
    pilot = await registration.register(session, actor, draft, prefix)
    return await service.edit(session, actor, pilot.code, patch, pilot.row_version)


async def walked(session: AsyncSession, actor: Actor, pilot: Pilot, to: Stage) -> None:
    """Take a pilot forward to a stage, step by step; one that is there or beyond stays."""
    stages = list(Stage)
    for stage in stages[stages.index(pilot.stage) + 1 : stages.index(to) + 1]:
        await service.advance(session, actor, pilot.code, StageStep(to=stage))
