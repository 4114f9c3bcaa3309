"""Addresses of partners' systems: registered with a secret that is shown once, by managers, where calls are on."""

import base64

import pytest

from testbed.jobs import Workshop
from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, HTML
from tests.conftest import alive, app_of
from tests.notices.conftest import asking
from tests.notices.door import AT, URL, asked, registered, uploaded
from tests.post import all_done


async def test_the_secret_is_shown_once_and_nowhere_else(client, db):
    made = await registered(client)

    secret = base64.b64decode(made["secret"].removeprefix("whsec_"))
    seen = [await client.get(path, headers=BO) for path in (AT, f"{AT}/{made['id']}")]
    seen += [await client.get(path, headers=BO | HTML) for path in (AT, f"{AT}/{made['id']}")]
    assert len(secret) == 32
    assert await asked(db, "SELECT secret FROM webhook") == secret
    assert not [each for each in seen if made["secret"][6:] in each.text or each.status_code != 200]
    assert made["secret"][6:] not in await asked(db, "SELECT string_agg(details::text, '') FROM activity")


@pytest.mark.parametrize(
    ("who", "status"), [({}, 401), (DAVID, 403), (CECILIA, 403), (ALVA, 403), (EBBA, 403)]
)
async def test_only_managers_of_the_partner_come_here(client, who, status):
    made = await registered(client)

    answers = [
        await client.get(AT, headers=who),
        await client.post(AT, json={"url": URL}, headers=who),
        await client.get(f"{AT}/{made['id']}", headers=who),
        await client.post(f"{AT}/{made['id']}/test", headers=who),
        await client.post(f"{AT}/{made['id']}/archive", headers=who),
    ]

    assert [each.status_code for each in answers] == [status] * 5


async def test_a_webhook_of_another_partner_is_not_there(client, db):
    made = await registered(client)
    await asked(db, "UPDATE membership SET role = 'manager' RETURNING id")

    assert (await client.get(f"/partners/ltu/webhooks/{made['id']}", headers=CECILIA)).status_code == 404
    assert (
        await client.post(f"/partners/ltu/webhooks/{made['id']}/pause", headers=CECILIA)
    ).status_code == 404


async def test_an_address_that_may_not_be_called_comes_back_in_the_form(client):
    answer = await client.post(
        AT, data={"url": "http://127.0.0.1/", "events[]": ["result.received"]}, headers=BO | HTML
    )
    none = await client.post(AT, data={"url": URL, "events[]": [""]}, headers=BO | HTML)

    assert answer.status_code == 422
    assert 'value="http://127.0.0.1/"' in answer.text
    assert "must begin with https://" in answer.text
    assert none.status_code == 422


async def test_five_addresses_are_enough(client):
    for _ in range(5):
        made = await registered(client)

    sixth = await client.post(AT, json={"url": URL}, headers=BO)
    await client.post(f"{AT}/{made['id']}/archive", headers=BO)

    assert sixth.status_code == 409
    assert (await client.post(AT, json={"url": URL}, headers=BO)).status_code == 201


async def test_where_calls_are_switched_off_nothing_is_registered_or_sent(
    client, trial, settings, db, store, kinds, door
):
    made = await registered(client)
    inner = app_of(settings)
    async with alive(inner), asking(inner, settings) as plain:
        refused = await plain.post(AT, json={"url": URL}, headers=BO)
        tested = await plain.post(f"{AT}/{made['id']}/test", headers=BO)
        page = await plain.get(AT, headers=BO | HTML)
    await uploaded(client, trial)
    await all_done(Workshop(db, store, settings), kinds)

    assert [refused.status_code, tested.status_code] == [409, 409]
    assert "switched off" in page.text
    assert door.calls == []
    assert await asked(db, "SELECT DISTINCT state || ': ' || error FROM webhook_delivery") == (
        "failed: switched off in this installation"
    )


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_is_there_in_both_languages(client, trial, shop, kinds, door, language):
    made = await registered(client)
    await uploaded(client, trial)
    door.answers = [500]
    await all_done(shop, kinds)

    for path in (AT, f"{AT}/new", f"{AT}/{made['id']}"):
        page = await client.get(path, headers=BO | HTML | {"accept-language": language})
        assert page.status_code == 200, page.text
    form = {"url": URL, "events[]": ["result.received", "result.checked"]}
    assert (
        "whsec_" in (await client.post(AT, data=form, headers=BO | HTML | {"accept-language": language})).text
    )
