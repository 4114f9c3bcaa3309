"""Letters: written with the change, sent once, tried again, and nothing in them becomes a header."""

import asyncio
import ssl
from uuid import uuid4

import pytest

from testbed import jobs, smtp
from testbed.app import KINDS, WRITING
from testbed.notices import mail
from testbed.notices.mail import PAUSES_SECONDS, Receiver
from testbed.people.models import MailKind
from tests.cast import ALVA, BO
from tests.certificates import authority
from tests.naughty import NAUGHTY
from tests.post import all_done, hurry, mailing, sink_at

DATA = b"tid;dB\n2026-05-08 10:00;51,5\n2026-05-08 11:00;50\n"
HALF = b"tid;dB\n" + b"2026-05-08 10:00;51,5\n" * 20 + b"2026-05-08 11:00;fel\n2026-05-08 11:00;1;2\n"


async def uploaded(client, trial, data=DATA, name="ljud.csv", who=BO):
    answer = await client.put(f"/trials/{trial}/results/{name}", content=data, headers=who)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def one(db, query, *values):
    async with db.raw() as connection:
        return await connection.fetchval(query, *values)


async def test_whoever_uploads_gets_the_receipt_and_how_the_reading_ended(client, trial, shop, sink):
    result = await uploaded(client, trial)

    await all_done(shop)

    receipt, checked = sink.letters
    assert sink.envelopes == [("testbed@lulea.example", ["bo@demo.example"])] * 2
    assert receipt["Subject"] == f"Kvitto {result['code']}: ljud.csv"
    for told in (result["code"], result["sha256"], "ljud.csv", "Lunet", "Bo"):
        assert told in receipt.get_content()
    assert f"https://testbed.example.se/results/{result['code']}/receipt" in receipt.get_content()
    assert "Det här händer sedan" in receipt.get_content()
    assert checked["Subject"] == f"Allt gick att läsa: ljud.csv ({result['code']})"
    assert "2 rader lästes." in checked.get_content()


async def test_a_letter_speaks_the_language_of_its_receiver(client, trial, shop, sink, db):
    await one(db, "UPDATE person SET locale = 'en' WHERE name = 'Bo' RETURNING id")
    await uploaded(client, trial)

    await all_done(shop)

    assert str(sink.letters[0]["Subject"]).startswith("Receipt R-")
    assert "What happens next" in sink.letters[0].get_content()
    assert sink.letters[0]["Content-Language"] == "en"
    assert "2 rows were read." in sink.letters[1].get_content()


@pytest.mark.parametrize(
    ("data", "subject", "words"),
    [
        (HALF, "Något gick inte att tolka", ["1 rad togs inte med.", "Ladda upp en rättad fil", "/upload"]),
        (
            bytes(range(256)) * 9,
            "Gick inte att läsa",
            ["precis som den skickades", "Ladda upp en rättad fil"],
        ),
    ],
)
async def test_what_was_not_read_is_said_with_counts_and_what_to_do(
    client, trial, shop, sink, data, subject, words
):
    await uploaded(client, trial, data)

    await all_done(shop)

    checked = sink.letters[-1]
    assert str(checked["Subject"]).startswith(subject)
    assert not [each for each in words if each not in checked.get_content()]


async def test_a_rolled_back_change_tells_nobody(db, shop, sink):
    class Mistake(Exception): ...

    with pytest.raises(Mistake):
        async with db.begin() as session:
            await mail.write(
                session, shop.settings, Receiver("bo@demo.example"), MailKind.checked, ("a", "b"), "once"
            )
            raise Mistake

    assert await all_done(shop) == 0
    assert await one(db, "SELECT count(*) FROM mail") == 0


async def test_what_is_told_twice_is_one_letter(client, trial, shop, sink, db):
    await uploaded(client, trial)
    await all_done(shop)
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE job SET state = 'queued', attempts = 0 WHERE kind IN ('tell', 'mail')"
        )

    assert await all_done(shop) > 0

    assert len(sink.letters) == 2


async def test_a_worker_that_died_after_the_servers_yes_sends_the_same_letter_again(
    client, trial, shop, sink, db
):
    await uploaded(client, trial)
    await all_done(shop, WRITING)
    async with db.raw() as connection:
        await connection.execute("UPDATE mail SET state = 'waiting', sent_at = NULL, attempts = 0")
        await connection.execute("UPDATE job SET state = 'queued', attempts = 0 WHERE kind = 'mail'")

    await all_done(shop, WRITING)

    assert len(sink.letters) == 2
    assert len({each["Message-ID"] for each in sink.letters}) == 1
    assert str(sink.letters[0]["Message-ID"]).endswith("@testbed.example.se>")


async def test_a_letter_is_tried_again_after_longer_and_longer_pauses_and_then_given_up(
    client, trial, shop, sink, db
):
    sink.refusal = "450 not now"
    await uploaded(client, trial)
    pauses = []
    await all_done(shop, WRITING)
    for _ in PAUSES_SECONDS:
        pauses.append(
            await one(
                db,
                "SELECT extract(epoch FROM run_at - now()) FROM job WHERE kind = 'mail' AND state = 'queued'",
            )
        )
        assert await all_done(shop, WRITING) == 0
        await hurry(db, "mail")
        await all_done(shop, WRITING)

    assert [round(float(each), -1) for each in pauses] == [round(each, -1) for each in PAUSES_SECONDS]
    assert sink.letters == []
    assert (
        await one(db, "SELECT state || ' ' || attempts || ' ' || error FROM mail") == "failed 7 450 not now"
    )


async def test_a_letter_goes_out_when_the_server_is_back(client, trial, db, store, settings, sink):
    away = jobs.Workshop(db, store, mailing(settings, 1))  # nobody listens on port 1
    await uploaded(client, trial)
    await all_done(away, WRITING)
    assert (await one(db, "SELECT error FROM mail")).startswith("ConnectionRefusedError")

    await hurry(db, "mail")
    await all_done(jobs.Workshop(db, store, mailing(settings, sink.port)), WRITING)

    assert len(sink.letters) == 1
    assert await one(db, "SELECT state || ' ' || attempts FROM mail") == "sent 2"


async def test_an_address_the_server_does_not_know_is_not_tried_again(client, trial, shop, sink, db):
    sink.refusal = "550 5.1.1 no such user"
    await uploaded(client, trial)

    await all_done(shop, WRITING)

    assert await one(db, "SELECT state FROM mail") == "failed"
    assert await one(db, "SELECT count(*) FROM job WHERE state = 'queued' AND kind = 'mail'") == 0


async def test_a_letter_that_kills_every_worker_has_an_end(client, trial, shop, db):
    await uploaded(client, trial)
    await jobs.work_once(shop, {"tell": KINDS["tell"]})
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE job SET state = 'running', attempts = max_attempts, lease_until = now() - interval '1 s' WHERE kind = 'mail'"
        )

    assert await jobs.sweep(shop, WRITING) == 1

    assert await one(db, "SELECT state || ': ' || error FROM mail") == "failed: the worker died"


async def test_each_person_chooses_which_letters_to_get(client, trial, shop, sink, db):
    await one(db, "UPDATE person SET mail_off = '{receipt}' WHERE name = 'Bo' RETURNING id")
    await uploaded(client, trial)

    await all_done(shop)

    assert [str(each["Subject"])[:16] for each in sink.letters] == ["Allt gick att lä"]


async def test_nobody_is_written_to_who_was_suspended_meanwhile(client, trial, shop, sink, db):
    await uploaded(client, trial)
    await jobs.work_once(shop, {"tell": KINDS["tell"]})
    await one(db, "UPDATE person SET state = 'suspended' WHERE name = 'Bo' RETURNING id")

    await all_done(shop)

    assert sink.letters == []
    assert await one(db, "SELECT state FROM mail") == "dropped"


async def test_somebody_who_left_the_partner_is_told_nothing_more(client, trial, shop, sink, db):
    await one(
        db, "UPDATE partner SET contact_mailbox = 'info@lunet.example' WHERE slug = 'lunet' RETURNING id"
    )
    await uploaded(client, trial)
    await one(
        db, "DELETE FROM membership USING person WHERE person.id = person_id AND name = 'Bo' RETURNING 1"
    )

    await all_done(shop)

    assert set(sink.texts()) == {"info@lunet.example"}


async def test_a_partner_learns_what_a_coordinator_uploads_for_it(client, trial, shop, sink, db):
    lunet = await one(
        db, "UPDATE partner SET contact_mailbox = 'info@lunet.example' WHERE slug = 'lunet' RETURNING id"
    )
    path = f"/trials/{trial}/results/a.csv?partner_id={lunet}"
    assert (await client.put(path, content=DATA, headers=ALVA)).status_code == 201

    await all_done(shop, WRITING)

    assert set(sink.texts()) == {"alva@demo.example", "info@lunet.example"}


async def test_made_up_measurements_are_told_to_nobody(client, trial, shop, sink, db):
    await uploaded(client, trial)
    await one(db, "DELETE FROM job WHERE kind = 'tell' RETURNING id")
    await one(db, "UPDATE result SET generated = true RETURNING id")

    await all_done(shop)

    assert sink.letters == []


async def test_without_a_mail_server_nothing_is_written(client, trial, db, store, settings):
    await uploaded(client, trial)

    await all_done(jobs.Workshop(db, store, settings))

    assert await one(db, "SELECT count(*) FROM mail") == 0
    assert await one(db, "SELECT count(*) FROM job WHERE state <> 'done'") == 0


HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
    "MIME-Version", "Content-Language",
]  # fmt: skip
BREAKS = ["\r\n", "\n", "\r", "\u2028", "\u0085", "\x0b", "\x1e"]
EVIL = [f"a{each}Bcc: evil@demo.example{each}{each}b" for each in BREAKS]


@pytest.mark.parametrize("text", NAUGHTY + EVIL)
async def test_nothing_in_a_letter_becomes_a_header(settings, sink, text):
    letter = smtp.Letter(uuid4(), "bo@demo.example", text, f"{text}\n.\nQUIT\n")

    await asyncio.to_thread(smtp.send, mailing(settings, sink.port, city=f"L {text}"[:50]), letter)

    assert sink.letters[0].keys() == HEADERS
    assert sink.envelopes == [("testbed@lulea.example", ["bo@demo.example"])]
    assert sink.letters[0].get_content().endswith(".\nQUIT\n")


@pytest.mark.parametrize(
    "address",
    [
        "a,evil@demo.example", "a;evil@demo.example", "evil@demo.example,b@demo.example", "a\r\nRCPT TO:<x@y.se>@demo.example",
        "(x)@demo.example", "", "a@", "@demo.example", "a b@demo.example",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(settings, address):
    with pytest.raises(smtp.Refused):
        smtp.written(mailing(settings, 25), smtp.Letter(uuid4(), address, "s", "b"))


async def test_a_mailbox_in_a_domain_with_letters_of_ours_is_reached(settings, sink):
    await asyncio.to_thread(
        smtp.send, mailing(settings, sink.port), smtp.Letter(uuid4(), "bo@luleå.example", "s", "b")
    )

    assert sink.envelopes[0][1] == ["bo@xn--lule-toa.example"]


async def test_nothing_is_sent_to_a_server_whose_certificate_nobody_vouches_for(
    settings, monkeypatch, tmp_path
):
    made = authority(tmp_path, "localhost")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    async with sink_at(server) as kept:
        secured = mailing(settings, kept.port, smtp_starttls=True, smtp_host="localhost")
        letter = smtp.Letter(uuid4(), "bo@demo.example", "s", "b")

        with pytest.raises(smtp.Away, match="CERTIFICATE_VERIFY_FAILED"):
            await asyncio.to_thread(smtp.send, secured, letter)
        told = await asyncio.to_thread(smtp.trouble, secured)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        await asyncio.to_thread(smtp.send, secured, letter)

        assert "CERTIFICATE_VERIFY_FAILED" in str(told)
        assert await asyncio.to_thread(smtp.trouble, secured) is None
        assert len(kept.letters) == 1
