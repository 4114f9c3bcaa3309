"""Pictures of the main pages: ``python -m tests.browser.screenshots FOLDER [--demo URL] [--readme]``.

Without a demo it serves the small city of the browser's tests; with one it looks at a service that ``make demo``
has filled, signing in by ``--email`` and ``--password``. The pictures are for people to look at; only the README's,
docs/screenshot.png, is kept.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from playwright.async_api import Browser, Page, async_playwright

from testbed.db import Database, migrate
from testbed.embedded import running
from tests import cast
from tests.browser.city import City, open_city
from tests.browser.windows import CHROMIUM, QUIET, entered
from tests.browser.world import PASSWORD
from tests.conftest import FAST, url_of

README = Path(__file__).parents[2] / "docs" / "screenshot.png"
WIDTHS = (1280, 320)
OPEN = {
    "start": "/", "pilots": "/pilots", "pilot": "first of /pilots", "chain": "first of /pilots +/chain",
    "datasets": "/datasets", "dataset": "first of /datasets", "version": "first of /datasets +/versions/latest",
    "testbeds": "/testbeds", "testbed": "first of /testbeds", "devices": "/devices", "device": "first of /devices",
    "search": "/search?q=hamn", "sign-in": "/sign-in", "access": "/access", "partners": "/partners",
}  # fmt: skip
STAFF = {
    "work": "/", "pilot-staff": "first of /pilots", "new-pilot": "/pilots/new", "trial": "first of /trials",
    "upload": "first of /trials +/upload", "result": "first of /results", "receipt": "first of /results +/receipt",
    "publish": "first of /datasets +/publish", "account": "/me",
}  # fmt: skip
ADMIN = {
    "admin": "/admin",
    "activity": "/admin/activity",
    "jobs": "/admin/jobs",
    "new-testbed": "/testbeds/new",
}


@asynccontextmanager
async def small_city(folder: Path) -> AsyncIterator[City]:
    """The city of the tests, on a server and a database of its own."""
    with running(folder / "v", options=FAST, say=lambda _: None) as cluster:
        login = cluster.login("postgres", "postgres")
        admin = await asyncpg.connect(**login.kwargs())
        await admin.execute("CREATE DATABASE city")
        await admin.close()
        url = url_of(login, "city")
        async with Database(url) as db:
            await migrate(db)
            async with db.raw() as connection:
                await cast.enter(connection)
        (folder / "data").mkdir(mode=0o755)
        async with open_city(url, folder / "data") as opened:
            yield opened


async def found(page: Page, address: str) -> str | None:
    """An address, or the first record of a list and what comes after its own address."""
    if not address.startswith("first of "):
        return address
    path, _, after = address.removeprefix("first of ").partition(" +")
    answer = await page.request.get(path, headers={"accept": "application/json"})
    rows = (await answer.json()).get("items", []) if answer.ok else []
    if not rows:
        return None
    name = next(str(rows[0][key]) for key in ("code", "slug", "id") if key in rows[0])
    return f"{path}/{name}{after}"


async def pictures(
    browser: Browser, address: str, folder: Path, pages: dict[str, str], email: str | None, password: str
) -> None:
    for lang in ("sv", "en"):
        context = await entered(browser, address, lang, email, password)
        page = await context.new_page()
        for name, where in pages.items():
            if not (place := await found(page, where)):
                continue
            await page.goto(place, wait_until="networkidle")
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                for scheme in ("light", "dark"):
                    await page.emulate_media(color_scheme=scheme)
                    await page.wait_for_timeout(300)
                    await page.screenshot(path=folder / f"{name}-{width}-{lang}-{scheme}.png", full_page=True)
        await context.close()


async def readme(browser: Browser, address: str) -> None:
    """The start page by day, in Swedish."""
    context = await entered(browser, address, "sv", viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.emulate_media(color_scheme="light")
    await page.goto("/")
    await page.wait_for_timeout(500)
    await page.screenshot(path=README)
    await context.close()


async def main(given: argparse.Namespace) -> None:
    given.folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        if given.demo:
            people = [(OPEN, None), (STAFF, given.email)] if given.email else [(OPEN, None)]
            for pages, email in people:
                await pictures(browser, given.demo, given.folder, pages, email, given.password)
            if given.readme:
                await readme(browser, given.demo)
        else:
            with tempfile.TemporaryDirectory(prefix="tb-") as name:
                Path(name).chmod(0o755)
                async with small_city(Path(name)) as city:
                    for pages, who in ((OPEN, None), (STAFF, "alva"), (ADMIN, "ebba")):
                        email = f"{who}@demo.example" if who else None
                        await pictures(browser, city.address, given.folder, pages, email, PASSWORD)
        await browser.close()


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Take pictures of the main pages.")
    words.add_argument("folder", type=Path)
    words.add_argument("--demo", help="address of a running service that holds the demo city")
    words.add_argument("--email", help="who signs in there")
    words.add_argument("--password", default="")
    words.add_argument("--readme", action="store_true", help="take docs/screenshot.png anew, from the demo")
    asyncio.run(main(words.parse_args()))
