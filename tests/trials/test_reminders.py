"""Reminders: 14 and 3 days before the due day, on it, every week after; once each, one letter a day, whoever asks."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from testbed.app import KINDS
from testbed.db import Database
from testbed.jobs import Workshop
from testbed.trials import reminders
from testbed.trials.reminders import each_morning, step
from tests.cast import ALVA, BO, running_pilot, trial_of
from tests.post import all_done, mailing
from tests.trials.planned import HOME, planned

DUE = date(2026, 11, 20)


@pytest.fixture
def shop(db, store, settings, sink) -> Workshop:
    return Workshop(db, store, mailing(settings, sink.port))


def at(day: date, hour: int = 7, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=HOME)


async def morning(shop, day: date, hour: int = 7) -> bool:
    """A day begins and everything of it is done."""
    begun = await each_morning(shop, now=at(day, hour))
    await all_done(shop, KINDS)
    return begun


async def run(db, query, *values):
    async with db.raw() as connection:
        return await connection.fetchval(query, *values)


@pytest.mark.parametrize(
    ("days_before", "expected"),
    [
        (40, None), (15, None), (14, "14 days"), (4, "14 days"), (3, "3 days"), (1, "3 days"), (0, "due"), (-1, "due"), (-6, "due"),
        (-7, "week 1"), (-13, "week 1"), (-14, "week 2"), (-70, "week 10"),
    ],
)  # fmt: skip
def test_a_delivery_has_its_steps(days_before, expected):
    assert step(DUE, DUE - timedelta(days=days_before)) == expected


async def test_each_step_is_reminded_of_once_on_its_day(client, trial, db, shop, sink):
    await planned(client, db, trial, due=DUE.isoformat())
    told = []

    for days in range(-20, 23):
        day = DUE + timedelta(days=days)
        await morning(shop, day)
        await morning(shop, day, hour=15)
        told += [days] * len(sink.letters)
        sink.letters.clear()

    assert told == [-14, -3, 0, 7, 14, 21]


async def test_a_letter_names_each_delivery_with_its_day_and_the_page_that_takes_it(
    client, trial, db, shop, sink
):
    await run(db, "UPDATE person SET locale = 'en' WHERE name = 'Bo' RETURNING id")
    await planned(client, db, trial, due=DUE.isoformat())
    await planned(
        client, db, trial, due=(DUE - timedelta(days=10)).isoformat(), title={"sv": "Förra", "en": "Before"}
    )
    await planned(client, db, trial, due=(DUE + timedelta(days=90)).isoformat(), title={"sv": "Sedan"})

    await morning(shop, DUE - timedelta(days=3))

    (letter,) = sink.letters
    text = letter.get_content()
    assert letter["Subject"] == "1 delivery is overdue: Lunet"
    assert letter["To"] == "bo@demo.example"
    assert text.index("D2 Before – due 2026-11-10 (7 days late)") < text.index(
        "D1 Week 1 – due 2026-11-20 (in 3 days)"
    )
    assert f"https://testbed.example.se/trials/{trial}/upload?delivery=D1" in text
    assert "https://testbed.example.se/partners/lunet/expected" in text
    assert "https://testbed.example.se/me#mail" in text
    assert "Sedan" not in text


async def test_everything_of_a_day_is_one_letter_also_for_several_partners(client, trial, db, shop, sink):
    await run(
        db,
        "INSERT INTO membership (person_id, partner_id, role, from_on) SELECT person.id, partner.id, 'manager', '2026-01-01'"
        " FROM person, partner WHERE person.name = 'Bo' AND slug = 'ltu' RETURNING id",
    )
    for partner in ("lunet", "ltu", "lunet"):
        await planned(client, db, trial, due=DUE.isoformat(), partner=partner)

    await morning(shop, DUE)

    assert Counter(str(each["To"]) for each in sink.letters) == {"bo@demo.example": 1}
    assert all(code in sink.letters[0].get_content() for code in ("D1", "D2", "D3"))


async def test_nobody_is_reminded_before_seven_in_the_morning(client, trial, db, shop, sink):
    await planned(client, db, trial, due=DUE.isoformat())

    early = await each_morning(shop, now=at(DUE, 6, 59))
    late = await each_morning(shop, now=at(DUE, 7))

    assert (early, late) == (False, True)


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2026-03-29T04:59:00+00:00", None), ("2026-03-29T05:00:00+00:00", date(2026, 3, 29)),
        ("2026-10-25T05:59:00+00:00", None), ("2026-10-25T06:00:00+00:00", date(2026, 10, 25)),
        ("2026-07-01T22:30:00+00:00", None), ("2026-12-31T23:30:00+00:00", None),
    ],
)  # fmt: skip
async def test_a_day_is_a_day_in_sweden(db, shop, utc, day):
    assert await each_morning(shop, now=datetime.fromisoformat(utc)) is (day is not None)

    assert await run(db, "SELECT max(day) FROM reminder_day") == day


async def test_of_several_workers_one_begins_the_day(client, trial, db, database_url, store, shop, sink):
    await planned(client, db, trial, due=DUE.isoformat())
    databases = [Database(database_url) for _ in range(4)]
    workers = [Workshop(each, store, shop.settings) for each in databases]
    try:
        begun = await asyncio.gather(*(each_morning(each, now=at(DUE)) for each in workers for _ in range(3)))
        await asyncio.gather(*(all_done(each, KINDS) for each in workers))
    finally:
        for each in databases:
            await each.engine.dispose()

    assert sum(begun) == 1
    assert len(sink.letters) == 1


async def test_a_day_that_broke_off_goes_on_where_it_was(client, trial, db, shop, sink, monkeypatch):
    await run(
        db, "UPDATE partner SET contact_mailbox = 'info@lunet.example' WHERE slug = 'lunet' RETURNING id"
    )
    await planned(client, db, trial, due=DUE.isoformat())
    whole, turns = reminders._remind, []

    async def breaks(session, settings, to, *more):
        turns.append(to.address)
        if len(turns) == 2:
            raise ConnectionResetError
        return await whole(session, settings, to, *more)

    monkeypatch.setattr(reminders, "_remind", breaks)
    await morning(shop, DUE)
    await run(db, "UPDATE job SET run_at = now() WHERE state = 'queued' RETURNING id")
    await all_done(shop, KINDS)

    assert turns == ["info@lunet.example", "bo@demo.example"] * 2
    assert Counter(str(each["To"]) for each in sink.letters) == {
        "info@lunet.example": 1,
        "bo@demo.example": 1,
    }


async def test_days_without_a_worker_are_made_up_for_by_one_letter(client, trial, db, shop, sink):
    await planned(client, db, trial, due=DUE.isoformat())

    await morning(shop, DUE - timedelta(days=9))
    await morning(shop, DUE - timedelta(days=8))

    assert len(sink.letters) == 1
    assert await run(db, "SELECT string_agg(step, ' ') FROM reminder") == "14 days"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE planned_delivery SET lost_reason = 'Givaren brann upp.'", "UPDATE planned_delivery SET archived_at = now()",
        "UPDATE trial SET archived_at = now()", "UPDATE pilot SET archived_at = now()",
        "UPDATE trial SET visibility = 'internal'", "UPDATE pilot SET visibility = 'internal'",
        "UPDATE person SET mail_off = '{reminder}'", "UPDATE person SET state = 'suspended'",
        "UPDATE membership SET to_on = '2026-01-02'", "UPDATE partner SET archived_at = now()",
        "UPDATE planned_delivery SET due_on = '2027-05-01'", "UPDATE membership SET role = 'member'",
    ],
)  # fmt: skip
async def test_nobody_is_reminded_of_what_is_not_missing_or_not_theirs(client, trial, db, shop, sink, change):
    await planned(client, db, trial, due=DUE.isoformat())
    await run(db, f"{change} RETURNING id")

    await morning(shop, DUE)

    assert sink.letters == []


async def test_a_file_ends_the_reminders_and_its_sender_is_reminded_next_time(client, trial, db, shop, sink):
    await run(db, "UPDATE membership SET role = 'member' RETURNING id")
    await planned(client, db, trial, due=DUE.isoformat())
    await planned(client, db, trial, due=DUE.isoformat())
    sent = await client.put(f"/trials/{trial}/results/a.csv?delivery=D1", content=b"a;b\n1;2\n", headers=BO)
    assert sent.status_code == 201
    await all_done(shop, KINDS)
    sink.letters.clear()

    await morning(shop, DUE)

    (letter,) = sink.letters
    assert "D2" in letter.get_content()
    assert "D1" not in letter.get_content()


async def test_the_mailbox_of_a_partner_comes_first_and_reads_with_its_members_eyes(
    client, trial, db, shop, sink
):
    await run(
        db, "UPDATE partner SET contact_mailbox = 'info@lunet.example' WHERE slug = 'lunet' RETURNING id"
    )
    await planned(client, db, trial, due=DUE.isoformat())
    async with db.raw() as connection:
        hidden = await trial_of(
            connection, await running_pilot(connection, "LUL-2026-902", visibility="internal")
        )
    answer = await client.post(
        f"/trials/{hidden}/deliveries",
        json={"title": "Hemligt", "due_on": DUE.isoformat(),
              "from_partner_id": await run(db, "SELECT id FROM partner WHERE slug = 'lunet'")},
        headers=ALVA,
    )  # fmt: skip
    assert answer.status_code == 201

    await morning(shop, DUE)

    assert [str(each["To"]) for each in sink.letters] == ["info@lunet.example", "bo@demo.example"]
    assert not [each for each in sink.letters if "Hemligt" in each.get_content()]


async def test_a_mailbox_nobody_reads_for_gets_nothing(client, trial, db, shop, sink):
    await run(
        db, "UPDATE partner SET contact_mailbox = 'info@lunet.example' WHERE slug = 'lunet' RETURNING id"
    )
    await planned(client, db, trial, due=DUE.isoformat())
    await run(db, "DELETE FROM membership RETURNING id")

    await morning(shop, DUE)

    assert sink.letters == []


async def test_without_a_mail_server_no_day_begins(client, trial, db, store, settings):
    assert await each_morning(Workshop(db, store, settings), now=at(DUE)) is False
    assert await run(db, "SELECT count(*) FROM reminder_day") == 0


async def test_letters_of_long_ago_are_forgotten(client, trial, db, shop, sink):
    await planned(client, db, trial, due=DUE.isoformat(), partner="ltu")
    await run(db, "UPDATE membership SET role = 'manager' RETURNING id")
    await morning(shop, DUE)
    await run(db, "UPDATE mail SET created_at = now() - interval '91 days' RETURNING id")

    await morning(shop, DUE + timedelta(days=1))

    assert [str(each["To"]) for each in sink.letters] == ["cecilia@demo.example"]
    assert await run(db, "SELECT count(*) FROM mail") == 0
