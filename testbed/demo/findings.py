"""What the fictional pilot found, what was decided because of it, and what was learnt."""

from datetime import date

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.db import Database
from testbed.demo.once import named, there, walked
from testbed.demo.sign_ins import Cast
from testbed.evaluations import decisions, service
from testbed.evaluations.models import (
    Decision,
    DecisionDraft,
    Lesson,
    LessonDraft,
    LessonKind,
    Outcome,
    OutcomeDraft,
    Verdict,
    VersionRef,
)
from testbed.pilots.models import Case, Pilot, Stage

MADE_UP = {
    "sv": "Påhittade mätvärden, gjorda för att visa tjänsten.",
    "en": "Made-up measurements, made to show the service.",
}
LESSONS: tuple[tuple[LessonKind, dict[str, str]], ...] = (
    (
        LessonKind.organisational,
        {
            "sv": "Turerna måste få ändras från dag till dag, annars hjälper det inte att kärlen säger till."
            " (Påhittad lärdom.)",
            "en": "Rounds must be free to change from day to day, or it does not help that bins speak up."
            " (A made-up lesson.)",
        },
    ),
    (
        LessonKind.technical,
        {
            "sv": "Räkna med fyra veckor för att sätta upp givare och lära sig lita på dem, och mät inte under tiden."
            " (Påhittad lärdom.)",
            "en": "Allow four weeks to put up sensors and learn to trust them, and do not measure meanwhile."
            " (A made-up lesson.)",
        },
    ),
)


OUTCOMES = (
    # the difference between the groups is in the text of the method
    OutcomeDraft(
        indicator={"sv": "Tömningar av ett kärl", "en": "Emptyings of a bin"},
        unit="per vecka",
        baseline=11.5,
        target=9.2,
        result=8.0,
        method={
            "sv": "Medel per kärl över fyra veckor före och fyra veckor efter, fyra kärl med givare mot fyra utan. Kärl"
            " med givare behövde 3,50 färre tömningar per vecka än vanliga kärl, jämfört med före"
            " (osäkerhetsintervall 95 %: 1,54 till 5,46 färre).",
            "en": "Mean per bin over four weeks before and four weeks after, four bins with a sensor against"
            " four without. Bins with a sensor needed 3.50 fewer emptyings per week than ordinary bins, compared with"
            " before (95 % uncertainty interval: 1.54 to 5.46 fewer).",
        },
        note=MADE_UP,
    ),
    OutcomeDraft(
        indicator={
            "sv": "Gånger ett kärl var överfullt",
            "en": "Times a bin was overfull",
        },
        unit="per 28 dagar",
        baseline=2.0,
        result=2.0,
        method={
            "sv": "Antal per kärl under fyra veckor före och fyra veckor efter, jämfört med fyra kärl utan givare. Ingen"
            " skillnad syns (osäkerhetsintervall 95 %: 1,41 färre till 1,41 fler), men åtta kärl är för få för att"
            " utesluta att fler blir överfulla.",
            "en": "Count per bin over four weeks before and four weeks after, compared with four bins without a sensor."
            " No difference is seen (95 % uncertainty interval: 1.41 fewer to 1.41 more), but eight bins are too few"
            " to rule out that more become overfull.",
        },
        note=MADE_UP,
    ),
)


async def record(db: Database, cast: Cast, pilot: Pilot, slug: str) -> None:
    """Record what is missing: outcomes and the step to evaluating together, then decision, step and lessons."""
    async with db.begin() as session:
        await _evaluated(session, cast.coordinator, pilot.id, slug)
    async with db.begin() as session:
        await _decided(session, cast.coordinator, pilot.id)
    async with db.begin() as session:
        for kind, text in LESSONS:
            if not await there(session, Lesson, col(Lesson.pilot_id) == pilot.id, named(Lesson.lesson, text)):
                await decisions.learn(
                    session, cast.researcher, pilot.code, LessonDraft(kind=kind, lesson=text)
                )


async def _evaluated(session: AsyncSession, actor: Actor, number: int, slug: str) -> None:
    pilot = await session.get_one(Pilot, number)
    if await there(session, Outcome, col(Outcome.pilot_id) == pilot.id) is None:
        version = VersionRef(dataset=slug, number="1.0.0")
        for draft in OUTCOMES:
            rests = draft.model_copy(update={"version": version})
            await service.register(session, actor, pilot.code, rests)
        await walked(session, actor, pilot, Stage.evaluating)


async def _decided(session: AsyncSession, actor: Actor, number: int) -> None:
    pilot = await session.get_one(Pilot, number)
    if await there(session, Decision, col(Decision.pilot_id) == pilot.id) is not None:
        return
    case = await there(session, Case, col(Case.pilot_id) == pilot.id)
    draft = DecisionDraft(
        outcome=Verdict.iterate,
        rationale={
            "sv": "Färre tömningar är visade, men åtta kärl kan inte utesluta att fler blir överfulla. Gör om med omkring"
            " 35 kärl i varje grupp. Beslutet är påhittat.",
            "en": "Fewer emptyings are shown, but eight bins cannot rule out that more become overfull. Repeat with about"
            " 35 bins in each group. The decision is made up.",
        },
        decider="Demonämnden (påhittad)",
        decided_on=date(2026, 9, 15),
        case_id=case.id if case else None,
    )
    await decisions.decide(session, actor, pilot.code, draft)
    await walked(session, actor, pilot, Stage.decided)
