"""What ``testbed doctor`` says of mail and webhooks."""

from testbed import checkup
from tests.post import mailing


async def told(db, store, settings, **more) -> tuple[int, list[str]]:
    lines: list[str] = []
    status = await checkup.run(db, store, settings, lines.append, **more)
    return status, lines


async def test_it_says_that_mail_and_webhooks_are_off(db, store, settings):
    status, lines = await told(db, store, settings)

    assert status == 0
    assert lines[:2] == [
        "Mail is off: TESTBED_SMTP_HOST is not set.",
        "Webhooks are off: TESTBED_WEBHOOKS is not set.",
    ]


async def test_it_asks_the_mail_server_only_when_it_looks_deep(db, store, settings, sink):
    there, gone = mailing(settings, sink.port, webhooks=True), mailing(settings, 1)

    assert await told(db, store, there, deep=True) == (
        0, [f"Mail is on, by 127.0.0.1:{sink.port}.", "Webhooks are on.", "Everything is as promised."],
    )  # fmt: skip
    assert (await told(db, store, gone))[0] == 0
    status, lines = await told(db, store, gone, deep=True)
    assert status == 1
    assert any(line.startswith("mail server: it takes no mail: ConnectionRefusedError") for line in lines)


async def test_it_counts_what_did_not_leave(db, store, settings):
    async with db.raw() as connection:
        await connection.execute(
            "INSERT INTO mail (kind, address, subject, body, once, state) VALUES ('receipt', 'a@b.se', 's', 'b', 'x', 'failed')"
        )
        await connection.execute(
            "INSERT INTO webhook (partner_id, url, secret, events, paused_at, paused_why)"
            " SELECT id, 'https://x.se/', 'x', '{result.received}', now(), 'answered 500' FROM partner WHERE slug = 'lunet'"
        )

    status, lines = await told(db, store, settings)

    assert status == 0
    assert "1 letters of the last seven days did not leave; the table mail says why." in lines
    assert "1 webhooks are paused because their address does not answer." in lines
