"""A key of the table schema occurs once in a version, whatever results it is made of."""

from pathlib import Path

import duckdb
import pytest

from testbed.datasets import keys
from testbed.tabular import combining
from testbed.trials.models import Result
from tests.cast import ALVA, CECILIA
from tests.datasets.kept import received
from tests.datasets.test_accepted import correction, decide
from tests.trials.checked import schema_of

AGAIN = b"time;depth_cm;place\n2026-01-01 11:00;13,1;Norra hamn\n2026-01-01 12:00;14,0;Norra hamn\n"
LATER = b"time;depth_cm;place\n2026-01-01 13:00;14,0;Norra hamn\n"


@pytest.fixture
async def schema(db, trial) -> int:
    return await schema_of(db, trial)


async def asked(client, db, store, trial, schema, snow, first: int, body: bytes):
    """Publish the first result together with another one."""
    async with db.raw() as connection:
        second = await received(connection, store, trial, body, code="R-CCCC22", filename="igen.csv")
    for number in (first, second):
        await decide(db, number, "accepted", schema_id=schema)
    draft = await client.post("/datasets", json=snow | {"results": [first, second]}, headers=CECILIA)
    at = f"/datasets/{draft.json()['slug']}"
    return at, await client.post(f"{at}/versions", json={}, headers=ALVA)


async def test_a_key_in_two_results_is_told_before_anything_is_published(
    client, db, store, trial, schema, snow, result, working
):
    at, answer = await asked(client, db, store, trial, schema, snow, result, AGAIN)

    in_english = await client.post(f"{at}/versions", json={}, headers=ALVA | {"accept-language": "en"})
    in_swedish = await client.post(f"{at}/versions", json={}, headers=ALVA | {"accept-language": "sv"})

    files = "2026-01-01T11:00:00 – snow.csv (R-AAAA22) + igen.csv (R-CCCC22); 2026-01-01T12:00:00 – "
    assert answer.status_code == 422, answer.text
    for told, says in ((in_english, "Nothing was published"), (in_swedish, "Ta bort ett av resultaten")):
        assert says in told.json()["detail"]
        assert f": 2 (time). {files}" in told.json()["detail"]
    assert (await client.get(at, headers=ALVA)).json()["state"] == "draft"


async def test_results_with_keys_of_their_own_are_one_version(
    client, db, store, trial, schema, snow, result, working
):
    await correction(db, store, trial, result, "R-BBBB22", LATER)

    _, answer = await asked(client, db, store, trial, schema, snow, result, LATER.replace(b"13:00", b"14:00"))

    assert (answer.status_code, answer.json()["rows"]) == (201, 5), answer.text


def test_a_key_of_several_columns_is_compared_as_a_whole_and_only_where_it_counts(tmp_path: Path) -> None:
    tables = ["(1, 'a'), (1, 'b'), (2, NULL)", "(1, 'b'), (2, NULL), (3, 'a')", "(3, 'a'), (1, 'a')"]
    columns = [("n", "integer", "BIGINT"), ("s", "string", "VARCHAR")]
    paths = [tmp_path / f"{place}.parquet" for place in range(3)]
    with duckdb.connect() as connection:
        for path, rows in zip(paths, tables, strict=True):
            connection.execute(f"COPY (SELECT * FROM (VALUES {rows}) v(n, s)) TO '{path}' (FORMAT parquet)")

        def found(key: list[str], sources: list[int]):
            return combining.repeated(connection, paths, columns, {"columns": key, "sources": sources})

        assert found(["n", "s"], [0, 1]) == (1, [{"key": ["1", "b"], "sources": [0, 1]}])
        assert found(["n", "s"], [0, 1, 2])[0] == 3
        assert found(["n"], [0]) == (1, [{"key": ["1"], "sources": [0]}])
        assert found(["n", "gone"], [0, 1]) == (0, [])


async def test_results_are_compared_by_the_key_of_their_schema(db, trial):
    async with db.begin() as session:
        one = await schema_of(db, trial)
        other = await schema_of(db, trial, {"fields": [], "primaryKey": ["a", "b"]})
        none = await schema_of(db, trial, {"fields": []})
        numbers = [one, other, none, one, other, None, none]

        found = await keys.keys_of(session, [Result.model_construct(schema_id=number) for number in numbers])

    assert found == [
        {"columns": ["time"], "sources": [0, 3]},
        {"columns": ["a", "b"], "sources": [1, 4]},
    ]
