"""The units and arms of a trial are one list: written as a whole, and what files are compared with."""

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, HTML
from tests.trials.checked import schema_of

WINTER = {
    "arms": [
        {"name": "Med salt", "kind": "treatment", "units": ["S01", "S02"]},
        {"name": "Utan salt", "kind": "control", "units": ["S03"]},
    ],
    "units": ["S09"],
}
NAMING = {
    "fields": [
        {"name": "plats", "type": "string", "testbed:check": "unit-of-trial"},
        {"name": "grupp", "type": "string", "testbed:check": "arm-of-trial"},
    ]
}


@pytest.fixture
def at(trial) -> str:
    return f"/trials/{trial}/units"


async def written(client, at, whole=WINTER, seen=1, **headers):
    return await client.patch(at, json=whole | {"row_version": seen}, headers=ALVA | headers)


async def test_the_list_is_read_as_it_was_written(client, at):
    answer = await written(client, at)

    public = (await client.get(at)).json()
    trial = (await client.get(at.removesuffix("/units"))).json()
    assert answer.status_code == 200, answer.text
    assert {key: public[key] for key in WINTER} == WINTER
    assert trial["allocation"] == WINTER
    assert public["row_version"] == 2


async def test_a_second_list_takes_the_place_of_the_first(client, db, at):
    await written(client, at)
    await written(client, at, {"units": ["S01"]}, seen=2)

    assert (await client.get(at)).json()["arms"] == []
    async with db.raw() as connection:
        told = await connection.fetchval(
            "SELECT details->'changed' FROM activity WHERE action = 'trial.allocate' ORDER BY id DESC LIMIT 1"
        )
    assert told["arms"] == [WINTER["arms"], []]


async def test_the_same_list_again_is_no_change(client, at):
    await written(client, at)
    await written(client, at, seen=2)

    assert (await client.get(at)).json()["row_version"] == 2


async def test_the_form_offers_what_there_is(client, at):
    await written(client, at)

    page = (await client.get(f"{at}/edit", headers=ALVA | HTML)).text

    assert page.count('<option value="control" selected>') >= 1
    assert page.count('<option value="treatment" selected>') >= 1
    assert "S01\nS02</textarea>" in page


async def test_the_form_takes_what_is_pasted_from_a_table(client, at):
    form = {
        "row_version": "1", "arms.0.name": "Med salt", "arms.0.kind": "treatment", "arms.0.units": "S01\tS02\r\nS03; S04",
        "arms.1.name": "", "arms.1.kind": "control", "arms.1.units": "", "units": "S08,S09\n",
    }  # fmt: skip

    answer = await client.post(at, data=form, headers=ALVA | HTML)

    told = (await client.get(at)).json()
    assert answer.status_code == 303, answer.text
    assert told["arms"] == [{"name": "Med salt", "kind": "treatment", "units": ["S01", "S02", "S03", "S04"]}]
    assert told["units"] == ["S08", "S09"]


async def test_fields_of_the_form_that_are_left_empty_are_empty_lists(client, at):
    form = {
        "row_version": "1", "arms.0.name": "Med salt", "arms.0.kind": "treatment", "arms.0.units": "S01",
        "arms.1.name": "Utan", "arms.1.kind": "control", "arms.1.units": "", "units": "",
    }  # fmt: skip

    answer = await client.post(at, data=form, headers=ALVA | HTML)
    emptied = await client.post(at, data={"row_version": "2", "units": ""}, headers=ALVA | HTML)

    assert (answer.status_code, emptied.status_code) == (303, 303), answer.text
    told = (await client.get(at)).json()
    assert (told["arms"], told["units"]) == ([], [])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"units": ["S01", " S01 "]}, "units"),
        ({"arms": [{"name": "A", "units": ["S01"]}], "units": ["S01"]}, "units"),
        ({"arms": [{"name": "A", "units": ["S01"]}, {"name": "B", "units": ["S01"]}]}, "arms.1.units"),
        ({"arms": [{"name": "A"}, {"name": "A"}]}, "arms.0.name"),
        ({"units": [f"S{number}" for number in range(2001)]}, "units"),
        ({"units": ["x" * 81]}, "units"),
        ({"units": ["Kista, norra"]}, "units"),
        ({"arms": [{"name": "A", "kind": "placebo"}]}, "arms.0.kind"),
        ({"arms": [{"units": ["S01"]}]}, "arms.0.name"),
        ({"arms": [{"name": f"A{number}"} for number in range(21)]}, "arms"),
    ],
)
async def test_a_list_that_cannot_be_right_is_refused_and_nothing_is_kept(client, at, wrong, field):
    answer = await written(client, at, wrong)

    assert answer.status_code == 422, answer.text
    assert any(name.startswith(field) for name in (each["field"] for each in answer.json()["errors"]))
    assert (await client.get(at)).json()["row_version"] == 1


async def test_a_stale_list_is_refused_with_the_one_that_is_there(client, at):
    await written(client, at)

    answer = await written(client, at, {"units": ["X"]})
    form = {"row_version": "1", "arms.0.name": "Med salt", "arms.0.units": "S01;S 2", "units": "X"}
    page = await client.post(at, data=form, headers=ALVA | HTML)

    assert answer.status_code == 412
    assert {key: answer.json()["current"][key] for key in WINTER} == WINTER
    assert page.status_code == 412
    assert "Med salt (treatment): S01, S02" in page.text
    assert ": S01, S 2" in page.text


async def test_a_file_is_compared_with_the_units_and_arms_that_were_said(client, db, trial, shop, at):
    await written(client, at)
    await schema_of(db, trial, NAMING)
    body = b"plats;grupp\nS01;Med salt\nS09;Utan salt\nS10;Med salt\nS03;Med socker\n"

    sent = await client.put(f"/trials/{trial}/results/m.csv", content=body, headers=BO)
    await jobs.work_once(shop, KINDS)

    told = (await client.get(f"{sent.headers['location']}/report", headers=BO)).json()
    found = [(each["line"], each["rule"], each["value"]) for each in told["findings"]]
    assert found == [(4, "unit-of-trial", "S10"), (5, "arm-of-trial", "Med socker")]
    assert "not-compared" not in {each["rule"] for each in told["counts"]}
