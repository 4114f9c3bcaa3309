"""The people of a partner, and the links they come in by."""

import pytest

from testbed.accounts import service
from testbed.errors import Invalid, NotFound
from testbed.people.models import LinkPurpose
from tests.accounts.conftest import BROWSER, sign_in
from tests.cast import BO, HTML, running_pilot

NINA = {"name": "Nina Holm", "email": "Nina@Lunet.example", "role": "member"}
CHOSEN = "isen bär till Hindersön"


async def invited(browser, slug="lunet", **more):
    answer = await browser.post(f"/partners/{slug}/members", json=NINA | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def come_in(client, link, password=CHOSEN, **more):
    return await client.post(link, json={"password": password} | more, headers=BROWSER)


async def test_a_manager_invites_somebody_who_chooses_a_password_and_is_in(browser):
    link = (await invited(await browser("Bo")))["link"]
    nina = await browser()

    page = await nina.get(link, headers=HTML)
    answer = await nina.post(link, data={"password": CHOSEN}, headers=HTML)

    assert "Nina Holm" in page.text
    assert link.startswith("http://testserver/welcome/")
    assert answer.status_code == 303
    account = (await nina.get("/me")).json()
    assert account["email"] == "nina@lunet.example"
    assert [place["slug"] for place in account["places"]] == ["lunet"]


@pytest.mark.parametrize(
    ("who", "status"), [("Cecilia", 403), ("Alva", 403), ("David", 403), (None, 401), ("Ebba", 200)]
)
async def test_only_managers_and_administrators_see_the_members(browser, who, status):
    answer = await (await browser(who)).get("/partners/ltu/members")

    assert answer.status_code == status


async def test_a_manager_manages_no_other_partner(browser):
    answer = await (await browser("Bo")).post("/partners/ltu/members", json=NINA)

    assert answer.status_code == 403


async def test_a_link_lets_in_once(browser):
    link = (await invited(await browser("Bo")))["link"]

    first = await come_in(await browser(), link)
    second = await come_in(await browser(), link, "en helt annan mening")

    assert (first.status_code, second.status_code) == (200, 404)


async def test_looking_at_a_link_does_not_use_it_and_says_nothing_to_other_sites(browser):
    link = (await invited(await browser("Bo")))["link"]
    scanner = await browser()

    looks = [await scanner.get(link, headers=HTML) for _ in range(3)]
    answer = await come_in(await browser(), link)

    assert {look.headers["referrer-policy"] for look in looks} == {"no-referrer"}
    assert {look.headers["x-robots-tag"] for look in looks} == {"noindex"}
    assert answer.status_code == 200


async def test_another_site_cannot_use_a_link(browser, client):
    link = (await invited(await browser("Bo")))["link"]

    answer = await client.post(link, json={"password": CHOSEN}, headers={"sec-fetch-site": "cross-site"})
    script = await client.post(link, json={"password": CHOSEN})

    assert answer.status_code == script.status_code == 403


async def test_a_link_that_is_too_old_is_no_link(browser, db):
    link = (await invited(await browser("Bo")))["link"]
    async with db.raw() as connection:
        await connection.execute("UPDATE one_time_link SET expires_at = now() - interval '1 s'")

    assert (await (await browser()).get(link)).status_code == 404
    assert (await come_in(await browser(), link)).status_code == 404


async def test_a_poor_password_leaves_the_link_good(browser):
    link = (await invited(await browser("Bo")))["link"]
    nina = await browser()

    refused = await nina.post(link, data={"password": "nina@lunet.example"}, headers=HTML)
    answer = await come_in(nina, link)

    assert refused.status_code == 422
    assert "must not be your e-mail address" in refused.text
    assert answer.status_code == 200


async def test_an_invitation_is_no_way_into_an_account_that_has_a_password(browser, db):
    answer = await invited(await browser("Bo"), email="cecilia@demo.example")

    assert answer["link"] is None
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT name FROM person WHERE email LIKE 'cecilia%'") == "Cecilia"


async def test_a_second_partners_manager_gets_no_link_to_the_same_person(browser, db):
    await invited(await browser("Ebba"), "ltu")

    answer = await invited(await browser("Bo"), "lunet")
    again = await (await browser("Bo")).get("/partners/lunet/members")
    number = next(each["id"] for each in again.json()["items"] if each["state"] == "invited")
    link = await (await browser("Bo")).post(f"/partners/lunet/members/{number}/link")

    assert answer["link"] is None
    assert link.status_code == 409


async def test_a_new_link_ends_the_earlier_one(browser):
    bo = await browser("Bo")
    first = (await invited(bo))["link"]
    number = next(
        e["id"] for e in (await bo.get("/partners/lunet/members")).json()["items"] if e["state"] == "invited"
    )

    second = (await bo.post(f"/partners/lunet/members/{number}/link")).json()["link"]

    assert (await come_in(await browser(), first)).status_code == 404
    assert (await come_in(await browser(), second)).status_code == 200


async def test_nobody_is_a_member_twice(browser):
    bo = await browser("Bo")
    await invited(bo)

    answer = await bo.post("/partners/lunet/members", data=NINA, headers=HTML)

    assert answer.status_code == 409
    assert "is a member here already" in answer.text


async def test_what_a_membership_allowed_ends_with_it_at_the_next_request(browser, db, client):
    async with db.raw() as connection:
        await running_pilot(connection, "LUL-2026-901")
        number = await connection.fetchval(
            "SELECT m.id FROM membership m JOIN partner p ON p.id = partner_id WHERE slug = 'lunet'"
        )
    before = await client.get("/pilots/LUL-2026-901", headers=BO)

    answer = await (await browser("Ebba")).post(f"/partners/lunet/members/{number}/end")

    assert answer.status_code == 200
    assert before.status_code == 200
    assert (await client.get("/pilots/LUL-2026-901", headers=BO)).status_code == 404


async def test_a_member_invited_today_can_end_today_and_come_again(browser):
    bo = await browser("Bo")
    for _ in range(3):
        await invited(bo)
        listed = (await bo.get("/partners/lunet/members")).json()["items"]
        number = next(each["id"] for each in listed if each["state"] == "invited" and each["active"])
        assert (await bo.post(f"/partners/lunet/members/{number}/end")).status_code == 200
        assert (await bo.post(f"/partners/lunet/members/{number}/end")).status_code == 404


async def test_a_new_role_takes_effect_and_ends_the_sessions(browser):
    ebba, cecilia = await browser("Ebba"), await browser("Cecilia")
    number = (await ebba.get("/partners/ltu/members")).json()["items"][0]["id"]

    await ebba.post(f"/partners/ltu/members/{number}", data={"role": "manager"}, headers=HTML)

    assert (await cecilia.get("/me")).status_code == 401
    assert (await (await browser("Cecilia")).get("/partners/ltu/members")).status_code == 200


async def test_a_member_of_another_partner_is_not_changed_through_ones_own(browser):
    ebba, bo = await browser("Ebba"), await browser("Bo")
    number = (await ebba.get("/partners/ltu/members")).json()["items"][0]["id"]

    assert (await bo.post(f"/partners/lunet/members/{number}/end")).status_code == 404
    assert (await bo.post(f"/partners/lunet/members/{number}", json={"role": "manager"})).status_code == 404


async def test_the_first_administrator_says_who_they_are(browser, db):
    async with db.begin() as session:
        secret = await service.link_for(session, LinkPurpose.first_admin, None)
    async with db.raw() as connection:
        await connection.execute("UPDATE person SET admin = false")
    first = await browser()

    silent = await first.post(f"/welcome/{secret}", json={"password": CHOSEN})
    answer = await come_in(first, f"/welcome/{secret}", name="Frida Berg", email="frida@demo.example")

    assert {each["field"] for each in silent.json()["errors"]} == {"name", "email"}
    assert answer.status_code == 200
    assert (await first.get("/admin")).status_code == 200


async def test_there_is_one_first_administrator(browser, db):
    async with db.begin() as session:
        secret = await service.link_for(session, LinkPurpose.first_admin, None)

    answer = await come_in(await browser(), f"/welcome/{secret}", name="Frida", email="frida@demo.example")

    assert answer.status_code == 409


async def test_the_operator_registers_people_twice_without_harm(db):
    async with db.begin() as session:
        first = await service.add_person(session, "Frida@Demo.example", "Frida Berg")
        again = await service.add_person(session, "frida@demo.example", "Another", admin=True)
        await service.assign_coordinator(session, first.id, "norra-hamn")
        await service.assign_coordinator(session, first.id, "norra-hamn")

    assert (again.id, again.name, again.admin) == (first.id, "Frida Berg", True)


@pytest.mark.parametrize(
    ("email", "name"), [("frida", "Frida"), ("frida@demo.example", " "), ("a@b.c\n@d.e", "Frida")]
)
async def test_the_operator_is_told_what_is_no_person(db, email, name):
    with pytest.raises(Invalid):
        async with db.begin() as session:
            await service.add_person(session, email, name)


async def test_a_token_is_revoked_by_its_public_part_once(db):
    async with db.begin() as session:
        alva = await service.person_by_email(session, "alva@demo.example")
        token = await service.create_token(session, alva.id)
        await service.revoke_token(session, token.split("_")[2])

    with pytest.raises(NotFound):
        async with db.begin() as session:
            await service.revoke_token(session, token)


async def test_a_suspended_persons_reset_link_is_void(browser, client, db):
    async with db.begin() as session:
        bo = await service.person_by_email(session, "bo@demo.example")
        secret = await service.link_for(session, LinkPurpose.reset, bo.id)
    async with db.raw() as connection:
        await connection.execute("UPDATE person SET state = 'suspended' WHERE name = 'Bo'")

    assert (await come_in(await browser(), f"/welcome/{secret}")).status_code == 404
    assert (await sign_in(client, "bo@demo.example", CHOSEN)).status_code == 401
