"""Three fictional people, where they belong, and a new password for each at every load."""

import secrets
from dataclasses import dataclass

from sqlmodel import col

from testbed.access.models import Actor
from testbed.accounts import entry, members, service
from testbed.accounts.models import Invitation, Welcome
from testbed.db import Database
from testbed.demo.once import there
from testbed.partners.models import Partner
from testbed.people.models import LinkPurpose, Membership, MembershipRole, Person, PersonState
from testbed.settings import Settings


@dataclass(frozen=True, slots=True)
class Role:
    """One of the three, as the command line names them."""

    name: str
    email: str
    what: str


COORDINATOR = Role("Koordinator Demo", "koordinator@demo.example", "coordinator")
ENGINEER = Role("Ingenjör Demo", "ingenjor@demo.example", "partner engineer")
RESEARCHER = Role("Forskare Demo", "forskare@demo.example", "researcher")
ROLES = (COORDINATOR, ENGINEER, RESEARCHER)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Cast:
    """The three as they act, and ``operator``: the coordinator with an administrator's rights, for this load only."""

    operator: Actor
    coordinator: Actor
    engineer: Actor
    researcher: Actor


async def entered(db: Database) -> Cast:
    """Register whoever of the three is not known."""
    async with db.begin() as session:
        people = [await service.add_person(session, role.email, role.name) for role in ROLES]
    coordinator, engineer, researcher = (
        Actor(kind="person", person_id=each.id, name=each.name, email=each.email) for each in people
    )
    number = coordinator.person_id
    operator = Actor(kind="system", person_id=number, name=coordinator.name, admin=True, coordinates=True)
    return Cast(operator, coordinator, engineer, researcher)


async def belong(
    db: Database, cast: Cast, base_url: str, places: dict[str, tuple[str, MembershipRole]]
) -> None:
    """Make people members, ``places`` holding partner and role by e-mail address; a membership that ended stays so."""
    async with db.begin() as session:
        for email, (name, role) in places.items():
            person = await service.person_by_email(session, email)
            partner = await there(session, Partner, col(Partner.name) == name)
            if partner is None or await there(
                session,
                Membership,
                col(Membership.person_id) == person.id,
                col(Membership.partner_id) == partner.id,
            ):
                continue
            invitation = Invitation(name=person.name, email=email, role=role)
            await members.invite(session, cast.operator, base_url, partner.slug, invitation)


async def opened(db: Database, settings: Settings) -> list[str]:
    """Give each of the three a new random password, and say it: it is kept only as a hash."""
    lines = []
    for role in ROLES:
        async with db.begin() as session:
            person: Person = await service.person_by_email(session, role.email)
            if person.state == PersonState.suspended:
                lines.append(f"  {role.what:<17} {role.email:<26} is suspended")
                continue
            link = await service.link_for(session, LinkPurpose.reset, person.id)
        password = "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3))
        came = await entry.welcome(db, settings, link, Welcome(password=password), entry.Caller())
        await entry.sign_out(db, Actor(kind="person", person_id=person.id), came.cookie)
        lines.append(f"  {role.what:<17} {role.email:<26} {password}")
    return lines
