"""Decisions and lessons: what a pilot led to, and what others should know before they try the same."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed, fetch, may, referred
from testbed.activity import history, record
from testbed.errors import ATTENTION, Invalid
from testbed.evaluations.models import (
    Decision,
    DecisionDraft,
    DecisionItem,
    DecisionPlan,
    DecisionView,
    Lesson,
    LessonDraft,
    LessonItem,
    LessonView,
    Outcome,
    OutcomeItem,
    Verdict,
)
from testbed.evaluations.service import page, ref
from testbed.lists import Asked, Listed, Ref, page_of
from testbed.pilots.chain import Link, Node, chain_of, tells
from testbed.pilots.models import Case, Pilot
from testbed.texts import message

RECORD, WRITE = "decision.record", "lesson.write"
HOME = ZoneInfo("Europe/Stockholm")
FUTURE = message("A decision cannot have been made in the future.")
OTHER_CASE = message("This case is not one of the pilot’s.")
WORDS = {
    Verdict.adopt: {"sv": "Inför", "en": "Adopt"},
    Verdict.scale: {"sv": "Skala upp", "en": "Scale up"},
    Verdict.iterate: {"sv": "Gör om", "en": "Do again"},
    Verdict.stop: {"sv": "Avsluta", "en": "Stop"},
}


async def decide(session: AsyncSession, actor: Actor, code: str, draft: DecisionDraft) -> Decision:
    """Record a decision; the one in force until now stays readable, superseded.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``; whoever stands on a supplier's side may not.
        Invalid: a day to come, or a case of another pilot.
    """
    pilot = await fetch(session, actor, RECORD, Pilot, col(Pilot.code) == code, lock=True)
    await _checked(session, actor, pilot, draft)
    decision = Decision(**draft.model_dump(), pilot_id=pilot.id, created_by_id=actor.person_id)
    session.add(decision)
    await session.flush()
    await session.refresh(decision)
    for earlier in await _in_force(session, pilot.id):
        if earlier.id != decision.id:
            earlier.superseded_by_id, earlier.row_version = decision.id, earlier.row_version + 1
            session.add(earlier)
    await session.flush()
    details = {"outcome": str(decision.outcome), "decider": decision.decider}
    await record(session, actor, RECORD, "decision", decision.id, pilot_id=pilot.id, **details)
    return decision


async def plan(session: AsyncSession, actor: Actor, code: str, draft: DecisionDraft) -> DecisionPlan:
    """What recording this decision would do. Raises as ``decide``."""
    pilot = await fetch(session, actor, RECORD, Pilot, col(Pilot.code) == code)
    case = await _checked(session, actor, pilot, draft)
    told = draft.model_dump(mode="json", exclude={"rationale"})
    fields = {name: str(value) for name, value in told.items() if value is not None}
    earlier = await _in_force(session, pilot.id)
    return DecisionPlan(
        pilot=ref(pilot),
        pilot_code=pilot.code,
        decision=draft,
        case=case.number if case else None,
        fields=fields | {f"rationale.{key}": text for key, text in draft.rationale.items()},
        supersedes=_ref(earlier[0]) if earlier else None,
        outcomes=await _outcomes(session, actor, pilot.code),
    )


async def _checked(session: AsyncSession, actor: Actor, pilot: Pilot, draft: DecisionDraft) -> Case | None:
    if draft.decided_on > datetime.now(HOME).date():
        raise Invalid(ATTENTION, fields={"decided_on": FUTURE})
    if draft.case_id is None:
        return None
    case = await referred(session, actor, Case, draft.case_id, "case_id")
    if case.pilot_id != pilot.id:
        raise Invalid(ATTENTION, fields={"case_id": OTHER_CASE})
    return case


async def _in_force(session: AsyncSession, pilot_id: int) -> list[Decision]:
    query: Any = select(Decision).where(
        col(Decision.pilot_id) == pilot_id, col(Decision.superseded_by_id).is_(None)
    )
    return [row[0] for row in (await session.exec(query.order_by(col(Decision.id)))).all()]


async def _outcomes(session: AsyncSession, actor: Actor, code: str) -> list[OutcomeItem]:
    return (await page(session, actor, Asked(limit=50), pilot=code)).items


def _ref(decision: Decision) -> Ref:
    return Ref(id=decision.id, title=decision.decided_on.isoformat(), url=f"/decisions/{decision.id}")


async def cases(session: AsyncSession, pilot_id: int) -> list[Ref]:
    """The cases of a pilot that the caller has fetched: as visible as it is, and what a decision may name."""
    query: Any = select(Case).where(col(Case.pilot_id) == pilot_id)
    rows = (await session.exec(query.order_by(col(Case.id)))).all()
    return [Ref(id=row[0].id, title=row[0].number, url=row[0].url or "") for row in rows]


async def view(session: AsyncSession, actor: Actor, number: int, *, with_chain: bool = False) -> DecisionView:
    """One decision with the outcomes of its pilot.

    Raises:
        NotFound: absent or hidden.
    """
    decision = await fetch(session, actor, VIEW, Decision, col(Decision.id) == number)
    pilot = await session.get_one(Pilot, decision.pilot_id)
    later = await session.get(Decision, decision.superseded_by_id) if decision.superseded_by_id else None
    case = await session.get(Case, decision.case_id) if decision.case_id else None
    inside = await may(session, actor, pilot, [RECORD, WRITE])
    return DecisionView.model_validate(
        decision,
        update={
            "pilot": ref(pilot),
            "pilot_code": pilot.code,
            "case": case.number if case else None,
            "superseded_by": _ref(later) if later else None,
            "outcomes": await _outcomes(session, actor, pilot.code),
            "activity": await history(session, "decision", decision.id) if inside else [],
            "chain": await chain_of(session, actor, pilot.id, pilot.code) if with_chain else None,
        },
    )


async def listed(
    session: AsyncSession, actor: Actor, asked: Asked, *, pilot: str = "", outcome: Verdict | None = None
) -> Listed[DecisionItem]:
    """A page of the decisions the actor may see, the latest first."""
    in_force = col(Decision.superseded_by_id).is_(None).label("in_force")
    query: Any = (
        select(
            Decision.id, Decision.outcome, Decision.decider, Decision.decided_on, in_force,  # type: ignore[call-overload]
            col(Pilot.code).label("pilot"), col(Pilot.title).label("pilot_title"),
        )
        .select_from(Decision)
        .join(Pilot, col(Pilot.id) == Decision.pilot_id)
        .where(allowed(actor, VIEW, Decision))
    )  # fmt: skip
    if pilot:
        query = query.where(col(Pilot.code) == pilot)
    if outcome is not None:
        query = query.where(col(Decision.outcome) == outcome)
    orders = {"decided": col(Decision.decided_on), "pilot": col(Pilot.code), "outcome": col(Decision.outcome)}
    asked = replace(asked, sort=asked.sort or "-decided")
    rows, after = await page_of(session, query, asked, key=col(Decision.id), orders=orders)
    items = [DecisionItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, sort=asked.sort)


async def of_pilot(session: AsyncSession, actor: Actor, code: str, asked: Asked) -> Listed[DecisionItem]:
    """A page of one pilot's decisions.

    Raises:
        NotFound: the pilot is absent or hidden.
    """
    await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
    return await listed(session, actor, asked, pilot=code)


async def learn(session: AsyncSession, actor: Actor, code: str, draft: LessonDraft) -> Lesson:
    """Write down a lesson of a pilot.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    pilot = await fetch(session, actor, WRITE, Pilot, col(Pilot.code) == code)
    lesson = Lesson(**draft.model_dump(), pilot_id=pilot.id, created_by_id=actor.person_id)
    session.add(lesson)
    await session.flush()
    await session.refresh(lesson)
    await record(session, actor, WRITE, "lesson", lesson.id, pilot_id=pilot.id, kind=str(lesson.kind))
    return lesson


async def lesson_view(session: AsyncSession, actor: Actor, number: int) -> LessonView:
    """One lesson. Raises: NotFound when absent or hidden."""
    lesson = await fetch(session, actor, VIEW, Lesson, col(Lesson.id) == number)
    pilot = await session.get_one(Pilot, lesson.pilot_id)
    return LessonView.model_validate(lesson, update={"pilot": ref(pilot), "pilot_code": pilot.code})


async def lessons(session: AsyncSession, actor: Actor, code: str, asked: Asked) -> Listed[LessonItem]:
    """A page of one pilot's lessons, the newest first.

    Raises:
        NotFound: the pilot is absent or hidden.
    """
    pilot = await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
    query: Any = select(Lesson.id, Lesson.kind, Lesson.lesson, Lesson.created_at).where(  # type: ignore[call-overload]
        col(Lesson.pilot_id) == pilot.id
    )
    asked = replace(asked, sort=asked.sort or "-created")
    orders = {"created": col(Lesson.created_at), "kind": col(Lesson.kind)}
    rows, after = await page_of(session, query, asked, key=col(Lesson.id), orders=orders)
    items = [
        LessonItem(id=r.id, pilot=code, kind=r.kind, lesson=r.lesson, created_at=r.created_at) for r in rows
    ]
    return Listed(items=items, next=after, sort=asked.sort)


async def decision_nodes(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """The decisions of a pilot in the chain; each rests on the outcomes there were when it was written down."""
    query: Any = select(Decision).where(col(Decision.pilot_id) == pilot_id, allowed(actor, VIEW, Decision))
    outcomes: Any = select(col(Outcome.id), col(Outcome.created_at)).where(col(Outcome.pilot_id) == pilot_id)
    known = (await session.exec(outcomes)).all()
    return [
        Node(
            key=f"decision:{row.id}", kind=Link.decision, title=WORDS[row.outcome], url=f"/decisions/{row.id}",
            note=row.decider, at=datetime.combine(row.decided_on, time(12), UTC),
            rests_on=[f"outcome:{number}" for number, at in known if at <= row.created_at],
        )
        for (row,) in (await session.exec(query.order_by(col(Decision.id)))).all()
    ]  # fmt: skip


async def lesson_nodes(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """The lessons of a pilot in the chain; they rest on its decisions, or while there is none on its outcomes."""
    query: Any = select(Lesson).where(col(Lesson.pilot_id) == pilot_id, allowed(actor, VIEW, Lesson))
    decided = [f"decision:{each.id}" for each in await _in_force(session, pilot_id)]
    outcomes: Any = select(col(Outcome.id)).where(col(Outcome.pilot_id) == pilot_id)
    below = decided or [f"outcome:{row[0]}" for row in (await session.exec(outcomes)).all()]
    return [
        Node(
            key=f"lesson:{row.id}", kind=Link.lesson, url=f"/lessons/{row.id}", at=row.created_at, rests_on=below,
            title={key: text if len(text) <= 120 else f"{text[:119]}…" for key, text in row.lesson.items()},
        )
        for (row,) in (await session.exec(query.order_by(col(Lesson.id)))).all()
    ]  # fmt: skip


tells(Link.decision, decision_nodes)
tells(Link.lesson, lesson_nodes)
