"""Registering a pilot: nine fields, of which three are enough."""

import asyncio

import pytest

from tests.cast import ALVA, BO, DAVID, EBBA, HTML

NEED = "Parkarbetarna kör till kärl som är tomma."


@pytest.fixture
async def ids(db):
    """Ids of the cast's partners and testbeds by slug."""
    async with db.raw() as connection:
        rows = await connection.fetch("SELECT slug, id FROM partner UNION ALL SELECT slug, id FROM testbed")
        return {row["slug"]: row["id"] for row in rows}


@pytest.fixture
def whole(ids):
    """A body with all nine fields."""
    return {
        "testbed_id": ids["norra-hamn"],
        "title": "Smarta kärl",
        "need": {"statement": NEED, "user_groups": ["residents", "staff"]},
        "lead_partner_id": ids["lulea"],
        "partners": [{"partner_id": ids["lunet"], "roles": ["supplier"]}],
        "start_planned": "2027-01-01",
        "end_planned": "2027-06-30",
        "quick": {"personal": False, "camera": False, "research": False, "ai": False},
    }


@pytest.fixture
def least(ids):
    """A body with what is needed to save."""
    return {"testbed_id": ids["norra-hamn"], "title": "Smarta kärl", "need": {"statement": NEED}}


async def test_with_all_nine_fields_a_pilot_is_proposed_at_once(client, whole):
    answer = await client.post("/pilots", json=whole, headers=ALVA)

    pilot = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/pilots/{pilot['code']}"
    assert (pilot["stage"], pilot["coordinator"]) == ("proposed", "Alva")
    assert {part["partner"]["title"]: part["roles"] for part in pilot["partners"]} == {
        "Lunet": ["supplier"],
        "Luleå kommun": ["lead"],
    }


async def test_testbed_title_and_need_are_enough_to_save(client, least):
    answer = await client.post("/pilots", json=least, headers=ALVA)

    assert answer.status_code == 201
    assert answer.json()["stage"] == "need"
    assert answer.json()["title"] == {"en": "Smarta kärl"}


async def test_codes_count_up_within_a_year_even_at_the_same_time(client, least):
    answers = await asyncio.gather(*(client.post("/pilots", json=least, headers=ALVA) for _ in range(6)))

    codes = sorted(answer.json()["code"] for answer in answers)
    assert [code[-4:] for code in codes] == [f"-00{number}" for number in range(1, 7)]
    assert all(code.startswith("LUL-20") for code in codes)


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (EBBA, 403), (ALVA, 201)])
async def test_only_coordinators_of_the_testbed_register(client, least, who, status):
    answer = await client.post("/pilots", json=least, headers=who)

    assert answer.status_code == status


async def test_a_coordinator_registers_only_in_own_testbeds(client, ids, least):
    answer = await client.post("/pilots", json=least | {"testbed_id": ids["skeppsbron"]}, headers=ALVA)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "ab"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"need": {"statement": "Kort"}}, "need.statement"),
        ({"need": {}}, "need.statement"),
        ({"need": {"statement": NEED, "user_groups": ["martians"]}}, "need.user_groups"),
        ({"end_planned": "2026-12-31"}, "end_planned"),
        ({"end_planned": "2033-01-01"}, "end_planned"),
        ({"testbed_id": 999}, "testbed_id"),
        ({"lead_partner_id": 999}, "lead_partner_id"),
        ({"partners": [{"partner_id": 999}]}, "partners.0.partner_id"),
        ({"quick": {"personal": "kanske"}}, "quick.personal"),
        ({"start_planned": "i vår"}, "start_planned"),
    ],
)
async def test_a_refused_field_is_named(client, whole, change, field):
    answer = await client.post("/pilots", json=whole | change, headers=ALVA)

    assert answer.status_code == 422
    assert any(each["field"].startswith(field) for each in answer.json()["errors"])


async def test_a_company_does_not_lead(client, ids, whole):
    answer = await client.post("/pilots", json=whole | {"lead_partner_id": ids["ltu"]}, headers=ALVA)

    assert [each["field"] for each in answer.json()["errors"]] == ["lead_partner_id"]


async def test_a_registered_need_may_feed_another_pilot(client, whole):
    first = (await client.post("/pilots", json=whole, headers=ALVA)).json()
    need = first["needs"][0]["id"]

    second = await client.post("/pilots", json=whole | {"need": {"id": need}}, headers=ALVA)

    assert second.json()["needs"][0]["id"] == need
    assert len((await client.get(f"/needs/{need}", headers=ALVA)).json()["pilots"]) == 2


FORM = {
    "title": "Smarta kärl",
    "need.statement": NEED,
    "need.user_groups[]": ["residents", "staff"],
    "partners.0.name": "lunet",
    "start_planned": "2027-01-01",
    "end_planned": "2027-06-30",
    "quick.personal": "no",
    "quick.camera": "no",
    "quick.research": "no",
    "quick.ai": "yes",
    "served_at": "2026-01-01T00:00:00+00:00",
}


async def test_the_form_proposes_a_pilot_with_a_partner_known_by_name(client, ids):
    form = FORM | {"testbed_id": str(ids["norra-hamn"]), "lead_partner_id": str(ids["lulea"])}

    answer = await client.post("/pilots", data=form, headers=ALVA | HTML)

    assert answer.status_code == 303
    pilot = (await client.get(answer.headers["location"], headers=ALVA)).json()
    assert pilot["stage"] == "proposed"
    assert "Lunet" in [part["partner"]["title"] for part in pilot["partners"]]


async def test_a_new_name_is_added_as_a_company(client, ids):
    form = FORM | {"testbed_id": str(ids["norra-hamn"]), "partners.0.name": "Snö & Is AB"}

    answer = await client.post("/pilots", data=form, headers=ALVA | HTML)

    pilot = (await client.get(answer.headers["location"], headers=ALVA)).json()
    assert [part["roles"] for part in pilot["partners"]] == [["supplier"]]
    assert (await client.get("/partners", params={"q": "Snö"})).json()["items"][0]["kind"] == "company"


async def test_a_refused_form_keeps_everything_that_was_typed(client, ids):
    form = FORM | {"testbed_id": str(ids["norra-hamn"]), "title": "", "end_planned": "2026-01-01"}

    answer = await client.post("/pilots", data=form, headers=ALVA | HTML)

    assert answer.status_code == 422
    assert NEED in answer.text
    assert 'value="lunet"' in answer.text
    assert 'value="staff" checked' in answer.text
    assert 'name="quick.ai" value="yes" checked' in answer.text


async def test_the_form_starts_with_the_testbed_used_last_and_answers_nothing(client, ids):
    page = await client.get("/pilots/new", headers=ALVA | HTML)

    assert page.status_code == 200
    assert f'<option value="{ids["norra-hamn"]}" selected>' in page.text
    assert "checked" not in page.text
