"""Windows of the browser: who looks, in which language, and what their console says."""

import shutil
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.world import PASSWORD

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
LOCALES = {"sv": "sv-SE", "en": "en-GB"}
PATIENCE_MS = 15_000


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
