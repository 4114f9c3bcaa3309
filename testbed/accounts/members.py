"""The people of a partner: invited, given a role, ended. Managers of the partner and administrators do it."""

from typing import Any

import asyncpg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import allowed, fetch
from testbed.accounts import service
from testbed.accounts.models import Invitation, Invited, Member, MembersView
from testbed.activity import record
from testbed.db import driver
from testbed.errors import Conflict, NotFound
from testbed.partners.models import Partner
from testbed.people import sessions
from testbed.people.links import HOURS
from testbed.people.models import LinkPurpose, Membership, MembershipRole, Person, PersonState
from testbed.texts import message

MANAGE = "membership.manage"
NOT_THERE = message("There is nothing here, or nothing you may see.")
IS_MEMBER = message("This person is a member here already.")
HAS_COME = message(
    "This person has come in already, or belongs to others too; an administrator makes such links."
)
TODAY = "(now() AT TIME ZONE 'Europe/Stockholm')::date"
PEOPLE = f"""
    SELECT m.id, m.person_id, person.name, person.email, person.state, m.role, m.from_on, m.to_on,
           m.from_on <= {TODAY} AND coalesce(m.to_on, 'infinity') >= {TODAY} AS active
    FROM membership m JOIN person ON person.id = m.person_id
    WHERE m.partner_id = $1 ORDER BY active DESC, lower(person.name), m.from_on DESC
"""  # noqa: S608 - our own constant
# A membership of a day that began today ends as if it had been yesterday; two on one day leave one line.
END = f"""
    UPDATE membership SET from_on = least(from_on, {TODAY} - 1), to_on = {TODAY} - 1
    WHERE id = $1 AND partner_id = $2 AND coalesce(to_on, 'infinity') >= {TODAY} RETURNING person_id
"""  # noqa: S608 - our own constant
BEFORE = f"""
    SELECT EXISTS (SELECT FROM membership earlier JOIN membership m USING (person_id, partner_id)
    WHERE m.id = $1 AND earlier.id <> m.id AND earlier.to_on = {TODAY} - 1 AND m.from_on >= {TODAY})
"""  # noqa: S608 - our own constant


async def view(session: AsyncSession, actor: Actor, slug: str) -> MembersView:
    """Everybody who is or was a member of a partner, the active first.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    partner = await _managed(session, actor, slug)
    rows = await (await driver(session)).fetch(PEOPLE, partner.id)
    items = [Member.model_validate(dict(row)) for row in rows]
    return MembersView(partner=partner.name, slug=partner.slug, items=items)


async def _managed(session: AsyncSession, actor: Actor, slug: str) -> Partner:
    return await fetch(session, actor, MANAGE, Partner, col(Partner.slug) == slug)


async def invite(session: AsyncSession, actor: Actor, base_url: str, slug: str, given: Invitation) -> Invited:
    """Make somebody a member from today; whoever is new here gets a link that holds seven days.

    Raises:
        Conflict: they are a member already.
    """
    partner = await _managed(session, actor, slug)
    email = service.mailbox(given.email)
    query = select(Person).where(Person.email == email).with_for_update()
    person = (await session.exec(query)).one_or_none()
    if person is None:
        person = Person(name=given.name, email=email, state=PersonState.invited)
        session.add(person)
        await session.flush()
        await session.refresh(person)
    connection = await driver(session)
    await _join(connection, person.id, partner.id, given.role)
    await record(
        session, actor, "membership.invite", "partner", partner.id, person_id=person.id, role=given.role
    )
    mine = await _is_theirs_alone(session, actor, person)
    return await _invited(session, actor, base_url, partner, person, with_link=mine)


async def _join(
    connection: asyncpg.Connection, person_id: int, partner_id: int, role: MembershipRole
) -> None:
    there = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM membership WHERE person_id = $1 AND partner_id = $2"  # noqa: S608
        f" AND coalesce(to_on, 'infinity') >= {TODAY})",
        person_id,
        partner_id,
    )
    if there:
        raise Conflict(IS_MEMBER, fields={"email": IS_MEMBER})
    await connection.execute(
        f"INSERT INTO membership (person_id, partner_id, role, from_on) VALUES ($1, $2, $3, {TODAY})",  # noqa: S608
        person_id,
        partner_id,
        role,
    )


async def _is_theirs_alone(session: AsyncSession, actor: Actor, person: Person) -> bool:
    """Whether the actor may have a link to this person's account: it opens all that the person may do.

    So only for people who never came in, coordinate nothing, administer nothing, and belong to no partner
    that the actor does not manage.
    """
    if person.state != PersonState.invited or person.password_hash is not None or person.admin:
        return False
    theirs = select(Membership.partner_id).where(Membership.person_id == person.id)
    others: Any = select(Partner.id).where(col(Partner.id).in_(theirs), ~allowed(actor, MANAGE, Partner))
    if (await session.exec(others.limit(1))).first() is not None:
        return False
    connection = await driver(session)
    coordinates = "SELECT EXISTS (SELECT FROM testbed_coordinator WHERE person_id = $1)"
    return actor.admin or not await connection.fetchval(coordinates, person.id)


async def _invited(
    session: AsyncSession, actor: Actor, base_url: str, partner: Partner, person: Person, *, with_link: bool
) -> Invited:
    told = Invited(partner=partner.name, slug=partner.slug, name=person.name, email=person.email)
    if with_link:
        purpose = LinkPurpose.invite
        secret = await service.link_for(session, purpose, person.id, actor.person_id, actor=actor)
        told.link, told.hours = f"{base_url}/welcome/{secret}", HOURS[purpose]
    return told


async def _member(session: AsyncSession, partner: Partner, number: int) -> Membership:
    query = select(Membership).where(Membership.id == number, Membership.partner_id == partner.id)
    found = (await session.exec(query.with_for_update())).one_or_none()
    if found is None:
        raise NotFound(NOT_THERE)
    return found


async def change(session: AsyncSession, actor: Actor, slug: str, number: int, role: MembershipRole) -> None:
    """Give a member another role; they sign in anew, so that nobody acts in a role they do not know of.

    Raises:
        NotFound: no such member.
    """
    partner = await _managed(session, actor, slug)
    member = await _member(session, partner, number)
    if member.role == role:
        return
    member.role = role
    session.add(member)
    await session.flush()
    if member.person_id != actor.person_id:
        await sessions.all_ended(await driver(session), member.person_id)
    await record(
        session, actor, "membership.role", "partner", partner.id, person_id=member.person_id, role=role
    )


async def end(session: AsyncSession, actor: Actor, slug: str, number: int) -> None:
    """End a membership as of yesterday: both its days count, and it must not hold for the rest of today.

    Raises:
        NotFound: no such member, or ended already.
    """
    partner = await _managed(session, actor, slug)
    connection = await driver(session)
    member = await _member(session, partner, number)
    if await connection.fetchval(BEFORE, number):
        await connection.execute("DELETE FROM membership WHERE id = $1", number)
    elif await connection.fetchval(END, number, partner.id) is None:
        raise NotFound(NOT_THERE)
    await record(session, actor, "membership.end", "partner", partner.id, person_id=member.person_id)


async def link(session: AsyncSession, actor: Actor, base_url: str, slug: str, number: int) -> Invited:
    """A new link for a member who has not come in yet.

    Raises:
        Conflict: they have, or the link would open more than this partner's doors.
    """
    partner = await _managed(session, actor, slug)
    member = await _member(session, partner, number)
    person = await session.get(Person, member.person_id)
    if person is None or not await _is_theirs_alone(session, actor, person):
        raise Conflict(HAS_COME)
    return await _invited(session, actor, base_url, partner, person, with_link=True)
