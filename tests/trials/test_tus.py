"""The protocol, row by row: discovery, creation and the question how far an upload is."""

import re

from tests.cast import ALVA, BO, CECILIA, DAVID
from tests.trials.tus import SPOKEN, Tus, metadata

DATA = b"Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n"
PREFLIGHT = {"access-control-request-method": "PATCH", "origin": "https://x.example"}
NOBODYS = "/uploads/00000000-0000-4000-8000-000000000000"
DATE = re.compile(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT")


WRONG_LENGTHS: list[dict[str, str]] = [
    {},
    {"upload-length": "5", "upload-defer-length": "1"},
    {"upload-defer-length": "2"},
    {"upload-length": "-1"},
    {"upload-length": "5.0"},
    {"upload-length": "٣"},
    {"upload-length": "99999999999999999999"},
    {"upload-length": ""},
]
WRONG_METADATA = [
    "",
    "filename dg==",
    "trial",
    "trial !",
    "trial MQ=",
    f"{metadata(trial='1')},{metadata(trial='1')}",
    metadata(trial="eins"),
    metadata(trial="0"),
    "trial MQ==,fil ename dg==",
    "trial MQ==,ärende dg==",
    ",".join(["trial MQ==", *(f"k{n} dg==" for n in range(32))]),
    "trial MQ==,x " + "A" * 8192,
    metadata(trial="1", access="everybody"),
    metadata(trial="1", partner_id="x"),
    metadata(trial="1", note="x" * 1001),
    metadata(trial="1", sha256="abc"),
    "trial MQ==,filename /w==",
]


async def test_whoever_asks_is_told_what_is_spoken(client, settings):
    for at in ("/uploads", NOBODYS):
        for sent in ({}, {"tus-resumable": "0.2.2"}, PREFLIGHT):
            answer = await client.options(at, headers=sent)

            assert answer.status_code == 204
            assert answer.headers["tus-version"] == "1.0.0"
            assert (
                answer.headers["tus-extension"]
                == "creation,creation-with-upload,creation-defer-length,checksum,termination,expiration"
            )
            assert answer.headers["tus-max-size"] == str(settings.upload_max_bytes)
            assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"
            assert not {name for name in answer.headers if name.startswith("access-control")}


async def test_another_version_is_refused_and_nothing_is_done(client, trial, db):
    for method in ("POST", "HEAD", "PATCH", "DELETE"):
        for version in ({}, {"tus-resumable": "0.2.2"}, {"tus-resumable": "2.0.0"}):
            at = "/uploads" if method == "POST" else NOBODYS
            sent = BO | version | {"upload-length": "5", "upload-metadata": metadata(trial=str(trial))}

            answer = await client.request(method, at, headers=sent)

            assert (method, answer.status_code) == (method, 412)
            assert answer.headers["tus-version"] == "1.0.0"
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM upload") == 0


async def test_an_upload_begins_with_an_address_and_a_day_it_expires(tus):
    answer = await tus.begin(len(DATA))

    assert answer.status_code == 201
    assert re.fullmatch(r"/uploads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["location"])
    assert DATE.fullmatch(answer.headers["upload-expires"])
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert "upload-offset" not in answer.headers


async def test_behind_a_path_of_a_proxy_the_address_lies_below_it(tus):
    told = await tus.begin(5, headers={"x-forwarded-prefix": "/testbed"})
    hostile = await tus.begin(5, headers={"x-forwarded-prefix": "//evil.example"})

    assert told.headers["location"].startswith("/testbed/uploads/")
    assert hostile.headers["location"].startswith("/uploads/")


async def test_the_first_piece_may_come_with_the_creation(tus):
    answer = await tus.begin(len(DATA), content=DATA[:20])

    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "20")
    assert (await tus.patch(answer.headers["location"], 20, DATA[20:])).status_code == 204


async def test_a_whole_file_may_come_with_the_creation(tus):
    answer = await tus.begin(len(DATA), content=DATA)

    state = await tus.state(answer.headers["location"])
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(DATA)))
    assert answer.headers["link"] == f'</results/{state["result"]}>; rel="related"'


async def test_an_empty_file_is_complete_at_once(tus, client):
    answer = await tus.begin(0)

    state = await tus.state(answer.headers["location"])
    assert (answer.status_code, state["state"], state["offset"], state["length"]) == (201, "done", 0, 0)
    assert (await client.get(f"/results/{state['result']}", headers=BO)).json()["size"] == 0


async def test_a_length_that_is_none_is_refused(client, trial):
    known = BO | SPOKEN | {"upload-metadata": metadata(trial=str(trial))}

    for sent in WRONG_LENGTHS:
        head = {name: value.encode() for name, value in (known | sent).items()}
        answer = await client.post("/uploads", headers=head)

        assert (sent, answer.status_code) == (sent, 400)
        assert answer.headers["tus-resumable"] == "1.0.0"


async def test_metadata_that_cannot_be_read_is_refused(client, trial):
    head = BO | SPOKEN | {"upload-length": "5"}

    for said in WRONG_METADATA:
        answer = await client.post("/uploads", headers=head | {"upload-metadata": said.encode()})

        assert (said, answer.status_code) == (said, 400)


async def test_only_who_takes_part_begins_an_upload(client, trial):
    for who, status in (({}, 401), (DAVID, 403), (CECILIA, 201), (ALVA, 201)):
        assert (await Tus(client, trial, who).begin(5)).status_code == status


async def test_a_hidden_trial_is_an_absent_one(tus):
    assert (await tus.begin(5, trial="4711")).status_code == 404


async def test_a_file_over_the_limit_is_refused_before_it_begins(tus, settings):
    assert (await tus.begin(settings.upload_max_bytes + 1)).status_code == 413


async def test_a_body_of_another_kind_is_refused(tus):
    answer = await tus.begin(len(DATA), content=DATA, headers={"content-type": "text/csv"})

    assert answer.status_code == 415
    assert answer.headers["connection"] == "close"


async def test_a_token_that_may_not_upload_begins_nothing(tus, db):
    at = await tus.at(5)
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE token SET scopes = '{read,manage}' FROM person WHERE person.id = person_id AND person.name = 'Bo'"
        )

    assert (await tus.begin(5)).status_code == 403
    assert (await tus.head(at)).status_code == 403
    assert (await tus.patch(at, 0, b"12345")).status_code == 403


async def test_head_says_how_far_it_is_and_what_was_said_byte_for_byte(tus):
    said = f"trial {metadata(t=str(tus.trial))[2:]},filename, x  aHVo"
    at = (await tus.begin(len(DATA), headers={"upload-metadata": said})).headers["location"]

    new = await tus.head(at)
    await tus.patch(at, 0, DATA[:7])
    later = await tus.head(at)

    assert (new.status_code, new.headers["upload-offset"], new.headers["upload-length"]) == (
        200,
        "0",
        str(len(DATA)),
    )
    assert new.headers["upload-metadata"] == said
    assert new.headers["cache-control"] == "no-store"
    assert new.headers["tus-resumable"] == "1.0.0"
    assert DATE.fullmatch(new.headers["upload-expires"])
    assert "upload-defer-length" not in new.headers
    assert later.headers["upload-offset"] == "7"


async def test_head_of_a_finished_upload_says_all_of_it(tus):
    at = (await tus.begin(len(DATA), content=DATA)).headers["location"]

    answer = await tus.head(at)

    assert (answer.status_code, answer.headers["upload-offset"]) == (200, str(len(DATA)))


async def test_an_unknown_upload_is_absent_and_has_no_offset(tus):
    for at in (NOBODYS, "/uploads/1", "/uploads/x", "/uploads/{00000000-0000-4000-8000-000000000000}"):
        for answer in (await tus.head(at), await tus.patch(at, 0, b"x"), await tus.delete(at)):
            assert answer.status_code == 404
            assert "upload-offset" not in answer.headers
        assert (await tus.client.get(at, headers=BO)).status_code == 404


async def test_somebody_elses_upload_is_an_absent_one(tus, client, trial):
    at = await tus.at(5)

    for who in ({}, ALVA, CECILIA, DAVID):
        other = Tus(client, trial, who)
        answers = [await other.head(at), await other.patch(at, 0, b"12345"), await other.delete(at)]
        answers.append(await client.get(at, headers=who))

        assert [each.status_code for each in answers] == [404] * 4
        assert not [each for each in answers if "upload-offset" in each.headers]
    assert (await tus.head(at)).headers["upload-offset"] == "0"


async def test_nobody_has_more_uploads_open_than_are_allowed(tus, client, trial):
    at = [await tus.at(5) for _ in range(4)]

    fifth = await tus.begin(5)
    others = await Tus(client, trial, CECILIA).begin(5)
    await tus.delete(at[0])
    again = await tus.begin(5)

    assert (fifth.status_code, others.status_code, again.status_code) == (429, 201, 201)
    assert int(fifth.headers["retry-after"]) > 0
    assert "4 uploads open" in fifth.json()["detail"]


async def test_uploads_that_nothing_came_of_make_room_after_an_hour(tus, db):
    at = [await tus.at(5) for _ in range(4)]
    await tus.patch(at[0], 0, b"1")

    young = await tus.begin(5)
    async with db.raw() as connection:
        await connection.execute("UPDATE upload SET created_at = now() - interval '61 min'")
    later = await tus.begin(5)

    assert (young.status_code, later.status_code) == (429, 201)
    assert [(await tus.head(each)).status_code for each in at] == [200, 410, 410, 410]


async def test_what_is_said_before_a_file_is_chosen(tus, client, trial, settings):
    await tus.at(1000)

    told = (await client.get(f"/trials/{trial}/results/limits", headers=BO)).json()

    assert told["upload_max_bytes"] == settings.upload_max_bytes
    assert told["chunk_bytes"] == 8 * 2**20
    assert told["checked_max_bytes"] == 64 * 2**20
    assert (told["expiry_days"], told["open_uploads_left"]) == (7, 3)
    assert told["quota_left_bytes"] == 200 * 2**30 - 1000
    assert told["who_sees"]["private"] == "Owner"
    assert told["partners"][0]["title"] == "Lunet"
    assert (await client.get(f"/trials/{trial}/results/limits", headers=DAVID)).status_code == 403


async def test_a_file_may_be_called_like_the_limits(client, trial):
    answer = await client.put(f"/trials/{trial}/results/limits", content=DATA, headers=BO)

    assert (answer.status_code, answer.json()["filename"]) == (201, "limits")


async def test_a_creation_whose_piece_breaks_leaves_nothing_open(tus, client, trial):
    answer = await tus.begin(len(DATA), content=DATA, headers={"upload-checksum": "sha256 " + "A" * 43 + "="})

    assert answer.status_code == 460
    told = (await client.get(f"/trials/{trial}/results/limits", headers=BO)).json()
    assert told["open_uploads_left"] == 4
