"""Windows of the browser: who looks, in which language, and what their console says."""

import shutil
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.world import PASSWORD

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The same browser; the first has nothing of it that draws windows, and is faster."""
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
LOCALES = {"sv": "sv-SE", "en": "en-GB"}
PATIENCE_MS = 15_000
AXE = Axe()
ONLY_WRONG = {"resultTypes": ["violations"]}
"""Twice as fast: for all that is right axe would say where it is, too."""


async def entered(
    browser: Browser, address: str, lang: str, email: str | None = None, password: str = PASSWORD, **more: Any
) -> BrowserContext:
    """A context of the browser in a language, in which this person is signed in."""
    given: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, **more}
    context = await browser.new_context(locale=LOCALES[lang], base_url=address, **given)
    context.set_default_timeout(PATIENCE_MS)
    if email:
        answer = await context.request.post(
            f"{address}/sign-in",
            data={"email": email, "password": password},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert answer.ok, await answer.text()
    return context


def heard(page: Page) -> list[str]:
    """Everything that the page's console, its scripts and its content policy complain of from now on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    return said


async def violations(
    page: Page, context: dict[str, Any] | None = None, *, colours: bool = True
) -> list[tuple[str, list[str]]]:
    """What axe has against a page, or a part of it: each rule, and where it is broken; without ``colours`` contrast is left out."""
    options = ONLY_WRONG | ({} if colours else {"rules": {"color-contrast": {"enabled": False}}})
    found = (await AXE.run(page, context=context, options=options)).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
