"""Administration: who finds it, and what it does to people's accounts."""

import pytest

from testbed import activity
from testbed.jobs import Workshop
from tests.accounts.conftest import BROWSER
from tests.cast import EBBA, HTML, unguarded

PAGES = ["/admin", "/admin/people/1", "/admin/people/new", "/admin/activity", "/admin/jobs"]


async def number_of(db, name):
    async with db.raw() as connection:
        return await connection.fetchval("SELECT id FROM person WHERE name = $1", name)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("who", "status"), [(None, 401), ("David", 404), ("Alva", 404), ("Ebba", 200)])
async def test_to_all_but_administrators_it_does_not_exist(browser, page, who, status):
    reader = await browser(who)

    assert (await reader.get(page)).status_code == status
    assert (await reader.get(page, headers=HTML)).status_code == status


async def test_an_administrators_token_reads_the_log_and_touches_nobody(client, db):
    bo = await number_of(db, "Bo")

    assert (await client.get("/admin/activity", headers=EBBA)).status_code == 200
    assert (await client.post(f"/admin/people/{bo}/suspend", headers=EBBA)).status_code == 404


@pytest.mark.parametrize(
    ("words", "found"), [("alv", ["Alva"]), ("BO@", ["Bo"]), ("%", []), ("demo ceci", ["Cecilia"])]
)
async def test_people_are_found_by_name_and_address(browser, words, found):
    answer = await (await browser("Ebba")).get("/admin", params={"q": words})

    assert [each["name"] for each in answer.json()["items"]] == found


async def test_the_list_says_where_people_belong(browser):
    listed = (await (await browser("Ebba")).get("/admin")).json()["items"]

    alva = next(each for each in listed if each["name"] == "Alva")
    assert alva["places"] == ["Luleå kommun"]
    assert alva["coordinates"] == ["North harbour"]


async def test_a_suspended_person_is_out_and_can_be_let_in_again(browser, db):
    ebba, bo = await browser("Ebba"), await browser("Bo")
    number = await number_of(db, "Bo")

    out = await ebba.post(f"/admin/people/{number}/suspend")
    refused = await bo.get("/me")
    twice = await ebba.post(f"/admin/people/{number}/suspend")
    await ebba.post(f"/admin/people/{number}/reactivate")

    assert out.json()["state"] == "suspended"
    assert refused.status_code == 401
    assert twice.status_code == 409
    assert (await (await browser("Bo")).get("/me")).status_code == 200


@pytest.mark.parametrize("action", ["suspend", "unmake-admin"])
async def test_the_last_administrator_stays(browser, db, action):
    ebba = await browser("Ebba")

    answer = await ebba.post(f"/admin/people/{await number_of(db, 'Ebba')}/{action}")

    assert answer.status_code == 409
    assert (await ebba.get("/admin")).status_code == 200


async def test_a_new_administrator_signs_in_anew_and_the_first_may_leave(browser, db):
    ebba, alva = await browser("Ebba"), await browser("Alva")

    await ebba.post(f"/admin/people/{await number_of(db, 'Alva')}/make-admin", headers=HTML)
    await ebba.post(f"/admin/people/{await number_of(db, 'Ebba')}/unmake-admin", headers=HTML)

    assert (await alva.get("/me")).status_code == 401
    assert (await (await browser("Alva")).get("/admin")).status_code == 200
    assert (await ebba.get("/admin")).status_code == 404


async def test_a_link_for_a_new_password_works_for_an_hour_and_ends_the_sessions(browser, db):
    ebba, bo = await browser("Ebba"), await browser("Bo")

    made = (await ebba.post(f"/admin/people/{await number_of(db, 'Bo')}/link")).json()
    used = await (await browser()).post(
        made["link"], json={"password": "isen bär till Hindersön"}, headers=BROWSER
    )

    assert made["hours"] == 1
    assert used.status_code == 200
    assert (await bo.get("/me")).status_code == 401


async def test_somebody_new_is_let_in_by_a_link_for_a_week(browser):
    ebba = await browser("Ebba")
    frida = {"name": "Frida Berg", "email": "frida@demo.example"}

    made = await ebba.post("/admin/people", data=frida, headers=HTML)
    twice = await ebba.post("/admin/people", data=frida, headers=HTML)

    assert made.status_code == 201
    assert "/welcome/" in made.text
    assert twice.status_code == 409
    assert 'value="Frida Berg"' in twice.text


async def test_a_coordinator_is_made_and_removed_at_once(browser, db):
    ebba, david = await browser("Ebba"), await browser("David")
    number = await number_of(db, "David")
    beds = {bed["slug"]: bed["id"] for bed in (await ebba.get(f"/admin/people/{number}")).json()["others"]}
    city = {"name": "Boden", "kind": "city"}

    await ebba.post(f"/admin/people/{number}/testbeds", data={"testbed_id": beds["skeppsbron"]}, headers=HTML)
    may = await david.post("/partners", json=city)
    await ebba.post(f"/admin/people/{number}/testbeds/{beds['skeppsbron']}/remove")

    assert may.status_code == 201
    assert (await david.post("/partners", json=city)).status_code == 403


async def test_every_change_is_in_the_log_and_the_chain_holds(browser, db, store, settings):
    ebba = await browser("Ebba")
    await ebba.post(f"/admin/people/{await number_of(db, 'Bo')}/suspend")
    await activity.seal(Workshop(db, store, settings))

    told = (await ebba.get("/admin/activity?check=true")).json()
    searched = (await ebba.get("/admin/activity", params={"q": "person.suspend"})).json()

    assert [line["action"] for line in told["items"]] == ["person.suspend", "session.begin"]
    assert told["whole"] is True
    assert [line["who"] for line in searched["items"]] == ["Ebba"]


async def test_a_changed_line_shows_in_the_chain(browser, db, store, settings):
    ebba = await browser("Ebba")
    await activity.seal(Workshop(db, store, settings))
    async with db.raw() as connection, unguarded(connection):
        number = await connection.fetchval("UPDATE activity SET action = 'nothing.happened' RETURNING id")

    told = (await ebba.get("/admin/activity?check=true")).json()

    assert (told["whole"], told["broken"]) == (False, number)


async def test_the_log_is_read_page_by_page(browser):
    for _ in range(3):
        ebba = await browser("Ebba")
    first = (await ebba.get("/admin/activity?limit=2")).json()

    rest = (await ebba.get("/admin/activity", params={"limit": 2, "after": first["next"]})).json()

    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert (await ebba.get("/admin/activity?after=x")).status_code == 422


async def test_the_health_page_counts_the_work(browser, db):
    async with db.raw() as connection:
        await connection.execute(
            "INSERT INTO job (kind, state, run_at) VALUES ('x', 'queued', now() - interval '5 min')"
        )

    told = (await (await browser("Ebba")).get("/admin/jobs")).json()

    assert (told["waiting"], told["running"]) == (1, 0)
    assert told["oldest_waiting_seconds"] >= 300
    assert told["free_bytes"] > 0
