"""The demo city: loaded through the services, once; facts as facts, everything made up marked so."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import pytest
from pydantic import TypeAdapter
from sqlmodel import col, select

from testbed.access.models import NOBODY
from testbed.accounts import entry
from testbed.accounts.models import SignIn
from testbed.app import KINDS
from testbed.db import Database, driver, migrate
from testbed.demo import bins, city, facts, measurements, sign_ins
from testbed.embedded import Login
from testbed.files import store_of
from testbed.partners.models import Partner
from testbed.people.models import Person
from testbed.pilots import service as pilots
from testbed.pilots.chain import Link
from testbed.pilots.models import Pilot
from testbed.settings import Settings
from tests.conftest import made

COMING_IN = {"activity", "activity_seal", "one_time_link", "session"}
"""Tables in which new passwords leave their trace at every load."""


@dataclass(frozen=True)
class City:
    """A loaded city: its database, its settings, and the lines that were printed."""

    db: Database
    settings: Settings
    told: list[str]


@pytest.fixture(scope="module")
async def loaded(server: Login, folder: Path) -> AsyncIterator[City]:
    """The demo, loaded once into a new database; the tests below only look, or load it again."""
    data = folder / "demo"
    data.mkdir(mode=0o755)
    async with made(server) as url, Database(url) as db:
        await migrate(db)
        settings = Settings(
            database_url=url, data_dir=data, free_bytes_floor=0, password_memory_kib=8, password_rounds=1
        )
        yield City(db, settings, await city.load(db, store_of(settings), settings, KINDS))


async def counted(db: Database) -> dict[str, int]:
    async with db.raw() as connection:
        names = await connection.fetch(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        return {
            row["name"]: await connection.fetchval(f'SELECT count(*) FROM "{row["name"]}"') for row in names
        }


def passwords(lines: list[str]) -> dict[str, str]:
    """The passwords by e-mail address, as the printed lines tell them."""
    told = [line.split() for line in lines if "@demo.example" in line]
    return {words[-2]: words[-1] for words in told}


async def test_loading_twice_changes_nothing_but_the_passwords(loaded: City):
    once = await counted(loaded.db)

    told = await city.load(loaded.db, store_of(loaded.settings), loaded.settings, KINDS)

    twice = await counted(loaded.db)

    changed = {name for name in once if once[name] != twice[name]}
    assert changed <= COMING_IN
    assert once["pilot"] == 4
    assert once["testbed"] == 3
    assert passwords(loaded.told).keys() == passwords(told).keys()
    assert passwords(loaded.told) != passwords(told)


async def test_the_three_people_sign_in_with_the_words_that_were_printed(loaded: City):
    told = passwords(await city.load(loaded.db, store_of(loaded.settings), loaded.settings, KINDS))

    came = [
        await entry.sign_in(
            loaded.db, loaded.settings, SignIn(email=email, password=password), entry.Caller()
        )
        for email, password in told.items()
    ]

    assert [each.who.email for each in came] == [role.email for role in sign_ins.ROLES]
    async with loaded.db.begin() as session:
        people = (await session.exec(select(Person))).all()
        assert not any(person.admin for person in people)
        assert (await (await driver(session)).fetchval("SELECT count(*) FROM session")) == 3


async def test_anybody_can_follow_the_made_up_pilot_from_need_to_lesson(loaded: City):
    async with loaded.db.begin() as session:
        code = (
            await session.exec(select(Pilot.code).where(col(Pilot.title)["sv"].astext == bins.TITLE["sv"]))
        ).one()
        view = await pilots.view(session, NOBODY, code)

    assert view.chain is not None
    assert {node.kind for node in view.chain.nodes} == set(Link)
    decision = next(node for node in view.chain.nodes if node.kind == Link.decision)
    version = next(node for node in view.chain.nodes if node.kind == Link.version)
    outcomes = [node for node in view.chain.nodes if node.kind == Link.outcome]
    assert set(decision.rests_on) == {node.key for node in outcomes}
    assert all(version.key in node.rests_on for node in outcomes)
    made_up = [node for node in view.chain.nodes if node.kind in {Link.result, Link.version, Link.outcome}]
    assert all(node.generated for node in made_up)


async def test_everything_made_up_says_so_in_the_database_too(loaded: City):
    async with loaded.db.raw() as connection:
        for table in ("result", "dataset", "outcome"):
            marked = await connection.fetch(f"SELECT generated FROM {table}")
            assert marked
            assert all(row["generated"] for row in marked), table
        rows = await connection.fetchrow("SELECT rows, manifest->>'generated' AS generated FROM version")
    assert rows["rows"] == 96
    assert rows["generated"] == "true"


async def test_pilots_of_real_partners_have_no_result_no_outcome_and_no_decision(loaded: City):
    async with loaded.db.raw() as connection:
        titles = await connection.fetch(
            "SELECT DISTINCT pilot.title->>'sv' AS title FROM pilot"
            " WHERE EXISTS (SELECT FROM trial WHERE pilot_id = pilot.id)"
            " OR EXISTS (SELECT FROM outcome WHERE pilot_id = pilot.id)"
            " OR EXISTS (SELECT FROM decision WHERE pilot_id = pilot.id)"
            " OR stage IN ('decided', 'benefits', 'archived')"
        )
        real = await connection.fetch(
            "SELECT pilot.title->>'sv' FROM pilot JOIN pilot_partner ON pilot_id = pilot.id"
            " JOIN partner ON partner.id = partner_id WHERE partner.name = ANY($1) AND pilot.title->>'sv' = $2",
            list(facts.PARTNERS),
            bins.TITLE["sv"],
        )
    assert [row["title"] for row in titles] == [bins.TITLE["sv"]]
    assert real == []


async def test_only_the_city_has_an_organisation_number(loaded: City):
    async with loaded.db.begin() as session:
        numbers = (
            await session.exec(select(Partner.name, Partner.orgnr).where(col(Partner.orgnr).is_not(None)))
        ).all()
        emails = (await session.exec(select(Person.email))).all()
    assert list(numbers) == [("Luleå kommun", "2120002742")]
    assert all(email.endswith("@demo.example") for email in emails)


async def test_partners_and_places_of_an_installation_in_use_are_taken_as_they_are(
    db: Database, settings: Settings
):
    before = await counted(db)

    await city.load(db, store_of(settings), settings, KINDS)

    after = await counted(db)
    names = TypeAdapter(set[str]).validate_python({*facts.PARTNERS, *bins.PARTNERS})
    assert after["partner"] == len(names)  # three of them were there
    assert before["partner"] == 3


def test_the_made_up_measurements_are_the_same_every_time_and_give_the_effect_they_are_told_with():
    change = {bin_.name: bin_.emptied[1] - bin_.emptied[0] for bin_ in measurements.BINS}
    sensor = {bin_.name for bin_ in measurements.BINS if bin_.sensor}

    effect = mean(change[name] for name in sensor) - mean(change[name] for name in change.keys() - sensor)
    lines = measurements.sensor_file().decode("utf-8-sig").splitlines()
    before = [int(line.split(";")[5]) for line in lines[1:] if ";före;" in line]

    assert effect == -3.5
    assert mean(before) == 11.5
    assert len(lines) == 1 + 4 * measurements.WEEKS
    assert measurements.sensor_file() == measurements.sensor_file()
