"""What people decide of a result over HTTP; before each step a page that shows exactly what will happen."""

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.trials import acceptance, answers, deciding, results
from testbed.trials.acceptance import ACCEPT, DECIDE, WITHDRAW, Decision, Refusal
from testbed.trials.answers import ANSWER, AnswersDraft
from testbed.trials.deciding import AnswersView, DecisionView
from testbed.trials.models import Result
from testbed.trials.routes.results import key_of
from testbed.trials.views import ResultView
from testbed.web.given import Caller, Db, Files, Session
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


async def to_refuse(session: AsyncSession, actor: Actor, result: str) -> DecisionView:
    return await deciding.refusal(session, actor, key_of(result))


async def to_withdraw(session: AsyncSession, actor: Actor, result: str) -> DecisionView:
    return await deciding.withdrawal(session, actor, key_of(result))


async def to_answer(session: AsyncSession, actor: Actor, result: str) -> AnswersView:
    return await deciding.questions(session, actor, key_of(result))


REFUSE, WITHDRAWN = Form("trials/refuse.html", to_refuse), Form("trials/withdraw.html", to_withdraw)
ANSWERS = Form("trials/answers.html", to_answer)


class AcceptanceRoutes(Controller):
    path = "/results"
    tags = ["results"]

    @get("/{result:str}/accept", opt=needs(ACCEPT, Result))
    async def look(self, session: Session, actor: Caller, result: FromPath[str]) -> Page[DecisionView]:
        """What accepting a result would do now: rows taken, rows kept aside, and what stands in the way."""
        return Page(await deciding.acceptance_of(session, actor, key_of(result)), "trials/accept.html")

    @post("/{result:str}/accept", opt=needs(ACCEPT, Result), status_code=200)
    async def accept(
        self, session: Session, actor: Caller, result: FromPath[str], data: JSONBody[Decision]
    ) -> Created[ResultView]:
        """Accept a result: its rows without errors are taken, the others are kept aside."""
        row = await acceptance.accept(session, actor, key_of(result), data)
        return await _done(session, actor, row)

    @post("/{result:str}/ask", opt=needs(ACCEPT, Result), status_code=200)
    async def ask(
        self, session: Session, actor: Caller, result: FromPath[str], data: JSONBody[Decision]
    ) -> Created[ResultView]:
        """Ask the coordinator to accept the good rows of a result."""
        row = await acceptance.ask(session, actor, key_of(result), data)
        return await _done(session, actor, row)

    @get("/{result:str}/refuse", opt=needs(DECIDE, Result))
    async def look_refuse(self, session: Session, actor: Caller, result: FromPath[str]) -> Page[DecisionView]:
        """What refusing a result would do now."""
        return Page(await to_refuse(session, actor, result), REFUSE.template)

    @post("/{result:str}/refuse", opt=needs(DECIDE, Result, form=REFUSE), status_code=200)
    async def refuse(
        self, session: Session, actor: Caller, result: FromPath[str], data: JSONBody[Refusal]
    ) -> Created[ResultView]:
        """Refuse a result, with the reason; its file stays."""
        row = await acceptance.refuse(session, actor, key_of(result), data)
        return await _done(session, actor, row)

    @get("/{result:str}/withdraw", opt=needs(WITHDRAW, Result))
    async def look_withdraw(
        self, session: Session, actor: Caller, result: FromPath[str]
    ) -> Page[DecisionView]:
        """What withdrawing a result would do now, and which versions hold it."""
        return Page(await to_withdraw(session, actor, result), WITHDRAWN.template)

    @post("/{result:str}/withdraw", opt=needs(WITHDRAW, Result, form=WITHDRAWN), status_code=200)
    async def withdraw(
        self, session: Session, actor: Caller, result: FromPath[str], data: JSONBody[Refusal]
    ) -> Created[ResultView]:
        """Withdraw a result, with the reason: nothing new is made of it any more; its file stays."""
        row = await acceptance.withdraw(session, actor, key_of(result), data)
        return await _done(session, actor, row)

    @get("/{result:str}/answers", opt=needs(ANSWER, Result))
    async def ask_back(self, db: Db, store: Files, actor: Caller, result: FromPath[str]) -> Page[AnswersView]:
        """Everything that was assumed of a file, what else it could be, and how a few values would read then."""
        async with db.begin() as session:
            view = await to_answer(session, actor, result)
        return Page(await deciding.with_previews(store, view), ANSWERS.template)

    @post("/{result:str}/answers", opt=needs(ANSWER, Result, form=ANSWERS), status_code=202)
    async def answer(
        self, session: Session, actor: Caller, result: FromPath[str], data: JSONBody[AnswersDraft]
    ) -> Created[ResultView]:
        """Say what was assumed wrongly; the same file is checked again. Without answers it is checked as if new."""
        row = await answers.answer(session, actor, key_of(result), data)
        view = await results.shown(session, actor, row)
        return Created(view, f"/results/{row.code}", status_code=202)

    @get("/{result:str}/correct", opt=needs("result.edit", Result))
    async def correct(self, session: Session, actor: Caller, result: FromPath[str]) -> Page[DecisionView]:
        """How to correct a result, and the form that takes the corrected rows or a whole new file."""
        return Page(await deciding.correcting(session, actor, key_of(result)), "trials/correct.html")


async def _done(session: AsyncSession, actor: Actor, row: Result) -> Created[ResultView]:
    return Created(await results.shown(session, actor, row), f"/results/{row.code}", status_code=200)
