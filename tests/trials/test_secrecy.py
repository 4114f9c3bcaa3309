"""A file with columns that not everybody may have is not opened to everybody."""

import gzip
import io
import zipfile
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import xlsxwriter

from testbed import jobs
from testbed.trials.profile import KINDS, gave_up
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


GOOD = b"time;depth_cm\n2026-01-01 10:00;12,5\n2026-01-01 10:10;12,75\n"


def workbook(*sheets: str, hidden: str | None = None, remark: str | None = None) -> bytes:
    """A workbook with a small table on the first sheet, and a line on each of the others."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        data = book.add_worksheet("Data")
        for row, values in enumerate(
            (["time", "depth_cm"], ["2026-01-01 10:00", 12.5], ["2026-01-01 10:10", 12.75])
        ):
            data.write_row(row, 0, values)
        if remark:
            data.write_comment("A2", remark)
        for name in sheets:
            added = book.add_worksheet(name)
            added.write_row(0, 0, ["Anna Svensson", "070-123 45 67"])
            if name == hidden:
                added.hide()
    return out.getvalue()


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("_", "."), content)
    return out.getvalue()


def parquet(columns: dict[str, list[Any]], **remarks: str) -> bytes:
    out = io.BytesIO()
    table = pyarrow.table(columns).replace_schema_metadata(remarks or None)
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


async def read(client, trial, shop, content=MAIL, name="visits.csv", **more):
    answer = await client.put(f"/trials/{trial}/results/{name}", content=content, params=more, headers=BO)
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


async def test_a_file_sent_as_open_opens_when_it_was_read_and_not_before(client, trial, shop):
    sent = await client.put(
        f"/trials/{trial}/results/depth.csv", params={"access": "public"}, content=GOOD, headers=BO
    )
    at = sent.headers["location"]

    before = [(await client.get(address)).status_code for address in (at, f"{at}/raw")]
    await jobs.work_once(shop, KINDS)
    after = [(await client.get(address)).status_code for address in (at, f"{at}/raw")]

    assert (before, after) == ([404, 404], [200, 200])


@pytest.mark.parametrize("access", ["public", "registered"])
async def test_a_file_sent_as_open_is_closed_for_what_is_found_in_it(client, trial, shop, access):
    at = await read(client, trial, shop, access=access)

    seen = (await client.get(at, headers=ALVA)).json()

    assert seen["access"] == "consortium"
    assert [each["action"] for each in seen["activity"]][:2] == ["result.edit", "result.read"]
    assert (await client.get(at)).status_code == 404


BESIDE = {
    "alone.xlsx": workbook(),
    "alone.zip": zipped(data_csv=GOOD),
    "packed.csv.gz": gzip.compress(GOOD),
    "came-back.csv": b"__line;__rules;__rest;depth_cm\n2;type;Anna 070-123 45 67;1,5\n3;type;;2,5\n",
    "bytes.parquet": parquet({"depth_cm": [1.0, 2.0], "who": [b"anna@kommun.example.se", b""]}),
    "remarks.parquet": parquet({"depth_cm": [1.0, 2.0]}, owner="anna@kommun.example.se"),
    "another.xlsx": workbook("Kontakter"),
    "hidden.xlsx": workbook("Kontakter", hidden="Kontakter"),
    "remark.xlsx": workbook(remark="Ring Anna på 070-123 45 67"),
    "named.zip": zipped(data_csv=GOOD, contacts_pdf=b"%PDF-1.7 Anna Svensson"),
    "refused.csv": GOOD + b"2026-01-01 10:20;12,5;Anna Svensson 070-123 45 67\n",
}


@pytest.mark.parametrize("name", BESIDE)
async def test_what_nobody_looked_through_is_not_opened_with_the_table(client, trial, shop, name):
    at = await read(client, trial, shop, BESIDE[name], name)

    refused = await opened(client, at, "public", **{"accept-language": "en"})

    assert (await client.get(at, headers=BO)).json()["rows"] == 2
    assert refused.status_code == 409, refused.text
    assert "looked through" in refused.json()["detail"]
    assert (await client.get(f"{at}/raw")).status_code == 404


ALONE = {
    "alone.csv": GOOD,
    "alone.jsonl": b'{"time": "2026-01-01", "depth_cm": 1.5}\n' * 2,
    "alone.parquet": parquet({"depth_cm": [12.5, 12.75]}),
}


@pytest.mark.parametrize("name", ALONE)
async def test_a_table_by_itself_opens(client, trial, shop, name):
    at = await read(client, trial, shop, ALONE[name], name)

    answer = await opened(client, at, "public")

    assert answer.status_code == 200, answer.text
    assert (await client.get(f"{at}/raw")).content == ALONE[name]


async def test_an_open_file_is_closed_while_it_is_checked_again(client, trial, shop):
    at = await read(client, trial, shop, GOOD, "depth.csv", access="public")
    before = (await client.get(f"{at}/raw")).status_code

    asked = await client.post(f"{at}/answers", json={}, headers=ALVA)
    meanwhile = (await client.get(f"{at}/raw")).status_code
    await jobs.work_once(shop, KINDS)
    after = (await client.get(f"{at}/raw")).status_code

    assert asked.status_code < 300, asked.text
    assert (before, meanwhile, after) == (200, 404, 200)


async def test_a_reading_that_is_given_up_leaves_nothing_open(client, trial, shop):
    at = await read(client, trial, shop, GOOD, "depth.csv", access="public")
    await client.post(f"{at}/answers", json={}, headers=ALVA)
    number = (await client.get(at, headers=BO)).json()["id"]

    await gave_up(shop, {"result": number}, "the worker died")

    refused = await opened(client, at, "public")
    assert (await client.get(at, headers=BO)).json()["access"] == "consortium"
    assert (refused.status_code, (await client.get(f"{at}/raw")).status_code) == (409, 404)
