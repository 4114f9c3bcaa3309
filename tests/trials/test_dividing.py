"""A zip file of several tables becomes several results, once; each says which table it is and keeps the whole file."""

import io
import zipfile
from typing import Any

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, CECILIA, HTML
from tests.datasets.kept import worker

TABLES = {
    "mätningar/januari.csv": "tid;dB\n2026-01-01;51,5\n2026-01-02;50,25\n",
    "mätningar/februari.csv": "tid;dB\n2026-02-01;49\n",
    "mars.jsonl": '{"tid": "2026-03-01", "dB": 48}\n' * 3,
}


def packed(tables: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(name, text)
    return out.getvalue()


QUARTER = packed(TABLES)


@pytest.fixture
def handed_in(client, trial, shop):
    """Hand in a file, and read everything that waits."""

    async def send(content: bytes, name: str = "kvartal.zip", **more: str) -> str:
        answer = await client.put(f"/trials/{trial}/results/{name}", params=more, content=content, headers=BO)
        while await jobs.work_once(shop, KINDS):
            pass
        return str(answer.headers["location"])

    return send


async def listed(client, who=BO) -> list[dict[str, Any]]:
    answer = await client.get("/results", params={"sort": "received"}, headers=who)
    return list(answer.json()["items"])


async def test_each_table_of_a_zip_file_is_read_as_a_result_of_its_own(client, handed_in):
    at = await handed_in(QUARTER)

    first = (await client.get(at, headers=BO)).json()
    others = [
        (await client.get(f"/results/{each['code']}", headers=BO)).json() for each in first["same_file"]
    ]
    found = {each["entry"]: (each["state"], each["rows"], each["filename"]) for each in [first, *others]}
    assert found == {
        "mätningar/januari.csv": ("ready", 2, "kvartal.zip"),
        "mätningar/februari.csv": ("ready", 1, "mätningar februari.csv – kvartal.zip"),
        "mars.jsonl": ("ready", 3, "mars.jsonl – kvartal.zip"),
    }
    assert len({each["code"] for each in [first, *others]}) == 3
    assert {each["sha256"] for each in others} == {first["sha256"]}
    assert {each["receipt"]["received_at"] for each in others} == {first["receipt"]["received_at"]}
    for each in others:
        assert (await client.get(each["raw"], headers=BO)).content == QUARTER
        assert first["code"] in {other["code"] for other in each["same_file"]}


async def test_the_page_names_the_table_and_leads_to_the_others(client, handed_in):
    at = await handed_in(QUARTER)

    page = (await client.get(at, headers=BO | HTML)).text

    assert "The other tables of the same zip file" in page
    assert "This one is mätningar/januari.csv." in page
    for each in (await client.get(at, headers=BO)).json()["same_file"]:
        assert f'href="/results/{each["code"]}"' in page


async def test_the_same_zip_file_again_is_the_same_results(client, handed_in):
    at = await handed_in(QUARTER)

    again = await handed_in(QUARTER)

    assert again == at
    assert len(await listed(client)) == 3


async def test_answers_have_one_table_checked_again_and_divide_nothing(client, handed_in, shop):
    at = await handed_in(QUARTER)
    other = (await client.get(at, headers=BO)).json()["same_file"][0]

    for code in (at.rsplit("/", 1)[1], other["code"]):
        answer = await client.post(f"/results/{code}/answers", json={"decimal": ","}, headers=BO)
        assert answer.status_code in {200, 202}, answer.text
    while await jobs.work_once(shop, KINDS):
        pass

    assert len(await listed(client)) == 3
    assert (await client.get(at, headers=BO)).json()["entry"] == "mätningar/januari.csv"
    assert (await client.get(f"/results/{other['code']}", headers=BO)).json()["rows"] == other["rows"]


async def test_a_table_that_the_reader_may_not_see_is_not_named(client, handed_in):
    at = await handed_in(QUARTER)
    opened = await client.patch(at, json={"access": "consortium", "row_version": 1}, headers=ALVA)

    seen = (await client.get(at, headers=CECILIA)).json()

    assert opened.status_code == 200
    assert seen["same_file"] == []


async def test_one_table_is_not_opened_to_many_with_the_others_in_its_file(client, handed_in):
    at = await handed_in(QUARTER)

    refused = await client.patch(at, json={"access": "public", "row_version": 1}, headers=ALVA)

    assert refused.status_code == 409
    assert (await client.get(f"{at}/raw")).status_code == 404


async def test_an_open_version_of_one_table_keeps_the_file_with_the_others(
    client, handed_in, db, store, settings
):
    code = (await handed_in(QUARTER)).rsplit("/", 1)[1]
    dataset = {
        "title": {"sv": "Januari", "en": "January"}, "description": {"sv": "Ljud.", "en": "Sound."},
        "pilot": "LUL-2026-901", "licence": "CC-BY-4.0", "access": "public", "results": [code],
    }  # fmt: skip
    slug = (await client.post("/datasets", json=dataset, headers=ALVA)).json()["slug"]
    async with worker(db, store, settings):
        made = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)
    at = f"/datasets/{slug}/versions/1.0.0"

    data = await client.get(f"{at}/data.csv")
    others = await client.get(f"{at}/original/kvartal.zip")
    sender = await client.get(f"{at}/original/kvartal.zip", headers=BO)

    assert made.status_code == 201, made.text
    assert (data.status_code, others.status_code) == (200, 404)
    assert (sender.status_code, sender.content) == (200, QUARTER)
    assert sender.headers["cache-control"].startswith("private")
    assert [each["original"] for each in (await client.get(at)).json()["sources"]] == [None]


async def test_a_zip_file_that_takes_the_place_of_another_is_not_divided(client, handed_in):
    wrong = await handed_in(b"tid;dB\n2026-01-01;x\n", "fel.csv")

    at = await handed_in(QUARTER, replaces=wrong.rsplit("/", 1)[1])

    found = (await client.get(at, headers=BO)).json()
    assert (found["state"], [each["rule"] for each in found["problems"]]) == ("unreadable", ["zip-several"])
    assert len(await listed(client)) == 2


@pytest.mark.parametrize(("count", "results"), [(50, 50), (51, 1)])
async def test_a_zip_file_of_too_many_tables_is_left_to_people(client, trial, shop, count, results):
    content = packed({f"{number}.csv": "tid;dB\n1;2\n" for number in range(count)})
    await client.put(f"/trials/{trial}/results/allt.zip", content=content, headers=BO)

    await jobs.work_once(shop, KINDS)

    assert len(await listed(client)) == results


async def test_the_bytes_of_a_zip_file_count_once(client, handed_in, trial):
    before = (await client.get(f"/trials/{trial}/results/limits", headers=BO)).json()["quota_left_bytes"]

    await handed_in(QUARTER)

    after = (await client.get(f"/trials/{trial}/results/limits", headers=BO)).json()["quota_left_bytes"]
    assert before - after == len(QUARTER)
