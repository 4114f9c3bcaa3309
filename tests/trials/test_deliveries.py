"""Planned deliveries: who plans them, how they stand, and what partners see of them."""

from datetime import date, datetime

import pytest

from testbed.trials.deliveries import state_of
from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, HTML
from tests.trials.planned import HOME, in_days, partner_id, planned

DATA = b"tid;dB\n2026-05-08 10:00;51,5\n"
DUE = date(2026, 3, 29)  # the night before it, clocks go forward


async def upload(client, trial, name="v1.csv", who=BO, data=DATA, **query):
    return await client.put(f"/trials/{trial}/results/{name}", params=query, content=data, headers=who)


@pytest.mark.parametrize(
    ("today", "received", "lost", "state"),
    [
        (date(2026, 3, 14), None, False, "expected"),
        (date(2026, 3, 15), None, False, "due_soon"),
        (DUE, None, False, "due_soon"),
        (date(2026, 3, 30), None, False, "overdue"),
        (date(2026, 3, 30), None, True, "lost"),
        (date(2026, 4, 30), "2026-03-29T23:59:59+02:00", False, "received"),
        (date(2026, 4, 30), "2026-03-30T00:00:00+02:00", False, "received_late"),
        (date(2026, 4, 30), "2026-03-29T21:59:59+00:00", False, "received"),
        (date(2026, 4, 30), "2026-03-29T22:00:00+00:00", False, "received_late"),
        (date(2026, 4, 30), "2026-03-29T12:00:00+00:00", True, "received"),
    ],
)
def test_a_delivery_stands_as_its_day_says(today, received, lost, state):
    came = datetime.fromisoformat(received) if received else None

    assert state_of(DUE, came, lost=lost, today=today) == state


async def test_who_edits_the_trial_plans_its_deliveries(client, trial, db):
    first = await planned(client, db, trial)
    second = await planned(client, db, trial, description={"sv": "Alla givare."})

    assert (first["code"], second["code"]) == ("D1", "D2")
    assert (first["state"], first["partner"]["title"]) == ("due_soon", "Lunet")
    assert [each["action"] for each in first["activity"]] == ["delivery.register"]


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (ALVA, 201)])
async def test_others_plan_nothing(client, trial, db, who, status):
    body = {"title": "Vecka 1", "from_partner_id": await partner_id(db, "lunet"), "due_on": in_days(3)}

    answer = await client.post(f"/trials/{trial}/deliveries", json=body, headers=who)

    assert answer.status_code == status


async def test_only_a_partner_that_takes_part_is_asked(client, trial, db):
    async with db.raw() as connection:
        stranger = await connection.fetchval(
            "INSERT INTO partner (slug, name, kind, visibility) VALUES ('acme', 'Acme', 'company', 'public') RETURNING id"
        )
    body = {"title": "Vecka 1", "from_partner_id": stranger, "due_on": in_days(3)}

    answer = await client.post(f"/trials/{trial}/deliveries", json=body, headers=CECILIA)
    form = await client.post(
        f"/trials/{trial}/deliveries",
        data={"title.sv": "Vecka 1", "from_partner_id": str(stranger), "due_on": "i morgon"},
        headers=CECILIA | HTML,
    )

    assert answer.json()["errors"][0]["field"] == "from_partner_id"
    assert form.status_code == 422
    assert 'value="Vecka 1"' in form.text


async def test_a_delivery_is_changed_by_who_saw_its_latest_version(client, trial, db):
    at = f"/trials/{trial}/deliveries/{(await planned(client, db, trial))['code']}"

    moved = await client.patch(at, json={"due_on": in_days(30), "row_version": 1}, headers=CECILIA)
    late = await client.patch(at, json={"due_on": in_days(40), "row_version": 1}, headers=ALVA)
    lost = await client.post(
        at, data={"lost_reason": "Givaren brann upp.", "row_version": "2"}, headers=CECILIA
    )

    assert (moved.json()["state"], late.status_code) == ("expected", 412)
    assert lost.json()["state"] == "lost"
    assert "Givaren brann upp." in (await client.get(at, headers=BO | HTML)).text


async def test_an_archived_delivery_takes_no_more_files(client, trial, db):
    at = f"/trials/{trial}/deliveries/{(await planned(client, db, trial))['code']}"
    await client.post(f"{at}/archive", headers=CECILIA)

    answer = await upload(client, trial, delivery="D1")

    assert answer.json()["errors"][0]["field"] == "delivery"
    assert (await client.get(f"/trials/{trial}/deliveries", headers=BO)).json()["items"] == []
    assert (await client.get(at, headers=BO)).json()["archived_at"]
    assert (await client.post(f"{at}/restore", headers=CECILIA)).json()["archived_at"] is None


async def test_a_file_answers_the_delivery_it_was_sent_for(client, trial, db):
    await planned(client, db, trial)
    await planned(client, db, trial, due=-3)

    on_time = await upload(client, trial, delivery="d1")
    late = await upload(client, trial, "v2.csv", delivery="D2")

    receipt = on_time.json()["receipt"]["delivery"]
    assert receipt == {
        "code": "D1",
        "title": {"sv": "Vecka 1", "en": "Week 1"},
        "due_on": in_days(10),
        "on_time": True,
    }
    assert late.json()["delivery"]["on_time"] is False
    listed = (await client.get(f"/trials/{trial}/deliveries", headers=BO)).json()["items"]
    assert {each["code"]: each["state"] for each in listed} == {"D1": "received", "D2": "received_late"}
    shown = (await client.get(f"/trials/{trial}/deliveries/D1", headers=BO)).json()
    assert [each["filename"] for each in shown["results"]] == ["v1.csv"]
    assert (await client.get(f"/trials/{trial}/deliveries/D1", headers=CECILIA)).json()["results"] == []


async def test_a_delivery_says_on_whose_behalf_a_file_comes(client, trial, db):
    await planned(client, db, trial, partner="ltu")

    theirs = await upload(client, trial, delivery="D1")
    behalf = await upload(client, trial, who=ALVA, delivery="D1")
    unlike = await upload(client, trial, who=ALVA, delivery="D1", partner_id=await partner_id(db, "lunet"))
    unknown = await upload(client, trial, delivery="D9")

    assert [each.json()["errors"][0]["field"] for each in (theirs, unlike, unknown)] == ["delivery"] * 3
    assert behalf.json()["receipt"]["partner"] == "Luleå tekniska universitet"


async def test_a_form_names_the_delivery_before_the_file(client, trial, db):
    await planned(client, db, trial, description={"sv": "Alla givare.", "en": "All sensors."})

    page = (await client.get(f"/trials/{trial}/upload?delivery=D1", headers=BO | HTML)).text
    answer = await client.post(
        f"/trials/{trial}/results", data={"delivery": "D1"}, files={"file": ("v1.csv", DATA)}, headers=BO
    )

    assert '<option value="D1" selected>' in page
    assert page.index('name="delivery"') < page.index('type="file"')
    assert "All sensors." in page
    assert in_days(10) in page
    assert answer.json()["delivery"]["code"] == "D1"


async def test_a_file_that_came_before_can_be_said_to_answer_a_delivery(client, trial, db):
    result = (await upload(client, trial)).json()
    await planned(client, db, trial)
    await planned(client, db, trial, partner="ltu")
    at = f"/results/{result['code']}"

    wrong = await client.patch(at, json={"delivery": "D2", "row_version": 1}, headers=BO)
    right = await client.post(at, data={"delivery": "D1", "row_version": "1"}, headers=BO)
    again = await client.patch(at, json={"delivery": None, "row_version": 2}, headers=BO)

    assert wrong.json()["errors"][0]["field"] == "delivery"
    assert right.json()["delivery"]["code"] == "D1"
    assert right.json()["receipt"]["delivery"] is None
    assert again.json()["delivery"] is None


async def test_the_same_file_sent_for_a_delivery_is_the_same_result(client, trial, db):
    first = (await upload(client, trial)).json()
    await planned(client, db, trial)

    again = await upload(client, trial, delivery="D1")

    assert (again.status_code, again.json()["code"]) == (200, first["code"])
    assert again.json()["delivery"]["code"] == "D1"


async def test_a_file_put_away_answers_nothing_any_more(client, trial, db):
    await planned(client, db, trial)
    result = (await upload(client, trial, delivery="D1")).json()

    await client.post(f"/results/{result['code']}/archive", headers=BO)

    assert (await client.get(f"/trials/{trial}/deliveries/D1", headers=BO)).json()["state"] == "due_soon"


@pytest.mark.parametrize(
    ("who", "told"), [({}, False), (DAVID, False), (EBBA, False), (BO, True), (ALVA, True)]
)
async def test_how_a_delivery_stands_is_for_those_who_take_part(client, trial, db, who, told):
    await planned(client, db, trial)
    await upload(client, trial, delivery="D1")

    item = (await client.get(f"/trials/{trial}", headers=who)).json()["deliveries"][0]
    view = (await client.get(f"/trials/{trial}/deliveries/D1", headers=who)).json()

    assert [item["state"] is not None, item["received_at"] is not None, view["received_at"] is not None] == [
        told
    ] * 3
    assert (item["code"], item["due_on"]) == ("D1", in_days(10))


async def test_a_partner_sees_what_is_expected_of_it_by_due_date(client, trial, db):
    for days in (20, -2, 5):
        await planned(client, db, trial, due=days, title={"sv": f"Om {days}"})
    await planned(client, db, trial, partner="ltu")
    await upload(client, trial, delivery="D3")

    view = (await client.get("/partners/lunet/expected", headers=BO)).json()
    ended = (await client.get("/partners/lunet/expected?which=ended", headers=BO)).json()
    page = (await client.get("/partners/lunet/expected", headers=BO | HTML)).text
    table = (await client.get("/partners/lunet/expected?format=csv", headers=BO)).text.splitlines()
    first = (await client.get("/partners/lunet/expected?limit=1", headers=BO)).json()

    assert [(each["code"], each["state"], each["days_left"]) for each in view["items"]] == [
        ("D2", "overdue", -2),
        ("D1", "expected", 20),
    ]
    assert [each["code"] for each in ended["items"]] == ["D3"]
    assert page.count(f"/trials/{trial}/upload?delivery=") == 2
    assert len(table) == 3
    second = await client.get(f"/partners/lunet/expected?limit=1&after={first['next']}", headers=BO)
    assert [each["code"] for each in second.json()["items"]] == ["D1"]


@pytest.mark.parametrize(
    ("who", "status"), [({}, 404), (DAVID, 404), (CECILIA, 404), (EBBA, 404), (BO, 200), (ALVA, 200)]
)
async def test_to_others_the_page_does_not_exist(client, trial, db, who, status):
    await planned(client, db, trial)

    assert (await client.get("/partners/lunet/expected", headers=who)).status_code == status
    assert (await client.get("/partners/finnsinte/expected", headers=who)).status_code == 404


async def test_a_coordinator_sees_only_what_their_testbeds_expect(client, trial, db):
    await planned(client, db, trial)
    async with db.raw() as connection:
        await connection.execute(
            "INSERT INTO testbed_coordinator (person_id, testbed_id)"
            " SELECT person.id, testbed.id FROM person, testbed WHERE person.name = 'David' AND slug = 'skeppsbron'"
        )

    assert (await client.get("/partners/lunet/expected", headers=DAVID)).status_code == 404
    assert (await client.get("/partners/ltu/expected", headers=ALVA)).status_code == 404


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_an_empty_page_says_what_belongs_there(client, trial, language):
    for which in ("open", "ended"):
        page = await client.get(
            f"/partners/lunet/expected?which={which}", headers=BO | HTML | {"accept-language": language}
        )

        assert page.status_code == 200
        assert 'class="empty"' in page.text


async def test_my_work_begins_with_what_is_expected(client, trial, db):
    await planned(client, db, trial, due=40)
    await planned(client, db, trial, due=4, title={"sv": "Snart"})

    work = {
        who: (await client.get("/", headers=headers)).json() for who, headers in (("Bo", BO), ("Alva", ALVA))
    }

    assert [each["code"] for each in work["Bo"]["expected"]] == ["D2", "D1"]
    assert [each["code"] for each in work["Alva"]["awaited"]] == ["D2"]
    assert (work["Alva"]["expected"], work["Bo"]["awaited"]) == ([], [])
    assert f"/trials/{trial}/upload?delivery=D2" in (await client.get("/", headers=BO | HTML)).text
    assert "/partners/lunet/expected" in (await client.get("/", headers=ALVA | HTML)).text


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(
    "path", ["", "/deliveries", "/deliveries/new", "/deliveries/D1", "/deliveries/D1/edit"]
)
async def test_every_page_is_there_in_both_languages(client, trial, db, path, language):
    await planned(client, db, trial)

    page = await client.get(f"/trials/{trial}{path}", headers=CECILIA | HTML | {"accept-language": language})

    assert page.status_code == 200
    assert HOME.key not in page.text
