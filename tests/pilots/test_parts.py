"""Who takes part in a pilot; only people change that, never tokens, so these tests are people."""

import pytest

from testbed.access.models import Actor, Role
from testbed.access.rights import VIEW, fetch
from testbed.errors import Conflict, Invalid, NotFound
from testbed.pilots import parts, registration, service
from testbed.pilots.drafts import PartDraft, PartPatch, PilotDraft, PilotPatch
from testbed.pilots.models import Pilot, Stage
from tests.cast import running_pilot

CODE = "LUL-2026-901"


@pytest.fixture
async def people(db):
    """The cast as signed in."""
    async with db.raw() as connection:
        rows = await connection.fetch("SELECT id, name, email FROM person")
    return {row["name"]: Actor("person", row["id"], row["name"], row["email"]) for row in rows}


@pytest.fixture
async def alva(people):
    return people["Alva"]


@pytest.fixture
async def pilot(db):
    async with db.raw() as connection:
        return await running_pilot(connection)


async def partner(db, slug):
    async with db.raw() as connection:
        return await connection.fetchval("SELECT id FROM partner WHERE slug = $1", slug)


async def test_a_partner_that_leaves_loses_the_pilot_and_may_come_back(db, pilot, people, alva):
    async with db.begin() as session:
        before = await service.parts_of(session, alva, pilot)
        await parts.leave(session, alva, CODE, before[0].id)

    async with db.begin() as session:
        with pytest.raises(NotFound):
            await fetch(session, people["Bo"], VIEW, Pilot, Pilot.code == CODE)
    async with db.begin() as session:
        await parts.join(session, alva, CODE, PartDraft(name="LUNET", roles=[Role.host]))
    async with db.begin() as session:
        await fetch(session, people["Bo"], VIEW, Pilot, Pilot.code == CODE)
        view = await service.view(session, people["Bo"], CODE)
    assert {part.partner.title: part.roles for part in view.partners}["Lunet"] == ["host"]
    assert [event.action for event in view.activity] == ["pilot_partner.join", "pilot_partner.leave"]


async def test_a_partner_joins_once(db, pilot, alva):
    async with db.begin() as session:
        with pytest.raises(Conflict):
            await parts.join(session, alva, CODE, PartDraft(name="Lunet"))


async def test_the_lead_is_not_chosen_among_the_roles(db, pilot, alva):
    async with db.begin() as session:
        part = (await service.parts_of(session, alva, pilot))[0]

        with pytest.raises(Invalid):
            await parts.change(session, alva, CODE, part.id, PartPatch(roles=[Role.lead, Role.supplier]))


async def test_another_lead_takes_the_part_over(db, pilot, alva):
    lunet = await partner(db, "lunet")
    async with db.begin() as session:
        await service.edit(session, alva, CODE, PilotPatch(lead_partner_id=lunet), 1)

    async with db.begin() as session:
        view = await service.view(session, alva, CODE)

    assert view.lead is not None
    assert view.lead.title == "Lunet"
    assert {part.partner.title: part.roles for part in view.partners}["Lunet"] == ["lead", "supplier"]


async def test_the_last_missing_field_proposes_the_pilot(db, alva):
    async with db.raw() as connection:
        testbed = await connection.fetchval("SELECT id FROM testbed WHERE slug = 'norra-hamn'")
    draft = PilotDraft.model_validate(
        {
            "testbed_id": testbed,
            "title": "Smarta kärl",
            "need": {"statement": "Kärlen är fulla när vi kommer.", "user_groups": ["staff"]},
            "lead_partner_id": await partner(db, "lulea"),
            "start_planned": "2027-01-01",
            "end_planned": "2027-02-01",
            "quick": {"personal": False, "camera": False, "research": False, "ai": False},
        }
    )
    async with db.begin() as session:
        registered = await registration.register(session, alva, draft, "LUL")
        lacking = [
            item.key
            for item in (await service.view(session, alva, registered.code)).checklist
            if not item.done
        ]
    assert (registered.stage, lacking[0]) == (Stage.need, "Find a partner")

    async with db.begin() as session:
        await parts.join(session, alva, registered.code, PartDraft(name="Grepit"))

    async with db.begin() as session:
        assert (await service.view(session, alva, registered.code)).stage == Stage.proposed
