"""Chromium in front of the whole service; skipped where there is no Chromium."""

import ctypes
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from testbed.embedded import Login
from tests.browser.city import City, open_city
from tests.browser.windows import CHROMIUM, QUIET
from tests.conftest import made


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libatomic.so.1")
        except OSError:
            pytest.skip("libatomic1 is not installed, which the Node.js of Playwright needs")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        await running.close()


@pytest.fixture(scope="session")
async def city(browser: Browser, server: Login, template: str, folder: Path) -> AsyncIterator[City]:
    """One city for all of the browser's tests; they add to it, and take nothing away."""
    data = Path(tempfile.mkdtemp(prefix="b-", dir=folder))
    data.chmod(0o755)
    async with made(server, template) as url, open_city(url, data) as opened:
        yield opened
    shutil.rmtree(data, ignore_errors=True)
