"""From a received file to a table, whatever befalls the worker."""

import gzip
import os
from pathlib import Path

import pytest

from testbed import jobs
from testbed.trials import profile
from testbed.trials.profile import KINDS
from tests.cast import BO, HTML

REAL = Path(os.environ.get("TESTBED_TEST_DATA", "/nowhere")) / "lorawan"


async def received(client, trial: int, data: bytes, name: str = "m.csv") -> str:
    answer = await client.put(f"/trials/{trial}/results/{name}", content=data, headers=BO)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def test_a_received_file_becomes_a_table(client, trial, shop, settings):
    at = await received(client, trial, b"when;db\n2026-02-01;50,5\n2026-02-02;51\n")

    assert await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    assert (result["state"], result["rows"], result["job"]["state"]) == ("ready", 2, "done")
    assert [(each["name"], each["type"]) for each in result["columns"]] == [
        ("when", "date"),
        ("db", "number"),
    ]
    assert result["preview"]["rows"][0] == ["2026-02-01", 50.5]
    assert not list((settings.data_dir / "work").iterdir())


async def test_an_empty_file_is_kept_and_said_to_be_empty(client, trial, shop):
    at = await received(client, trial, b"")

    await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    assert result["state"] == "unreadable"
    assert [each["rule"] for each in result["problems"]] == ["empty"]
    assert (await client.get(result["raw"], headers=BO)).content == b""


async def test_a_reading_that_is_given_up_says_so(client, trial, shop, db):
    at = await received(client, trial, b"a;b\n1;2\n")
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE job SET state = 'running', attempts = max_attempts, lease_until = now() - interval '1 s'"
        )

    assert await jobs.sweep(shop, KINDS) == 1

    result = (await client.get(at, headers=BO)).json()
    assert (result["state"], result["job"]["state"]) == ("unreadable", "failed")
    assert result["problems"][0]["rule"] == "given-up"
    assert (await client.get(result["raw"], headers=BO)).content == b"a;b\n1;2\n"


async def test_work_for_a_result_that_is_gone_ends_quietly(client, trial, shop, db):
    await received(client, trial, b"a;b\n1;2\n")
    async with db.raw() as connection:
        await connection.execute("DELETE FROM result")

    await jobs.work_once(shop, KINDS)

    async with db.raw() as connection:
        assert await connection.fetchval("SELECT state FROM job WHERE kind = 'profile'") == "done"


async def test_reading_twice_changes_nothing(client, trial, shop, db):
    at = await received(client, trial, b"a;b\n1;2\n")
    await jobs.work_once(shop, KINDS)
    once = (await client.get(at, headers=BO)).json()
    async with db.raw() as connection:
        await connection.execute("UPDATE job SET state = 'queued', attempts = 0")

    await jobs.work_once(shop, KINDS)

    twice = (await client.get(at, headers=BO)).json()
    keys = ("state", "rows", "columns", "problems", "preview", "sha256")
    assert [twice[key] for key in keys] == [once[key] for key in keys]


@pytest.mark.skipif(not REAL.is_dir(), reason="TESTBED_TEST_DATA is not set")
async def test_real_measurements_with_decimal_commas_are_read(client, trial, shop):
    data = gzip.decompress((REAL / "refuge-gouter.semicolon-decimal-comma.csv.gz").read_bytes())
    at = await received(client, trial, data, "refuge-gouter.csv")

    await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    types = {each["name"]: each["type"] for each in result["columns"]}
    assert (result["rows"], types["Date Time"], types["SNR"], types["DevEUI"]) == (
        8708,
        "datetime",
        "number",
        "string",
    )


@pytest.mark.skipif(not REAL.is_dir(), reason="TESTBED_TEST_DATA is not set")
async def test_real_json_lines_keep_what_is_nested(client, trial, shop):
    data = gzip.decompress((REAL / "saint-eynard-door.chirpstack-v3.ndjson.gz").read_bytes())
    at = await received(client, trial, data, "door.jsonl")

    await jobs.work_once(shop, KINDS)

    result = (await client.get(at, headers=BO)).json()
    assert result["rows"] == 9786, result["problems"]
    assert {each["type"] for each in result["columns"]} & {"object", "list"}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_a_reading_whose_end_nobody_wrote_down_is_given_one(client, trial, shop, db, state):
    at = await received(client, trial, b"a;b\n1;2\n")
    async with db.raw() as connection:
        await connection.execute("UPDATE job SET state = $1, error = 'gone' WHERE kind = 'profile'", state)
        await connection.execute("UPDATE result SET state = 'reading'")
    waiting = (await client.get(f"{at}/progress", headers=BO)).json()

    await profile.mend(shop)
    await profile.mend(shop)

    assert waiting["state"] == "running"
    assert (await client.get(f"{at}/progress", headers=BO)).json()["state"] == state
    assert (await client.get(at, headers=BO)).json()["state"] == "unreadable"


async def test_a_page_that_waits_says_since_when_and_that_it_was_begun_again(client, trial, shop, db):
    at = await received(client, trial, b"a;b\n1;2\n")

    first = (await client.get(at, headers=BO | HTML)).text
    async with db.raw() as connection:
        await connection.execute("UPDATE job SET state = 'running', attempts = 2 WHERE kind = 'profile'")
    again = (await client.get(at, headers=BO | HTML)).text
    told = (await client.get(f"{at}/progress", headers=BO)).json()

    assert "It waits for its turn." in first
    assert "nothing of your file is lost" in again
    assert (told["attempts"], told["since"] is not None) == (2, True)
