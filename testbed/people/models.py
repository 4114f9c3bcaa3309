"""People, the partners they belong to, and the secrets that stand for them."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, LargeBinary, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, SQLModel

from testbed.columns import among, identity, link, moment, row_version, unique, word, words
from testbed.texts import message


class MembershipRole(StrEnum):
    manager = "manager"
    member = "member"


class PersonState(StrEnum):
    """``invited`` until the first sign-in; ``suspended`` keeps the row and takes every right."""

    invited = "invited"
    active = "active"
    suspended = "suspended"


class Scope(StrEnum):
    """What a token may be used for; its person's rights are the other limit."""

    read = "read"
    export = "export"
    upload = "upload"
    observe = "observe"
    manage = "manage"
    publish = "publish"


class LinkPurpose(StrEnum):
    first_admin = "first_admin"
    invite = "invite"
    reset = "reset"


class MailKind(StrEnum):
    """What mail is about; each person chooses which kinds to get."""

    receipt = "receipt"
    checked = "checked"
    accepted = "accepted"
    reminder = "reminder"
    webhook = "webhook"


class Person(SQLModel, table=True):
    """``email`` is in lower case; ``password_hash`` is argon2id's text; none means no password sign-in.

    ``mail_off`` names the kinds of mail this person does not want.
    """

    __table_args__ = (
        unique("email", says=message("Somebody with this e-mail address is registered already.")),
        CheckConstraint("email = lower(email)", name="email_lower"),
        among("mail_off", MailKind, least=0),
    )

    id: int = identity()
    name: str = Field(max_length=120)
    email: str = Field(max_length=254)
    state: PersonState = word(PersonState, "state", PersonState.invited)
    admin: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    locale: str | None = Field(default=None, max_length=8)
    orcid: str | None = Field(default=None, max_length=19)
    password_hash: str | None = Field(default=None, max_length=300)
    mail_off: list[str] = words()
    created_at: datetime = moment()
    row_version: int = row_version()


class Membership(SQLModel, table=True):
    """A person's place in a partner, both days inclusive; ended, not deleted, so that history can be read."""

    __table_args__ = (
        ExcludeConstraint(
            (text("int8range(person_id, person_id, '[]')"), "&&"),
            (text("int8range(partner_id, partner_id, '[]')"), "&&"),
            (text("daterange(from_on, to_on, '[]')"), "&&"),
            using="gist",
            name="ex_membership_overlap",
            info={
                "field": "from_on",
                "says": message("This person is a member of the partner then already."),
            },
        ),
        CheckConstraint("to_on >= from_on", name="days"),
    )

    id: int = identity()
    person_id: int = link("person.id")
    partner_id: int = link("partner.id")
    role: MembershipRole = word(MembershipRole, "role", MembershipRole.member)
    from_on: date = Field(default=None, sa_column_kwargs={"server_default": text("CURRENT_DATE")})
    to_on: date | None = None


class Session(SQLModel, table=True):
    """A signed-in browser; the cookie's 32 random bytes are kept as SHA-256 only."""

    id: int = identity()
    person_id: int = link("person.id", ondelete="CASCADE")
    sha256: bytes = Field(sa_type=LargeBinary, unique=True)
    signed_in_at: datetime = moment()
    seen_at: datetime = moment()
    expires_at: datetime = moment()
    user_agent: str = Field(default="", max_length=200)


class Token(SQLModel, table=True):
    """A secret for scripts; ``public`` finds the row, the secret is kept as SHA-256 only."""

    __table_args__ = (among("scopes", Scope),)

    id: int = identity()
    person_id: int = link("person.id", ondelete="CASCADE")
    name: str = Field(default="", max_length=120)
    public: str = Field(max_length=8, unique=True)
    sha256: bytes = Field(sa_type=LargeBinary)
    scopes: list[str] = words()
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)


class OneTimeLink(SQLModel, table=True):
    """An invitation, a reset, or the way in for the first administrator; used once, by POST."""

    __tablename__ = "one_time_link"

    id: int = identity()
    purpose: LinkPurpose = word(LinkPurpose, "purpose")
    sha256: bytes = Field(sa_type=LargeBinary, unique=True)
    person_id: int | None = link("person.id", nullable=True, ondelete="CASCADE")
    created_by_id: int | None = link("person.id", nullable=True)
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class RateBucket(SQLModel, table=True):
    """How often something was tried since ``since``; ``key`` names account or address, hashed."""

    __tablename__ = "rate_bucket"

    key: str = Field(primary_key=True, max_length=80)
    tries: int
    since: datetime = moment()
