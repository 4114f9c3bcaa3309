"""What goes on in the city now, what waits for one person, and a search over everything."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, and_, func, literal, or_, select
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner, TestbedCoordinator
from testbed.access.relations import memberships
from testbed.access.rights import VIEW, allowed
from testbed.datasets.models import Dataset, DatasetState
from testbed.devices.models import Device
from testbed.evaluations.models import Decision, Verdict
from testbed.lists import in_language, in_swedish, matching
from testbed.partners.models import Partner
from testbed.pilots.models import Pilot, Stage
from testbed.testbeds.models import Testbed
from testbed.texts import language
from testbed.trials import deliveries
from testbed.trials.models import Acceptance, Result, ResultState, Trial
from testbed.trials.views import DeliveryItem

NOW = (Stage.planned, Stage.ready, Stage.running, Stage.evaluating)
HANDING_IN = ("lead", "need_owner", "host", "supplier", "researcher", "evaluator")
FEW, MANY = 6, 60


class PilotLine(SQLModel):
    code: str
    title: dict[str, str]
    stage: Stage
    summary: dict[str, str] | None
    testbed: dict[str, str]
    testbed_slug: str
    location: dict[str, Any] | None
    start_planned: date | None
    end_planned: date | None


class DatasetLine(SQLModel):
    slug: str
    title: dict[str, str]
    description: dict[str, str]
    generated: bool
    updated_at: datetime


class DecisionLine(SQLModel):
    pilot: str
    title: dict[str, str]
    outcome: Verdict
    decided_on: date


class TrialLine(SQLModel):
    """A trial that one of the reader's partners hands results in to; ``handed_in_at`` is when it last did."""

    id: int
    title: dict[str, str]
    pilot: str
    pilot_title: dict[str, str]
    end_on: date | None
    handed_in_at: datetime | None


class ResultLine(SQLModel):
    code: str
    filename: str
    state: ResultState
    rows: int | None
    received_at: datetime
    asked_at: datetime | None = None


class City(SQLModel):
    """The start page of somebody who is not signed in."""

    pilots: list[PilotLine]
    datasets: list[DatasetLine]
    decisions: list[DecisionLine]
    figures: dict[str, int]


class Work(SQLModel):
    """«Mitt arbete»: what waits for one person; ``awaited`` is what others owe to what they coordinate, soon or late."""

    pilots: list[PilotLine]
    expected: list[DeliveryItem]
    awaited: list[DeliveryItem]
    trials: list[TrialLine]
    undecided: list[ResultLine]
    results: list[ResultLine]
    drafts: list[DatasetLine]
    coordinates: bool


class Found(SQLModel):
    """A record that a search found; ``kind`` is the name of its register."""

    kind: str
    title: str | dict[str, str]
    note: str | None
    url: str


class Search(SQLModel):
    q: str
    found: list[Found]


async def _pilots(session: AsyncSession, actor: Actor, condition: Any, most: int) -> list[PilotLine]:
    query: Any = (
        select(
            col(Pilot.code), col(Pilot.title), col(Pilot.stage), col(Pilot.summary_plain).label("summary"),
            col(Testbed.name).label("testbed"), col(Testbed.slug).label("testbed_slug"), col(Testbed.location),
            col(Pilot.planned_start_on).label("start_planned"), col(Pilot.planned_end_on).label("end_planned"),
        )
        .join(Testbed, col(Testbed.id) == col(Pilot.testbed_id))
        .where(allowed(actor, VIEW, Pilot), allowed(actor, VIEW, Testbed), col(Pilot.archived_at).is_(None), condition)
        .order_by(col(Pilot.updated_at).desc(), col(Pilot.id).desc())
        .limit(most)
    )  # fmt: skip
    return _lines(PilotLine, (await session.exec(query)).all())


def _lines(kind: type[Any], rows: Sequence[Any]) -> list[Any]:
    return [kind.model_validate(row, from_attributes=True) for row in rows]


async def city(session: AsyncSession, actor: Actor) -> City:
    """What is being tried now, the latest data and decisions, as far as the actor may see them."""
    decided: Any = (
        select(
            col(Pilot.code).label("pilot"), col(Pilot.title), col(Decision.outcome), col(Decision.decided_on)
        )
        .join(Pilot, col(Pilot.id) == col(Decision.pilot_id))
        .where(allowed(actor, VIEW, Decision), col(Decision.superseded_by_id).is_(None))
        .order_by(col(Decision.decided_on).desc(), col(Decision.id).desc())
        .limit(FEW)
    )
    return City(
        pilots=await _pilots(session, actor, col(Pilot.stage).in_(NOW), MANY),
        datasets=await _datasets(session, actor, col(Dataset.state) == DatasetState.published),
        decisions=_lines(DecisionLine, (await session.exec(decided)).all()),
        figures={
            "pilots": await _count(session, actor, Pilot),
            "testbeds": await _count(session, actor, Testbed),
            "devices": await _count(session, actor, Device),
            "datasets": await _count(session, actor, Dataset, col(Dataset.state) == DatasetState.published),
        },
    )


async def _datasets(session: AsyncSession, actor: Actor, condition: Any) -> list[DatasetLine]:
    query: Any = (
        select(
            col(Dataset.slug), col(Dataset.title), col(Dataset.description), col(Dataset.generated),
            col(Dataset.updated_at),
        )
        .where(allowed(actor, VIEW, Dataset), col(Dataset.archived_at).is_(None), condition)
        .order_by(col(Dataset.updated_at).desc(), col(Dataset.id).desc())
        .limit(FEW)
    )  # fmt: skip
    return _lines(DatasetLine, (await session.exec(query)).all())


async def _count(session: AsyncSession, actor: Actor, model: Any, *more: Any) -> int:
    query: Any = select(func.count()).select_from(model)
    rows = await session.exec(
        query.where(allowed(actor, VIEW, model), col(model.archived_at).is_(None), *more)
    )
    return int(rows.one()[0])


async def work(session: AsyncSession, actor: Actor) -> Work:
    """What waits for the actor: pilots, results to hand in and to look at, drafts to publish."""
    mine = _mine(actor)
    return Work(
        pilots=await _pilots(session, actor, mine, MANY),
        expected=await deliveries.open_ones(session, actor, own=True),
        awaited=await deliveries.open_ones(session, actor, own=False) if actor.coordinates else [],
        trials=await _awaiting(session, actor),
        undecided=await _undecided(session, actor),
        results=await _results(session, actor),
        drafts=await _datasets(session, actor, col(Dataset.state) == DatasetState.draft),
        coordinates=actor.coordinates,
    )


def _mine(actor: Actor) -> Any:
    """Pilots in testbeds the person coordinates, and those a partner of theirs takes part in."""
    coordinated = select(col(TestbedCoordinator.testbed_id)).where(
        col(TestbedCoordinator.person_id) == actor.person_id
    )
    taking_part = select(col(PilotPartner.pilot_id)).where(
        col(PilotPartner.partner_id).in_(memberships(actor)), col(PilotPartner.left_on).is_(None)
    )
    return or_(col(Pilot.testbed_id).in_(coordinated), col(Pilot.id).in_(taking_part))


async def _awaiting(session: AsyncSession, actor: Actor) -> list[TrialLine]:
    partners = memberships(actor)
    roles: Any = PilotPartner.roles
    handing_in = select(col(PilotPartner.pilot_id)).where(
        col(PilotPartner.partner_id).in_(partners),
        col(PilotPartner.left_on).is_(None),
        roles.overlap(list(HANDING_IN)),
    )
    last: Any = (
        select(func.max(Result.received_at))
        .where(col(Result.trial_id) == Trial.id, col(Result.owner_id).in_(partners))
        .scalar_subquery()
    )
    query: Any = (
        select(
            col(Trial.id), col(Trial.title), col(Pilot.code).label("pilot"),
            col(Pilot.title).label("pilot_title"), col(Trial.end_on), last.label("handed_in_at"),
        )
        .join(Pilot, col(Pilot.id) == col(Trial.pilot_id))
        .where(and_(col(Pilot.id).in_(handing_in), allowed(actor, "result.upload", Trial)))
        .where(col(Trial.archived_at).is_(None), col(Pilot.archived_at).is_(None))
        .order_by(last.asc().nulls_first(), col(Trial.end_on).asc().nulls_last(), col(Trial.id).desc())
        .limit(MANY)
    )  # fmt: skip
    return _lines(TrialLine, (await session.exec(query)).all())


RESULT_LINE = (
    col(Result.code), col(Result.filename), col(Result.state), col(Result.rows), col(Result.received_at),
    col(Result.asked_at),
)  # fmt: skip


async def _undecided(session: AsyncSession, actor: Actor) -> list[ResultLine]:
    """Files that wait for a decision: those of one's own partners, and those a coordinator was asked about."""
    own = and_(col(Result.owner_id).in_(memberships(actor)), col(Result.asked_at).is_(None))
    asked = and_(allowed(actor, "result.decide", Result), col(Result.asked_at).is_not(None))
    query: Any = (
        select(*RESULT_LINE)
        .where(
            col(Result.acceptance) == Acceptance.open,
            col(Result.state).in_([ResultState.ready, ResultState.partly]),
            col(Result.schema_id).is_not(None),
            col(Result.archived_at).is_(None),
            allowed(actor, "result.accept", Result),
            or_(own, asked),
        )
        .order_by(col(Result.asked_at).asc().nulls_last(), col(Result.id).desc())
        .limit(MANY)
    )
    return _lines(ResultLine, (await session.exec(query)).all())


async def _results(session: AsyncSession, actor: Actor) -> list[ResultLine]:
    query: Any = (
        select(*RESULT_LINE)
        .where(allowed(actor, "result.edit", Result), col(Result.archived_at).is_(None))
        .order_by(col(Result.received_at).desc(), col(Result.id).desc())
        .limit(FEW)
    )
    return _lines(ResultLine, (await session.exec(query)).all())


SEARCHED: list[tuple[str, Any, Any, Any, Any]] = [
    ("pilots", Pilot, Pilot.title, Pilot.code, Pilot.code),
    ("testbeds", Testbed, Testbed.name, None, Testbed.slug),
    ("datasets", Dataset, Dataset.title, None, Dataset.slug),
    ("devices", Device, Device.name, Device.code, Device.code),
    ("partners", Partner, Partner.name, None, Partner.slug),
    ("results", Result, Result.filename, Result.code, Result.code),
    ("trials", Trial, Trial.title, None, Trial.id),
]


async def search(session: AsyncSession, actor: Actor, words: str) -> Search:
    """The records of every register that hold the words, at most a dozen of each, by name."""
    found: list[Found] = []
    if words:
        for kind, model, title, note, address in SEARCHED:
            by = in_language(title, language.get()) if isinstance(title.type, JSON) else title
            query: Any = (
                select(col(title).label("title"), (note if note is not None else literal(None)).label("note"))
                .add_columns(col(address).label("address"))
                .where(allowed(actor, VIEW, model), matching(model, words), col(model.archived_at).is_(None))
                .order_by(in_swedish(by), model.id)
                .limit(12)
            )
            found += [
                Found(kind=kind, title=row.title, note=row.note, url=f"/{kind}/{row.address}")
                for row in (await session.exec(query)).all()
            ]
    return Search(q=words, found=found)
