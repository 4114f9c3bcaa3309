"""What was assumed of a file is answered otherwise: the same bytes are checked again, and what was decided is undone."""

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, CECILIA, HTML
from tests.trials.checked import BODY, schema_of

DATES = b"time;depth_cm\n03/02/2026 10:00;12,5\n04/02/2026 10:00;13\n"
FIELDS = [
    {"name": "time", "type": "datetime", "testbed:zone": "Europe/Stockholm"},
    {"name": "depth_cm", "type": "number", "testbed:unit": "cm"},
]


@pytest.fixture
async def schema(db, trial) -> int:
    return await schema_of(db, trial, BODY | {"fields": FIELDS})


async def sent(client, trial, shop, data: bytes, name: str = "snö.csv") -> str:
    answer = await client.put(f"/trials/{trial}/results/{name}", content=data, headers=BO)
    assert await jobs.work_once(shop, KINDS)
    return str(answer.headers["location"])


async def answered(client, shop, at, **answers):
    answer = await client.post(f"{at}/answers", json=answers, headers=BO)
    assert answer.status_code == 202, answer.text
    assert await jobs.work_once(shop, KINDS)
    return (await client.get(at, headers=BO)).json()


async def test_the_order_of_days_is_answered_and_the_same_file_checked_again(client, trial, shop, schema):
    at = await sent(client, trial, shop, DATES)
    before = (await client.get(at, headers=BO)).json()

    after = await answered(client, shop, at, date_order="month-first")

    assert before["preview"]["rows"][0][0] == "2026-02-03T09:00:00Z"
    assert after["preview"]["rows"][0][0] == "2026-03-02T09:00:00Z"
    assert after["standing"]["answers"] == {"date_order": "month-first"}
    assert (after["sha256"], after["state"]) == (before["sha256"], "ready")
    assert (await client.get(f"{at}/raw", headers=BO)).content == DATES


async def test_what_was_decided_before_is_undone_and_said_so(client, trial, shop, schema):
    at = await sent(client, trial, shop, DATES)
    await client.post(f"{at}/accept", json={}, headers=BO)
    page = (await client.get(f"{at}/answers", headers=BO | HTML)).text

    asked = await client.post(f"{at}/answers", json={"zone": "UTC"}, headers=BO)
    running = (await client.get(at, headers=BO | HTML)).text
    await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    assert "has to be decided anew" in page
    assert asked.json()["state"] == "received"
    assert "does not hold any more" in running
    assert result["standing"]["acceptance"] == "open"
    event = next(each for each in result["activity"] if each["action"] == "result.answer")
    assert (event["who"], event["details"]["undone"], event["details"]["answers"]) == (
        "Bo",
        "accepted",
        {"zone": "UTC"},
    )


async def test_a_column_under_another_name_is_found_by_an_answer(client, trial, shop, schema):
    at = await sent(client, trial, shop, "tid;djup mätt\n2026-02-03 10:00;12,5\n".encode())
    lost = (await client.get(at, headers=BO)).json()
    page = (await client.get(f"{at}/answers", headers=BO)).json()

    found = await answered(client, shop, at, columns={"tid": "time", "djup mätt": "depth_cm"})

    assert lost["state"] == "unreadable"
    assert {each["rule"] for each in lost["counts"]} == {"column-missing"}
    assert [each["title"] for each in page["columns"]] == ["tid", "djup mätt"]
    assert page["fields"] == ["time", "depth_cm"]
    assert (found["state"], found["rows"]) == ("ready", 1)


async def test_a_form_says_the_same(client, trial, shop, schema):
    at = await sent(client, trial, shop, "tid;djup.mätt\n2026-02-03 10:00;1,25\n".encode())
    form = {
        "row_version": "1", "encoding": "", "header": "", "pairs.0.title": "tid", "pairs.0.field": "time",
        "pairs.1.title": "djup.mätt", "pairs.1.field": "depth_cm", "scales.0.field": "depth_cm", "scales.0.unit": "m",
    }  # fmt: skip

    answer = await client.post(f"{at}/answers", data=form, headers=BO | HTML)
    await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    assert (answer.status_code, answer.headers["location"]) == (303, at)
    assert (result["state"], result["preview"]["rows"][0][1]) == ("ready", 125.0)


async def test_the_same_answers_are_offered_for_the_next_file_and_noted(client, trial, shop, schema):
    first = await sent(client, trial, shop, DATES)
    await answered(client, shop, first, date_order="month-first")
    second = await sent(client, trial, shop, DATES.replace(b"12,5", b"99,5"), "nästa.csv")
    other = await sent(client, trial, shop, b"time;depth_cm;x\n03/02/2026 10:00;12,5;1\n", "annan.csv")

    offered = (await client.get(f"{second}/answers", headers=BO)).json()
    page = (await client.get(f"{second}/answers", headers=BO | HTML)).text
    taken = await answered(
        client, shop, second, **offered["offered_answers"], same_as=offered["offered_code"]
    )

    code = first.rsplit("/", 1)[1]
    assert (offered["offered_code"], offered["offered_answers"]) == (code, {"date_order": "month-first"})
    assert f'name="same_as" value="{code}"' in page
    assert taken["standing"]["answers"] == {"date_order": "month-first", "same_as": code}
    assert f"same answers as {code}" in (await client.get(second, headers=BO | HTML)).text
    assert (await client.get(f"{other}/answers", headers=BO)).json()["offered"] is None


async def test_a_few_values_show_how_they_would_read(client, trial, shop, schema):
    data = "plats;värde\nÖn;1,234\nÅn;2,5\n".encode("windows-1252") + b"time;03/02/2026\n"
    at = await sent(client, trial, shop, data)

    told = {each["key"]: each for each in (await client.get(f"{at}/answers", headers=BO)).json()["questions"]}
    page = (await client.get(f"{at}/answers", headers=BO | HTML | {"accept-language": "sv"})).text

    assert told["encoding"]["preview"]["rows"][0] == ["1", "plats;v�rde", "plats;värde", "plats;värde"]
    assert ["1,234", "1.234", "1234"] in told["decimal"]["preview"]["rows"]
    assert told["date_order"]["preview"]["rows"] == [["03/02/2026", "2026-02-03", "2026-03-02"]]
    assert "Ön;1,234" in page
    assert told["delimiter"]["now"] == ";"


@pytest.mark.parametrize(
    "answers",
    [{"zone": "Mars/Olympus"}, {"encoding": "rot13"}, {"delimiter": "x"}, {"decimal": ":"}, {"header": "maybe"}, {"extra": 1}],
)  # fmt: skip
async def test_a_senseless_answer_changes_nothing(client, trial, shop, schema, answers):
    at = await sent(client, trial, shop, DATES)

    refused = await client.post(f"{at}/answers", json=answers, headers=BO)

    assert refused.status_code == 422
    assert (await client.get(at, headers=BO)).json()["state"] == "ready"


async def test_a_file_that_is_being_read_waits(client, trial, schema):
    at = (await client.put(f"/trials/{trial}/results/a.csv", content=DATES, headers=BO)).headers["location"]

    assert (await client.post(f"{at}/answers", json={}, headers=BO)).status_code == 409


async def test_an_answer_to_what_was_changed_meanwhile_is_refused(client, trial, shop, schema):
    at = await sent(client, trial, shop, DATES)
    await client.post(f"{at}/accept", json={}, headers=ALVA)

    late = await client.post(f"{at}/answers", data={"row_version": "1", "zone": "UTC"}, headers=BO | HTML)

    assert late.status_code == 412
    assert 'value="UTC"' in late.text


async def test_nobody_else_answers(client, trial, shop, schema):
    at = await sent(client, trial, shop, DATES)

    assert (await client.post(f"{at}/answers", json={}, headers=CECILIA)).status_code == 404
    assert (await client.get(f"{at}/answers", headers=CECILIA)).status_code == 404


async def test_a_file_checked_against_an_old_schema_is_checked_against_the_new_one(
    client, db, trial, shop, schema
):
    at = await sent(client, trial, shop, DATES)
    await schema_of(
        db, trial, BODY | {"fields": [FIELDS[0], {**FIELDS[1], "constraints": {"maximum": 12.7}}]}
    )
    outdated = (await client.get(at, headers=BO)).json()["standing"]["outdated"]

    result = await answered(client, shop, at)

    assert outdated is True
    assert (result["standing"]["schema_number"], result["rejected"]) == (2, 1)
