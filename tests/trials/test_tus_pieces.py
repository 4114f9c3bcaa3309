"""The protocol, row by row: pieces with and without checksums, and taking an upload back."""

import hashlib

from testbed import jobs
from testbed.app import KINDS
from testbed.trials.uploads import finishing
from tests.cast import BO
from tests.trials.tus import BYTES, SPOKEN, checksum, metadata

DATA = b"Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n"


async def test_a_file_arrives_in_pieces_and_becomes_a_result(tus, client):
    at = await tus.at(len(DATA), sha256=hashlib.sha256(DATA).hexdigest(), note="Sensor moved")

    first = await tus.patch(at, 0, DATA[:10])
    last = await tus.patch(at, 10, DATA[10:])

    assert (first.status_code, first.headers["upload-offset"]) == (204, "10")
    assert "link" not in first.headers
    assert first.headers["upload-expires"]
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(DATA)))
    state = await tus.state(at)
    assert last.headers["link"] == f'</results/{state["result"]}>; rel="related"'
    assert (state["state"], state["offset"], state["length"]) == ("done", len(DATA), len(DATA))
    result = (await client.get(f"/results/{state['result']}", headers=BO)).json()
    assert result["receipt"]["filename"] == "v6.csv"
    assert (result["sha256"], result["note"]) == (hashlib.sha256(DATA).hexdigest(), "Sensor moved")
    assert result["receipt"]["digest_declared"] is True
    assert (await client.get(f"/results/{state['result']}/raw", headers=BO)).content == DATA


async def test_nothing_is_left_in_staging_and_the_activity_tells_of_it(tus, db, settings):
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA)

    async with db.raw() as connection:
        actions = await connection.fetch(
            "SELECT action FROM activity WHERE action ~ '^(upload|result)' ORDER BY id"
        )
        jobs = await connection.fetchval("SELECT string_agg(kind, ' ' ORDER BY kind) FROM job")
    assert [each["action"] for each in actions] == ["upload.begin", "result.upload"]
    assert jobs == "profile tell"
    assert not list((settings.data_dir / "staging").iterdir())


async def test_the_same_file_as_by_put_is_the_same_result(tus, client, trial):
    by_put = await client.put(f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO)

    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA)

    assert (await tus.state(at))["result"] == by_put.json()["code"]


async def test_pieces_of_another_kind_are_refused(tus):
    at = await tus.at(len(DATA))

    for kind in ("text/csv", "application/octet-stream", "multipart/form-data; boundary=b"):
        answer = await tus.patch(at, 0, DATA, {"content-type": kind})
        assert (answer.status_code, answer.headers["connection"]) == (415, "close")
    assert (await tus.head(at)).headers["upload-offset"] == "0"


async def test_a_piece_that_begins_elsewhere_is_told_where_to_begin(tus):
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:10])

    for offset in (0, 9, 11, len(DATA)):
        answer = await tus.patch(at, offset, b"")
        assert (offset, answer.status_code, answer.headers["upload-offset"]) == (offset, 409, "10")
    assert (await tus.patch(at, 10, DATA[10:])).status_code == 204


async def test_a_piece_without_an_offset_is_refused(tus):
    at = await tus.at(len(DATA))

    for offset in ({}, {"upload-offset": "-1"}, {"upload-offset": "x"}):
        answer = await tus.client.patch(at, content=DATA, headers=BO | SPOKEN | BYTES | offset)
        assert answer.status_code == 400


async def test_a_piece_goes_not_beyond_the_end(tus):
    at = await tus.at(10)

    announced = await tus.patch(at, 0, DATA)

    async def unannounced():
        yield DATA[:5]
        yield DATA[5:]

    grown = await tus.patch(at, 0, unannounced())

    assert (announced.status_code, grown.status_code) == (413, 413)
    assert announced.headers["connection"] == "close"
    assert int((await tus.head(at)).headers["upload-offset"]) in {0, 5}


async def test_a_length_may_be_said_later_and_once(tus):
    at = await tus.at(headers={"upload-defer-length": "1"})

    new = await tus.head(at)
    first = await tus.patch(at, 0, DATA[:10])
    short = await tus.patch(at, 10, b"", {"upload-length": "9"})
    told = await tus.patch(at, 10, DATA[10:20], {"upload-length": str(len(DATA))})
    known = await tus.head(at)
    again = await tus.patch(at, 20, b"", {"upload-length": str(len(DATA) + 1)})
    last = await tus.patch(at, 20, DATA[20:], {"upload-length": str(len(DATA))})

    assert (new.headers["upload-defer-length"], "upload-length" in new.headers) == ("1", False)
    assert (first.status_code, short.status_code, told.status_code) == (204, 400, 204)
    assert (known.headers["upload-length"], "upload-defer-length" in known.headers) == (str(len(DATA)), False)
    assert (again.status_code, last.status_code) == (400, 204)
    assert (await tus.state(at))["state"] == "done"


async def test_a_length_said_at_the_end_completes_the_file(tus):
    at = await tus.at(headers={"upload-defer-length": "1"})
    await tus.patch(at, 0, DATA)

    answer = await tus.patch(at, len(DATA), b"", {"upload-length": str(len(DATA))})

    assert answer.status_code == 204
    assert "link" in answer.headers


async def test_a_length_said_later_is_held_against_the_limit(tus, settings):
    at = await tus.at(headers={"upload-defer-length": "1"})

    answer = await tus.patch(at, 0, DATA, {"upload-length": str(settings.upload_max_bytes + 1)})

    assert answer.status_code == 413


async def test_a_checksum_is_verified_before_the_offset_moves(tus):
    at = await tus.at(len(DATA))

    wrong = await tus.patch(at, 0, DATA[:10], checksum(b"something else"))
    stays = await tus.head(at)
    sha1 = await tus.patch(at, 0, DATA[:10], checksum(DATA[:10], "sha1"))
    sha256 = await tus.patch(at, 10, DATA[10:], checksum(DATA[10:]))

    assert (wrong.status_code, stays.headers["upload-offset"]) == (460, "0")
    assert "send it again" in wrong.json()["detail"]
    assert (sha1.status_code, sha256.status_code) == (204, 204)


async def test_a_checksum_that_cannot_be_read_is_refused(tus):
    at = await tus.at(len(DATA))

    for said in (
        "md5 1B2M2Y8AsgTpgAmY7PhCfg==",
        "sha256",
        "sha256 x",
        "sha256 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "sha1 !",
    ):
        answer = await tus.patch(at, 0, DATA, {"upload-checksum": said})
        assert (said, answer.status_code) == (said, 400)
    assert (await tus.head(at)).headers["upload-offset"] == "0"


async def test_a_piece_too_large_to_be_checked_is_refused(tus, app, settings):
    app.app.state.settings = settings.model_copy(update={"checked_max_bytes": 20})
    at = await tus.at(len(DATA))

    async def unannounced():
        yield DATA

    announced = await tus.patch(at, 0, DATA, checksum(DATA))
    grown = await tus.patch(at, 0, unannounced(), checksum(DATA))
    without = await tus.patch(at, 0, DATA)

    assert (announced.status_code, grown.status_code, without.status_code) == (413, 413, 204)
    assert "20 B" in announced.json()["detail"]
    assert "20 B" in grown.json()["detail"]


async def test_an_upload_may_be_taken_back(tus, settings, db):
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:10])

    ended = await tus.delete(at)

    assert (ended.status_code, ended.headers["tus-resumable"]) == (204, "1.0.0")
    after = [await tus.head(at), await tus.patch(at, 10, DATA[10:]), await tus.delete(at)]
    assert [each.status_code for each in after] == [410] * 3
    assert not [each for each in after if "upload-offset" in each.headers]
    assert (await tus.state(at))["state"] == "ended"
    assert not list((settings.data_dir / "staging").iterdir())


async def test_of_a_finished_upload_only_the_address_is_taken_back(tus, client):
    at = (await tus.begin(len(DATA), content=DATA)).headers["location"]
    code = (await tus.state(at))["result"]

    ended = await tus.delete(at)

    assert ended.status_code == 204
    assert (await tus.head(at)).status_code == 410
    assert (await client.get(f"/results/{code}/raw", headers=BO)).content == DATA


async def test_the_last_piece_sent_again_is_answered_as_before(tus):
    at = (await tus.begin(len(DATA), content=DATA)).headers["location"]

    again = await tus.patch(at, len(DATA), b"")
    earlier = await tus.patch(at, 3, b"")

    assert (again.status_code, again.headers["upload-offset"]) == (204, str(len(DATA)))
    assert "link" in again.headers
    assert (earlier.status_code, earlier.headers["upload-offset"]) == (409, str(len(DATA)))


async def test_proxies_that_know_only_post_may_stand_between(tus):
    at = await tus.at(len(DATA))
    head = BO | SPOKEN | BYTES | {"upload-offset": "0", "x-http-method-override": "PATCH"}

    patched = await tus.client.post(at, content=DATA[:10], headers=head)
    deleted = await tus.client.post(at, headers=BO | SPOKEN | {"x-http-method-override": "delete"})

    assert (patched.status_code, patched.headers["upload-offset"], deleted.status_code) == (204, "10", 204)
    assert (await tus.head(at)).status_code == 410


async def test_another_method_is_meant_only_where_the_protocol_says_so(tus, client):
    at = await tus.at(len(DATA))
    override = {"x-http-method-override": "DELETE"}

    plain = await client.post(at, headers=BO | SPOKEN)
    get = await client.post(at, headers=BO | SPOKEN | {"x-http-method-override": "GET"})
    elsewhere = await client.post("/uploads", headers=BO | SPOKEN | override | {"upload-length": "1"})
    trial = await client.post(f"/trials/{tus.trial}", headers=BO | override, json={})

    assert (plain.status_code, get.status_code) == (405, 405)
    assert elsewhere.status_code == 400  # a creation without a trial
    assert trial.status_code in {403, 428}
    assert (await tus.head(at)).status_code == 200


async def test_another_site_cannot_make_a_browser_send(tus, client):
    at = await tus.at(len(DATA))
    foreign = BO | SPOKEN | BYTES | {"upload-offset": "0", "sec-fetch-site": "cross-site"}
    origin = BO | SPOKEN | BYTES | {"upload-offset": "0", "origin": "https://evil.example"}

    answers = [
        await client.patch(at, content=DATA, headers=foreign),
        await client.post(at, content=DATA, headers=foreign | {"x-http-method-override": "PATCH"}),
        await client.post(at, headers=origin | {"x-http-method-override": "DELETE"}),
        await client.post(
            "/uploads", headers=origin | {"upload-length": "1", "upload-metadata": metadata(trial="1")}
        ),
    ]

    assert [each.status_code for each in answers] == [403] * 4
    assert {each.headers["tus-resumable"] for each in answers} == {"1.0.0"}
    assert (await tus.head(at)).headers["upload-offset"] == "0"


async def test_a_large_file_is_read_back_by_a_job(tus, shop, monkeypatch):
    monkeypatch.setattr(finishing, "INLINE_BYTES", 10)
    at = await tus.at(len(DATA))

    last = await tus.patch(at, 0, DATA)
    waiting = await tus.state(at)
    asked = await tus.head(at)
    while await jobs.work_once(shop, KINDS):
        pass

    assert (last.status_code, "link" in last.headers) == (204, False)
    assert (waiting["state"], waiting["offset"], waiting["result"]) == ("verifying", len(DATA), None)
    assert (asked.status_code, asked.headers["upload-offset"]) == (200, str(len(DATA)))
    assert (await tus.state(at))["result"].startswith("R-")
