"""Calls to partners' systems: signed, tried again, paused and said; ids and links only."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from testbed import jobs
from testbed.notices.mail import PAUSES_SECONDS
from testbed.outgoing import NoAnswer, NotPublic
from tests.cast import BO, CECILIA
from tests.notices.door import AT, DATA, URL, asked, registered, uploaded
from tests.post import all_done, hurry
from tests.trials.planned import planned


async def test_a_system_is_told_by_a_signed_call_of_ids_and_links(client, trial, db, shop, kinds, door):
    made = await registered(client)
    await planned(client, db, trial)
    result = await uploaded(client, trial, delivery="D1", note="hemligt")

    await all_done(shop, kinds)

    url, body, headers = door.calls[0]
    told = json.loads(body)
    assert [json.loads(each[1])["type"] for each in door.calls] == ["result.received", "result.checked"]
    assert url == URL
    assert told["data"] == {
        "result": result["code"], "trial": trial, "pilot": "LUL-2026-901", "partner": "lunet", "delivery": "D1",
        "links": {"result": f"https://testbed.example.se/results/{result['code']}", "receipt": f"https://testbed.example.se/results/{result['code']}/receipt",
                  "trial": f"https://testbed.example.se/trials/{trial}"},
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
    await uploaded(client, trial)

    await all_done(shop, kinds)

    assert [json.loads(each[1])["type"] for each in door.calls] == ["result.checked"]


async def test_an_event_is_told_once_however_often_its_work_is_done(client, trial, db, shop, kinds, door):
    await registered(client)
    await uploaded(client, trial)
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
    await uploaded(client, trial)
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
    await uploaded(client, trial)
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
    assert f"https://testbed.example.se{AT}/{made['id']}" in sink.letters[-1].get_content()


async def test_what_came_while_it_was_paused_goes_out_when_it_is_taken_up_again(
    client, trial, db, shop, kinds, door
):
    made = await registered(client, events=["result.received"])
    at = f"{AT}/{made['id']}"
    paused = await client.post(f"{at}/pause", headers=BO)
    await uploaded(client, trial)
    await uploaded(client, trial, "old.csv")
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
    await uploaded(client, trial)
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
    await uploaded(client, trial)

    await client.post(f"{AT}/{made['id']}/archive", headers=BO)
    await all_done(shop, kinds)

    assert door.calls == []
    assert (await client.get(f"{AT}/{made['id']}", headers=BO)).status_code == 404


async def test_a_call_that_kills_every_worker_has_an_end(client, trial, db, shop, kinds):
    await registered(client)
    await uploaded(client, trial)
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
    await uploaded(client, trial)
    await all_done(shop, kinds)
    _, body, headers = door.calls[0]
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    guide: dict[str, Any] = {}
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
