"""Coming in, going out, one's own account, and the people of a partner, over HTTP."""

from typing import Any

from litestar import Controller, HttpMethod, Request, Response, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.accounts import account, entry, members
from testbed.accounts.entry import Caller as Client
from testbed.accounts.entry import Entered
from testbed.accounts.models import (
    AccountPatch,
    AccountView,
    Invitation,
    Invited,
    MembersView,
    NewPassword,
    Nothing,
    RoleChange,
    SignedIn,
    SignIn,
    SignInPage,
    TokenDraft,
    TokenMade,
    Welcome,
    WelcomePage,
)
from testbed.accounts.onward import onward
from testbed.partners.models import Partner
from testbed.people.addresses import origin_of
from testbed.people.sessions import LONGEST
from testbed.settings import Settings
from testbed.web.given import Caller, Chosen, Db, Session, cookie_name, edited_version, number
from testbed.web.needs import OPEN, needs
from testbed.web.pages import Created, Form, Page, see_other

OWN, MANAGE = account.OWN, members.MANAGE


async def sign_in_page(session: AsyncSession, actor: Actor) -> SignInPage:
    return SignInPage()


SIGN_IN = Form("accounts/sign-in.html", sign_in_page)
WELCOME = Form("accounts/welcome.html", entry.welcome_page)
ACCOUNT = Form("accounts/account.html", account.view)
PASSWORD = Form("accounts/password.html", account.nothing)
TOKEN = Form("accounts/token.html", account.nothing)
INVITE = Form("accounts/invite.html", members.view)


def client_of(request: Request[Any, Any, Any], settings: Settings) -> Client:
    """Where a request comes from: what sign-in is limited by, and what the list of sessions shows."""
    forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
    peer = request.client.host if request.client else ""
    return Client(
        origin_of(peer, forwarded, settings.trusted_proxies),
        request.headers.get("user-agent", ""),
        request.cookies.get(cookie_name(settings), ""),
    )


def entered(found: Entered, path: str, settings: Settings) -> Created[SignedIn]:
    """The answer that begins a session: its cookie, which no script reads and no other site sends."""
    answer = Created(found.who, path, status_code=200)
    answer.set_cookie(
        cookie_name(settings),
        found.cookie,
        httponly=True,
        secure=settings.secure,
        samesite="lax",
        path="/",
        max_age=int(LONGEST.total_seconds()),
    )
    return answer


class EntryRoutes(Controller):
    tags = ["account"]

    @get("/sign-in", opt=OPEN)
    async def sign_in_form(self, actor: Caller, next: FromQuery[str] = "/") -> Page[SignInPage]:  # noqa: A002
        """Show the sign-in form."""
        return Page(SignInPage(next=onward(next)), SIGN_IN.template)

    @post("/sign-in", opt=OPEN | {"form": SIGN_IN, "browser_only": True}, status_code=200)
    async def sign_in(
        self, request: Request[Any, Any, Any], db: Db, settings: Chosen, data: JSONBody[SignIn]
    ) -> Created[SignedIn]:
        """Begin a session by e-mail address and password; 429 says when to try again after failures."""
        found = await entry.sign_in(db, settings, data, client_of(request, settings))
        return entered(found, onward(data.next), settings)

    @post("/sign-out", opt=OPEN, status_code=200)
    async def sign_out(
        self, request: Request[Any, Any, Any], db: Db, actor: Caller, settings: Chosen
    ) -> Response[None]:
        """End the session at hand."""
        await entry.sign_out(db, actor, request.cookies.get(cookie_name(settings), ""))
        answer = see_other("/")
        answer.delete_cookie(cookie_name(settings), path="/")
        return answer

    @get("/welcome/{token:str}", opt=OPEN, include_in_schema=False)
    async def welcome_form(self, session: Session, actor: Caller, token: FromPath[str]) -> Page[WelcomePage]:
        """Show what a one-time link is good for."""
        return Page(await entry.welcome_page(session, actor, token), WELCOME.template)

    @post(
        "/welcome/{token:str}",
        opt=OPEN | {"form": WELCOME, "browser_only": True},
        status_code=200,
        include_in_schema=False,
    )
    async def welcome(
        self,
        request: Request[Any, Any, Any],
        db: Db,
        settings: Chosen,
        token: FromPath[str],
        data: JSONBody[Welcome],
    ) -> Created[SignedIn]:
        """Use a one-time link: set the password and come in."""
        found = await entry.welcome(db, settings, token, data, client_of(request, settings))
        return entered(found, "/", settings)


class AccountRoutes(Controller):
    path = "/me"
    tags = ["account"]

    @get("/", opt=needs(OWN))
    async def show(self, session: Session, actor: Caller) -> Page[AccountView]:
        """Show one's own account: partners, sessions, tokens. Not for tokens themselves."""
        return Page(await account.view(session, actor), ACCOUNT.template)

    @route(
        "/", http_method=[HttpMethod.PATCH, HttpMethod.POST], opt=needs(OWN, form=ACCOUNT), status_code=200
    )
    async def edit(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        actor: Caller,
        data: JSONBody[AccountPatch],
    ) -> Created[AccountView]:
        """Change one's own name, language, ORCID, or kinds of mail; what is absent stays."""
        await account.edit(session, actor, data, edited_version(request, data.row_version))
        return Created(await account.view(session, actor), "/me", status_code=200)

    @get("/password", opt=needs(OWN), include_in_schema=False)
    async def password_form(self, session: Session, actor: Caller) -> Page[Nothing]:
        """Show the form for another password."""
        return Page(await account.nothing(session, actor), PASSWORD.template)

    @post("/password", opt=needs(OWN, form=PASSWORD, browser_only=True), status_code=200)
    async def password(
        self,
        request: Request[Any, Any, Any],
        db: Db,
        settings: Chosen,
        actor: Caller,
        data: JSONBody[NewPassword],
    ) -> Created[SignedIn]:
        """Set another password; all other sessions end."""
        found = await account.change_password(db, settings, actor, data, client_of(request, settings))
        return entered(found, "/me", settings)

    @post("/sessions/{number_:str}/end", opt=needs(OWN), status_code=200)
    async def end_session(
        self, session: Session, actor: Caller, number_: FromPath[str]
    ) -> Created[AccountView]:
        """End one of one's own sessions."""
        await account.end_browser(session, actor, number(number_))
        return Created(await account.view(session, actor), "/me#sessions", status_code=200)

    @get("/tokens/new", opt=needs(OWN), include_in_schema=False)
    async def token_form(self, session: Session, actor: Caller) -> Page[Nothing]:
        """Show the form for a new token."""
        return Page(await account.nothing(session, actor), TOKEN.template)

    @post("/tokens", opt=needs(OWN, form=TOKEN), status_code=201)
    async def make_token(
        self, session: Session, actor: Caller, data: JSONBody[TokenDraft]
    ) -> Page[TokenMade]:
        """Make an API token; its text is in this answer and nowhere else."""
        made = await account.make_token(session, actor, data)
        return Page(made, "accounts/token_made.html", status_code=201)

    @post("/tokens/{number_:str}/revoke", opt=needs(OWN), status_code=200)
    async def end_token(
        self, session: Session, actor: Caller, number_: FromPath[str]
    ) -> Created[AccountView]:
        """Revoke one of one's own tokens; it ends at once."""
        await account.end_token(session, actor, number(number_))
        return Created(await account.view(session, actor), "/me#tokens", status_code=200)


class MemberRoutes(Controller):
    path = "/partners/{slug:str}/members"
    tags = ["partners"]

    @get("/", opt=needs(MANAGE, Partner))
    async def index(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[MembersView]:
        """List the people of a partner, for those who manage it."""
        return Page(await members.view(session, actor, slug), "accounts/members.html")

    @get("/new", opt=needs(MANAGE, Partner), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[MembersView]:
        """Show the form that invites somebody."""
        return Page(await members.view(session, actor, slug), INVITE.template)

    @post("/", opt=needs(MANAGE, Partner, form=INVITE), status_code=201)
    async def invite(
        self,
        session: Session,
        actor: Caller,
        settings: Chosen,
        slug: FromPath[str],
        data: JSONBody[Invitation],
    ) -> Page[Invited]:
        """Make somebody a member; the link to send them is in this answer and nowhere else."""
        found = await members.invite(session, actor, settings.base_url, slug, data)
        return Page(found, "accounts/invited.html", status_code=201)

    @post("/{member:str}", opt=needs(MANAGE, Partner), status_code=200)
    async def change(
        self,
        session: Session,
        actor: Caller,
        slug: FromPath[str],
        member: FromPath[str],
        data: JSONBody[RoleChange],
    ) -> Created[MembersView]:
        """Change a member's role."""
        await members.change(session, actor, slug, number(member), data.role)
        return Created(await members.view(session, actor, slug), f"/partners/{slug}/members", status_code=200)

    @post("/{member:str}/end", opt=needs(MANAGE, Partner), status_code=200)
    async def end(
        self, session: Session, actor: Caller, slug: FromPath[str], member: FromPath[str]
    ) -> Created[MembersView]:
        """End a membership; what it allowed ends at once."""
        await members.end(session, actor, slug, number(member))
        return Created(await members.view(session, actor, slug), f"/partners/{slug}/members", status_code=200)

    @post("/{member:str}/link", opt=needs(MANAGE, Partner), status_code=201)
    async def link(
        self,
        session: Session,
        actor: Caller,
        settings: Chosen,
        slug: FromPath[str],
        member: FromPath[str],
    ) -> Page[Invited]:
        """Make a new link for somebody who has not come in yet; the earlier one ends."""
        found = await members.link(session, actor, settings.base_url, slug, number(member))
        return Page(found, "accounts/invited.html", status_code=201)
