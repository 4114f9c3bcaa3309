"""Calls to partners' systems: registered once with a secret, signed, tried again, paused and said; ids and links only."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import httpx
import pytest

from testbed import jobs
from testbed.app import KINDS, create_app
from testbed.jobs import Workshop
from testbed.notices import calling
from testbed.notices.mail import PAUSES_SECONDS
from testbed.outgoing import NoAnswer, NotPublic
from testbed.web.shell import Shell
from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, HTML
from tests.conftest import BASE, alive
from tests.post import all_done, hurry, mailing
from tests.trials.planned import planned

AT = "/partners/lunet/webhooks"
URL = "https://hooks.example.se/testbed"
DATA = b"tid;dB\n2026-05-08 10:00;51,5\n"


class Door:
    """Where calls end; ``answers`` are given one after another, the last again and again."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: list[int | Exception] = [204]

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.calls.append((url, body, dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def kinds(door):
    return {**KINDS, **calling.kinds(door)}


@pytest.fixture
def on(settings, sink):
    """An installation that calls and mails."""
    return mailing(settings, sink.port, webhooks=True, base_url=BASE)


@pytest.fixture
def shop(db, store, on) -> Workshop:
    return Workshop(db, store, on)


@pytest.fixture
async def client(on):
    inner = create_app(on)
    async with alive(inner):
        transport = httpx.ASGITransport(app=Shell(inner, on), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as opened:
            yield opened


async def registered(client, **more) -> dict:
    answer = await client.post(AT, json={"url": URL} | more, headers=BO)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def upload(client, trial, name="v1.csv", **query):
    answer = await client.put(f"/trials/{trial}/results/{name}", params=query, content=DATA, headers=BO)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def asked(db, query, *values):
    async with db.raw() as connection:
        return await connection.fetchval(query, *values)


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
    off = settings.model_copy(update={"base_url": BASE})
    inner = create_app(off)
    async with alive(inner):
        transport = httpx.ASGITransport(app=Shell(inner, off), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as plain:
            refused = await plain.post(AT, json={"url": URL}, headers=BO)
            tested = await plain.post(f"{AT}/{made['id']}/test", headers=BO)
            page = await plain.get(AT, headers=BO | HTML)
    await upload(client, trial)
    await all_done(Workshop(db, store, off), kinds)

    assert [refused.status_code, tested.status_code] == [409, 409]
    assert "switched off" in page.text
    assert door.calls == []


async def test_a_system_is_told_by_a_signed_call_of_ids_and_links(client, trial, db, shop, kinds, door):
    made = await registered(client)
    await planned(client, db, trial)
    result = await upload(client, trial, delivery="D1", note="hemligt")

    await all_done(shop, kinds)

    url, body, headers = door.calls[0]
    told = json.loads(body)
    assert [json.loads(each[1])["type"] for each in door.calls] == ["result.received", "result.checked"]
    assert url == URL
    assert told["data"] == {
        "result": result["code"], "trial": trial, "pilot": "LUL-2026-901", "partner": "lunet", "delivery": "D1",
        "links": {"result": f"{BASE}/results/{result['code']}", "receipt": f"{BASE}/results/{result['code']}/receipt",
                  "trial": f"{BASE}/trials/{trial}"},
    }  # fmt: skip
    assert told.keys() == {"type", "timestamp", "data"}
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert not [word for word in (b"hemligt", b"v1.csv", b"Bo") if word in body]
    assert {"content-type": "application/json"}.items() <= headers.items()


async def test_only_wanted_events_are_told(client, trial, shop, kinds, door):
    await registered(client, events=["result.checked"])
    await upload(client, trial)

    await all_done(shop, kinds)

    assert [json.loads(each[1])["type"] for each in door.calls] == ["result.checked"]


async def test_an_event_is_told_once_however_often_its_work_is_done(client, trial, db, shop, kinds, door):
    await registered(client)
    await upload(client, trial)
    await all_done(shop, kinds)
    await asked(
        db, "UPDATE job SET state = 'queued', attempts = 0 WHERE kind IN ('profile', 'webhook') RETURNING id"
    )

    await all_done(shop, kinds)

    assert len(door.calls) == 2


async def test_a_call_is_tried_again_with_the_same_id_and_a_new_signature(
    client, trial, db, shop, kinds, door
):
    door.answers = [500, NoAnswer("no answer within 10 s"), 204]
    made = await registered(client, events=["result.received"])
    await upload(client, trial)
    for _ in range(3):
        await all_done(shop, kinds)
        await asked(
            db, "UPDATE job SET run_at = now() WHERE state = 'queued' AND kind = 'webhook' RETURNING id"
        )

    view = (await client.get(f"{AT}/{made['id']}", headers=BO)).json()

    assert len({each[1] for each in door.calls}) == len({each[2]["webhook-id"] for each in door.calls}) == 1
    assert len(door.calls) == 3
    assert (view["calls"][0]["state"], view["calls"][0]["attempts"], view["waiting"]) == ("delivered", 3, 0)


@pytest.mark.parametrize("answer", [500, 404, 302, NoAnswer("x"), NotPublic("x")])
async def test_after_seven_tries_it_is_paused_kept_and_mailed(
    client, trial, db, shop, kinds, door, sink, answer
):
    door.answers = [answer]
    made = await registered(client, events=["result.received"])
    await upload(client, trial)
    pauses = []
    for _ in PAUSES_SECONDS:
        await all_done(shop, kinds)
        pauses.append(
            await asked(db, "SELECT extract(epoch FROM run_at - now()) FROM job WHERE state = 'queued'")
        )
        await hurry(db, "webhook")
    await all_done(shop, kinds)

    view = (await client.get(f"{AT}/{made['id']}", headers=BO)).json()

    assert [round(float(each), -1) for each in pauses] == [60, 300, 1800, 7200, 28800, 86400]
    assert len(door.calls) == 7
    assert view["paused_at"]
    assert (view["calls"][0]["state"], view["waiting"]) == ("held", 1)
    assert str(sink.letters[-1]["Subject"]) == "Anropen till hooks.example.se är pausade"
    assert f"{BASE}{AT}/{made['id']}" in sink.letters[-1].get_content()


async def test_what_came_while_it_was_paused_goes_out_when_it_is_taken_up_again(
    client, trial, db, shop, kinds, door
):
    made = await registered(client, events=["result.received"])
    at = f"{AT}/{made['id']}"
    paused = await client.post(f"{at}/pause", headers=BO)
    await upload(client, trial)
    await upload(client, trial, "old.csv")
    await asked(
        db,
        "UPDATE webhook_delivery SET created_at = now() - interval '8 days' WHERE id = (SELECT max(id) FROM webhook_delivery) RETURNING id",
    )
    await all_done(shop, kinds)
    held = len(door.calls)

    again = await client.post(f"{at}/resume", headers=BO)
    await all_done(shop, kinds)

    assert (paused.json()["paused_at"] is not None, held, len(door.calls)) == (True, 0, 1)
    assert again.json()["paused_at"] is None
    assert (await client.post(f"{at}/resume", headers=BO)).status_code == 409


async def test_a_call_that_waits_when_it_is_paused_is_held(client, trial, db, shop, kinds, door):
    door.answers = [500]
    made = await registered(client, events=["result.received"])
    await upload(client, trial)
    await all_done(shop, kinds)

    await client.post(f"{AT}/{made['id']}/pause", headers=BO)
    await hurry(db, "webhook")
    await all_done(shop, kinds)

    assert len(door.calls) == 1
    assert await asked(db, "SELECT state FROM webhook_delivery") == "held"


@pytest.mark.parametrize(("answer", "state"), [(200, "delivered"), (500, "failed")])
async def test_a_test_is_sent_at_once_and_once_also_while_paused(client, shop, kinds, door, answer, state):
    door.answers = [answer]
    made = await registered(client)
    await client.post(f"{AT}/{made['id']}/pause", headers=BO)

    await client.post(f"{AT}/{made['id']}/test", headers=BO)
    await all_done(shop, kinds)

    view = (await client.get(f"{AT}/{made['id']}", headers=BO)).json()
    assert json.loads(door.calls[0][1])["type"] == "test"
    assert [(each["event"], each["state"], each["status"]) for each in view["calls"]] == [
        ("test", state, answer)
    ]


async def test_nothing_is_sent_to_an_address_that_was_removed(client, trial, shop, kinds, door):
    made = await registered(client)
    await upload(client, trial)

    await client.post(f"{AT}/{made['id']}/archive", headers=BO)
    await all_done(shop, kinds)

    assert door.calls == []
    assert (await client.get(f"{AT}/{made['id']}", headers=BO)).status_code == 404


async def test_a_call_that_kills_every_worker_has_an_end(client, trial, db, shop, kinds):
    await registered(client)
    await upload(client, trial)
    await asked(
        db,
        "UPDATE job SET state = 'running', attempts = max_attempts, lease_until = now() - interval '1 s'"
        " WHERE kind = 'webhook' RETURNING id",
    )

    assert await jobs.sweep(shop, {"webhook": kinds["webhook"]}) == 1

    assert await asked(db, "SELECT state || ': ' || error FROM webhook_delivery") == "failed: the worker died"


async def test_made_up_measurements_and_other_partners_tell_nothing(client, trial, db, shop, kinds, door):
    await registered(client)
    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=CECILIA)
    assert answer.status_code == 201

    await all_done(shop, kinds)

    assert door.calls == []


GUIDE = Path(__file__).parents[2] / "docs" / "reference" / "webhooks.md"


async def test_the_example_in_the_guide_tells_true_calls_from_false_ones(client, trial, shop, kinds, door):
    made = await registered(client)
    await upload(client, trial)
    await all_done(shop, kinds)
    _, body, headers = door.calls[0]
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    guide: dict = {}
    exec(code[1], guide)  # noqa: S102 - our own guide

    verified = guide["verified"]

    assert verified(made["secret"], headers, body)["type"] == "result.received"
    for wrong in (
        (made["secret"], headers, body + b" "),
        (made["secret"], headers | {"webhook-id": "msg_0"}, body),
        (made["secret"], headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}, body),
        ("whsec_" + base64.b64encode(bytes(32)).decode(), headers, body),
        (made["secret"], headers | {"webhook-signature": "v1,x"}, body),
    ):
        with pytest.raises(ValueError, match="webhook"):
            verified(*wrong)


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_is_there_in_both_languages(client, trial, shop, kinds, door, language):
    made = await registered(client)
    await upload(client, trial)
    door.answers = [500]
    await all_done(shop, kinds)

    for path in (AT, f"{AT}/new", f"{AT}/{made['id']}"):
        page = await client.get(path, headers=BO | HTML | {"accept-language": language})
        assert page.status_code == 200, page.text
    form = {"url": URL, "events[]": ["result.received", "result.checked"]}
    assert (
        "whsec_" in (await client.post(AT, data=form, headers=BO | HTML | {"accept-language": language})).text
    )
