"""One wholly fictional pilot, from need to decision: do bins that tell how full they are need fewer emptyings?

The people, the partners and every measurement are made up; results, dataset and outcomes say so themselves.
"""

from collections.abc import AsyncGenerator, Mapping
from datetime import date
from typing import Any

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor, Role, Visibility
from testbed.datasets import publishing
from testbed.datasets import service as datasets
from testbed.datasets.models import Dataset, DatasetDraft, DatasetState, Licence, VersionDraft
from testbed.demo import findings, measurements, sensors
from testbed.demo.once import named, registered, there, walked
from testbed.demo.sign_ins import Cast
from testbed.errors import Conflict, Unavailable
from testbed.jobs import Kind, Workshop, work_once
from testbed.partners.models import Kind as PartnerKind
from testbed.pilots.drafts import CaseDraft, NeedDraft, PartDraft, PilotDraft, PilotPatch, Quick
from testbed.pilots.models import Pilot, Stage, UserGroup
from testbed.pilots.parts import open_case
from testbed.texts import message
from testbed.trials import receiving
from testbed.trials import service as trials
from testbed.trials.models import Design, Result, Trial, TrialDraft

OFFICE, SUPPLIER, INSTITUTE = (
    "Demoförvaltningen (påhittad)",
    "Kärlgivarna Demo (påhittat)",
    "Mätinstitutet Demo (påhittat)",
)
PARTNERS = {
    OFFICE: PartnerKind.department,
    SUPPLIER: PartnerKind.company,
    INSTITUTE: PartnerKind.institute,
}
TITLE = {"sv": "Kärl som säger till (påhittad)", "en": "Bins that speak up (made up)"}
TRIAL = {"sv": "Fyra kärl med givare, fyra utan", "en": "Four bins with a sensor, four without"}
DATASET = {
    "sv": "Tömningar och fyllnad i åtta sorteringskärl (påhittade mätvärden)",
    "en": "Emptyings and fill of eight sorting bins (made-up measurements)",
}
SAID = PilotPatch(
    question={
        "sv": "Minskar givare i sorteringskärl antalet tömningar utan att fler kärl blir överfulla?",
        "en": "Do sensors in sorting bins reduce emptyings without more bins being overfull?",
    },
    summary_plain={
        "sv": "En påhittad pilot som visar hela kedjan från behov till beslut. Fyra kärl fick en givare som säger till"
        " när de behöver tömmas, fyra tömdes som vanligt. Alla parter och mätvärden är påhittade.",
        "en": "A made-up pilot that shows the whole chain from need to decision. Four bins got a sensor that says"
        " when they need emptying, four were emptied as usual. All partners and measurements are made up.",
    },
    tags=["demo", "avfall", "kärl"],
    visibility=Visibility.public,
)
PATIENCE_ROUNDS = 120
SLOW = message("A job of the demo does not end. Is a worker busy? Run the command again to go on.")
UNREAD = message("A file of the demo was not read; look at its result page.")


async def load(
    shop: Workshop, kinds: Mapping[str, Kind], cast: Cast, partners: dict[str, int], testbed_id: int
) -> str:
    """Make what is missing of the pilot, in the order in which people would; return its code."""
    async with shop.db.begin() as session:
        pilot = await _pilot(session, cast.coordinator, shop, partners, testbed_id)
        trial = await _trial(session, cast.researcher, pilot)
        await sensors.put_up(session, cast.engineer, pilot)
    results = [
        await _result(shop, kinds, cast.engineer, trial, "kärl-med-givare.csv", measurements.sensor_file()),
        await _result(
            shop, kinds, cast.researcher, trial, "bins-without-sensor.csv", measurements.ordinary_file()
        ),
    ]
    slug = await _dataset(shop, kinds, cast, pilot, results)
    await findings.record(shop.db, cast, pilot, slug)
    return pilot.code


async def _pilot(
    session: AsyncSession, actor: Actor, shop: Workshop, partners: dict[str, int], testbed_id: int
) -> Pilot:
    if (pilot := await there(session, Pilot, named(Pilot.title, TITLE))) is not None:
        return pilot
    draft = PilotDraft(
        testbed_id=testbed_id,
        title=TITLE,
        need=NeedDraft(
            statement="Parkarbetarna kör till kärl som är halvtomma, och kommer för sent till andra.",
            user_groups=[UserGroup.staff, UserGroup.residents],
        ),
        lead_partner_id=partners[OFFICE],
        partners=[
            PartDraft(partner_id=partners[OFFICE], roles=[Role.need_owner, Role.host]),
            PartDraft(partner_id=partners[SUPPLIER], roles=[Role.supplier]),
            PartDraft(partner_id=partners[INSTITUTE], roles=[Role.researcher]),
        ],
        start_planned=date(2026, 4, 13),
        end_planned=date(2026, 9, 30),
        quick=Quick(personal=False, camera=False, research=False, ai=False),
    )
    pilot = await registered(session, actor, draft, SAID, shop.settings.code_prefix)
    await open_case(
        session, actor, pilot.code, CaseDraft(authority_id=partners[OFFICE], number="DEMO-2026/0007")
    )
    await walked(session, actor, pilot, Stage.running)
    return pilot


async def _trial(session: AsyncSession, actor: Actor, pilot: Pilot) -> Trial:
    found = await there(session, Trial, col(Trial.pilot_id) == pilot.id, named(Trial.title, TRIAL))
    if found is not None:
        return found
    draft = TrialDraft(
        title=TRIAL,
        description={
            "sv": "Fyra veckor före, fyra veckor då givarna sätts upp, fyra veckor efter. En rad per kärl och vecka:"
            " antal tömningar, hur ofta kärlet var överfullt, och hur fullt det var i snitt när det tömdes."
            " Alla mätvärden är påhittade.",
            "en": "Four weeks before, four weeks of putting up sensors, four weeks after. One row per bin and week:"
            " emptyings, how often the bin was overfull, and how full it was on average when emptied."
            " All measurements are made up.",
        },
        design=Design.controlled_before_after,
        start_on=measurements.FIRST_MONDAY,
        end_on=measurements.LAST_DAY,
    )
    return await trials.register(session, actor, pilot.code, draft)


async def _result(
    shop: Workshop, kinds: Mapping[str, Kind], actor: Actor, trial: Trial, filename: str, body: bytes
) -> Result:
    """Hand in a file as its partner would, and wait until it is read."""
    same = (col(Result.trial_id) == trial.id, col(Result.filename) == filename)
    async with shop.db.begin() as session:
        found = await there(session, Result, *same)
    if found is None:
        sending = receiving.Sending(filename=filename, access=Access.public, generated=True)
        most = shop.settings.upload_max_bytes
        await receiving.upload(shop.db, shop.store, actor, trial.id, sending, _once(body), most)
        async with shop.db.begin() as session:
            found = await there(session, Result, *same)
    if found is None or found.job_id is None:
        raise Conflict(UNREAD)
    if found.parquet_sha256 is None:
        await _ended(shop, kinds, found.job_id)
    return found


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _ended(shop: Workshop, kinds: Mapping[str, Kind], number: int) -> dict[str, Any]:
    """What a job came to: done here, or by a worker of the service that was quicker.

    Raises:
        Unavailable: it does not end.
    """
    for _ in range(PATIENCE_ROUNDS):
        await work_once(shop, kinds)
        if (told := await publishing.waited(shop.db, number, 0.5)) is not None:
            return told
    raise Unavailable(SLOW, retry_after=60)


async def _dataset(
    shop: Workshop, kinds: Mapping[str, Kind], cast: Cast, pilot: Pilot, results: list[Result]
) -> str:
    """The researcher describes it, the coordinator publishes it; return its slug."""
    async with shop.db.begin() as session:
        found = await there(
            session, Dataset, col(Dataset.pilot_id) == pilot.id, named(Dataset.title, DATASET)
        )
        if found is None:
            draft = _described(pilot, results)
            found = await datasets.register(session, cast.researcher, draft)
    if found.state == DatasetState.draft:
        notes = "Första versionen: båda parternas filer, tolv veckor. Påhittade mätvärden."
        number = await publishing.ask(shop.db, cast.coordinator, found.slug, VersionDraft(notes=notes))
        publishing.number_of(await _ended(shop, kinds, number))
    return found.slug


def _described(pilot: Pilot, results: list[Result]) -> DatasetDraft:
    return DatasetDraft(
        title=DATASET,
        description={
            "sv": "Åtta sorteringskärl i tolv veckor, en rad per kärl och vecka. Alla mätvärden är påhittade, gjorda av ett"
            " program för att visa tjänsten.\n\nKolumnen grupp säger om kärlet fick en givare, kolumnen period om veckan"
            " låg före, under eller efter införandet. Tömningar och överfulla är antal under veckan; fyllnad_procent är"
            " hur fullt kärlet var i snitt när det tömdes.",
            "en": "Eight sorting bins over twelve weeks, one row per bin and week. All measurements are made up, by a"
            " program, to show the service.\n\nThe column grupp (group) says whether the bin got a sensor, period"
            " whether the week lay before (före), during (införande) or after (efter) the introduction."
            " Tömningar (emptyings) and överfulla (times overfull) are counts of the week; fyllnad_procent"
            " is how full the bin was on average when emptied, in per cent.",
        },
        pilot=pilot.code,
        results=[result.code for result in results],
        licence=Licence.cc0,
        access=Access.public,
        keywords=["demo", "avfall", "sorteringskärl", "fyllnadsgrad"],
        contact_mailbox="testbed@demo.example",
    )
