"""A client of the protocol that is not ours, in a real browser: tus-js-client, under the policy of our pages."""

import hashlib
from typing import Any

import pytest
from playwright.async_api import Page

from testbed.web.templates import static
from tests.browser.city import City
from tests.browser.windows import entered, heard

# Sends 2.5 MB of bytes that can be made again; resolves to the address, or to what the client says went wrong.
SEND = """
async ({trial, options, stopAt}) => {
  const bytes = new Uint8Array(2_500_000);
  for (let i = 0, x = 7; i < bytes.length; i++) { x = (x * 1103515245 + 12345) % 2147483648; bytes[i] = x >> 16; }
  const file = new File([bytes], "mätning å.csv", {type: "text/csv", lastModified: 1});
  const sums = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
  const sha256 = sums.map((each) => each.toString(16).padStart(2, "0")).join("");
  const answer = await new Promise((resolve) => {
    const upload = new tus.Upload(options.uploadLengthDeferred ? file.stream().getReader() : file, {
      endpoint: "/uploads", chunkSize: 400_000, retryDelays: [0, 200, 1000, 3000],
      metadata: {trial: String(trial), filename: file.name, filetype: file.type, ...(options.wrong ? {sha256: "0".repeat(64)} : {sha256})},
      onSuccess: () => resolve({at: upload.url, began: upload.began}),
      onError: (error) => resolve({at: upload.url, status: error.originalResponse?.getStatus(), said: error.originalResponse?.getBody()}),
      onChunkComplete: (_, sent) => {
        upload.began ??= sent;
        if (stopAt && sent >= stopAt) upload.abort().then(() => resolve({at: upload.url, stopped: sent}));
      },
      ...(options.patient ? {onShouldRetry: () => true} : {}),  // by itself it gives up where the browser knows it is offline
      ...options,
    });
    upload.findPreviousUploads().then((found) => {
      if (found.length) upload.resumeFromPreviousUpload(found[0]);
      upload.start();
    });
  });
  return {...answer, sha256};
}
"""


@pytest.fixture
async def page(browser, city: City):
    context = await entered(browser, city.address, "en", "bo@demo.example")
    opened = await context.new_page()
    await opened.goto("/trials")
    await opened.add_script_tag(url=static("vendor/tus-js-client/tus.min.js"))
    yield opened
    await context.close()


async def sent(page: Page, city: City, *, stop_at: int = 0, **options: Any) -> dict[str, Any]:
    trial = int(city.world.ids["trial"])
    found: dict[str, Any] = await page.evaluate(SEND, {"trial": trial, "options": options, "stopAt": stop_at})
    return found


async def kept(page: Page, answer: dict[str, Any]) -> str:
    """The SHA-256 of what the service has now."""
    assert "status" not in answer, answer
    state = await (await page.request.get(answer["at"], headers={"accept": "application/json"})).json()
    raw = await page.request.get(f"/results/{state['result']}/raw")
    return hashlib.sha256(await raw.body()).hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"overridePatchMethod": True},
        {"uploadDataDuringCreation": True},
        {"uploadLengthDeferred": True},
        {"chunkSize": 10_000_000},
    ],
    ids=lambda options: ",".join(options) or "as it comes",
)
async def test_a_file_arrives(page, city, options):
    said = heard(page)

    answer = await sent(page, city, **options)

    assert await kept(page, answer) == answer["sha256"]
    assert not said


async def test_a_file_goes_on_after_the_page_was_left(page, city):
    first = await sent(page, city, stop_at=800_000)
    await page.reload()
    await page.add_script_tag(url=static("vendor/tus-js-client/tus.min.js"))

    second = await sent(page, city)

    assert second["at"] == first["at"]
    assert second["began"] > 800_000
    assert await kept(page, second) == second["sha256"]


async def test_a_file_goes_on_after_the_network_was_away(page, city):
    async def away(_: Any) -> None:
        await page.context.set_offline(True)
        await page.wait_for_timeout(700)
        await page.context.set_offline(False)

    await page.expose_function("away", away)
    await page.evaluate("() => { window.cut = setTimeout(() => window.away(1), 60); }")

    answer = await sent(page, city, chunkSize=50_000, patient=True)

    assert await kept(page, answer) == answer["sha256"]


async def test_a_file_that_is_not_what_was_declared_is_told_and_not_tried_again(page, city):
    answer = await sent(page, city, wrong=True)

    assert answer["status"] == 422
    assert "was declared" in answer["said"]
