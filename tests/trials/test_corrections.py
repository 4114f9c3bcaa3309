"""Corrected rows come back, are held against the file they correct, and join it once accepted."""

import csv
import io
from typing import Any

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, CECILIA
from tests.trials.checked import BODY, schema_of

DATA = """time;depth_cm
2026-02-01 10:00;12,5
2026-02-01 11:00;0164A
2026-02-01 12:00;9999
2026-02-01 13:00;14
"""


@pytest.fixture
async def schema(db, trial) -> int:
    return await schema_of(db, trial, BODY)


async def sent(client, trial, shop, data: bytes, query: str = "", name: str = "snö.csv", who=BO) -> str:
    answer = await client.put(f"/trials/{trial}/results/{name}{query}", content=data, headers=who)
    assert answer.status_code == 201, answer.text
    assert await jobs.work_once(shop, KINDS)
    return str(answer.headers["location"])


@pytest.fixture
async def at(client, trial, shop, schema) -> str:
    return await sent(client, trial, shop, DATA.encode())


async def rows_of(client, at) -> list[list[str]]:
    """The rows that were not taken, as a spreadsheet opens them."""
    text = (await client.get(f"{at}/rejected.csv", headers=BO)).content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def saved(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


async def corrected(client, trial, shop, at, values: dict[str, str], more=(), name="rättad.csv") -> str:
    """Send the refused rows back with the depth of each line as told; lines that are not told are left out."""
    head, *rows = await rows_of(client, at)
    kept = [[*row[:3], values[row[0]]] for row in rows if row[0] in values]
    code = at.rsplit("/", 1)[1]
    return await sent(client, trial, shop, saved([head, *kept, *more]), f"?replaces={code}", name)


async def standing(client, at) -> Any:
    return (await client.get(at, headers=ALVA)).json()["standing"]


async def problems(client, at) -> list[tuple[int, str]]:
    report = (await client.get(f"{at}/report", headers=BO)).json()
    return [(each["line"], each["rule"]) for each in report["findings"]]


async def test_the_file_has_two_rows_with_errors(client, at):
    result = (await client.get(at, headers=BO)).json()

    assert (result["state"], result["rows"], result["rejected"]) == ("partly", 2, 2)
    assert result["standing"]["schema_number"] == 1
    assert await problems(client, at) == [(3, "type"), (4, "maximum")]


async def test_corrected_rows_join_and_nothing_is_left_aside(client, trial, shop, at):
    await client.post(f"{at}/accept", json={}, headers=ALVA)
    right = await corrected(client, trial, shop, at, {"3": "16,4", "4": "99,9"})
    told = (await client.get(f"{right}/accept", headers=BO)).json()

    await client.post(f"{right}/accept", json={}, headers=BO)

    assert (told["lines"], told["new"], told["left"], told["hindrances"]) == (2, 0, 0, [])
    assert told["original"]["url"] == at
    whole = await standing(client, at)
    assert (whole["acceptance"], whole["left"]) == ("accepted", 0)
    assert [each["url"] for each in whole["corrections"]] == [right]
    actions = [each["action"] for each in (await client.get(at, headers=ALVA)).json()["activity"]]
    assert actions[:2] == ["result.settle", "result.accept"]


async def test_before_and_after_stand_side_by_side(client, trial, shop, at):
    right = await corrected(client, trial, shop, at, {"3": "16,4"})

    report = (await client.get(f"{right}/report", headers=BO)).json()

    assert report["corrected"] == [
        {"line": 2, "of": 3, "cells": [{"column": "depth_cm", "before": "0164A", "after": "16,4"}]}
    ]


async def test_a_trial_of_whole_files_takes_one_whose_rows_are_all_corrected(client, db, trial, shop, at):
    async with db.raw() as connection:
        await connection.execute("UPDATE trial SET partial = 'never'")
    right = await corrected(client, trial, shop, at, {"3": "16,4", "4": "99,9"})
    early = await client.post(f"{at}/accept", json={}, headers=BO)

    await client.post(f"{right}/accept", json={}, headers=BO)
    answer = await client.post(f"{at}/accept", json={}, headers=BO)

    assert early.status_code == 409
    assert answer.json()["standing"]["acceptance"] == "accepted"


async def test_withdrawing_a_correction_leaves_its_rows_aside_again(client, trial, shop, at):
    await client.post(f"{at}/accept", json={}, headers=ALVA)
    right = await corrected(client, trial, shop, at, {"3": "16,4", "4": "99,9"})
    await client.post(f"{right}/accept", json={}, headers=BO)

    await client.post(f"{right}/withdraw", json={"reason": "Fel igen"}, headers=BO)

    whole = await standing(client, at)
    assert (whole["acceptance"], whole["left"]) == ("accepted_partly", 2)


async def test_rows_that_stand_for_nothing_are_findings(client, trial, shop, at):
    more = [
        ["2", "", "2026-02-01 10:00", "1"],  # a row that was taken
        ["3", "", "2026-02-01 11:30", "2"],  # corrected twice
        ["", "", "2026-02-01 13:00", "3"],  # a key that is taken
        ["", "", "2026-02-01 14:00", "4"],  # new
    ]
    right = await corrected(client, trial, shop, at, {"3": "16,4"}, more)

    result = (await client.get(right, headers=BO)).json()

    assert await problems(client, right) == [
        (3, "correction-line"),
        (3, "key-known"),
        (4, "correction-twice"),
        (5, "key-known"),
    ]
    assert (result["rows"], result["rejected"]) == (2, 3)
    assert result["standing"]["correction"]["lines"] == 1
    assert result["standing"]["correction"]["new"] == 1


async def test_a_correction_of_a_correction_reaches_the_first_file(client, trial, shop, at):
    await client.post(f"{at}/accept", json={}, headers=ALVA)
    first = await corrected(client, trial, shop, at, {"3": "16,4", "4": "en meter"})
    await client.post(f"{first}/accept", json={}, headers=ALVA)
    partly = await standing(client, at)

    second = await corrected(client, trial, shop, first, {"3": "100"}, name="igen.csv")
    await client.post(f"{second}/accept", json={}, headers=BO)

    assert (partly["acceptance"], partly["left"]) == ("accepted_partly", 1)
    assert (await standing(client, at))["left"] == 0
    assert (await standing(client, at))["acceptance"] == "accepted"


async def test_the_second_of_two_corrections_of_one_row_is_checked_again_first(client, trial, shop, at):
    one = await corrected(client, trial, shop, at, {"3": "16,4"}, name="en.csv")
    other = await corrected(client, trial, shop, at, {"3": "16,5"}, name="annan.csv")
    await client.post(f"{one}/accept", json={}, headers=BO)

    late = await client.post(f"{other}/accept", json={}, headers=BO)
    await client.post(f"{other}/answers", json={}, headers=BO)
    await jobs.work_once(shop, KINDS)

    assert late.status_code == 409
    assert "checked again" in late.json()["detail"]
    assert (3, "correction-line") not in await problems(client, other)
    assert (2, "correction-line") in await problems(client, other)


async def test_a_file_without_lines_replaces_the_whole(client, trial, shop, at):
    await client.post(f"{at}/accept", json={}, headers=ALVA)
    code = at.rsplit("/", 1)[1]
    whole = await sent(
        client,
        trial,
        shop,
        DATA.replace("0164A", "16,4").replace("9999", "99").encode(),
        f"?replaces={code}",
        "ny.csv",
    )
    before = (await client.get(f"{whole}/accept", headers=BO)).json()

    await client.post(f"{whole}/accept", json={}, headers=BO)
    old = await standing(client, at)
    await client.post(f"{whole}/withdraw", json={"reason": "Fel fil"}, headers=BO)

    assert (before["replaces"]["url"], before["original"]) == (at, None)
    assert (old["acceptance"], old["replaced_by"]["url"]) == ("replaced", whole)
    assert (await standing(client, at))["acceptance"] == "open"


@pytest.mark.parametrize("code", ["R-ZZZZZZ", "x", "", "R-AAAA22'"])
async def test_only_ones_own_file_of_this_trial_can_be_corrected(client, trial, at, code):
    answer = await client.put(
        f"/trials/{trial}/results/x.csv?replaces={code or '%20'}", content=b"a\n1\n", headers=BO
    )
    others = at.rsplit("/", 1)[1]
    theirs = await client.put(
        f"/trials/{trial}/results/x.csv?replaces={others}", content=b"a\n1\n", headers=CECILIA
    )

    assert answer.status_code == 422
    assert theirs.status_code == 422


async def test_a_trial_may_accept_clean_files_by_itself(client, db, trial, shop, schema):
    async with db.raw() as connection:
        await connection.execute("UPDATE trial SET auto_accept = true")

    clean = await sent(client, trial, shop, b"time;depth_cm\n2026-02-01 10:00;12,5\n")
    faulty = await sent(
        client, trial, shop, b"time;depth_cm\n2026-02-02 10:00;x\n2026-02-02 11:00;1\n", name="b.csv"
    )

    assert (await standing(client, clean))["acceptance"] == "accepted"
    assert (await standing(client, faulty))["acceptance"] == "open"
    event = (await client.get(clean, headers=ALVA)).json()["activity"][0]
    assert (event["action"], event["who"], event["details"]["auto"]) == ("result.accept", None, True)
