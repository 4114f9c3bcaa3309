"""The three main jobs, and a decision about a file, by keyboard alone, in both languages, in no more steps than were promised."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.city import City
from tests.browser.keyboard import Keyboard
from tests.browser.windows import entered, heard
from tests.browser.world import FILL, SPRING
from tests.cast import BO

WORDS = {
    "sv": {"new": "Ny pilot", "save": "Spara piloten", "upload": "Ladda upp resultat", "send": "Ladda upp och få kvitto",
           "read": "Filen passar tabellschemat: 56 rader utan fel.", "find": "Sök i allt", "dataset": "Fyllnad i hamnens kärl", "word": "fyllnad",
           "group": "Invånare", "lead": "Luleå kommun", "good": "Godkänn raderna utan fel",
           "partly": "Delvis godkänd: 3 rader ligger åt sidan"},
    "en": {"new": "New pilot", "save": "Save the pilot", "upload": "Upload results", "send": "Upload and get a receipt",
           "read": "The file fits the table schema: 56 rows without errors.", "find": "Search everything", "dataset": "Fill levels of the harbour’s bins",
           "word": "fill levels", "group": "Residents", "lead": "Luleå kommun", "good": "Accept the good rows",
           "partly": "Accepted in part: 3 rows are kept aside"},
}  # fmt: skip

pytestmark = pytest.mark.parametrize("lang", ["sv", "en"])


@pytest.fixture
async def contexts(browser: Browser) -> AsyncIterator[list[BrowserContext]]:
    """Contexts put here are closed."""
    opened: list[BrowserContext] = []
    yield opened
    for each in opened:
        await each.close()


async def begun(
    browser: Browser, city: City, contexts: list[BrowserContext], lang: str, who: str | None
) -> tuple[Keyboard, list[str]]:
    """Somebody on the start page with a keyboard; and what the console says."""
    context = await entered(browser, city.address, lang, f"{who.lower()}@demo.example" if who else None)
    contexts.append(context)
    page = await context.new_page()
    said = heard(page)
    await page.goto("/")
    assert await page.locator("html").get_attribute("lang") == lang
    return Keyboard(page), said


async def test_a_coordinator_registers_a_pilot_in_fourteen_steps(browser, city, contexts, lang):
    keys, said = await begun(browser, city, contexts, lang, "Alva")
    page, words = keys.page, WORDS[lang]

    await keys.press(page.get_by_role("main").get_by_role("link", name=words["new"]).first)
    await keys.write(page.locator("[name=title]"), f"Varmare väntan {lang}")
    await keys.write(page.locator("[name='need.statement']"), "Bussen är sen och ingen vet hur sen.")
    await keys.press(page.get_by_role("checkbox", name=words["group"], exact=True), "Space")
    await keys.choose(page.locator("[name=lead_partner_id]"), words["lead"])
    await keys.write(page.locator("[name='partners.0.name']"), "Lunet")
    await keys.date(page.locator("[name=start_planned]"), "2027-01-15")
    await keys.date(page.locator("[name=end_planned]"), "2027-04-30")
    for key in ("personal", "camera", "research", "ai"):
        await keys.second(page.locator(f"[name='quick.{key}']").first)
    await keys.press(page.get_by_role("button", name=words["save"]))

    await page.wait_for_url("**/pilots/LUL-*")
    await expect(page.locator("h1")).to_have_text(f"Varmare väntan {lang}")
    await expect(page.get_by_role("link", name="Lunet", exact=True)).to_be_visible()
    assert len(keys.did) <= 14, keys.did
    assert said == []


async def test_an_engineer_hands_in_a_result_in_six_steps(browser, city, contexts, lang, tmp_path: Path):
    keys, said = await begun(browser, city, contexts, lang, "Bo")
    page, words = keys.page, WORDS[lang]
    (tmp_path / f"mars-{lang}.csv").write_bytes(FILL)

    await keys.press(page.get_by_role("main").get_by_role("link", name=words["upload"]).first)
    await keys.file(page.locator("[name=file]"), tmp_path / f"mars-{lang}.csv")
    await keys.press(page.get_by_role("button", name=words["send"]))

    await page.wait_for_url("**/results/R-*")
    await page.get_by_text(words["read"]).wait_for()
    answer = await page.request.get(page.url, headers={"accept": "application/json"})
    assert (await answer.json())["state"] == "ready"
    assert len(keys.did) <= 6, keys.did
    assert said == []


async def test_anybody_finds_a_dataset_and_fetches_it_in_five_steps(browser, city, contexts, lang):
    keys, said = await begun(browser, city, contexts, lang, None)
    page, words = keys.page, WORDS[lang]
    find = page.get_by_role("searchbox", name=words["find"])

    await keys.write(find, words["word"])
    await keys.press(find)
    await page.wait_for_url("**/search?**")
    await keys.press(page.get_by_role("main").get_by_role("link", name=words["dataset"]).first)
    await page.wait_for_url("**/datasets/*")
    async with page.expect_download() as download:
        await keys.press(page.get_by_role("main").locator("a[href$='data.csv']").first)

    fetched = Path(await (await download.value).path()).read_bytes()
    assert fetched == city.world.csv
    assert fetched.count(b"\r\n") == 57
    assert len(keys.did) <= 5, keys.did
    assert said == []


async def test_a_coordinator_takes_the_good_rows_in_two_steps(browser, city, contexts, lang):
    at = f"/trials/{city.world.ids['checked']}/results/april-{lang}.csv"
    async with httpx.AsyncClient(base_url=city.address) as program:
        sent = (await program.put(at, content=SPRING, headers=BO)).json()
        for _ in range(300):
            view = (await program.get(f"/results/{sent['code']}", headers=BO)).json()
            if view["state"] == "partly":
                break
            await asyncio.sleep(0.1)
        await program.post(f"/results/{sent['code']}/ask", json={}, headers=BO)
    keys, said = await begun(browser, city, contexts, lang, "Alva")
    page, words = keys.page, WORDS[lang]

    await keys.press(page.locator(f"a[href='/results/{sent['code']}/accept']"))
    await page.wait_for_url("**/accept")
    await keys.press(page.get_by_role("button", name=words["good"]))

    await page.wait_for_url(f"**/results/{sent['code']}")
    await page.get_by_text(words["partly"]).wait_for()
    assert len(keys.did) <= 2, keys.did
    assert said == []
