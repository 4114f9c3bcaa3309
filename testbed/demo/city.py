"""Load the demo city through the same services as everybody else; what is there already stays as it is."""

from collections.abc import Mapping

from sqlalchemy import or_
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, Visibility
from testbed.accounts.service import assign_coordinator
from testbed.datasets import publishing
from testbed.db import Database
from testbed.demo import bins, facts, sign_ins
from testbed.demo.once import called, named, registered, there, walked
from testbed.files import Store
from testbed.jobs import Kind, Workshop
from testbed.partners import orgnr
from testbed.partners.models import Kind as PartnerKind
from testbed.partners.models import Partner, PartnerDraft
from testbed.partners.service import register as register_partner
from testbed.people.models import MembershipRole
from testbed.pilots.drafts import NeedDraft, PartDraft, PilotDraft, PilotPatch
from testbed.pilots.models import Pilot
from testbed.settings import Settings
from testbed.testbeds.models import Testbed, TestbedDraft
from testbed.testbeds.service import register as register_testbed
from testbed.texts import said
from testbed.trials import profile

KINDS: Mapping[str, Kind] = {**profile.KINDS, **publishing.KINDS}
PARTNERS = {**facts.PARTNERS, **bins.PARTNERS}
BELONGING = {
    sign_ins.COORDINATOR.email: (bins.OFFICE, MembershipRole.manager),
    sign_ins.ENGINEER.email: (bins.SUPPLIER, MembershipRole.manager),
    sign_ins.RESEARCHER.email: (bins.INSTITUTE, MembershipRole.member),
}


async def load(
    db: Database, store: Store, settings: Settings, kinds: Mapping[str, Kind] = KINDS
) -> list[str]:
    """Load what is missing and give the three people new passwords; return the lines to print.

    ``kinds`` are all kinds of jobs of this installation: reading and publishing are done here, unless a worker
    of the service takes them first. Takes about ten seconds the first time.

    Raises:
        Conflict: something of the demo was changed so that the rest does not fit it.
    """
    cast = await sign_ins.entered(db)
    partners = await _partners(db, cast.operator)
    await sign_ins.belong(db, cast, settings.base_url, BELONGING)
    beds = await _testbeds(db, cast, partners)
    for known in facts.PILOTS:
        async with db.begin() as session:
            await _pilot(session, cast.coordinator, known, partners, beds, settings.code_prefix)
    centre = beds[said(facts.CENTRE, "sv")]
    code = await bins.load(Workshop(db, store, settings), kinds, cast, partners, centre)
    return [
        "The demo city is loaded. Its people are fictional, and so is the pilot that shows the whole chain:",
        f"  {settings.base_url}/pilots/{code}",
        "Sign in with (the passwords are new each time this command runs):",
        *await sign_ins.opened(db, settings),
    ]


async def _partners(db: Database, actor: Actor) -> dict[str, int]:
    """The partners' ids by name. Only the city's own organisation number is public knowledge here."""
    found: dict[str, int] = {}
    async with db.begin() as session:
        for name, kind in PARTNERS.items():
            number = facts.CITY_ORGNR if name == facts.CITY else None
            same = called(Partner.name, name)
            if number is not None:
                same = or_(same, col(Partner.orgnr) == orgnr.read(number)[0])
            partner = await there(session, Partner, same)
            if partner is None:
                of_the_city = kind == PartnerKind.department and name in facts.PARTNERS
                draft = PartnerDraft(
                    name=name, kind=kind, orgnr=number, parent_id=found[facts.CITY] if of_the_city else None
                )
                partner = await register_partner(session, actor, draft)
            found[name] = partner.id
    return found


async def _testbeds(db: Database, cast: sign_ins.Cast, partners: dict[str, int]) -> dict[str, int]:
    """The testbeds' ids by Swedish name; the demo's coordinator coordinates each."""
    found: dict[str, int] = {}
    async with db.begin() as session:
        for place in facts.TESTBEDS:
            bed = await there(session, Testbed, named(Testbed.name, place.name))
            if bed is None:
                draft = TestbedDraft(
                    name=place.name,
                    description=place.description,
                    environment=place.environment,
                    owner_partner_id=partners[facts.CITY],
                    location=place.location,
                    infrastructure=place.infrastructure,
                    season_from=place.season[0],
                    season_to=place.season[1],
                    contact_mailbox=facts.MAILBOX,
                )
                bed = await register_testbed(session, cast.operator, draft)
            await assign_coordinator(session, cast.coordinator.person_id or 0, bed.id, actor=cast.operator)
            found[said(place.name, "sv")] = bed.id
    return found


async def _pilot(
    session: AsyncSession,
    actor: Actor,
    known: facts.Known,
    partners: dict[str, int],
    beds: dict[str, int],
    prefix: str,
) -> None:
    """Register a public pilot and take it to its stage. The four questions stay open: nobody has published answers."""
    if await there(session, Pilot, named(Pilot.title, known.title)) is not None:
        return
    draft = PilotDraft(
        testbed_id=beds[said(known.testbed, "sv")],
        title=known.title,
        need=NeedDraft(statement=known.need, user_groups=known.helps),
        lead_partner_id=partners[known.lead],
        partners=[
            PartDraft(partner_id=partners[name], roles=roles) for name, roles in known.partners.items()
        ],
        start_planned=known.start,
        end_planned=known.end,
    )
    patch = PilotPatch(
        question=known.question,
        summary_plain=known.summary,
        tags=known.tags,
        visibility=Visibility.public,
    )
    pilot = await registered(session, actor, draft, patch, prefix)
    await walked(session, actor, pilot, known.stage)
