"""People's accounts in the hands of administrators. Everybody else finds nothing here."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, TestbedCoordinator
from testbed.access.rights import ABSENT, VIEW, allowed, demand, fetch, referred
from testbed.accounts import service
from testbed.accounts.models import Nothing, Place
from testbed.activity import record
from testbed.admin.models import Bed, LinkMade, NewPerson, PersonItem, PersonView
from testbed.db import driver
from testbed.errors import Conflict, Forbidden, NotFound
from testbed.lists import Asked, Listed, in_language, in_swedish, page_of
from testbed.partners.models import Partner
from testbed.partners.service import known
from testbed.people import sessions
from testbed.people.links import HOURS
from testbed.people.models import LinkPurpose, Membership, Person, PersonState, Session, Token
from testbed.testbeds.models import Testbed
from testbed.texts import language, message

MANAGE, ASSIGN = "person.manage", "coordinator.assign"
ACCOUNTS_LOCK = 7_238_114_553
LAST = message("This is the last administrator. Make another one first.")
KNOWN = message("Somebody with this e-mail address is registered already.")
ALREADY = message("This was done already.")
SUSPENDED = message("This person is suspended. Let them in again first.")
SEEN: Any = (
    select(func.max(Session.seen_at))
    .where(col(Session.person_id) == Person.id)
    .correlate(Person)
    .scalar_subquery()
)


async def only_admins(session: AsyncSession, actor: Actor, action: str = MANAGE) -> None:
    """Insist on an administrator at a browser.

    Raises:
        SignInNeeded: nobody is signed in. NotFound: to all others these pages do not exist.
    """
    try:
        await demand(session, actor, action)
    except Forbidden:
        raise NotFound(ABSENT) from None


async def page(
    session: AsyncSession, actor: Actor, asked: Asked, *, state: PersonState | None = None
) -> Listed[PersonItem]:
    """The people of the installation, by name."""
    await only_admins(session, actor)
    query: Any = select(
        Person.id,
        Person.name,
        Person.email,
        Person.state,
        Person.admin,
        _places(actor),
        _beds(actor),
        SEEN.label("seen_at"),
    )  # type: ignore[call-overload]
    for word in asked.q.lower().split():
        held = func.lower(Person.name).contains(word, autoescape=True)
        query = query.where(held | col(Person.email).contains(word, autoescape=True))
    if state is not None:
        query = query.where(col(Person.state) == state)
    orders = {"name": in_swedish(col(Person.name)), "created": col(Person.created_at)}
    rows, after = await page_of(session, query, asked, key=col(Person.id), orders=orders)
    items = [PersonItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


def _places(actor: Actor) -> Any:
    named = (
        select(col(Partner.name))
        .join(Membership, col(Membership.partner_id) == Partner.id)
        .where(col(Membership.person_id) == Person.id, col(Membership.to_on).is_(None), known(actor))
        .order_by(Partner.name)
        .correlate(Person)
    )
    return func.array(named.scalar_subquery()).label("places")


def _beds(actor: Actor) -> Any:
    named = (
        select(in_language(Testbed.name, language.get()))
        .join(TestbedCoordinator, col(TestbedCoordinator.testbed_id) == Testbed.id)
        .where(col(TestbedCoordinator.person_id) == Person.id, allowed(actor, VIEW, Testbed))
        .correlate(Person)
    )
    return func.array(named.scalar_subquery()).label("coordinates")


async def _person(session: AsyncSession, actor: Actor, number: int, *, lock: bool = False) -> Person:
    await only_admins(session, actor)
    if lock:  # one at a time: two administrators who remove each other must not both find the other left
        await (await driver(session)).execute("SELECT pg_advisory_xact_lock($1)", ACCOUNTS_LOCK)
    found = await session.get(Person, number, with_for_update=lock)
    if found is None:
        raise NotFound(ABSENT)
    return found


async def view(session: AsyncSession, actor: Actor, number: int) -> PersonView:
    """One person, with what they belong to, as far as the actor may see it."""
    person = await _person(session, actor, number)
    connection = await driver(session)
    seen = await connection.fetchrow(
        "SELECT max(seen_at) AS at, count(*) AS many FROM session WHERE person_id = $1 AND expires_at > now()",
        number,
    )
    mine = select(col(TestbedCoordinator.testbed_id)).where(col(TestbedCoordinator.person_id) == person.id)
    beds: Any = select(Testbed.id, Testbed.slug, Testbed.name, col(Testbed.id).in_(mine).label("mine")).where(  # type: ignore[call-overload]
        allowed(actor, ASSIGN, Testbed), col(Testbed.archived_at).is_(None)
    )
    found = (await session.exec(beds.order_by(Testbed.slug))).all()
    tokens: Any = select(func.count()).where(
        col(Token.person_id) == person.id, col(Token.revoked_at).is_(None), col(Token.expires_at) > func.now()
    )
    return PersonView.model_validate(
        person,
        update={
            "has_password": person.password_hash is not None,
            "seen_at": seen["at"],
            "sessions": seen["many"],
            "tokens": (await session.exec(tokens)).one()[0],
            "places": await _belongs_to(session, actor, person.id),
            "coordinates": [Bed.model_validate(bed, from_attributes=True) for bed in found if bed.mine],
            "others": [Bed.model_validate(bed, from_attributes=True) for bed in found if not bed.mine],
            "myself": person.id == actor.person_id,
        },
    )


async def _belongs_to(session: AsyncSession, actor: Actor, number: int) -> list[Place]:
    query: Any = (
        select(
            col(Partner.name).label("partner"), col(Partner.slug), col(Membership.role), col(Membership.from_on),
            col(Membership.to_on),
        )
        .join(Membership, col(Membership.partner_id) == Partner.id)
        .where(col(Membership.person_id) == number, known(actor))
        .order_by(col(Membership.to_on).is_not(None), in_swedish(col(Partner.name)), col(Membership.from_on).desc())
    )  # fmt: skip
    return [Place.model_validate(row, from_attributes=True) for row in await session.exec(query)]


async def nothing(session: AsyncSession, actor: Actor) -> Nothing:
    """For the page that holds only the form for a new person."""
    await only_admins(session, actor)
    return Nothing()


async def add(session: AsyncSession, actor: Actor, base_url: str, given: NewPerson) -> LinkMade:
    """Let somebody in who belongs to no partner yet; the link to send them holds seven days.

    Raises:
        Conflict: their address is registered.
    """
    await only_admins(session, actor)
    email = service.mailbox(given.email)
    if (await session.exec(select(col(Person.id)).where(col(Person.email) == email))).first() is not None:  # type: ignore[call-overload]
        raise Conflict(KNOWN, fields={"email": KNOWN})
    person = Person(name=given.name, email=email, state=PersonState.invited)
    session.add(person)
    await session.flush()
    await session.refresh(person)
    await record(session, actor, "person.add", "person", person.id)
    return await _link(session, actor, base_url, person)


async def link(session: AsyncSession, actor: Actor, base_url: str, number: int) -> LinkMade:
    """A link with which a person chooses a new password within an hour, or comes in for the first time.

    Raises:
        Conflict: the person is suspended.
    """
    person = await _person(session, actor, number, lock=True)
    if person.state == PersonState.suspended:
        raise Conflict(SUSPENDED)
    return await _link(session, actor, base_url, person)


async def _link(session: AsyncSession, actor: Actor, base_url: str, person: Person) -> LinkMade:
    new = person.password_hash is None and person.state == PersonState.invited
    purpose = LinkPurpose.invite if new else LinkPurpose.reset
    secret = await service.link_for(session, purpose, person.id, actor.person_id, actor=actor)
    return LinkMade(
        person_id=person.id,
        name=person.name,
        email=person.email,
        link=f"{base_url}/welcome/{secret}",
        hours=HOURS[purpose],
    )


async def suspend(session: AsyncSession, actor: Actor, number: int, *, back: bool = False) -> None:
    """Take every right from a person, at once, or give them ``back``; what they did stays on record.

    Raises:
        Conflict: done already, or it is the last administrator.
    """
    person = await _person(session, actor, number, lock=True)
    if (person.state == PersonState.suspended) != back:
        raise Conflict(ALREADY)
    if not back:
        await _leave_one(session, person)
        await sessions.all_ended(await driver(session), person.id)
        person.state = PersonState.suspended
    else:
        person.state = PersonState.active
    await _saved(session, actor, person, "person.reactivate" if back else "person.suspend")


async def make_admin(session: AsyncSession, actor: Actor, number: int, *, make: bool) -> None:
    """Make a person administrator, or no longer one; they sign in anew.

    Raises:
        Conflict: done already, or it is the last administrator.
    """
    person = await _person(session, actor, number, lock=True)
    if person.admin == make:
        raise Conflict(ALREADY)
    if not make:
        await _leave_one(session, person)
    person.admin = make
    if person.id != actor.person_id:
        await sessions.all_ended(await driver(session), person.id)
    await _saved(session, actor, person, "person.make_admin" if make else "person.unmake_admin")


async def _leave_one(session: AsyncSession, person: Person) -> None:
    """Insist that an administrator is left."""
    others: Any = select(func.count()).where(
        col(Person.admin), col(Person.state) == PersonState.active, col(Person.id) != person.id
    )
    if person.admin and not (await session.exec(others)).one()[0]:
        raise Conflict(LAST)


async def _saved(session: AsyncSession, actor: Actor, person: Person, action: str) -> None:
    person.row_version += 1
    session.add(person)
    await session.flush()
    await record(session, actor, action, "person", person.id)


async def assign(session: AsyncSession, actor: Actor, number: int, testbed_id: int) -> None:
    """Let a person coordinate a testbed and every pilot in it.

    Raises:
        Invalid: no such testbed.
    """
    person = await _person(session, actor, number)
    bed = await referred(session, actor, Testbed, testbed_id, "testbed_id")
    await service.assign_coordinator(session, person.id, bed.id, actor=actor)


async def remove(session: AsyncSession, actor: Actor, number: int, testbed_id: int) -> None:
    """Take a testbed from a person.

    Raises:
        NotFound: they do not coordinate it, or the actor may not see it.
    """
    person = await _person(session, actor, number)
    bed = await fetch(session, actor, VIEW, Testbed, col(Testbed.id) == testbed_id)
    await service.remove_coordinator(session, person.id, bed.id, actor=actor)
