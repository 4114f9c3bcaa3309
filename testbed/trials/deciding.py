"""What the pages before a decision show: exactly what will happen, to what, and what stands in its way."""

from contextlib import aclosing
from typing import Any

from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import fetch, may
from testbed.files import Store
from testbed.lists import Ref
from testbed.pilots.chain import Link, chain_of
from testbed.texts import said
from testbed.trials import acceptance, answers, families, previews, results
from testbed.trials.acceptance import ACCEPT, DECIDE, WITHDRAW, Matter
from testbed.trials.chosen import current
from testbed.trials.models import Acceptance, Partial, Result
from testbed.trials.results import Key, named
from testbed.trials.standing import ref
from testbed.trials.views import ResultView

HEAD_BYTES = 256 * 1024
ZONES = ("Europe/Stockholm", "UTC")
MARKS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
TEXTS = {"csv", "tsv"}
MOST_COLUMNS = 200


class DecisionView(SQLModel):
    """``taken`` and ``aside`` count rows; ``versions`` are published ones that hold the result, and stay."""

    result: ResultView
    taken: int
    aside: int
    outcome: Acceptance
    original: Ref | None = Field(default=None, description="The result whose rows these rows join.")
    replaces: Ref | None = Field(default=None, description="The result that is used no more afterwards.")
    lines: int = Field(default=0, description="Refused rows of the original that these rows stand for.")
    new: int = Field(default=0, description="Rows that the original did not have.")
    left: int = Field(
        default=0, description="Refused rows of the original that nothing stands for afterwards."
    )
    versions: list[Ref] = []
    must_ask: bool = Field(default=False, description="Whether a coordinator has to decide.")
    hindrances: list[str] = []


class Question(SQLModel):
    """One assumption: what holds ``now``, what was answered, what else there is, and how values read then."""

    key: str
    now: str | None = None
    given: str | None = None
    options: list[str] = []
    preview: dict[str, Any] | None = None


class Mapped(SQLModel):
    """A column of the file, or a field, with what is said of it."""

    title: str
    now: str | None = None
    given: str | None = None
    options: list[str] = []


class AnswersView(SQLModel):
    """Everything that was assumed of a file. ``offered`` are the answers given for another file with this header."""

    result: ResultView
    questions: list[Question]
    columns: list[Mapped] = []
    units: list[Mapped] = []
    fields: list[str] = []
    offered: Ref | None = None
    offered_code: str | None = None
    offered_answers: dict[str, Any] = {}
    versions: list[Ref] = []
    hindrances: list[str] = []


async def acceptance_of(session: AsyncSession, actor: Actor, key: Key) -> DecisionView:
    """What accepting would do now.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    matter = await _matter(session, actor, ACCEPT, key)
    view = await _view(session, actor, matter, acceptance.hindrances(matter))
    waits = bool(matter.aside) and matter.trial.partial == Partial.coordinator
    view.must_ask = waits and DECIDE not in await may(session, actor, matter.result, [DECIDE])
    return view


async def refusal(session: AsyncSession, actor: Actor, key: Key) -> DecisionView:
    """What refusing would do now. Raises as ``acceptance_of``."""
    matter = await _matter(session, actor, DECIDE, key)
    return await _view(session, actor, matter, acceptance.refusal_hindrances(matter))


async def withdrawal(session: AsyncSession, actor: Actor, key: Key) -> DecisionView:
    """What withdrawing would do now. Raises as ``acceptance_of``."""
    matter = await _matter(session, actor, WITHDRAW, key)
    return await _view(session, actor, matter, acceptance.withdrawal_hindrances(matter))


async def correcting(session: AsyncSession, actor: Actor, key: Key) -> DecisionView:
    """What somebody who corrects a result has to know. Raises as ``acceptance_of``."""
    matter = await _matter(session, actor, results.EDIT, key)
    closed = acceptance.CLOSED.get(matter.result.acceptance)
    hidden = closed if closed and matter.result.acceptance != Acceptance.refused else None
    return await _view(session, actor, matter, [hidden] if hidden else [])


async def _matter(session: AsyncSession, actor: Actor, action: str, key: Key) -> Matter:
    return await acceptance.matter_of(session, await fetch(session, actor, action, Result, named(key)))


async def _view(session: AsyncSession, actor: Actor, matter: Matter, hindrances: list[str]) -> DecisionView:
    result, told = matter.result, families.correction(matter.result)
    old = await session.get_one(Result, result.replaces_id) if result.replaces_id else None
    lines = int(told.get("lines", 0))
    return DecisionView(
        result=await results.shown(session, actor, result),
        taken=result.rows or 0,
        aside=matter.aside,
        outcome=matter.outcome,
        original=ref(old) if old and result.corrects else None,
        replaces=ref(old) if old and not result.corrects else None,
        lines=lines,
        new=int(told.get("new", 0)),
        left=max(0, families.left_aside(matter.root, matter.corrections) - lines) if result.corrects else 0,
        versions=await versions_of(session, actor, result),
        hindrances=hindrances,
    )


async def versions_of(session: AsyncSession, actor: Actor, result: Result) -> list[Ref]:
    """Published versions that hold the result, as far as the actor may see them."""
    trial, pilot = await results.above(session, result)
    chain = await chain_of(session, actor, trial.pilot_id, pilot.code)
    return [
        Ref(id=int(node.key.partition(":")[2]), title=f"{_said(node.title)} {node.note}", url=node.url)
        for node in chain.nodes
        if node.kind == Link.version and f"result:{result.id}" in node.rests_on
    ]


def _said(title: str | dict[str, str]) -> str:
    return title if isinstance(title, str) else said(title)


async def questions(session: AsyncSession, actor: Actor, key: Key) -> AnswersView:
    """Everything that was assumed of a file, without previews. Raises as ``acceptance_of``."""
    matter = await _matter(session, actor, answers.ANSWER, key)
    result = matter.result
    schema = await current(session, result.trial_id)
    fields = schema.body.get("fields", []) if schema else []
    offered = await answers.offered(session, result)
    same = offered is not None and answers.engine_answers(offered.answers) == answers.engine_answers(
        result.answers
    )
    return AnswersView(
        result=await results.shown(session, actor, result),
        questions=_questions(result),
        columns=_columns(result, [each["name"] for each in fields]),
        units=_units(result, fields),
        fields=[each["name"] for each in fields],
        offered=ref(offered) if offered and not same else None,
        offered_code=offered.code if offered and not same else None,
        offered_answers=answers.engine_answers(offered.answers) if offered and not same else {},
        versions=await versions_of(session, actor, result),
    )


def _questions(result: Result) -> list[Question]:
    report, given = result.report or {}, result.answers
    assumed, kind = report.get("assumed", {}), report.get("kind", "other")
    text, sheet = kind in TEXTS or kind == "other", kind == "xlsx"
    asked = [
        ("encoding", text or kind in {"json", "jsonl"}, assumed.get("encoding"), answers.ENCODINGS),
        ("delimiter", text, MARKS.get(assumed.get("delimiter"), assumed.get("delimiter")), answers.DELIMITERS),
        ("sheet", sheet, assumed.get("sheet"), assumed.get("sheets", ())),
        ("header", text or sheet, _word(assumed.get("header")), ("yes", "no")),
        ("decimal", text, _one(assumed.get("decimal")) or ".", (",", ".")),
        ("date_order", text, _order(assumed), ("day-first", "month-first")),
        ("zone", text or sheet, _zone(assumed), ZONES),
    ]  # fmt: skip
    return [
        Question(key=name, now=now, given=_word(given.get(name)), options=list(options))
        for name, matters, now, options in asked
        if matters
    ]


def _word(value: Any) -> str | None:
    return {True: "yes", False: "no"}.get(value, value) if value is not None else None


def _one(told: Any) -> str | None:
    """What is assumed of columns one by one, as one word when they agree."""
    if not isinstance(told, dict):
        return told if isinstance(told, str) else None
    words = {str(each) for each in told.values()}
    return words.pop() if len(words) == 1 else None


def _order(assumed: dict[str, Any]) -> str | None:
    formats = assumed.get("date_format")
    spelt = [str(each) for each in formats.values()] if isinstance(formats, dict) else [str(formats or "")]
    if any(each.startswith("mm") for each in spelt):
        return "month-first"
    return "day-first" if any(each.startswith("dd") for each in spelt) else None


def _zone(assumed: dict[str, Any]) -> str | None:
    zone = _one(assumed.get("zone"))
    return None if zone == "none" else zone


def _columns(result: Result, fields: list[str]) -> list[Mapped]:
    """Which column of the file is which field."""
    report, given = result.report or {}, result.answers.get("columns", {})
    assumed = report.get("assumed", {})
    known = {each["title"]: each["name"] for each in report.get("columns", [])} | assumed.get("columns", {})
    titles = list(dict.fromkeys([*assumed.get("titles", known), *given]))[:MOST_COLUMNS]
    said = {title: answers.NONE if name is None else name for title, name in given.items()}
    return [
        Mapped(
            title=title,
            now=now if (now := known.get(title, title)) in fields else None,
            given=said.get(title),
        )
        for title in titles
        if title
    ]


def _units(result: Result, fields: list[dict[str, Any]]) -> list[Mapped]:
    given = result.answers.get("units", {})
    return [
        Mapped(title=each["name"], now=each["testbed:unit"], given=given.get(each["name"]))
        for each in fields
        if each.get("testbed:unit") and each.get("type") in {"number", "integer"}
    ]


async def with_previews(store: Store, view: AnswersView) -> AnswersView:
    """The same with how the first values of a text file would read under each answer."""
    result = view.result
    if result.kind not in TEXTS | {"other"} or "packed" in result.assumed:
        return view
    head = b""
    async with aclosing(store.opened(result.sha256, 0, min(result.size, HEAD_BYTES))) as pieces:
        async for piece in pieces:
            head += piece
    now = {each.key: each.given or each.now for each in view.questions}
    mark = now.get("delimiter") or ","
    text = head.decode(now.get("encoding") or "utf-8", "replace").removeprefix("\ufeff")
    made = {
        "encoding": lambda: previews.decoded(head, ["utf-8", "windows-1252", "iso-8859-1"]),
        "delimiter": lambda: previews.split(text, [",", ";", "\t"]),
        "decimal": lambda: previews.numbers(text, mark),
        "date_order": lambda: previews.dates(text, mark),
        "zone": lambda: previews.times(text, mark, ZONES),
    }
    for each in view.questions:
        if each.key in made and (shown := made[each.key]()).rows:
            each.preview = {
                "answers": shown.answers,
                "rows": [[value, *readings] for value, readings in shown.rows],
            }
    return view
