"""Datasets as people meet them."""

import pytest

from tests.cast import ALVA, HTML
from tests.datasets.conftest import CODE
from tests.datasets.test_publishing import published


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_about_a_dataset_is_drawn(client, snow, working, language):
    made = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]
    slug, _ = await published(client, snow)
    pages = [
        "/datasets", "/datasets/new", f"/datasets/new?pilot={CODE}", f"/datasets/{made}", f"/datasets/{made}/edit",
        f"/datasets/{made}/publish", f"/datasets/{made}/access", f"/datasets/{slug}", f"/datasets/{slug}/versions/1.0.0",
        f"/datasets/{slug}/publish",
    ]  # fmt: skip

    for page in pages:
        answer = await client.get(page, headers=ALVA | HTML | {"accept-language": language})

        assert answer.status_code == 200, (page, answer.text)
        assert "<h1>" in answer.text
