"""Names and files that are meant to do harm, through every way in: kept as they are, never believed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from testbed import jobs
from testbed.files import label
from testbed.trials.profile import KINDS
from tests.cast import BO
from tests.lanes import share
from tests.trials.checked import schema_of

MADE = Path(os.environ.get("TESTBED_TEST_DATA", "/nowhere")) / "corpora" / "made"
NAMES = [
    "../../etc/passwd", "..\\..\\x", "/abs", "a\0b", "a\r\nSet-Cookie: x=1", '"; filename="evil.html', ".", "..", " ",
    "\u202evsc.exe", "caf\u00e9.csv", "%2e%2e%2fx", "n" * 300 + ".csv", "\ud83d", "x.csv::$DATA", "$(id).csv",
]  # fmt: skip
READ = ["csv", "xlsx", "json", "parquet", "zip", "gzip", "pdf"]

needs_corpus = pytest.mark.skipif(not MADE.is_dir(), reason="TESTBED_TEST_DATA is not set")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """The hostile files, made anew from their recipe."""
    place: Path = tmp_path_factory.mktemp("made")
    shutil.copy(MADE / "gen.py", place)
    subprocess.run([sys.executable, "gen.py"], cwd=place, check=True, capture_output=True)
    return place


def in_address(name: str) -> str:
    return quote(name.encode("utf-8", "surrogatepass"), safe="")


def form_of(name: str, data: bytes) -> bytes:
    """A form as browsers write it, with the name in it as it is but for what would end the header."""
    shown = (
        name.encode("utf-8", "surrogatepass")
        .replace(b'"', b"%22")
        .replace(b"\r", b"%0D")
        .replace(b"\n", b"%0A")
    )
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + shown + b'"\r\n\r\n'
    return head + data + b"\r\n--b--\r\n"


async def judged(client, trial: int, names: list[str]) -> None:
    form = BO | {"content-type": "multipart/form-data; boundary=b"}
    for number, name in enumerate(names):
        put = await client.put(
            f"/trials/{trial}/results/{in_address(name)}", content=b"a;b\n1;2\n", headers=BO
        )
        posted = await client.post(
            f"/trials/{trial}/results", content=form_of(name, b"%d" % number), headers=form
        )

        for answer in (put, posted):
            assert answer.status_code < 500, (name, answer.text)
            if answer.status_code in {200, 201}:
                kept = answer.json()["filename"]
                assert kept == label(kept), name
                assert not {"/", "\\"} & set(kept)
                assert 0 < len(kept) <= 255
                raw = await client.get(answer.json()["raw"], headers=BO)
                assert raw.status_code == 200
                assert raw.headers["content-disposition"].startswith("attachment;")
                assert "set-cookie" not in raw.headers


async def test_a_name_is_a_label_whatever_it_says(client, trial, settings):
    await judged(client, trial, NAMES)

    found = {path.name for path in settings.data_dir.rglob("*") if path.is_file() and "pg" not in path.parts}
    assert all(len(name) == 64 for name in found)


@needs_corpus
async def test_every_hostile_name_of_the_corpus_is_a_label(client, trial, corpus):
    await judged(client, trial, json.loads((corpus / "files" / "filenames.json").read_bytes()))


@needs_corpus
async def test_every_hostile_file_is_kept_as_it_is(client, trial, corpus, store):
    for path in share(sorted((corpus / "files").iterdir()), 3):
        data = path.read_bytes()
        answer = await client.put(
            f"/trials/{trial}/results/{in_address(path.name)}", content=data, headers=BO
        )

        assert answer.status_code in {200, 201}, (path.name, answer.text)
        assert await store.size(answer.json()["sha256"]) == len(data)


@needs_corpus
@pytest.mark.parametrize("kind", READ)
async def test_the_first_hostile_files_of_each_kind_come_to_an_end(client, db, trial, corpus, shop, kind):
    """The second one is held to a schema."""
    told = json.loads((corpus / "EXPECT.json").read_bytes())
    names = [name for name, said in told.items() if said["cls"] == kind][:2]
    for name in names:
        data = (corpus / "files" / name).read_bytes()
        sent = await client.put(f"/trials/{trial}/results/{in_address(name)}", content=data, headers=BO)
        await jobs.work_once(shop, KINDS)

        page = await client.get(sent.headers["location"], headers=BO | {"accept": "text/html"})
        result = (await client.get(sent.headers["location"], headers=BO)).json()
        assert page.status_code == 200
        assert result["state"] in {"ready", "partly", "unreadable"}, (name, result["job"])
        assert (await client.get(result["raw"], headers=BO)).content == data
        await schema_of(db, trial)
    assert not list((shop.settings.data_dir / "work").iterdir())
