"""Coming in by password: what the cookie is, who is refused, and how often one may try."""

import asyncio

import httpx
import pytest

from testbed.people import passwords
from testbed.people.secrets import digest
from testbed.web.shell import Shell
from tests.accounts.conftest import BROWSER, PASSWORD, sign_in
from tests.cast import EBBA, HTML
from tests.conftest import alive, app_of

ALVA = "alva@demo.example"


def over(app):
    """A way into an app of its own."""
    return httpx.ASGITransport(app=app, raise_app_exceptions=False)


async def test_the_right_password_begins_a_session_in_a_cookie_no_script_reads(client, chosen):
    answer = await sign_in(client, ALVA)

    parts = answer.headers["set-cookie"].lower().split("; ")
    assert answer.status_code == 200
    assert parts[0].startswith("testbed=")
    assert {"httponly", "samesite=lax", "path=/"} <= set(parts)
    assert not any(part.startswith("domain") for part in parts)
    assert (await client.get("/me")).json()["email"] == ALVA


async def test_over_https_the_cookie_is_bound_to_this_host(settings, chosen):
    inner = app_of(settings.model_copy(update={"base_url": "https://testbed.example"}))
    async with alive(inner):
        app = Shell(inner, inner.state.settings)
        async with httpx.AsyncClient(
            transport=over(app),
            base_url="https://testbed.example",
        ) as client:
            answer = await sign_in(client, ALVA)

            assert answer.headers["set-cookie"].startswith("__Host-testbed=")
            assert "secure" in answer.headers["set-cookie"].lower().split("; ")
            assert "strict-transport-security" in answer.headers
            assert (await client.get("/me")).status_code == 200


async def test_only_the_digest_of_the_cookie_is_kept(client, db, chosen):
    await sign_in(client, ALVA)

    cookie = client.cookies["testbed"]
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT sha256 FROM session") == digest(cookie)


async def test_a_form_sign_in_goes_on_to_where_one_wanted_to(client, chosen):
    form = {"email": " ALVA@demo.example ", "password": PASSWORD, "next": "/pilots?q=is"}

    answer = await client.post("/sign-in", data=form, headers=BROWSER | HTML)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/pilots?q=is"
    assert answer.headers["set-cookie"].startswith("testbed=")


@pytest.mark.parametrize(
    "bad",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "\\\\evil.example",
     "evil.example", "", "javascript:alert(1)", "/ /evil.example", "/\n/evil.example", "/a\\..\\b", "/\x00", "/sign-in"],
)  # fmt: skip
async def test_nobody_is_sent_to_another_site(client, chosen, bad):
    answer = await client.post(
        "/sign-in", data={"email": ALVA, "password": PASSWORD, "next": bad}, headers=BROWSER | HTML
    )

    assert answer.status_code in {303, 422}
    assert answer.headers.get("location", "/") == "/"


async def test_a_path_with_swedish_letters_is_a_good_place_to_go_on_to(client, chosen):
    form = {"email": ALVA, "password": PASSWORD, "next": "/pilots?q=på+väg&x=%C3%A5"}

    answer = await client.post("/sign-in", data=form, headers=BROWSER | HTML)

    assert answer.headers["location"] == "/pilots?q=p%C3%A5+v%C3%A4g&x=%C3%A5"


@pytest.mark.parametrize(("email", "password"), [(ALVA, "fel fel fel fel"), ("ingen@demo.example", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(client, chosen, email, password):
    answer = await sign_in(client, email, password)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."
    assert "set-cookie" not in answer.headers


async def test_an_unknown_person_costs_as_much_work_as_a_known_one(client, chosen, monkeypatch):
    hashes = []

    def verify(_, kept, __):
        hashes.append(kept)
        return False

    monkeypatch.setattr(passwords, "_verify", verify)

    await sign_in(client, "ingen@demo.example")

    assert hashes[0].startswith("$argon2id$")


async def test_the_refused_form_keeps_the_address_and_never_the_password(client, chosen):
    form = {"email": ALVA, "password": "fel fel fel fel", "next": "/devices"}

    answer = await client.post("/sign-in", data=form, headers=BROWSER | HTML)

    assert answer.status_code == 401
    assert f'value="{ALVA}"' in answer.text
    assert 'value="/devices"' in answer.text
    assert "fel fel" not in answer.text


async def test_a_new_session_takes_the_place_of_whatever_the_browser_had(client, db, chosen):
    planted = {"cookie": "testbed=planted-by-somebody-else"}
    first = await sign_in(client, ALVA, headers=BROWSER | planted)
    before = client.cookies["testbed"]

    second = await sign_in(client, ALVA)

    assert "planted" not in first.headers["set-cookie"]
    assert client.cookies["testbed"] != before
    assert second.status_code == 200
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM session") == 1


async def test_signing_out_ends_the_session_on_our_side_too(browser):
    alva, elsewhere = await browser("Alva"), await browser()
    elsewhere.cookies.set("testbed", alva.cookies["testbed"])

    answer = await alva.post("/sign-out")

    assert answer.status_code == 303
    assert (await elsewhere.get("/me")).status_code == 401


@pytest.mark.parametrize(
    "late", ["expires_at = now() - interval '1 s'", "seen_at = now() - interval '8 hours 1 s'"]
)
async def test_a_session_ends_by_itself(browser, db, late):
    alva = await browser("Alva")
    async with db.raw() as connection:
        await connection.execute(f"UPDATE session SET {late}")

    assert (await alva.get("/me")).status_code == 401


async def test_a_suspended_person_is_out_at_the_next_request(browser, client, db):
    alva = await browser("Alva")
    async with db.raw() as connection:
        await connection.execute("UPDATE person SET state = 'suspended' WHERE name = 'Alva'")

    assert (await alva.get("/me")).status_code == 401
    assert (await sign_in(client, ALVA)).status_code == 401


async def test_after_a_failure_an_account_waits_ever_longer(client, db, chosen):
    waits = []
    for _ in range(8):
        await sign_in(client, ALVA, "fel fel fel fel")
        held = await sign_in(client, ALVA)
        waits.append(int(held.headers["retry-after"]))
        assert held.status_code == 429
        async with db.raw() as connection:
            await connection.execute(
                "UPDATE rate_bucket SET since = since - interval '61 s' WHERE key LIKE 'account%'"
            )

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (await sign_in(client, ALVA)).status_code == 200
    assert (await sign_in(client, ALVA, "fel fel fel fel")).status_code == 401
    assert (await sign_in(client, ALVA)).headers["retry-after"] == "1"


async def test_ten_tries_at_once_are_one_try(client, chosen):
    answers = await asyncio.gather(*(sign_in(client, ALVA, "fel fel fel fel") for _ in range(10)))

    assert sorted(each.status_code for each in answers) == [401] + [429] * 9


async def test_an_address_has_so_many_failures_in_a_quarter_of_an_hour(settings, db, chosen):
    inner = app_of(settings.model_copy(update={"sign_in_failures": 3}))
    async with alive(inner):
        transport = over(Shell(inner, settings))
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            tried = [(await sign_in(client, f"{n}@demo.example")).status_code for n in range(4)]
            held = await sign_in(client, ALVA)
            async with db.raw() as connection:
                await connection.execute("UPDATE rate_bucket SET since = since - interval '15 min'")
            later = await sign_in(client, ALVA)

    assert tried == [401, 401, 401, 429]
    assert held.status_code == 429
    assert 800 < int(held.headers["retry-after"]) <= 900
    assert later.status_code == 200


async def test_a_hash_made_with_less_is_made_anew_at_the_next_sign_in(settings, db, chosen):
    inner = app_of(settings.model_copy(update={"password_rounds": 2}))
    async with alive(inner):
        transport = over(Shell(inner, settings))
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            await sign_in(client, ALVA)
            again = await sign_in(client, ALVA)

    async with db.raw() as connection:
        kept = await connection.fetchval("SELECT password_hash FROM person WHERE name = 'Alva'")
    assert ",t=2," in kept
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("sent", "cookie", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, False, 401),
        ({"sec-fetch-site": "none"}, False, 401),
        ({"sec-fetch-site": "cross-site"}, False, 403),
        ({"sec-fetch-site": "same-site"}, False, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False, 403),
        ({"origin": "http://testserver"}, True, 401),
        ({"origin": "http://evil.example"}, False, 403),
        ({"origin": "http://testserver.evil.example"}, False, 403),
        ({"origin": "https://testserver"}, False, 403),
        ({"origin": "null"}, False, 403),
        ({"origin": "http://evil.example", "host": "evil.example"}, False, 403),
        ({}, False, 403),
        ({}, True, 403),
    ],
)
async def test_only_our_own_pages_may_sign_somebody_in(client, chosen, sent, cookie, status):
    kept = {"cookie": "testbed=x"} if cookie else {}

    answer = await client.post(
        "/sign-in", json={"email": ALVA, "password": "fel fel fel fel"}, headers=sent | kept
    )

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 422),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
async def test_another_site_cannot_write_with_our_cookie(browser, sent, status):
    alva = await browser("Alva")
    alva.headers.pop("sec-fetch-site")

    answer = await alva.post("/me/tokens", json={}, headers=sent)

    assert answer.status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "", "application/octet-stream"])
async def test_what_a_foreign_form_can_send_is_no_json(browser, kind):
    alva = await browser("Alva")

    answer = await alva.post("/me/tokens", content=b'{"name": "x x"}', headers={"content-type": kind})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/sign-in", HTML), ("GET", "/sign-in", {}), ("GET", "/me", HTML), ("GET", "/nowhere", HTML),
        ("GET", "/nowhere", {}), ("DELETE", "/sign-in", {}), ("POST", "/sign-in", {}), ("GET", "/healthz", {}),
        ("POST", "/sign-in", BROWSER), ("GET", "/admin", EBBA), ("GET", "/welcome/none", HTML), ("OPTIONS", "/me", {}),
        ("POST", "/me/tokens", EBBA | {"content-type": "text/plain"}), ("GET", "/static/css/testbed.css", {}),
    ],
)  # fmt: skip
async def test_every_kind_of_answer_carries_the_security_headers(client, method, path, headers):
    answer = await client.request(method, path, headers=headers)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["referrer-policy"] in {"strict-origin-when-cross-origin", "no-referrer"}
    assert answer.headers["x-request-id"]
