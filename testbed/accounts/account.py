"""A person's own account. Only people at a browser come here: no token may make tokens or end sessions."""

import json
import re
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import demand
from testbed.accounts import entry, service
from testbed.accounts.entry import Caller
from testbed.accounts.models import (
    AccountPatch,
    AccountView,
    Browser,
    NewPassword,
    Nothing,
    Place,
    TokenDraft,
    TokenItem,
    TokenMade,
)
from testbed.activity import record
from testbed.db import Database, driver
from testbed.errors import Invalid, NotFound
from testbed.people import passwords
from testbed.people.models import MailKind, Person, Session, Token
from testbed.revisions import revise
from testbed.settings import Settings
from testbed.texts import message, said

OWN = "account.own"
WRONG = message("This is not your password.")
NO_ORCID = message(
    "This is no ORCID iD; it has sixteen digits, as 0000-0002-1825-0097, and the last checks the others."
)
NOT_THERE = message("There is nothing here, or nothing you may see.")
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "FxiOS/": "Firefox", "Chrome/": "Chrome", "CriOS/": "Chrome",
    "Safari/": "Safari", "curl/": "curl", "python": "Python",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip
COORDINATED = """
    SELECT testbed.slug, testbed.name FROM testbed JOIN testbed_coordinator c ON c.testbed_id = testbed.id
    WHERE c.person_id = $1 ORDER BY testbed.slug
"""
PLACES = """
    SELECT partner.name AS partner, partner.slug, m.role, m.from_on, m.to_on
    FROM membership m JOIN partner ON partner.id = m.partner_id
    WHERE m.person_id = $1 ORDER BY m.to_on IS NOT NULL, partner.name, m.from_on DESC
"""


async def view(session: AsyncSession, actor: Actor) -> AccountView:
    """The actor's own account.

    Raises:
        SignInNeeded: nobody is signed in. Forbidden: a token asks.
    """
    person = await own(session, actor)
    connection = await driver(session)
    tokens = await session.exec(
        select(Token)
        .where(
            Token.person_id == person.id, col(Token.revoked_at).is_(None), col(Token.expires_at) > func.now()
        )
        .order_by(col(Token.id).desc())
    )
    places = await connection.fetch(PLACES, person.id)
    beds = await connection.fetch(COORDINATED, person.id)
    return AccountView.model_validate(
        person,
        update={
            "mail": [kind for kind in MailKind if kind not in person.mail_off],
            "places": [Place.model_validate(dict(row)) for row in places],
            "coordinates": [{"slug": row["slug"], "name": said(_document(row["name"]))} for row in beds],
            "browsers": await _browsers(session, actor, person.id),
            "tokens": [TokenItem.model_validate(each, from_attributes=True) for each in tokens],
        },
    )


def _document(kept: Any) -> dict[str, str]:
    """A text in several languages as the driver gives it: decoded or not."""
    found: dict[str, str] = json.loads(kept) if isinstance(kept, str) else kept
    return found


async def _browsers(session: AsyncSession, actor: Actor, person_id: int) -> list[Browser]:
    query = (
        select(Session)
        .where(
            Session.person_id == person_id,
            col(Session.expires_at) > func.now(),
            col(Session.seen_at) > func.now() - timedelta(hours=8),
        )
        .order_by(col(Session.seen_at).desc())
    )
    return [
        Browser.model_validate(
            each,
            from_attributes=True,
            update={"here": each.id == actor.session_id, "name": browser_named(each.user_agent)},
        )
        for each in await session.exec(query)
    ]


def browser_named(user_agent: str) -> str:
    """What people call a browser, such as "Firefox, Windows"; empty if it is none of the usual ones."""
    # Edge and Opera also say Chrome, and Chrome also says Safari: the order matters.
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    return ", ".join(filter(None, [browser, system]))


async def own(session: AsyncSession, actor: Actor, *, lock: bool = False) -> Person:
    """The person who acts, at a browser.

    Raises:
        SignInNeeded, Forbidden: nobody, or a token.
    """
    await demand(session, actor, OWN)
    person = await session.get(Person, actor.person_id, with_for_update=lock)
    if person is None:
        raise NotFound(NOT_THERE)
    return person


async def nothing(session: AsyncSession, actor: Actor) -> Nothing:
    """For the pages that hold only a form."""
    await demand(session, actor, OWN)
    return Nothing()


async def edit(session: AsyncSession, actor: Actor, patch: AccountPatch, seen_version: int) -> None:
    """Change name, language, ORCID, or the kinds of mail one wants.

    Raises:
        Invalid: no ORCID iD. Stale: see ``revisions.revise``.
    """
    person = await own(session, actor, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if written.get("orcid"):
        written["orcid"] = _orcid(written["orcid"])
    if "mail" in written:
        wanted = written.pop("mail")
        written["mail_off"] = [str(kind) for kind in MailKind if kind not in wanted]
    await revise(session, actor, person, written, seen_version, action="account.edit")


def _orcid(given: str) -> str:
    """An ORCID iD without its address; the last of its sixteen characters checks the others (ISO 7064, 11-2)."""
    found = re.fullmatch(
        r"(?:https?://orcid\.org/)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])", given.strip(), re.ASCII
    )
    digits = "".join(found.groups()).upper() if found else ""
    total = 0
    for digit in digits[:15]:
        total = (total + int(digit)) * 2
    if not digits or "0123456789X"[(12 - total % 11) % 11] != digits[15]:
        raise Invalid(NO_ORCID, fields={"orcid": NO_ORCID})
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


async def change_password(
    db: Database, settings: Settings, actor: Actor, given: NewPassword, caller: Caller
) -> entry.Entered:
    """Set another password, for whoever knows the old one; every other session ends, this one gets a new cookie.

    Raises:
        Invalid: the old one is wrong, or the new one will not do. Busy: too many tries.
    """
    async with db.begin() as session:
        person = await own(session, actor)
    wanted = passwords.fit(given.password, person.email)
    await entry.count(db, settings, person.email, caller)
    if not await passwords.verified(settings, person.password_hash, given.current):
        raise Invalid(WRONG, fields={"current": WRONG})
    hashed = await passwords.hashed(settings, wanted)
    async with db.begin() as session:
        kept = await own(session, actor, lock=True)
        kept.password_hash = hashed
        kept.row_version += 1
        session.add(kept)
        await session.flush()
        return await entry.entered_anew(session, kept, caller)


async def end_browser(session: AsyncSession, actor: Actor, number: int) -> None:
    """End one of the actor's own sessions.

    Raises:
        NotFound: it is none of theirs, or over.
    """
    person = await own(session, actor)
    connection = await driver(session)
    gone = await connection.fetchval(
        "DELETE FROM session WHERE id = $1 AND person_id = $2 RETURNING id", number, person.id
    )
    if gone is None:
        raise NotFound(NOT_THERE)
    await record(session, actor, "session.end", "person", person.id)


async def make_token(session: AsyncSession, actor: Actor, draft: TokenDraft) -> TokenMade:
    """Make an API token of the actor's own."""
    person = await own(session, actor)
    scopes = [str(scope) for scope in draft.scopes]
    made = await service.create_token(session, person.id, scopes, draft.name, draft.days, actor=actor)
    parts = made.split("_")
    kept = (await session.exec(select(Token).where(Token.public == parts[2]))).one()
    return TokenMade(token=made, name=kept.name, scopes=draft.scopes, expires_at=kept.expires_at)


async def end_token(session: AsyncSession, actor: Actor, number: int) -> None:
    """Revoke one of the actor's own tokens.

    Raises:
        NotFound: it is none of theirs, or revoked.
    """
    person = await own(session, actor)
    found = (
        await session.exec(select(Token.public).where(Token.id == number, Token.person_id == person.id))
    ).one_or_none()
    if found is None:
        raise NotFound(NOT_THERE)
    await service.revoke_token(session, found, actor=actor)
