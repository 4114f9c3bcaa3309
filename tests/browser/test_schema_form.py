"""The form of a table schema: by keyboard alone, with its script and without any."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.city import City
from tests.browser.keyboard import Keyboard
from tests.browser.windows import entered, heard, violations

WORDS = {
    "sv": {"change": "Ändra", "add": "Lägg till en kolumn", "check": "Se vad det innebär", "save": "Spara version", "what": "Ny kolumn",
           "limits": "Gränser, tillåtna värden och jämförelser", "away": "Ta bort", "number": "tal", "asked": "Skriv ett tal."},
    "en": {"change": "Change", "add": "Add a column", "check": "See what it means", "save": "Save version", "what": "New column",
           "limits": "Limits, allowed values and comparisons", "away": "Take away", "number": "number", "asked": "Write a number."},
}  # fmt: skip

pytestmark = pytest.mark.parametrize("lang", ["sv", "en"])


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
async def page(
    browser: Browser, city: City, lang: str, request: pytest.FixtureRequest
) -> AsyncIterator[Page]:
    """Alva at the table schema of the city's trial."""
    context = await entered(
        browser, city.address, lang, "alva@demo.example", java_script_enabled=request.param
    )
    opened = await context.new_page()
    await opened.goto(f"/trials/{city.world.ids['trial']}/schema")
    yield opened
    await context.close()


async def wrong(page: Page) -> list[str]:
    """What axe finds, where it can run: it is a script itself."""
    return [rule for rule, _ in await violations(page)]


async def row(page: Page, place: int, key: str) -> str:
    return await page.locator(f"[name='fields.{place}.{key}']").input_value()


async def test_a_column_is_added_mistyped_mended_and_saved_by_keyboard(page: Page, lang: str, request):
    words, keys, scripts = WORDS[lang], Keyboard(page), "without" not in request.node.name
    said = heard(page)
    await keys.press(page.get_by_role("main").get_by_role("link", name=words["change"], exact=True))
    await page.wait_for_url("**/schema/edit")
    places = await page.locator("[data-rows] > details").count()

    await keys.press(page.get_by_role("button", name=words["add"]))
    name = page.locator(f"[name='fields.{places}.name']")
    await name.wait_for()
    if scripts:
        await expect(name).to_be_focused()
    await keys.write(name, f"vikt {lang} {scripts}")
    await keys.choose(page.locator(f"[name='fields.{places}.type']"), words["number"])
    await keys.press(page.locator(f"#row-{places}").get_by_text(words["limits"]))
    await keys.write(page.locator(f"[name='fields.{places}.constraints.minimum']"), "noll")
    await keys.press(page.get_by_role("button", name=words["check"]).last)

    error = page.locator(f"[id='fields.{places}.constraints.minimum-error']")
    await expect(error).to_contain_text(words["asked"])
    assert await row(page, places, "name") == f"vikt {lang} {scripts}"
    if scripts:
        assert await wrong(page) == []
    field = page.locator(f"[name='fields.{places}.constraints.minimum']")
    await keys.reach(field)
    for _ in "noll":
        await page.keyboard.press("Backspace")
        await page.keyboard.press("Delete")
    await page.keyboard.type("0,5")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("main")).to_contain_text(words["what"])
    if scripts:
        assert await wrong(page) == []
    await keys.press(page.get_by_role("button", name=words["save"]))
    await page.wait_for_url("**/schema/*")
    await expect(page.get_by_role("main")).to_contain_text(f"vikt {lang} {scripts}")
    assert [each for each in said if "422" not in each] == []  # the browser tells the refusal too


async def test_a_row_taken_away_leaves_the_others_as_they_were_typed(page: Page, lang: str):
    words = WORDS[lang]
    await page.goto(page.url + "/edit")
    second = await row(page, 1, "name")
    await page.locator("#row-1").evaluate("each => each.open = true")
    await page.locator(f"[name='fields.1.testbed:titles.{lang}']").fill("Något halvt skr")

    await page.locator("#row-0").evaluate("each => each.open = true")
    await page.locator("#row-0").get_by_role("button", name=words["away"]).click()

    await expect(page.locator("[name='fields.0.name']")).to_have_value(second)
    await expect(page.locator(f"[name='fields.0.testbed:titles.{lang}']")).to_have_value("Något halvt skr")
