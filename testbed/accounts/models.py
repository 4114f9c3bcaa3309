"""What people send to come in, and what they see of their own account and of their partner's people."""

from datetime import date, datetime
from typing import Literal

from sqlmodel import Field, SQLModel

from testbed.people.models import LinkPurpose, MailKind, MembershipRole, PersonState, Scope
from testbed.texts import Line, Mailbox

# Passwords are measured by ``people.passwords``; these limits only keep nonsense from it.
LONGEST = 1000


class SignIn(SQLModel):
    """A password sign-in; ``next`` is a path here to go on to."""

    model_config = {"extra": "forbid"}

    email: Line = Field(max_length=254, schema_extra={"examples": ["alva@demo.example"]})
    password: str = Field(max_length=LONGEST, repr=False)
    next: str | None = Field(default=None, max_length=2000)


class SignInPage(SQLModel):
    next: str = "/"


class SignedIn(SQLModel):
    """Who is signed in now; the session itself is in the cookie."""

    id: int
    name: str
    email: str


class WelcomePage(SQLModel):
    """What a one-time link lets its holder do, for whom."""

    purpose: LinkPurpose
    name: str = ""
    email: str = ""


class Welcome(SQLModel):
    """The answer to a one-time link; name and e-mail are for the first administrator only."""

    model_config = {"extra": "forbid"}

    name: Line | None = Field(default=None, min_length=2, max_length=120)
    email: Mailbox | None = None
    password: str = Field(max_length=LONGEST, repr=False)


class Browser(SQLModel):
    """A signed-in browser; ``here`` is the one that asks."""

    id: int
    name: str
    user_agent: str
    signed_in_at: datetime
    seen_at: datetime
    here: bool = False


class TokenItem(SQLModel):
    """An API token, without its secret."""

    id: int
    name: str
    public: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class Place(SQLModel):
    """A person's place in a partner."""

    partner: str
    slug: str
    role: MembershipRole
    from_on: date
    to_on: date | None = None


class AccountView(SQLModel):
    """A person's own account."""

    id: int
    name: str
    email: str
    locale: str | None = None
    orcid: str | None = None
    admin: bool = False
    mail: list[MailKind] = []
    row_version: int
    places: list[Place] = []
    coordinates: list[dict[str, str]] = []
    browsers: list[Browser] = []
    tokens: list[TokenItem] = []


class AccountPatch(SQLModel):
    """What people may change about themselves; what is absent stays."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    name: Line = Field(default="", min_length=2, max_length=120)
    locale: Literal["sv", "en"] | None = Field(default=None)
    mail: list[MailKind] = Field(default=list(MailKind), description="The kinds of mail one wants.")
    orcid: str | None = Field(default=None, max_length=40, schema_extra={"examples": ["0000-0002-1825-0097"]})


class NewPassword(SQLModel):
    model_config = {"extra": "forbid"}

    current: str = Field(max_length=LONGEST, repr=False)
    password: str = Field(max_length=LONGEST, repr=False)


class TokenDraft(SQLModel):
    """A token to be made; all scopes unless some are named."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=2, max_length=120, schema_extra={"examples": ["Weekly export"]})
    scopes: list[Scope] = Field(default=list(Scope), min_length=1)
    days: int = Field(default=90, ge=1, le=365, description="How long it is valid, in days.")


class TokenMade(SQLModel):
    """A new token, with its text, which is shown this once."""

    token: str
    name: str
    scopes: list[Scope]
    expires_at: datetime


class Nothing(SQLModel):
    """A page that knows nothing but its form."""


class Member(SQLModel):
    """A person in a partner. ``active`` says whether the membership holds today."""

    id: int
    person_id: int
    name: str
    email: str
    state: PersonState
    role: MembershipRole
    from_on: date
    to_on: date | None = None
    active: bool = True


class MembersView(SQLModel):
    """The people of a partner."""

    partner: str
    slug: str
    items: list[Member] = []


class Invitation(SQLModel):
    """Somebody to be a member of a partner."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=2, max_length=120)
    email: Mailbox
    role: MembershipRole = MembershipRole.member


class RoleChange(SQLModel):
    model_config = {"extra": "forbid"}

    role: MembershipRole


class Invited(SQLModel):
    """A new member; ``link`` is shown this once, to be sent to them, and none if they can sign in already."""

    partner: str
    slug: str
    name: str
    email: str
    link: str | None = None
    hours: int | None = None
