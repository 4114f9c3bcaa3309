"""A person who has no mouse: moves by Tab, sees where they are, and counts what they do.

One interaction is a click, a tap, a choice or one filled field. Pressing Tab is none; neither is reading.
"""

from pathlib import Path

from playwright.async_api import Locator, Page

FARTHEST = 150
SEEN = """each => {
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    && box.bottom > 0 && box.top < innerHeight && box.width > 0;
}"""


class Keyboard:
    """``did`` lists the interactions so far."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.did: list[str] = []
        # Playwright begins to catch file choosers some turns of the event loop after it is asked to, and sends a
        # press at once; this loop also serves the pages, so the press could come first. Ask long before.
        page.on("filechooser", lambda _: None)

    async def reach(self, target: Locator) -> None:
        """Tab to an element; its focus must be drawn where the eye can see it."""
        await target.wait_for()
        for _ in range(FARTHEST):
            if await target.evaluate("each => each === document.activeElement"):
                return await self.see(target)
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by Tab")

    async def see(self, target: Locator) -> None:
        """The focus is drawn, after the page has scrolled to it."""
        for _ in range(20):
            if await target.evaluate(SEEN):
                return
            await self.page.wait_for_timeout(50)
        raise AssertionError(f"the focus is not seen on {target}")

    async def press(self, target: Locator, key: str = "Enter") -> None:
        """Follow a link, push a button, tick a box (``Space``)."""
        await self.reach(target)
        self.did.append(f"press {target}")
        await self.page.keyboard.press(key)

    async def write(self, target: Locator, text: str) -> None:
        await self.reach(target)
        self.did.append(f"write {text}")
        await self.page.keyboard.type(text)

    async def date(self, target: Locator, day: str) -> None:
        """Fill a date field, whichever order of day, month and year this browser asks for."""
        await self.reach(target)
        self.did.append(f"date {day}")
        year, month, date = day.split("-")
        for first, rest in ((year, month + date), ("", month + date + year), ("", date + month + year)):
            for _ in range(3):
                await self.page.keyboard.press("ArrowLeft")
            await self.page.keyboard.type(first)
            if first:
                await self.page.keyboard.press("ArrowRight")
            await self.page.keyboard.type(rest)
            if await target.input_value() == day:
                return
        raise AssertionError(f"no order of the parts gives {day}")

    async def choose(self, target: Locator, option: str) -> None:
        """Type the name of an option in a closed list."""
        await self.reach(target)
        self.did.append(f"choose {option}")
        await self.page.keyboard.type(option)
        assert await target.evaluate("each => each.selectedOptions[0].text") == option

    async def second(self, first: Locator) -> None:
        """Answer with the second of two radio buttons: from the first, where Tab leads, one step on."""
        await self.reach(first)
        self.did.append(f"answer no: {first}")
        await self.page.keyboard.press("ArrowRight")

    async def file(self, target: Locator, path: Path) -> None:
        """Open the system's file chooser and choose: two interactions."""
        await self.reach(target)
        async with self.page.expect_file_chooser() as opened:
            await self.page.keyboard.press("Space")
        self.did += ["open the chooser", f"choose {path.name}"]
        await (await opened.value).set_files(path)
