"""Every command of the guides for partners, run as it stands; only address, trial and token are those of the test."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which

import pytest

from tests import cast
from tests.cast import BO, token_of
from tests.datasets.kept import worker
from tests.live import served

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = "http://127.0.0.1:8000"
PYTHON = Path(sys.executable)


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each block of code, but what starts a service."""
    found = re.findall(r"```(sh|python)\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return [(language, text) for language, text in found if not text.startswith("make ")]


@pytest.fixture
async def address(app, db, store, settings) -> AsyncIterator[tuple[str, int]]:
    async with db.raw() as connection:
        trial = await cast.trial_of(connection, await cast.running_pilot(connection, visibility="public"))
    async with worker(db, store, settings), served(app) as (host, port):
        yield f"http://{host}:{port}", trial


async def run(language: str, text: str, folder: Path, address: str, trial: int) -> str:
    """What a block prints; it must end well."""
    text = (
        text.replace(WRITTEN, address)
        .replace("/trials/1", f"/trials/{trial}")
        .replace('"trial": "1"', f'"trial": "{trial}"')
    )
    environment = os.environ | {
        "TOKEN": token_of("Bo"),
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(DOCS.parent),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    words = (
        ["bash", "-euc", f'testbed() {{ python -m testbed "$@"; }}\n{text}']
        if language == "sh"
        else [str(PYTHON), "-c", text]
    )
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = (await asyncio.wait_for(process.communicate(), 120))[0].decode()
    assert process.returncode == 0, f"{text}\n{said}"
    return said


@pytest.mark.skipif(
    not (which("curl") and which("openssl")), reason="curl or openssl is not installed, which the guide uses"
)
async def test_the_commands_of_the_guide_do_what_they_say(address, tmp_path, client, db):
    (tmp_path / "data.csv").write_bytes(b"time;level\n2026-03-01;12,5\n2026-03-02;13,0\n")
    (tmp_path / "more.csv").write_bytes(b"time;level\n2026-04-01;12,5\n")
    environment_is_set = 'export TESTBED_TOKEN="$TOKEN"\n'

    said = [
        await run(language, environment_is_set + text if language == "sh" else text, tmp_path, *address)
        for language, text in blocks("howto/upload-results.md")
    ]

    assert len(said) == 6
    assert said[0].count("received as R-") == 2
    assert '"digest_declared":true' in said[2]
    assert '"upload_max_bytes":' in said[3]
    assert "ready 2 [('time', 'date'), ('level', 'number')]" in said[4]
    assert (await client.get("/uploads/" + said[5].strip().rpartition("/")[2], headers=BO)).json()["result"]
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM result WHERE filename = 'more.csv'") == 1


async def test_the_tutorial_can_be_followed(address, tmp_path, client):
    steps = blocks("tutorial/upload-your-first-results.md")
    where, trial = address

    await run(*steps[0], tmp_path, where, trial)
    first = await types(client, trial, tmp_path)
    await run(*steps[1], tmp_path, where, trial)
    second = await types(client, trial, tmp_path)
    await run(*steps[2], tmp_path, where, trial)
    said = await run(*steps[3], tmp_path, where, trial)

    assert (first["emptyings"], first["fill_percent"]) == ("integer", "string")
    assert second["fill_percent"] == "number"
    assert (tmp_path / "token.txt").stat().st_mode & 0o077 == 0
    assert "week.csv: received as R-" in said


async def types(client, trial: int, folder: Path) -> dict[str, str]:
    """The columns of a file once it is read."""
    body = (folder / "week.csv").read_bytes()
    at = (await client.put(f"/trials/{trial}/results/week.csv", content=body, headers=BO)).headers["location"]
    async with asyncio.timeout(60):
        while (result := (await client.get(at, headers=BO)).json())["state"] in ("received", "reading"):
            await asyncio.sleep(0.2)
    return {column["name"]: column["type"] for column in result["columns"]}
