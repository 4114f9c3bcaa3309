"""The start pages, the search, and the pages that explain the service itself."""

from typing import Any

from litestar import Controller, Request, Response, get
from sqlmodel import SQLModel

from testbed.access.policy import POLICY
from testbed.overview import service
from testbed.overview.service import City, Search, Work
from testbed.web.given import Caller, List, Session
from testbed.web.needs import OPEN
from testbed.web.pages import Page, rendered
from testbed.web.problems import TITLES
from testbed.web.shell import API_CSP


class Who(SQLModel):
    """The policy in words: levels with whom they admit, actions with who may do them."""

    levels: dict[str, dict[str, list[str]]]
    actions: dict[str, dict[str, list[str]]]


class ProblemKind(SQLModel):
    status: int
    title: str


def policy_in_words() -> Who:
    return Who(
        levels={
            name: {"audience": [*read.audience], "also": [*read.also]} for name, read in POLICY.read.items()
        },
        actions={name: {"who": [*rule.who], "never": [*rule.never]} for name, rule in POLICY.action.items()},
    )


class OverviewRoutes(Controller):
    tags = ["overview"]

    @get("/", opt=OPEN)
    async def start(self, session: Session, actor: Caller) -> Page[City] | Page[Work]:
        """Show what is being tried in the city now; to somebody signed in, what waits for them."""
        if actor.person_id is None:
            return Page(await service.city(session, actor), "overview/city.html")
        return Page(await service.work(session, actor), "overview/work.html")

    @get("/city", opt=OPEN)
    async def city(self, session: Session, actor: Caller) -> Page[City]:
        """Show what is being tried in the city now, to everybody alike."""
        return Page(await service.city(session, actor), "overview/city.html")

    @get("/search", opt=OPEN)
    async def search(self, session: Session, actor: Caller, asked: List) -> Page[Search]:
        """Search every register at once."""
        return Page(await service.search(session, actor, asked.q), "overview/search.html")

    @get("/access", opt=OPEN, sync_to_thread=False)
    def who(self, actor: Caller) -> Page[Who]:
        """Tell who may do what: the policy that every request is held against."""
        return Page(policy_in_words(), "overview/access.html")

    @get("/problems", opt=OPEN, sync_to_thread=False)
    def problems(self, actor: Caller) -> Page[list[ProblemKind]]:
        """Tell the kinds of problems an answer can be (RFC 9457)."""
        kinds = [ProblemKind(status=status, title=title) for status, title in TITLES.items()]
        return Page(kinds, "overview/problems.html")

    @get("/accessibility", opt=OPEN, sync_to_thread=False, include_in_schema=False)
    def accessibility(self, actor: Caller) -> Page[dict[str, str]]:
        """Tell how far everybody can use the service."""
        return Page({}, "overview/accessibility.html")

    @get("/docs", opt=OPEN, sync_to_thread=False, include_in_schema=False)
    def api(self, request: Request[Any, Any, Any], actor: Caller) -> Response[bytes]:
        """Show the interface for programs; the page draws its icons from data: addresses."""
        body = rendered(request, "overview/api.html", view=None)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": API_CSP})
