"""One bad row in a million: found by its line within seconds, kept aside, and the others published."""

import time
from datetime import date, timedelta

from testbed import jobs
from testbed.app import READING
from tests.cast import ALVA, BO, HTML
from tests.datasets.kept import worker
from tests.lanes import NIGHT
from tests.trials.checked import schema_of

ROWS = 1_000_000 if NIGHT else 100_000
BAD = ROWS - 1
SCHEMA = {
    "fields": [
        {
            "name": "time",
            "type": "datetime",
            "testbed:zone": "Europe/Stockholm",
            "constraints": {"required": True},
        },
        {"name": "unit_id", "type": "string", "constraints": {"required": True, "pattern": "S[0-9]{2}"}},
        {
            "name": "depth_cm",
            "type": "number",
            "constraints": {"minimum": 0, "maximum": 400},
            "testbed:unit": "cm",
        },
    ],
    "primaryKey": ["time", "unit_id"],
}
DATASET = {
    "title": {"sv": "Snödjup", "en": "Snow depth"}, "description": {"sv": "Timvis.", "en": "Hourly."}, "pilot": "LUL-2026-901",
    "licence": "CC-BY-4.0", "access": "public",
}  # fmt: skip


def million() -> bytes:
    """A row a minute and unit; line 1 is the header, so the row on line n has the number n - 2."""
    days = [(date(2025, 11, 1) + timedelta(day)).isoformat() for day in range(70)]
    lines = ["time;unit_id;depth_cm"]
    for number in range(ROWS):
        minute, unit = divmod(number, 10)
        day, minute = divmod(minute, 1440)
        depth = "0164A" if number + 2 == BAD else f"{number % 400}.5" if number % 400 < 399 else "399"
        lines.append(f"{days[day]} {minute // 60:02}:{minute % 60:02};S{unit:02};{depth}")
    return ("\n".join(lines) + "\n").encode()


async def test_the_bad_row_is_listed_and_the_others_are_published(client, db, trial, shop):
    await schema_of(db, trial, SCHEMA)
    answer = await client.put(f"/trials/{trial}/results/snö.csv", content=million(), headers=BO)
    at = answer.headers["location"]

    last_byte = time.monotonic()
    await jobs.work_once(shop, READING)
    report = (await client.get(f"{at}/report", headers=BO | HTML)).text
    listed = time.monotonic() - last_byte
    told = (await client.get(f"{at}/report", headers=BO)).json()

    await client.post(f"{at}/accept", json={}, headers=ALVA)
    code = at.rsplit("/", 1)[1]
    slug = (await client.post("/datasets", json=DATASET | {"results": [code]}, headers=ALVA)).json()["slug"]
    async with worker(shop.db, shop.store, shop.settings):
        job = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)
    version = (
        await client.get(f"/datasets/{slug}/versions/latest", headers=ALVA, follow_redirects=True)
    ).json()
    aside = (await client.get(f"{at}/rejected.csv", headers=BO)).content.decode("utf-8-sig").splitlines()

    print(f"listed after {listed:.1f} s")
    errors = [each for each in told["findings"] if each["severity"] == "error"]
    assert [(each["line"], each["value"], each["rule"]) for each in errors] == [(BAD, "0164A", "type")]
    assert '<td class="marked">0164A' in report
    assert (told["accepted"], told["rejected"]) == (ROWS - 1, 1)
    assert job.status_code in {201, 202}, job.text
    assert version["rows"] == ROWS - 1
    assert [line.split(";")[0] for line in aside] == ["__line", str(BAD)]
