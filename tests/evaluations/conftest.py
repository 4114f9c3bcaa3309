"""A public pilot with a dataset that was published."""

from typing import Any

import pytest

from testbed.db import Database
from tests.cast import running_pilot
from tests.datasets.conftest import CODE

DATASET = """
    INSERT INTO dataset (slug, pilot_id, owner_id, title, description, licence, access, state)
    SELECT 'snow-1234', $1, partner.id, '{"sv": "Snödjup"}', '{"sv": "Timvis"}', 'CC-BY-4.0', $2, 'published'
    FROM partner WHERE slug = 'ltu' RETURNING id
"""
VERSION = """
    INSERT INTO version (dataset_id, number, rows, manifest_sha256, parquet_sha256, parquet_size, csv_sha256, csv_size)
    VALUES ($1, '1.0.0', 3, repeat('a', 64), repeat('b', 64), 1, repeat('c', 64), 1) RETURNING id
"""


async def version_of(db: Database, pilot: int, access: str = "public") -> int:
    """Write a published dataset of a pilot, with a version; return that one's id."""
    async with db.raw() as connection:
        dataset = await connection.fetchval(DATASET, pilot, access)
        number: int = await connection.fetchval(VERSION, dataset)
    return number


@pytest.fixture
async def version(db: Database) -> dict[str, Any]:
    """A version of a public pilot's dataset, as far as these tests need to know it."""
    async with db.raw() as connection:
        pilot = await running_pilot(connection, CODE, visibility="public")
    return {
        "id": await version_of(db, pilot),
        "dataset": "snow-1234",
        "url": "/datasets/snow-1234/versions/1.0.0",
    }
