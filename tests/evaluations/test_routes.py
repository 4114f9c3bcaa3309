"""Outcomes, decisions and lessons as people and programs meet them."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.datasets.conftest import CODE

PILOT = f"/pilots/{CODE}"
DECISION = {
    "outcome": "iterate",
    "rationale": "Ett år till.",
    "decider": "Nämnden",
    "decided_on": "2026-11-01",
}


def outcome(version, **more):
    return {
        "indicator": {"sv": "Snödjup", "en": "Snow depth"},
        "unit": "cm",
        "baseline": 10,
        "target": 12,
        "result": 12.75,
        "method": {"sv": "Medel av mätningarna.", "en": "Mean of the readings."},
        "version": {"dataset": version["dataset"], "number": "1.0.0"},
    } | more


async def recorded(client, version, who=ALVA, **more):
    return await client.post(f"{PILOT}/outcomes", json=outcome(version, **more), headers=who)


async def test_an_outcome_rests_on_a_version_and_the_chain_goes_both_ways(client, version):
    made = await recorded(client, version)
    await client.post(f"{PILOT}/decisions", json=DECISION, headers=ALVA)
    await client.post(f"{PILOT}/lessons", json={"kind": "winter", "lesson": "Snön dämpar."}, headers=ALVA)

    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/outcomes/{made.json()['id']}"
    assert made.json()["met"] is True
    assert made.json()["version"]["url"] == version["url"]
    chain = (await client.get(f"{PILOT}/chain")).json()
    nodes = {node["kind"]: node for node in chain["nodes"]}
    assert nodes["version"]["sha256"] == "a" * 64
    assert nodes["outcome"]["rests_on"] == [nodes["version"]["key"]]
    assert nodes["decision"]["rests_on"] == [nodes["outcome"]["key"]]
    assert nodes["lesson"]["rests_on"] == [nodes["decision"]["key"]]


@pytest.mark.parametrize(("who", "status"), [(ALVA, 201), (BO, 403), (CECILIA, 403), (DAVID, 403), ({}, 401)])
async def test_only_evaluators_and_coordinators_record_outcomes(client, version, who, status):
    assert (await recorded(client, version, who)).status_code == status


@pytest.mark.parametrize("what", ["outcomes", "decisions"])
async def test_a_coordinator_on_the_suppliers_side_writes_no_verdict(client, db, version, what):
    async with db.raw() as connection:
        await connection.execute(
            "INSERT INTO membership (person_id, partner_id, role, from_on, to_on) SELECT person.id, partner.id, 'member',"
            " '2020-01-01', '2020-12-31' FROM person, partner WHERE person.name = 'Alva' AND slug = 'lunet'"
        )
    body = outcome(version) if what == "outcomes" else DECISION

    assert (await client.post(f"{PILOT}/{what}", json=body, headers=ALVA)).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"version": {"dataset": "nowhere"}}, "version"),
        ({"version": {"dataset": "nowhere", "number": "1.0.0"}}, "version"),
        ({"version": None}, "version_id"),
        ({"version": None, "version_id": 4711}, "version_id"),
        ({"result": "many"}, "result"),
        ({"unit": ""}, "unit"),
    ],
)
async def test_an_outcome_that_rests_on_nothing_is_refused(client, version, wrong, field):
    answer = await client.post(f"{PILOT}/outcomes", json=outcome(version) | wrong, headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_a_number_that_is_none_is_refused(client, version, number):
    form = {
        "indicator.sv": "Snödjup",
        "unit": "cm",
        "result": number,
        "method.sv": "Medel",
        "version_id": version["id"],
    }

    answer = await client.post(f"{PILOT}/outcomes", data=form, headers=ALVA | HTML)

    assert answer.status_code == 422
    assert "Write a number." in answer.text


async def test_a_form_takes_a_decimal_comma(client, version):
    form = {
        "indicator.sv": "Snödjup",
        "unit": "cm",
        "result": "1 234,5",
        "method.sv": "Medel",
        "version_id": version["id"],
    }

    answer = await client.post(f"{PILOT}/outcomes", data=form, headers=ALVA | HTML)

    assert answer.status_code == 303
    assert (await client.get(answer.headers["location"])).json()["result"] == 1234.5


async def test_a_later_decision_supersedes_the_earlier(client, version):
    first = (await client.post(f"{PILOT}/decisions", json=DECISION, headers=ALVA)).json()
    second = (
        await client.post(f"{PILOT}/decisions", json=DECISION | {"outcome": "adopt"}, headers=ALVA)
    ).json()

    listed = (await client.get("/decisions", params={"pilot": CODE})).json()["items"]

    assert (await client.get(f"/decisions/{first['id']}")).json()["superseded_by"]["id"] == second["id"]
    assert {each["outcome"]: each["in_force"] for each in listed} == {"iterate": False, "adopt": True}


async def test_a_decision_is_looked_over_before_it_is_recorded(client, version):
    form = {
        "outcome": "stop",
        "rationale.sv": "Det lönar sig inte.",
        "decider": "Nämnden",
        "decided_on": "2026-11-01",
    }

    page = await client.post(f"{PILOT}/decisions/check", data=form, headers=ALVA | HTML)

    assert page.status_code == 200, page.text
    assert 'value="Det lönar sig inte."' in page.text
    assert (await client.get("/decisions")).json()["items"] == []


async def test_a_decision_of_tomorrow_is_refused(client, version):
    answer = await client.post(
        f"{PILOT}/decisions", json=DECISION | {"decided_on": "2999-01-01"}, headers=ALVA
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "decided_on"


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_is_drawn(client, version, language):
    made = (await recorded(client, version)).json()
    decided = (await client.post(f"{PILOT}/decisions", json=DECISION, headers=ALVA)).json()
    learnt = (
        await client.post(f"{PILOT}/lessons", json={"kind": "data", "lesson": "Mät oftare."}, headers=ALVA)
    ).json()
    pages = [
        "/outcomes", f"{PILOT}/outcomes", f"{PILOT}/outcomes/new", f"/outcomes/{made['id']}", f"/outcomes/{made['id']}/edit",
        "/decisions", f"{PILOT}/decisions", f"{PILOT}/decisions/new", f"/decisions/{decided['id']}",
        f"{PILOT}/lessons", f"{PILOT}/lessons/new", f"/lessons/{learnt['id']}",
    ]  # fmt: skip

    for page in pages:
        answer = await client.get(page, headers=ALVA | HTML | {"accept-language": language})

        assert answer.status_code == 200, (page, answer.text)


async def test_a_stale_correction_is_refused(client, version):
    made = (await recorded(client, version)).json()
    await client.patch(f"/outcomes/{made['id']}", json={"result": 13, "row_version": 1}, headers=ALVA)

    late = await client.patch(f"/outcomes/{made['id']}", json={"result": 14, "row_version": 1}, headers=ALVA)

    assert late.status_code == 412
    assert late.json()["current"]["result"] == 13
