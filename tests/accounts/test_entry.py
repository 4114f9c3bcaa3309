"""Coming in by password: what the cookie is, who is refused, and how often one may try."""

import hashlib

import pytest

from testbed.accounts import service
from testbed.people import passwords
from testbed.people.models import LinkPurpose
from tests.cast import ALVA, HTML

PASSWORD = "renar över isen i mars"
BROWSER = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@pytest.fixture
async def alva(db, settings):
    """Alva's e-mail address, after she set a password."""
    kept = await passwords.hashed(settings, PASSWORD)
    async with db.raw() as connection:
        await connection.execute("UPDATE person SET password_hash = $1 WHERE name = 'Alva'", kept)
    return "alva@demo.example"


async def sign_in(client, email, password=PASSWORD, headers=BROWSER, **more):
    return await client.post("/sign-in", json={"email": email, "password": password, **more}, headers=headers)


async def test_the_right_password_begins_a_session_in_a_cookie_no_script_reads(client, alva):
    answer = await sign_in(client, alva)

    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("testbed=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert (await client.get("/me")).json()["email"] == alva
