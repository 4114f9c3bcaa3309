"""What nobody means well: broken JSON, naughty strings, impossible addresses, odd methods; never a 5xx."""

import base64
import csv
import html
import inspect
import io
import json
import os
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import structlog

from testbed.web.given import PROVIDED
from testbed.web.needs import handlers
from testbed.web.shell import Shell
from tests.cast import ALVA, BO, EBBA, HTML
from tests.lanes import share
from tests.matrix.requests import BODIES, Try, tries
from tests.matrix.world import World, build
from tests.naughty import ANY, IDS, MADE_UP, NAUGHTY, QUERIES, SHAPELESS

CORPORA = Path(os.environ.get("TESTBED_TEST_DATA", "/nowhere")) / "corpora"
SUITE, BLNS = CORPORA / "JSONTestSuite" / "test_parsing", CORPORA / "blns" / "blns.json"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="TESTBED_TEST_DATA is not set")

NO_BODIES = (
    "/me",
    "/uploads",
    "/sign-in",
    "/welcome",
)  # for people alone, or for browsers; bytes, not fields
JSON_ROUTES = [("POST", "/partners"), ("PATCH", "/pilots/{code}"), ("POST", "/pilots/{code}/trials")]
Requests = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Without the log of thousands of requests, and tracebacks drawn for people."""
    structlog.configure(processors=[_dropped], cache_logger_on_first_use=False)


def _dropped(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture
async def world(db, store) -> World:
    async with db.raw() as connection:
        return await build(connection, store)


@pytest.fixture
def routes(app) -> list[Try]:
    """Every route and method, except the stream of events, which has no end here."""
    return [each for each in tries(app.app) if not each.route.endswith("/events")]


def path_of(one: Try, world: World, **instead: str) -> str:
    """The route's path with rows that are there, where this world has such rows."""
    thing = one.things(world)[0]
    values = {"person": "1", "bed": "1", "token": "x" * 43, **(thing.path if thing else {}), **instead}
    return "/".join(values.get(step[1:-1], "1") if step[:1] == "{" else step for step in one.route.split("/"))


def parameters(one: Try) -> list[str]:
    return [step[1:-1] for step in one.route.split("/") if step.startswith("{")]


def lists(app: Shell) -> dict[str, list[str]]:
    """Addresses of one step, the registers and searches among them, with the questions each takes."""
    found = {}
    for path, handler in handlers(app.app):
        if "GET" in getattr(handler, "http_methods", ()) and path.count("/") == 1:
            taken = set(inspect.signature(handler.fn).parameters)
            more = {"q", "sort", "after", "limit"} if "asked" in taken else set()
            found[path] = sorted(taken - PROVIDED.keys() - {"self", "request"} | more | {"format", "lang"})
    return found


def sent(one: Try) -> dict[str, Any]:
    """The route's usual body as the client takes it."""
    given = one.request()
    kind = {"content-type": given.pop("kind")} if "kind" in given else {}
    return given | {"headers": kind | given.get("headers", {})}


async def crashes(client: httpx.AsyncClient, requests: Requests) -> str:
    """The requests that are answered by a 5xx, which should be none of them; by day of every third."""
    found = []
    for method, path, more in share(requests, 3):
        answer = await client.request(method, path, **{**more, "headers": EBBA | more.get("headers", {})})
        if answer.status_code >= 500:
            found.append(f"{answer.status_code} {method} {path[:120]} {str(more)[-160:]}")
    return "\n".join(found)


@needs_corpora
@pytest.mark.parametrize(("method", "route"), JSON_ROUTES)
async def test_json_is_read_as_its_standard_says(client, world, method, route):
    path = route.format(code=world.things["Pilot"][0].path["code"])
    wrong = []
    for file in share(sorted(SUITE.glob("*.json")), 3):
        answer = await client.request(
            method, path, content=file.read_bytes(), headers=EBBA | {"content-type": "application/json"}
        )

        expected = {"n": {400, 413, 422}, "y": {403, 422, 428}, "i": {400, 422, 428}}[file.name[0]]
        if answer.status_code not in expected:
            wrong.append(f"{answer.status_code} {file.name}")
    assert not wrong


async def test_no_address_breaks_anything(client, world, routes):
    requests = [
        (one.method, path_of(one, world, **{name: given}), sent(one))
        for one in routes
        for name in parameters(one)
        for given in (IDS if one.method == "GET" and one.route.endswith("}") else IDS[len(one.name) % 5 :: 5])
    ]

    assert not await crashes(client, requests)


async def test_only_a_plain_number_is_one(client, world, routes):
    numbered = [one for one in routes if one.name in {f"GET /{each}s/{{{each}}}" for each in NUMBERED}]
    for one in numbered:
        for given in ("01", "1_0", "-1", "+1", "١", "1%00", "%201", str(2**63)):
            answer = await client.get(path_of(one, world, **{parameters(one)[0]: given}), headers=EBBA)

            assert answer.status_code == 404, (one.route, given)
    assert len(numbered) == len(NUMBERED)


NUMBERED = {"trial", "need", "outcome", "decision", "lesson"}


async def test_no_question_breaks_a_page(client, app):
    requests = [
        ("GET", f"{path}?{urlencode({key: value})}", {"headers": [{}, HTML][number % 2]})
        for path, keys in lists(app).items()
        for key in keys
        for number, value in enumerate(QUERIES.get(key, ANY))
    ]

    assert not await crashes(client, requests)


async def test_a_cursor_somebody_made_breaks_no_list(client, world, app):
    requests: Requests = []
    for path in lists(app):
        for sort in ("name", "title", "created", "received", "size", "start", "decided", "state"):
            page = await client.get(path, params={"sort": sort}, headers=EBBA)
            if f'"sort":"{sort}"' not in page.text:
                continue  # no list, or none in this order
            for value in MADE_UP:
                packed = json.dumps([sort, value, 1]).encode()
                asked = {"sort": sort, "after": base64.urlsafe_b64encode(packed).decode().rstrip("=")}
                requests.append(("GET", f"{path}?{urlencode(asked)}", {}))

    assert len(requests) > 100
    assert not await crashes(client, requests)


async def test_no_method_breaks_any_address(client, world, routes):
    answered: dict[str, set[str]] = {}
    for one in routes:
        answered.setdefault(path_of(one, world), set()).add(one.method)

    wrong = []
    for path, methods in answered.items():
        for method in {"HEAD", "OPTIONS", "DELETE", "PROPFIND"} - methods:
            answer = await client.request(method, path, headers=EBBA)
            fine = {200, 204, 303} if method in {"HEAD", "OPTIONS"} else set()
            if answer.status_code not in fine | {400, 404, 405}:
                wrong.append(f"{answer.status_code} {method} {path}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/json", "image/png", "application/x-yaml", "*/*", "json", ";;;", ""]
)
async def test_only_json_and_forms_are_taken(client, kind):
    body = json.dumps({"name": "Ny part", "kind": "company"}).encode()

    answer = await client.post("/partners", content=body, headers={**EBBA, "content-type": kind})

    assert answer.status_code == 415


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
async def test_no_body_breaks_any_route(client, world, routes, kind):
    requests = [
        (one.method, path_of(one, world), {"content": body, "headers": accept | {"content-type": kind}})
        for one in routes
        if one.method in {"POST", "PATCH"}
        for number, body in enumerate(SHAPELESS)
        if (b"=" in body) == (kind != "application/json")
        for accept in [[{}, HTML][(number + len(one.name)) % 2]]
    ]

    assert not await crashes(client, requests)


async def test_what_a_body_may_not_say_is_refused(client, world, routes):
    wrong = []
    for one in routes:
        given = BODIES.get(one.name) if one.method == "POST" else {}
        if (not given and one.method != "PATCH") or one.route.startswith(NO_BODIES):
            continue
        for name in ("id", "identifier", "owner", "admin", "created_by_id", "archived_at", "__class__"):
            answer = await client.request(
                one.method, path_of(one, world), json={**(given or {}), name: 1}, headers=EBBA
            )
            if answer.status_code != 422:
                wrong.append(f"{answer.status_code} {one.name} {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("body", [b"name" + b".x" * 40 + b"=1", b"name=1&name.x=2"])
async def test_a_deep_or_doubled_form_is_refused_on_a_page(client, body):
    form = EBBA | HTML | {"content-type": "application/x-www-form-urlencoded"}

    answer = await client.post("/partners", content=body, headers=form)

    assert answer.status_code == 400
    assert "<h1" in answer.text


def strings() -> list[str]:
    """Our own naughty strings, and the public list where it is at hand."""
    return NAUGHTY + (json.loads(BLNS.read_text()) if BLNS.is_file() else [])


def some(texts: list[str], about: int) -> list[str]:
    return texts[: len(NAUGHTY)] + texts[len(NAUGHTY) :: 1 + len(texts) // about]


def kept(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


def shown(text: str, page: str) -> bool:
    """Whether the page holds the text, as text."""
    return text in html.unescape(page) and ("<" not in text or text not in page)


async def test_every_name_of_a_partner_is_kept_shown_and_exported_as_it_is(client):
    names = {}
    for text in some(strings(), 80):
        answer = await client.post("/partners", json={"name": text, "kind": "company"}, headers=EBBA)
        assert answer.status_code in {201, 422}, (text, answer.text)
        if answer.status_code == 201:
            assert answer.json()["name"] == kept(text)
            names[answer.json()["slug"]] = kept(text)
    exported = await client.get("/partners", params={"format": "csv"}, headers=EBBA)
    rows = {row["slug"]: row["name"] for row in csv.DictReader(io.StringIO(exported.text, newline=""))}

    for slug, name in names.items():
        assert rows[slug] in {name, f"'{name}"}
    for slug in some(list(names), 30):
        page = await client.get(f"/partners/{slug}", headers=EBBA | HTML)
        assert shown(names[slug], page.text), names[slug]


async def test_every_text_may_be_searched_for(client, world):
    requests: Requests = [
        ("GET", f"{path}?{urlencode({'q': text.encode('utf-8', 'surrogatepass')[:190]})}", {"headers": HTML})
        for text in some(strings(), 50)
        for path in ("/search", "/pilots", "/partners", "/datasets")
    ]

    assert not await crashes(client, requests)


@pytest.mark.parametrize("model", ["Pilot", "Dataset", "Trial"])
async def test_every_title_is_kept_and_shown_as_it_is(client, world, model):
    thing = world.things[model][0]
    path = {"Pilot": "/pilots/{code}", "Dataset": "/datasets/{slug}", "Trial": "/trials/{trial}"}[model]
    path = path.format(**{"code": "", "slug": "", "trial": ""} | thing.path)
    seen = (await client.get(path, headers=ALVA)).json()["row_version"]
    for text in share(some(strings(), 20), 2):
        answer = await client.patch(
            path, json={"row_version": seen, "title": {"sv": text, "en": text}}, headers=ALVA
        )

        assert answer.status_code in {200, 422}, (text, answer.text)
        if answer.status_code == 200:
            seen = answer.json()["row_version"]
            assert answer.json()["title"] == {"sv": kept(text), "en": kept(text)}
            page = await client.get(path, headers=ALVA | HTML)
            assert shown(kept(text), page.text), text


async def test_a_template_in_a_name_is_text(client):
    made = await client.post("/partners", json={"name": "{{7*7}} AB", "kind": "company"}, headers=EBBA)

    page = await client.get(made.headers["location"], headers=EBBA | HTML)

    assert "{{7*7}} AB" in page.text
    assert "49 AB" not in page.text


async def test_braces_break_no_message(client):
    requests: Requests = [
        ("GET", path, {"headers": accept})
        for text in ("{name}", "{0}", "{", "}", "%(x)s", "{a.b[c]}")
        for accept in ({}, HTML)
        for path in (f"/search?q={quote(text)}", f"/partners?sort={quote(text)}", f"/pilots/{quote(text, safe='')}")
    ]  # fmt: skip

    assert not await crashes(client, requests)


async def test_a_token_of_any_shape_is_only_wrong(client):
    for sent in (
        "Bearer",
        "Bearer ",
        "Bearer å",
        "Bearer tb_",
        "Basic !!!",
        "Basic " + "A" * 9000,
        "Bearer tb_p_a_b_c",
        "\x7f",
    ):
        answer = await client.get("/me", headers=[(b"authorization", sent.encode()), *BO_LANGUAGE])

        assert answer.status_code in {400, 401}, sent


WRONG_TOKENS = [
    "Bearer",
    "Bearer å",
    "Bearer tb_",
    "Basic !!!",
    "Basic " + "A" * 9000,
    "Bearer tb_p_a_b_c",
    "\x7f",
]
BO_LANGUAGE = [(b"accept-language", BO["accept-language"].encode())]
