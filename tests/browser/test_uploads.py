"""Files on their way from a browser: paused, reloaded, cut off, signed out, and in the end all there, once."""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.station import CHUNK_BYTES, MOST_BYTES, Station, open_station
from tests.browser.test_pages import problems
from tests.browser.windows import entered, heard
from tests.browser.world import PASSWORD
from tests.conftest import made

SIZE = 6 * 1024 * 1024
RATE = 3_000_000
OVERHEAD = 200_000  # heads of requests, the page itself
SENDING = re.compile(r"(?!0 %)\d+ % – ")


@pytest.fixture(scope="module")
async def station(browser: Browser, server, template: str, folder: Path) -> AsyncIterator[Station]:
    data = Path(tempfile.mkdtemp(prefix="u-", dir=folder))
    async with made(server, template) as url, open_station(url, data) as opened:
        yield opened
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
async def context(browser: Browser, station: Station) -> AsyncIterator[BrowserContext]:
    """Bo's browser, on a way that is slow enough to see something."""
    station.way.rate = RATE
    opened = await entered(browser, station.way.address, "en", "bo@demo.example")
    yield opened
    await opened.close()


@pytest.fixture
async def page(context: BrowserContext, station: Station) -> Page:
    return await arrived(context, station)


async def arrived(context: BrowserContext, station: Station) -> Page:
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())  # whether one really wants to leave
    await page.goto(f"/trials/{station.trial}/upload", wait_until="networkidle")
    return page


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Other bytes for every test: the same file twice is one result."""
    path = tmp_path / "winter.bin"
    path.write_bytes(Random(request.node.name).randbytes(SIZE))
    return path


async def choose(page: Page, *files: Path) -> None:
    await page.locator("[name=file]").set_input_files(files)


async def begin(page: Page, file: Path) -> None:
    """Choose, send, and see that it moves."""
    await choose(page, file)
    await page.get_by_role("button", name="Upload and get a receipt").click()
    await expect(page.locator(".send-words")).to_have_text(SENDING)


async def beyond(page: Page, percent: int) -> None:
    while await page.locator(".send progress").evaluate("bar => bar.value") < percent:
        await page.wait_for_timeout(50)


async def received(page: Page, station: Station, file: Path) -> None:
    await page.wait_for_url("**/results/R-*", timeout=60_000)
    await expect(page.locator("h1")).to_have_text(file.name)
    assert await station.holds(file)


async def test_a_paused_upload_rests_and_goes_on(page, station, file):
    said = heard(page)
    await begin(page, file)

    await page.get_by_role("button", name=f"Pause {file.name}").click()
    await expect(page.locator(".send .chip")).to_have_text("Paused")
    assert await page.evaluate("document.activeElement.textContent") == f"Go on {file.name}"
    await page.wait_for_timeout(500)
    before = station.way.sent
    await page.wait_for_timeout(700)
    assert station.way.sent == before
    await page.get_by_role("button", name=f"Go on {file.name}").click()

    await received(page, station, file)
    assert said == []


async def test_after_a_reload_at_most_one_piece_is_sent_again(page, station, file):
    before = station.way.sent
    await begin(page, file)
    await beyond(page, 40)

    await page.reload()
    kept = page.locator(".upload-kept")
    await expect(kept).to_have_text(re.compile(r"One file waits: choose it again to go on at [3-9]\d %\."))
    await choose(page, file)
    await received(page, station, file)

    assert SIZE <= station.way.sent - before <= SIZE + CHUNK_BYTES + OVERHEAD


async def test_what_waits_can_be_thrown_away(page, station, file):
    await begin(page, file)
    await page.reload()

    await page.get_by_role("button", name=f"Throw away {file.name}").click()

    await expect(page.locator(".send")).to_have_count(0)
    await expect(page.locator(".upload-kept")).to_be_hidden()
    await page.reload(wait_until="networkidle")
    await expect(page.locator(".send")).to_have_count(0)
    assert await station.asked("SELECT state FROM upload ORDER BY id DESC LIMIT 1") == "ended"


async def test_two_files_go_one_after_the_other_and_each_has_its_receipt(page, station, file, tmp_path):
    station.way.rate = None
    other = tmp_path / "spring.csv"
    other.write_bytes(b"time;level\n2026-04-01;12,5\n")

    await choose(page, file, other)
    await page.get_by_role("button", name="Upload 2 files and get receipts").click()

    await expect(page.locator(".send .chip")).to_have_text(["Received", "Received"], timeout=30_000)
    await expect(page.locator(".upload-said")).to_have_text("2 files are received.")
    assert await station.holds(file)
    assert await station.holds(other)
    await page.locator(".send", has_text="spring.csv").get_by_role("link", name="Receipt").click()
    await expect(page.locator("h1")).to_have_text("Receipt")


async def test_a_file_that_is_too_large_is_refused_by_name_and_limit_before_it_is_sent(
    page, station, tmp_path
):
    film = tmp_path / "film.bin"
    with film.open("wb") as large:
        large.truncate(MOST_BYTES + 1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await choose(page, film)

    row = page.locator(".send", has_text="film.bin")
    await expect(row).to_contain_text("It is 20 MB, and at most 20 MB is taken here. Nothing of it was sent.")
    await page.get_by_role("button", name="Remove film.bin").click()
    await expect(row).to_have_count(0)
    assert not [url for url in asked if "/uploads" in url and "/static/" not in url]


async def test_an_empty_file_and_a_folder_are_told_from_files(page, tmp_path):
    (tmp_path / "empty.csv").touch()

    await choose(page, tmp_path / "empty.csv")

    await expect(page.locator(".send")).to_contain_text("It is empty")
    assert not await page.get_by_role("button", name="Upload and get a receipt").is_visible()


async def test_a_service_that_is_killed_and_started_again_is_found_again(page, station, file):
    await begin(page, file)

    await station.kill()
    await expect(page.locator(".send .chip")).to_have_text("Waiting")
    await expect(page.locator(".send-words")).to_contain_text("The connection is lost. It goes on by itself")
    await station.start()

    await received(page, station, file)


async def test_who_is_signed_out_in_the_middle_gives_the_password_and_goes_on(page, station, file):
    await begin(page, file)

    await station.asked("DELETE FROM session")
    dialog = page.get_by_role("dialog", name="You have been signed out")
    await dialog.wait_for()
    assert await problems(page) == []
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("status")).not_to_be_empty()
    await page.wait_for_timeout(1500)  # after a failure the service wants to be left alone for a second
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")

    await received(page, station, file)


async def test_who_would_rather_not_sign_in_finds_the_upload_paused(page, station, file):
    await begin(page, file)

    await station.asked("DELETE FROM session")
    await page.get_by_role("button", name="Not now").click()

    await expect(page.locator(".send .chip")).to_have_text("Paused")
    await expect(page.locator(".send-words")).to_contain_text(
        "is kept here for 7 days, even if you close the page"
    )
    await page.get_by_role("button", name=f"Go on {file.name}").click()
    await page.get_by_role("dialog").wait_for()


async def test_a_cancelled_upload_leaves_nothing(page, station, file):
    await begin(page, file)

    await page.get_by_role("button", name=f"Cancel {file.name}").click()

    await expect(page.locator(".send")).to_have_count(0)
    await expect(page.locator("[name=file]")).to_be_focused()
    await page.reload(wait_until="networkidle")
    await expect(page.locator(".send")).to_have_count(0)
    assert await station.asked("SELECT state FROM upload ORDER BY id DESC LIMIT 1") == "ended"


async def test_another_window_does_not_send_the_same_file(context, page, station, file):
    await begin(page, file)
    other = await arrived(context, station)

    await expect(other.locator(".send")).to_have_count(0)
    await choose(other, file)
    await other.get_by_role("button", name="Upload and get a receipt").click()

    await expect(other.locator(".send-words")).to_have_text(
        "It is being sent in another window of this browser."
    )
    await received(page, station, file)


async def test_progress_is_drawn_for_the_eye_and_told_by_quarters_to_the_ear(page, station, file):
    await page.evaluate(
        "said = [];"
        "new MutationObserver(() => said.push(document.querySelector('.upload-said').textContent))"
        ".observe(document.querySelector('.upload-said'), { childList: true });"
        "document.addEventListener('click', () => sessionStorage.told = '');"
        "addEventListener('pagehide', () => sessionStorage.told = JSON.stringify(said));"
    )
    await begin(page, file)
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await problems(page) == []
    await received(page, station, file)

    told = await page.evaluate("JSON.parse(sessionStorage.told)")
    assert told[:2] == [f"{file.name} is chosen.", f"{file.name} is being uploaded."]
    assert [re.sub(r"\d+ %", "%", each) for each in told[2:]] == [f"{file.name}: %"] * 3


async def test_files_dropped_anywhere_on_the_page_are_chosen(page, station):
    await page.evaluate(
        "const files = new DataTransfer();"
        "for (const name of ['a.csv', 'b.csv']) files.items.add(new File(['a;b'], name));"
        "document.querySelector('h1').dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }))"
    )

    await expect(page.locator(".send-name")).to_have_text(["a.csv", "b.csv"])


async def test_without_scripts_the_form_sends_one_file(browser, station, file):
    station.way.rate = None
    context = await entered(browser, station.way.address, "sv", "bo@demo.example", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/trials/{station.trial}/upload")

    assert await page.locator("[name=file]").get_attribute("multiple") is None
    await expect(page.get_by_text("Det här formuläret skickar en fil i taget")).to_be_visible()
    await choose(page, file)
    await page.get_by_role("button", name="Ladda upp och få kvitto").click()

    await received(page, station, file)
    await context.close()
