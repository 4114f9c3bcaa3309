"""One's own account: tokens, sessions, the password; and what no token may do."""

import base64

import pytest

from tests.accounts.conftest import PASSWORD, sign_in
from tests.cast import ALVA, HTML

DRAFT = {"name": "Weekly export", "scopes": ["read"], "days": 30}


async def make_token(browser, **more):
    return (await browser.post("/me/tokens", json=DRAFT | more)).json()["token"]


async def test_a_token_is_shown_once_and_kept_as_a_digest(browser, db):
    bo = await browser("Bo")

    answer = await bo.post(
        "/me/tokens", data={"name": "Weekly", "scopes[]": ["read"], "days": "30"}, headers=HTML
    )

    assert answer.status_code == 201
    token = answer.text.split("<code>")[1].split("</code>")[0]
    assert (await bo.get("/partners", headers={"authorization": f"Bearer {token}"})).status_code == 200
    assert token not in (await bo.get("/me", headers=HTML)).text
    async with db.raw() as connection:
        kept = await connection.fetchrow("SELECT * FROM token WHERE name = 'Weekly'")
    assert token.split("_", 3)[3][:43].encode() not in kept["sha256"]
    assert kept["public"] in token


async def test_a_token_without_scopes_or_days_comes_back_as_the_form(browser):
    bo = await browser("Bo")

    answer = await bo.post("/me/tokens", data={"name": "Weekly", "days": "400"}, headers=HTML)
    none = await bo.post("/me/tokens", data={"name": "Weekly", "scopes[]": [""], "days": "4"}, headers=HTML)

    assert answer.status_code == 422
    assert 'value="Weekly"' in answer.text
    assert none.status_code == 422


@pytest.mark.parametrize(("scopes", "status"), [(["read"], 403), (["manage"], 201)])
async def test_a_token_does_what_its_scopes_say(browser, scopes, status):
    token = await make_token(await browser("Alva"), scopes=scopes)

    bearer = {"authorization": f"Bearer {token}"}
    answer = await (await browser()).post("/partners", json={"name": "Boden", "kind": "city"}, headers=bearer)

    assert answer.status_code == status


async def test_a_token_never_exceeds_its_person(browser):
    token = await make_token(await browser("David"), scopes=["manage", "publish"])

    bearer = {"authorization": f"Bearer {token}"}
    answer = await (await browser()).post("/partners", json={"name": "Boden", "kind": "city"}, headers=bearer)

    assert answer.status_code == 403


async def test_the_password_of_basic_may_be_a_token(client):
    token = ALVA["authorization"].removeprefix("Bearer ")
    basic = {"authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()}

    answer = await client.post("/partners", json={"name": "Boden", "kind": "city"}, headers=basic)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/me/tokens", DRAFT), ("GET", "/me", None), ("POST", "/me", {"name": "Anna", "row_version": 1}),
        ("POST", "/partners/lunet/members", {"name": "Nina", "email": "nina@demo.example"}),
        ("GET", "/partners/lunet/members", None),
    ],
)  # fmt: skip
async def test_no_token_makes_tokens_or_changes_memberships(browser, client, db, method, path, body):
    bearer = {
        "authorization": f"Bearer {await make_token(await browser('Bo'), scopes=['manage', 'publish'])}"
    }

    answer = await client.request(method, path, json=body, headers=bearer)

    assert answer.status_code == 403
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM person") == 5


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = now()",
        "expires_at = now() - interval '1 s'",
        "sha256 = sha256('x')",
        "public = 'ZZZZZZZZ'",
    ],
)
async def test_a_token_that_is_no_longer_good_is_nobody(browser, client, db, change):
    token = await make_token(await browser("Bo"))
    async with db.raw() as connection:
        await connection.execute(f"UPDATE token SET {change} WHERE name = 'Weekly export'")

    answer = await client.get("/partners", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_revoking_a_token_ends_it_at_once(browser, client):
    bo = await browser("Bo")
    token = await make_token(bo)
    kept = (await bo.get("/me")).json()["tokens"]

    await bo.post(f"/me/tokens/{kept[0]['id']}/revoke")

    assert (await client.get("/partners", headers={"authorization": f"Bearer {token}"})).status_code == 401


async def test_nobody_revokes_anothers_token_or_session(browser):
    bo, david = await browser("Bo"), await browser("David")
    await make_token(bo)
    mine = (await bo.get("/me")).json()

    token = await david.post(f"/me/tokens/{mine['tokens'][0]['id']}/revoke")
    session = await david.post(f"/me/sessions/{mine['browsers'][0]['id']}/end")

    assert token.status_code == session.status_code == 404
    assert (await bo.get("/me")).status_code == 200


async def test_a_person_ends_their_other_browser(browser):
    here, there = await browser("Bo"), await browser("Bo")
    listed = (await here.get("/me")).json()["browsers"]
    other = next(each["id"] for each in listed if not each["here"])

    await here.post(f"/me/sessions/{other}/end")

    assert (await here.get("/me")).status_code == 200
    assert (await there.get("/me")).status_code == 401


async def test_a_new_password_ends_all_other_sessions(browser, client):
    here, there = await browser("Bo"), await browser("Bo")

    answer = await here.post(
        "/me/password", json={"current": PASSWORD, "password": "isen bär till Hindersön"}
    )

    assert answer.status_code == 200
    assert (await here.get("/me")).status_code == 200
    assert (await there.get("/me")).status_code == 401
    assert (await sign_in(client, "bo@demo.example", "isen bär till Hindersön")).status_code == 200


async def test_the_old_password_is_asked_for(browser):
    bo = await browser("Bo")

    wrong = {"current": "fel fel fel fel", "password": "isen bär till Hindersön"}
    answer = await bo.post("/me/password", data=wrong, headers=HTML)

    assert answer.status_code == 422
    assert "This is not your password." in answer.text
    assert "Hindersön" not in answer.text


@pytest.mark.parametrize(
    ("orcid", "kept"),
    [("https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"), ("0000-0002-1694-233x", "0000-0002-1694-233X"),
     ("0000-0002-1825-0098", None), ("1825", None)],
)  # fmt: skip
async def test_an_orcid_is_checked_by_its_last_character(browser, orcid, kept):
    bo = await browser("Bo")

    answer = await bo.patch("/me", json={"orcid": orcid, "row_version": 1})

    assert (answer.status_code, answer.json().get("orcid")) == ((200, kept) if kept else (422, None))


async def test_nobody_makes_themselves_administrator(browser):
    bo = await browser("Bo")

    answer = await bo.patch("/me", json={"admin": True, "state": "active", "row_version": 1})

    assert answer.status_code == 422
    assert (await bo.get("/me")).json()["admin"] is False


async def test_a_form_sent_after_the_session_ended_is_not_lost(browser, db):
    alva = await browser("Alva")
    async with db.raw() as connection:
        await connection.execute("DELETE FROM session")

    answer = await alva.post("/partners", data={"name": "Bodens kommun", "kind": "city"}, headers=HTML)

    assert answer.status_code == 401
    assert 'action="/partners"' in answer.text
    assert 'name="name" value="Bodens kommun"' in answer.text
    assert "Send it again" in answer.text


async def test_the_sign_in_link_of_a_refused_page_leads_back_to_it(browser):
    answer = await (await browser()).get("/me?x=å", headers=HTML)

    assert answer.status_code == 401
    assert '/sign-in?next=/me%3Fx%3D%25C3%25A5"' in answer.text


async def test_everybody_chooses_what_they_want_mail_about(browser, db):
    bo = await browser("Bo")
    before = (await bo.get("/me")).json()

    chosen = await bo.post(
        "/me", data={"mail[]": ["", "receipt", "reminder"], "row_version": "1"}, headers=HTML
    )
    none = await bo.post("/me", data={"mail[]": "", "row_version": "2"}, headers=HTML)
    one = await bo.patch("/me", json={"mail": ["checked"], "row_version": 3})
    wrong = await bo.patch("/me", json={"mail": ["spam"], "row_version": 4})
    named = await bo.patch("/me", json={"name": "Bosse", "row_version": 4})

    assert before["mail"] == ["receipt", "checked", "accepted", "reminder", "webhook"]
    assert [chosen.status_code, none.status_code, wrong.status_code] == [303, 303, 422]
    assert one.json()["mail"] == named.json()["mail"] == ["checked"]
    async with db.raw() as connection:
        kept = await connection.fetchval("SELECT mail_off FROM person WHERE name = 'Bosse'")
    assert kept == ["receipt", "accepted", "reminder", "webhook"]
    assert 'value="checked" checked' in (await bo.get("/me", headers=HTML)).text
