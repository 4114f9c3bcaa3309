"""Every page there is, on a desk and on a phone: in Swedish by day, or in English in the dark; at night in both."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from testbed.app import create_app
from testbed.settings import Settings
from testbed.web.needs import handlers
from tests.browser.city import City
from tests.browser.windows import entered, heard, violations
from tests.lanes import NIGHT, share

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
NOT_PAGES = re.compile(
    r"^/(healthz|readyz)|/(raw|events|progress|limits|table\.parquet|schema\.json)$"
    r"|/((rejected|report|example)\.csv|report\.json|template\.(csv|xlsx))$|\{(name|filename|job)\b"
)
OPENERS = ("Alva", "Ebba", "Bo", "")
"""Who looks at the pages; the last of them is nobody in particular."""
MORE = [
    "/results/{half}", "/results/{noise}", "/results/{faulty}", "/results/{faulty}/report", "/results/{faulty}/accept",
    "/results/{faulty}/answers", "/results/{faulty}/correct", "/results/{right}", "/results/{right}/report",
    "/results/{right}/accept", "/datasets/{draft}", "/search?q=hamn", "/pilots?q=finnsinte", "/nowhere",
]  # fmt: skip

SCHEMES = {"sv": "light", "en": "dark"}
NOT_OURS = [["#api"]]
"""What Swagger UI draws on the page of the API, a ``main`` of its own among it."""
EVERYWHERE = [["header.top"], ["footer.bottom"]]
"""The same on every page, so the start page answers for it."""
THEIRS = {"landmark-no-duplicate-main", "landmark-main-is-top-level", "landmark-unique"}


def routes() -> list[str]:
    """Every address of ours that answers with a page."""
    app = create_app(Settings(database_url="postgresql://nowhere/"))
    found = {
        path for path, handler in handlers(app) if "GET" in getattr(handler, "http_methods", set())
    }  # fmt: skip
    return sorted(each for each in found if not NOT_PAGES.search(each)) + MORE


@pytest.fixture(scope="module")
async def windows(browser: Browser, city: City) -> AsyncIterator[dict[tuple[str, str], Page]]:
    """One page for every language and person, used again and again; Swedes come by day and others by night."""
    contexts: list[BrowserContext] = []
    opened: dict[tuple[str, str], Page] = {}
    for lang in ("sv", "en"):
        for who in OPENERS:
            email = f"{who.lower()}@demo.example" if who else None
            contexts.append(await entered(browser, city.address, lang, email, color_scheme=SCHEMES[lang]))
            opened[lang, who] = await contexts[-1].new_page()
    yield opened
    for each in contexts:
        await each.close()


def filled(route: str, ids: dict[str, str]) -> str:
    """A route with real names in it; ids of rows below others are looked up by the word the route uses."""
    known = ids | {"bed": "1", "member": "1", "token": ids["welcome"]}
    first = route.split("/")[1]
    slugs = {
        "partners": "lunet",
        "testbeds": "norra-hamn",
        "devices": ids.get("device", ""),
        "places": ids.get("place", ""),
    }
    known |= {"slug": slugs.get(first, ids["slug"]), "code": slugs.get(first, ids["code"])}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda each: known[each[1]], route)


async def problems(page: Page, colours: bool = True) -> list[Any]:
    theirs = THEIRS if await page.locator("#api").count() else set()
    known = [] if urlsplit(page.url).path == "/" else EVERYWHERE
    found = await violations(page, {"exclude": [*NOT_OURS, *known]}, colours=colours)
    return [each for each in found if each[0] not in theirs]


async def seen(page: Page, address: str, *, colours: bool) -> list[Any]:
    """Everything that is wrong with a page: on a desk, then on a phone."""
    said = heard(page)
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    await page.goto(address)
    wrong: list[Any] = await problems(page, colours)
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    wrong += [("beyond the phone's screen, px", beyond)] if beyond > 0 else []
    expected = "/nowhere" in address
    wrong += [each for each in said if not (expected and "404" in each)]
    for event in ("console", "pageerror"):
        page._impl_obj.remove_all_listeners(event)
    return wrong


async def opener(windows: dict[tuple[str, str], Page], lang: str, address: str) -> Page:
    """The window of the first person who may open a page: in Swedish staff comes first, in English nobody does."""
    for who in OPENERS if lang == "sv" else reversed(OPENERS):
        answer = await windows[lang, who].request.get(
            address, headers={"accept": "text/html"}, max_redirects=0
        )
        if answer.ok or address == "/nowhere":
            return windows[lang, who]
    raise AssertionError(f"nobody of {OPENERS} can open {address}")


def visits() -> list[tuple[str, str]]:
    """Every page in a language: by day in the one and the other by turns, at night in both."""
    every = [(route, lang) for route in routes() for lang in SCHEMES]
    return every if NIGHT else [each for at, each in enumerate(every) if (at // 2 + at) % 2 == 0]


COLOURED = set(share(visits(), 3))
"""Where contrast is measured as well: the gallery measures that of every component, in both schemes, at all times."""


@pytest.mark.parametrize(("route", "lang"), visits())
async def test_everybody_can_use_every_page(windows, city: City, route: str, lang: str):
    address = filled(route, city.world.ids)
    page = await opener(windows, lang, address)

    wrong = await seen(page, address, colours=(route, lang) in COLOURED)

    assert wrong == []


async def test_a_map_follows_a_screen_that_is_turned(windows, city: City):
    page = windows["sv", ""]
    await page.set_viewport_size(PHONE)
    await page.goto("/testbeds/norra-hamn")
    await page.locator(".map-area").wait_for()

    await page.set_viewport_size(DESK)
    await page.wait_for_timeout(300)

    sizes = await page.evaluate(
        "['.map', '.map-frame'].map(each => document.querySelector(each).clientHeight)"
    )
    assert sizes[0] == sizes[1] > 200
