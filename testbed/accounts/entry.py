"""Coming in and going out: passwords, one-time links, sessions.

Hashing takes a quarter of a second, so it stands between two short transactions, never inside one.
"""

from dataclasses import dataclass

import asyncpg
import structlog
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.accounts import service
from testbed.accounts.models import SignedIn, SignIn, Welcome, WelcomePage
from testbed.activity import record
from testbed.db import Database, driver
from testbed.errors import ATTENTION, Busy, Conflict, Invalid, NotFound, SignInNeeded
from testbed.people import links, passwords, sessions, tries
from testbed.people.models import LinkPurpose, Person, PersonState
from testbed.settings import Settings
from testbed.texts import message

log = structlog.get_logger(__name__)

WRONG = message("The e-mail address or the password is wrong.")
WAIT = message("Too many tries. Wait {retry_after} seconds and try again.")
SPENT = message("This link is used, too old, or not whole. Ask for a new one.")
ADMIN_THERE = message("This installation has an administrator already. Ask them for an invitation.")
NEEDED = message("This is needed.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a sign-in comes from; ``cookie`` is that of the session it takes the place of."""

    address: str = ""
    user_agent: str = ""
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """A new session: the cookie's value, and whose it is."""

    cookie: str
    who: SignedIn


async def sign_in(db: Database, settings: Settings, given: SignIn, caller: Caller) -> Entered:
    """Begin a session for whoever knows the password.

    Unknown, invited and suspended people get the same answer after the same time.

    Raises:
        SignInNeeded: the address or the password is wrong. Busy: too many tries, or too many at once.
    """
    email = given.email.lower()
    await count(db, settings, email, caller)
    async with db.begin() as session:
        found = (await session.exec(select(Person).where(Person.email == email))).one_or_none()
    kept = found.password_hash if found is not None else None
    right = await passwords.verified(settings, kept, given.password)
    if not right or kept is None or found is None or found.state != PersonState.active:
        log.info("sign-in refused", address=caller.address)
        raise SignInNeeded(WRONG, fields={"password": WRONG})
    stronger = await _stronger(settings, kept, given.password)
    async with db.begin() as session:
        connection = await driver(session)
        person = await session.get(Person, found.id, with_for_update=True)
        if person is None or person.state != PersonState.active or person.password_hash != kept:
            raise SignInNeeded(WRONG, fields={"password": WRONG})
        if stronger is not None:
            person.password_hash = stronger
            session.add(person)
        await tries.forgiven(connection, email, caller.address)
        return await _entered(session, connection, person, caller, "session.begin")


async def count(db: Database, settings: Settings, email: str, caller: Caller) -> None:
    """Count a try at a password, whether it turns out right or not.

    Raises:
        Busy: it is too early for another.
    """
    async with db.begin() as session:
        wait = await tries.counted(await driver(session), email, caller.address, settings.sign_in_failures)
    if wait:
        log.info("sign-in held back", address=caller.address, seconds=wait)
        raise Busy(WAIT, retry_after=wait)


async def _stronger(settings: Settings, kept: str, password: str) -> str | None:
    if not passwords.outgrown(settings, kept):
        return None
    return await passwords.hashed(settings, passwords.normal(password))


async def sign_out(db: Database, actor: Actor, cookie: str) -> None:
    """End the session behind a cookie; without one nothing happens."""
    async with db.begin() as session:
        await sessions.ended(await driver(session), cookie)
        if actor.session_id is not None:
            await record(session, actor, "session.end", "person", actor.person_id)


async def welcome_page(session: AsyncSession, _: Actor, token: str) -> WelcomePage:
    """What a link is good for; looking does not use it up, as scanners of mail look too.

    Raises:
        NotFound: the link is used, late, or none.
    """
    purpose, person = await _opened(session, token)
    if person is None:
        return WelcomePage(purpose=purpose)
    return WelcomePage(purpose=purpose, name=person.name, email=person.email)


async def welcome(db: Database, settings: Settings, token: str, given: Welcome, caller: Caller) -> Entered:
    """Use a link: set the password, activate the person, sign them in. Their other sessions end.

    Raises:
        NotFound: the link is used, late, or none; of two who use it at once one comes in.
        Invalid: the password will not do, or the first administrator does not say who they are.
        Conflict: an administrator is there already.
    """
    async with db.begin() as session:
        purpose, person = await _opened(session, token)
    name, email = (person.name, person.email) if person is not None else _named(given)
    hashed = await passwords.hashed(settings, passwords.fit(given.password, email))
    async with db.begin() as session:
        connection = await driver(session)
        if await links.spent(connection, token) is None:
            raise NotFound(SPENT)
        if person is None:
            kept = await _first_admin(session, name, email)
        else:
            kept = await _unlocked(session, person.id, purpose)
        kept.password_hash, kept.state = hashed, PersonState.active
        kept.row_version += 1
        session.add(kept)
        await session.flush()
        await sessions.all_ended(connection, kept.id)
        return await _entered(session, connection, kept, caller, f"link.use_{purpose}")


async def _opened(session: AsyncSession, token: str) -> tuple[LinkPurpose, Person | None]:
    """What a link that still holds is for, and for whom: nobody yet in the case of the first administrator."""
    found = await links.opened(await driver(session), token)
    if found is None:
        raise NotFound(SPENT)
    purpose = LinkPurpose(found["purpose"])
    person = await session.get(Person, found["person_id"]) if found["person_id"] is not None else None
    if person is not None and not _may_use(person, purpose):
        raise NotFound(SPENT)
    return purpose, person


def _may_use(person: Person, purpose: LinkPurpose) -> bool:
    """A suspended person's link is void, and an invitation never replaces a password."""
    if purpose == LinkPurpose.invite:
        return person.state != PersonState.suspended and person.password_hash is None
    return person.state != PersonState.suspended


async def _unlocked(session: AsyncSession, person_id: int, purpose: LinkPurpose) -> Person:
    person = await session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None or not _may_use(person, purpose):
        raise NotFound(SPENT)
    return person


def _named(given: Welcome) -> tuple[str, str]:
    missing = {field: NEEDED for field in ("name", "email") if not getattr(given, field)}
    if missing:
        raise Invalid(ATTENTION, fields=missing)
    return str(given.name), service.mailbox(str(given.email))


async def _first_admin(session: AsyncSession, name: str, email: str) -> Person:
    if await service.has_admin(session):
        raise Conflict(ADMIN_THERE)
    return await service.add_person(session, email, name, admin=True)


async def _entered(
    session: AsyncSession, connection: asyncpg.Connection, person: Person, caller: Caller, action: str
) -> Entered:
    """A new session, in place of the one the browser had: what was known before the sign-in is worth nothing."""
    cookie = await sessions.begun(connection, person.id, caller.user_agent, instead_of=caller.cookie)
    await record(session, Actor(kind="person", person_id=person.id), action, "person", person.id)
    return Entered(cookie, SignedIn(id=person.id, name=person.name, email=person.email))


async def entered_anew(session: AsyncSession, person: Person, caller: Caller) -> Entered:
    """After a new password: all sessions end, and whoever set it goes on in a new one. Their tries are forgiven."""
    connection = await driver(session)
    await sessions.all_ended(connection, person.id)
    await tries.forgiven(connection, person.email, caller.address)
    return await _entered(session, connection, person, caller, "account.password")
