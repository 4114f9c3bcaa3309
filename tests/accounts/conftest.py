"""People who chose a password, and browsers that are signed in."""

from contextlib import AsyncExitStack

import httpx
import pytest

from testbed.people import passwords
from tests.conftest import BASE

PASSWORD = "renar över isen i mars"
BROWSER = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@pytest.fixture
async def chosen(db, settings):
    """Everybody in the cast has chosen PASSWORD."""
    kept = await passwords.hashed(settings, PASSWORD)
    async with db.raw() as connection:
        await connection.execute("UPDATE person SET password_hash = $1", kept)


@pytest.fixture
async def browser(app, chosen):
    """``await browser("Alva")``: a browser in which this person has signed in; without a name, nobody has."""
    async with AsyncExitStack() as stack:

        async def opened(name=None):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            made = httpx.AsyncClient(transport=transport, base_url=BASE, headers=BROWSER)
            client = await stack.enter_async_context(made)
            if name is not None:
                answer = await sign_in(client, f"{name.lower()}@demo.example")
                assert answer.status_code == 200, answer.text
            return client

        yield opened


async def sign_in(client, email, password=PASSWORD, headers=BROWSER, **more):
    return await client.post("/sign-in", json={"email": email, "password": password, **more}, headers=headers)
