"""A file with columns that not everybody may have is not opened to everybody."""

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO
from tests.trials.checked import schema_of

MAIL = b"time;depth_cm;reporter\n2026-01-01 10:00;12,5;anna@kommun.example.se\n"
MARKED = {
    "fields": [
        {"name": "time", "type": "datetime", "testbed:zone": "Europe/Stockholm"},
        {"name": "depth_cm", "type": "number", "testbed:secrecy": "business"},
        {"name": "reporter", "type": "string"},
    ]
}


async def read(client, trial, shop):
    answer = await client.put(f"/trials/{trial}/results/visits.csv", content=MAIL, headers=BO)
    await jobs.work_once(shop, KINDS)
    return answer.headers["location"]


async def opened(client, at, access, **headers):
    seen = (await client.get(at, headers=BO)).json()["row_version"]
    return await client.patch(at, json={"access": access, "row_version": seen}, headers=ALVA | headers)


@pytest.mark.parametrize(("lang", "word"), [("sv", "personuppgifter"), ("en", "personal data")])
async def test_what_looks_like_personal_data_keeps_it_closed(client, trial, shop, lang, word):
    at = await read(client, trial, shop)

    refused = [
        await opened(client, at, access, **{"accept-language": lang}) for access in ("public", "registered")
    ]
    narrow = await opened(client, at, "consortium")

    assert [each.status_code for each in refused] == [409, 409]
    assert "reporter" in refused[0].json()["detail"]
    assert word in refused[0].json()["detail"]
    assert (await client.get(at)).status_code == 404
    assert narrow.status_code == 200, narrow.text


async def test_a_confidential_column_keeps_it_closed(client, db, trial, shop):
    await schema_of(db, trial, MARKED)
    at = await read(client, trial, shop)

    refused = await opened(client, at, "public")

    assert refused.status_code == 409
    assert "depth_cm, reporter" in refused.json()["detail"]
