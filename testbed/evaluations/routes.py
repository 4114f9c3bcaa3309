"""Outcomes, decisions and lessons over HTTP."""

from typing import Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, fetch
from testbed.evaluations import decisions, service
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
    OutcomeDraft,
    OutcomeItem,
    OutcomePatch,
    OutcomeView,
    Verdict,
)
from testbed.lists import Listed, Ref
from testbed.pilots.models import Pilot
from testbed.web.given import Caller, List, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page, wants_html

Asking = Request[Any, Any, Any]
CHANGE = [HttpMethod.PATCH, HttpMethod.POST]


class OutcomeForm(SQLModel):
    """What the form shows beside its fields: the versions an outcome may rest on."""

    pilot: Ref
    pilot_code: str
    outcome: OutcomeView | None = None
    versions: list[Ref]


class DecisionForm(SQLModel):
    """What the form shows beside its fields."""

    pilot: Ref
    pilot_code: str
    cases: list[Ref]


class LessonForm(SQLModel):
    pilot: Ref
    pilot_code: str


async def blank_outcome(session: AsyncSession, actor: Actor, code: str) -> OutcomeForm:
    pilot = await fetch(session, actor, service.RECORD, Pilot, col(Pilot.code) == code)
    versions = await service.usable_versions(session, actor, pilot.id)
    return OutcomeForm(pilot=service.ref(pilot), pilot_code=code, versions=versions)


async def filled_outcome(session: AsyncSession, actor: Actor, outcome: str) -> OutcomeForm:
    row = await fetch(session, actor, service.EDIT, Outcome, col(Outcome.id) == number(outcome))
    view = await service.view(session, actor, row.id)
    versions = await service.usable_versions(session, actor, row.pilot_id)
    return OutcomeForm(pilot=view.pilot, pilot_code=view.pilot_code, outcome=view, versions=versions)


async def blank_decision(session: AsyncSession, actor: Actor, code: str) -> DecisionForm:
    pilot = await fetch(session, actor, decisions.RECORD, Pilot, col(Pilot.code) == code)
    cases = await decisions.cases(session, pilot.id)
    return DecisionForm(pilot=service.ref(pilot), pilot_code=code, cases=cases)


async def blank_lesson(session: AsyncSession, actor: Actor, code: str) -> LessonForm:
    pilot = await fetch(session, actor, decisions.WRITE, Pilot, col(Pilot.code) == code)
    return LessonForm(pilot=service.ref(pilot), pilot_code=code)


NEW_OUTCOME = Form("evaluations/outcome_form.html", blank_outcome)
EDIT_OUTCOME = Form("evaluations/outcome_form.html", filled_outcome)
NEW_DECISION = Form("evaluations/decision_form.html", blank_decision)
NEW_LESSON = Form("evaluations/lesson_form.html", blank_lesson)


class PilotOutcomeRoutes(Controller):
    path = "/pilots/{code:str}/outcomes"
    tags = ["outcomes"]

    @get("/", opt=needs(VIEW, Pilot))
    async def index(
        self, session: Session, actor: Caller, asked: List, code: FromPath[str]
    ) -> Page[Listed[OutcomeItem]]:
        """List the outcomes of a pilot."""
        return Page(await service.of_pilot(session, actor, code, asked), "evaluations/outcomes.html")

    @get("/new", opt=needs("outcome.record", Pilot), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[OutcomeForm]:
        """Show the form for a new outcome."""
        return Page(await blank_outcome(session, actor, code), NEW_OUTCOME.template)

    @post("/", opt=needs("outcome.record", Pilot, form=NEW_OUTCOME))
    async def register(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[OutcomeDraft]
    ) -> Created[OutcomeView]:
        """Record an outcome; it rests on a published version of one of the pilot's datasets."""
        outcome = await service.register(session, actor, code, data)
        return Created(await service.view(session, actor, outcome.id), f"/outcomes/{outcome.id}")


class OutcomeRoutes(Controller):
    path = "/outcomes"
    tags = ["outcomes"]

    @get("/", opt=needs(VIEW, Outcome))
    async def index(
        self, session: Session, actor: Caller, asked: List, pilot: FromQuery[str] = "",
        archived: FromQuery[bool] = False,
    ) -> Page[Listed[OutcomeItem]]:  # fmt: skip
        """List the outcomes: filter by pilot, sort by created, indicator or pilot."""
        found = await service.page(session, actor, asked, pilot=pilot, archived=archived)
        return Page(found, "evaluations/outcomes.html")

    @get("/{outcome:str}", opt=needs(VIEW, Outcome))
    async def show(
        self, request: Asking, session: Session, actor: Caller, outcome: FromPath[str]
    ) -> Page[OutcomeView]:
        """Show one outcome."""
        view = await service.view(session, actor, number(outcome), with_chain=wants_html(request))
        return Page(view, "evaluations/outcome.html", etag=f'"{view.row_version}"')

    @get("/{outcome:str}/edit", opt=needs("outcome.edit", Outcome), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, outcome: FromPath[str]) -> Page[OutcomeForm]:
        """Show the form that corrects an outcome."""
        return Page(await filled_outcome(session, actor, outcome), EDIT_OUTCOME.template)

    @route(
        "/{outcome:str}",
        http_method=CHANGE,
        opt=needs("outcome.edit", Outcome, form=EDIT_OUTCOME),
        status_code=200,
    )
    async def edit(
        self, request: Asking, session: Session, actor: Caller, outcome: FromPath[str],
        data: JSONBody[OutcomePatch],
    ) -> Created[OutcomeView]:  # fmt: skip
        """Correct an outcome; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        row = await service.edit(session, actor, number(outcome), data, seen)
        return Created(await service.view(session, actor, row.id), f"/outcomes/{row.id}", status_code=200)

    @post("/{outcome:str}/archive", opt=needs("outcome.edit", Outcome), status_code=200)
    async def put_away(self, session: Session, actor: Caller, outcome: FromPath[str]) -> Created[OutcomeView]:
        """Archive an outcome."""
        row = await service.put_away(session, actor, number(outcome))
        return Created(await service.view(session, actor, row.id), f"/outcomes/{row.id}", status_code=200)

    @post("/{outcome:str}/restore", opt=needs("outcome.edit", Outcome), status_code=200)
    async def restore(self, session: Session, actor: Caller, outcome: FromPath[str]) -> Created[OutcomeView]:
        """Take an archived outcome back."""
        row = await service.put_away(session, actor, number(outcome), back=True)
        return Created(await service.view(session, actor, row.id), f"/outcomes/{row.id}", status_code=200)


class PilotDecisionRoutes(Controller):
    path = "/pilots/{code:str}/decisions"
    tags = ["decisions"]

    @get("/", opt=needs(VIEW, Pilot))
    async def index(
        self, session: Session, actor: Caller, asked: List, code: FromPath[str]
    ) -> Page[Listed[DecisionItem]]:
        """List the decisions on a pilot; the latest is in force."""
        return Page(await decisions.of_pilot(session, actor, code, asked), "evaluations/decisions.html")

    @get("/new", opt=needs("decision.record", Pilot), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[DecisionForm]:
        """Show the form for a decision."""
        return Page(await blank_decision(session, actor, code), NEW_DECISION.template)

    @post("/check", opt=needs("decision.record", Pilot, form=NEW_DECISION), status_code=200)
    async def check(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[DecisionDraft]
    ) -> Page[DecisionPlan]:
        """Show exactly what recording this decision would do; records nothing."""
        plan = await decisions.plan(session, actor, code, data)
        return Page(plan, "evaluations/decision_check.html", status_code=200)

    @post("/", opt=needs("decision.record", Pilot, form=NEW_DECISION))
    async def decide(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[DecisionDraft]
    ) -> Created[DecisionView]:
        """Record a decision; it supersedes the one before."""
        decision = await decisions.decide(session, actor, code, data)
        return Created(await decisions.view(session, actor, decision.id), f"/decisions/{decision.id}")


class DecisionRoutes(Controller):
    path = "/decisions"
    tags = ["decisions"]

    @get("/", opt=needs(VIEW, Decision))
    async def index(
        self, session: Session, actor: Caller, asked: List, pilot: FromQuery[str] = "",
        outcome: FromQuery[Verdict | None] = None,
    ) -> Page[Listed[DecisionItem]]:  # fmt: skip
        """List the decisions: filter by pilot or outcome, sort by decided, pilot or outcome."""
        found = await decisions.listed(session, actor, asked, pilot=pilot, outcome=outcome)
        return Page(found, "evaluations/decisions.html")

    @get("/{decision:str}", opt=needs(VIEW, Decision))
    async def show(
        self, request: Asking, session: Session, actor: Caller, decision: FromPath[str]
    ) -> Page[DecisionView]:
        """Show one decision with what it rests on."""
        view = await decisions.view(session, actor, number(decision), with_chain=wants_html(request))
        return Page(view, "evaluations/decision.html")


class LessonRoutes(Controller):
    tags = ["lessons"]

    @get("/pilots/{code:str}/lessons", opt=needs(VIEW, Pilot))
    async def index(
        self, session: Session, actor: Caller, asked: List, code: FromPath[str]
    ) -> Page[Listed[LessonItem]]:
        """List what a pilot taught."""
        return Page(await decisions.lessons(session, actor, code, asked), "evaluations/lessons.html")

    @get("/pilots/{code:str}/lessons/new", opt=needs("lesson.write", Pilot), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[LessonForm]:
        """Show the form for a lesson."""
        return Page(await blank_lesson(session, actor, code), NEW_LESSON.template)

    @post("/pilots/{code:str}/lessons", opt=needs("lesson.write", Pilot, form=NEW_LESSON))
    async def write(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[LessonDraft]
    ) -> Created[LessonView]:
        """Write down a lesson."""
        lesson = await decisions.learn(session, actor, code, data)
        return Created(await decisions.lesson_view(session, actor, lesson.id), f"/lessons/{lesson.id}")

    @get("/lessons/{lesson:str}", opt=needs(VIEW, Lesson))
    async def show(self, session: Session, actor: Caller, lesson: FromPath[str]) -> Page[LessonView]:
        """Show one lesson."""
        return Page(await decisions.lesson_view(session, actor, number(lesson)), "evaluations/lesson.html")
