"""A column of devices is held to those that were deployed in the pilot, and what cannot be compared is said."""

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import BO, HTML, running_pilot
from tests.trials.checked import schema_of

MEASURED = {
    "fields": [
        {
            "name": "tid",
            "type": "datetime",
            "testbed:zone": "Europe/Stockholm",
            "testbed:check": "in-trial-period",
        },
        {"name": "givare", "type": "string", "testbed:check": "deployed-at-time"},
        {"name": "plats", "type": "string", "testbed:check": "unit-of-trial"},
    ]
}
DEPLOYED = """
    WITH model AS (INSERT INTO device_model (name, maker, kind, description)
            SELECT $2, 'Ö', 'lorawan', '' RETURNING id),
        place AS (INSERT INTO place (code, testbed_id, name) SELECT $2, testbed_id, '{"sv": "x"}' FROM pilot WHERE id = $1
            RETURNING id),
        made AS (INSERT INTO device (code, device_model_id, testbed_id, owner_id, name, serial, dev_eui, state, visibility)
            SELECT $2, model.id, testbed_id, lead_partner_id, $3, $4, $5, 'active', 'partners' FROM pilot, model
            WHERE pilot.id = $1 RETURNING id)
    INSERT INTO deployment (device_id, place_id, pilot_id, during)
        SELECT made.id, place.id, $1, tstzrange('2026-05-01 08:00+02', '2026-06-01 08:00+02') FROM made, place
"""


@pytest.fixture
async def read(client, db, trial, shop):
    """Put two devices up, one of them in another pilot, and read these rows: the errors as line, column and value."""
    await schema_of(db, trial, MEASURED)
    async with db.raw() as connection:
        here = await connection.fetchval("SELECT pilot_id FROM trial WHERE id = $1", trial)
        elsewhere = await running_pilot(connection, "LUL-2026-902")
        await connection.execute(DEPLOYED, here, "D-1", "Snögivare", "SN-7", "70b3d57ed0000001")
        await connection.execute(DEPLOYED, elsewhere, "D-2", "Annan", "SN-8", "70b3d57ed0000002")

    async def of(*rows: str):
        body = "\n".join(["tid;givare;plats", *rows]).encode()
        answer = await client.put(f"/trials/{trial}/results/m.csv", content=body, headers=BO)
        assert await jobs.work_once(shop, KINDS)
        at = answer.headers["location"]
        told = (await client.get(f"{at}/report", headers=BO)).json()
        return at, told

    return of


async def test_a_device_is_one_of_the_pilot_under_any_of_its_names_while_it_was_there(client, read):
    right = [
        f"2026-05-01 08:00;{name};S1" for name in ("D-1", "d-1", "Snögivare", "SN-7", "70B3D57ED0000001")
    ]
    wrong = [
        "2026-05-01 07:59;D-1;S1",
        "2026-06-01 08:00;D-1;S1",
        "2026-05-02 10:00;D-2;S1",
        "2026-05-02 10:00;D-9;S1",
    ]

    at, told = await read(*right, *wrong)

    page = (await client.get(f"{at}/report", headers=BO | HTML)).text
    found = [
        (each["line"], each["column"], each["value"])
        for each in told["findings"]
        if each["severity"] == "error"
    ]
    assert found == [(7, "givare", "D-1"), (8, "givare", "D-1"), (9, "givare", "D-2"), (10, "givare", "D-9")]
    assert (told["accepted"], told["rejected"]) == (5, 4)
    assert "The device was not deployed" in page


async def test_days_outside_the_trial_are_findings_once_it_has_days(client, db, trial, read):
    rows = ("2026-05-01 09:00;D-1;S1", "2026-05-03 09:00;D-1;S1")
    _, without = await read(*rows)
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE trial SET start_on = '2026-05-02', end_on = '2026-05-31' WHERE id = $1", trial
        )
    _, within = await read(*rows, "")

    assert {each["column"] for each in without["counts"] if each["rule"] == "not-compared"} == {
        "tid",
        "plats",
    }
    assert [(each["line"], each["rule"]) for each in within["findings"] if each["severity"] == "error"] == [
        (2, "in-trial-period")
    ]
    assert {each["column"] for each in within["counts"] if each["rule"] == "not-compared"} == {"plats"}
