"""People and what lets them in, as the command line, the pages and the demo need it.

Whoever acts is named with ``actor``; without one it is the system: the operator at the command line.
"""

import unicodedata
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.activity import record
from testbed.db import driver
from testbed.errors import Invalid, NotFound
from testbed.people import links
from testbed.people.models import LinkPurpose, Person, PersonState, Scope, Token
from testbed.people.secrets import new_token, parts_of
from testbed.texts import Mailbox, message

SYSTEM = Actor(kind="system")
MOST_DAYS = 365
NO_MAILBOX = message("This is no e-mail address.")
NO_NAME = message("Write a name of 2 to 120 characters.")
NO_PERSON = message("Nobody has this e-mail address here.")
NO_TOKEN = message("There is no such token.")
NO_TESTBED = message("There is no such testbed.")
NO_SCOPE = message("There is no scope {scope}; choose among {scopes}.")
WRONG_DAYS = message("A token is valid for 1 to 365 days.")


def mailbox(email: str) -> str:
    """An e-mail address as it is kept.

    Raises:
        Invalid: it is none.
    """
    try:
        return TypeAdapter(Mailbox).validate_python(unicodedata.normalize("NFKC", email)).lower()
    except ValidationError:
        raise Invalid(NO_MAILBOX, fields={"email": NO_MAILBOX}) from None


async def has_admin(session: AsyncSession) -> bool:
    """Whether anybody administers the installation."""
    query = select(Person.id).where(col(Person.admin), Person.state == PersonState.active).limit(1)
    return (await session.exec(query)).first() is not None


async def person_by_email(session: AsyncSession, email: str) -> Person:
    """The person with an e-mail address.

    Raises:
        NotFound: nobody has it.
    """
    found = (await session.exec(select(Person).where(Person.email == mailbox(email)))).one_or_none()
    if found is None:
        raise NotFound(NO_PERSON)
    return found


async def add_person(
    session: AsyncSession, email: str, name: str, admin: bool = False, *, actor: Actor = SYSTEM
) -> Person:
    """Register a person who may sign in as soon as they have a password; done twice it changes nothing.

    Somebody known keeps their name, becomes active if they were invited, and administrator if ``admin``.

    Raises:
        Invalid: no e-mail address, or no name.
    """
    kept, name = mailbox(email), " ".join(name.split())
    if not 2 <= len(name) <= 120:
        raise Invalid(NO_NAME, fields={"name": NO_NAME})
    found = (await session.exec(select(Person).where(Person.email == kept).with_for_update())).one_or_none()
    if found is None:
        found = Person(name=name, email=kept, state=PersonState.active, admin=admin)
        session.add(found)
        await session.flush()
        await session.refresh(found)
        await record(session, actor, "person.add", "person", found.id, admin=admin)
        return found
    if found.state == PersonState.invited:
        found.state = PersonState.active
        await record(session, actor, "person.activate", "person", found.id)
    if admin and not found.admin:
        found.admin = True
        await record(session, actor, "person.make_admin", "person", found.id)
    session.add(found)
    await session.flush()
    return found


async def link_for(
    session: AsyncSession,
    purpose: LinkPurpose,
    person_id: int | None,
    created_by_id: int | None = None,
    *,
    actor: Actor = SYSTEM,
) -> str:
    """Make a one-time link; return the secret that follows ``/welcome/``, which is not kept.

    It holds for 24 hours (first administrator), 7 days (invitation) or an hour (new password), and
    takes the place of earlier ones of its kind.
    """
    secret = await links.made(await driver(session), purpose, person_id, created_by_id)
    await record(session, actor, f"link.{purpose}", "person", person_id)
    return secret


async def create_token(
    session: AsyncSession,
    person_id: int,
    scopes: list[str] | None = None,
    name: str = "",
    days: int = MOST_DAYS,
    *,
    actor: Actor = SYSTEM,
) -> str:
    """Make an API token with all scopes unless some are named; return its text, which is not kept.

    Raises:
        Invalid: an unknown scope, or a time that is too long.
    """
    wanted = list(dict.fromkeys(scopes or list(Scope)))
    for scope in wanted:
        if scope not in set(Scope):
            raise Invalid(NO_SCOPE, scope=scope, scopes=", ".join(Scope))
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(WRONG_DAYS, fields={"days": WRONG_DAYS})
    secret = new_token()
    now = (await session.exec(select(func.now()))).one()
    token = Token(
        person_id=person_id,
        name=name[:120],
        public=secret.public,
        sha256=secret.digest,
        scopes=[str(scope) for scope in wanted],
        expires_at=now + timedelta(days=days),
    )
    session.add(token)
    await session.flush()
    await record(session, actor, "token.create", "person", person_id, token=secret.public, scopes=wanted)
    return secret.text


async def revoke_token(session: AsyncSession, token: str, *, actor: Actor = SYSTEM) -> None:
    """Revoke a token named by its eight public characters or by the whole of it.

    Raises:
        NotFound: there is none, or it was revoked before.
    """
    parts = parts_of(token)
    found = (
        await session.exec(
            select(Token)
            .where(Token.public == (parts[0] if parts else token), col(Token.revoked_at).is_(None))
            .with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise NotFound(NO_TOKEN)
    found.revoked_at = (await session.exec(select(func.now()))).one()
    session.add(found)
    await record(session, actor, "token.revoke", "person", found.person_id, token=found.public)


async def assign_coordinator(
    session: AsyncSession, person_id: int, testbed: int | str, *, actor: Actor = SYSTEM
) -> None:
    """Let a person coordinate a testbed, named by its number or its slug; done twice it changes nothing.

    Raises:
        NotFound: there is no such testbed.
    """
    connection = await driver(session)
    await session.flush()
    where = "id = $1" if isinstance(testbed, int) else "slug = $1"
    number = await connection.fetchval(f"SELECT id FROM testbed WHERE {where}", testbed)  # noqa: S608
    if number is None:
        raise NotFound(NO_TESTBED)
    added = await connection.fetchval(
        "INSERT INTO testbed_coordinator (person_id, testbed_id) VALUES ($1, $2)"
        " ON CONFLICT (person_id, testbed_id) DO NOTHING RETURNING id",
        person_id,
        number,
    )
    if added is not None:
        await record(session, actor, "coordinator.assign", "testbed", number, person_id=person_id)


async def remove_coordinator(
    session: AsyncSession, person_id: int, testbed_id: int, *, actor: Actor = SYSTEM
) -> None:
    """Take a testbed from its coordinator.

    Raises:
        NotFound: the person does not coordinate it.
    """
    connection = await driver(session)
    gone = await connection.fetchval(
        "DELETE FROM testbed_coordinator WHERE person_id = $1 AND testbed_id = $2 RETURNING id",
        person_id,
        testbed_id,
    )
    if gone is None:
        raise NotFound(NO_TESTBED)
    await record(session, actor, "coordinator.remove", "testbed", testbed_id, person_id=person_id)
