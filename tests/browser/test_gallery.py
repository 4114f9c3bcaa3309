"""Every macro in a real browser: both languages, both colour schemes, the narrowest screen, and what the scripts do."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.gallery import PAGES, served
from tests.browser.windows import CHROMIUM, QUIET, violations

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        await running.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["sv", "en"])
@pytest.mark.parametrize("name", PAGES)
async def test_everyone_can_use_every_component(page: Page, gallery: str, name: str, lang: str, scheme: str):
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{gallery}/{lang}/{name}")

    assert await violations(page) == []


@pytest.mark.parametrize("name", PAGES)
async def test_nothing_runs_out_of_a_phone_s_screen(page: Page, gallery: str, name: str):
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{gallery}/sv/{name}")

    beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert beyond <= 0


@pytest.mark.parametrize("name", PAGES)
async def test_the_content_policy_stops_nothing(page: Page, gallery: str, name: str):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    await page.goto(f"{gallery}/en/{name}")
    await page.wait_for_timeout(200)

    assert said == []


async def test_a_place_is_reached_on_the_map_by_keyboard(page: Page, gallery: str):
    await page.goto(f"{gallery}/en/record")
    place = page.locator(".leaflet-marker-icon[title='Ice gauge 2']")
    await place.focus()

    assert "lit" in (await page.locator("[data-place='1']").get_attribute("class") or "")

    await page.keyboard.press("Enter")
    await page.wait_for_url("**/devices/2")


async def test_escape_closes_a_menu_and_gives_the_focus_back(page: Page, gallery: str):
    await page.goto(f"{gallery}/en/record")
    summary = page.locator(".top-end summary")
    await summary.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")

    await page.keyboard.press("Escape")

    assert await page.locator(".top-end details").get_attribute("open") is None
    assert await summary.evaluate("each => each === document.activeElement")


async def test_running_work_is_drawn_as_it_goes(page: Page, gallery: str):
    await page.goto(f"{gallery}/en/record")

    await page.get_by_text("512 of 8,708").wait_for()


async def test_something_that_answers_in_the_place_of_the_service_is_told(
    page: Page, gallery: str, tmp_path: Path
):
    (tmp_path / "result.csv").write_text("day,cm\n2026-11-23,34\n")
    await page.goto(f"{gallery}/en/form")
    await page.set_input_files("#file", tmp_path / "result.csv")

    await page.get_by_role("button", name="Upload").click()

    await page.get_by_text("The service did not take it").wait_for()
    await page.get_by_role("button", name="Try again result.csv").wait_for()


async def test_a_service_that_is_away_is_waited_for(page: Page, gallery: str, tmp_path: Path):
    (tmp_path / "result.csv").write_text("day,cm\n")
    await page.route("**/uploads", lambda route: route.abort())
    await page.goto(f"{gallery}/en/form")
    await page.set_input_files("#file", tmp_path / "result.csv")

    await page.get_by_role("button", name="Upload").click()

    await page.get_by_text("The connection is lost. It goes on by itself").wait_for()
