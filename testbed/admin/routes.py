"""Administration over HTTP: people, the activity log, jobs and health."""

from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from testbed.accounts.models import Nothing
from testbed.admin import installation, people
from testbed.admin.models import Assignment, Health, LinkMade, Log, NewPerson, PersonItem, PersonView
from testbed.lists import Listed
from testbed.people.models import PersonState
from testbed.testbeds.models import Testbed
from testbed.web.given import Caller, Chosen, Files, List, Session, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page

MANAGE = people.MANAGE
NEW = Form("admin/new_person.html", people.nothing)


class AdminRoutes(Controller):
    path = "/admin"
    tags = ["administration"]

    @get("/", opt=needs(MANAGE))
    async def index(
        self, session: Session, actor: Caller, asked: List, person_state: FromQuery[PersonState | None] = None
    ) -> Page[Listed[PersonItem]]:
        """List the people: search by name or address, filter by state."""
        return Page(await people.page(session, actor, asked, state=person_state), "admin/index.html")

    @get("/people/new", opt=needs(MANAGE), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[Nothing]:
        """Show the form that lets somebody in."""
        return Page(await people.nothing(session, actor), NEW.template)

    @post("/people", opt=needs(MANAGE, form=NEW), status_code=201)
    async def add(
        self, session: Session, actor: Caller, settings: Chosen, data: JSONBody[NewPerson]
    ) -> Page[LinkMade]:
        """Let somebody in; the link to send them is in this answer and nowhere else."""
        made = await people.add(session, actor, settings.base_url, data)
        return Page(made, "admin/link.html", status_code=201)

    @get("/people/{person:str}", opt=needs(MANAGE))
    async def show(self, session: Session, actor: Caller, person: FromPath[str]) -> Page[PersonView]:
        """Show one person."""
        return Page(await people.view(session, actor, number(person)), "admin/person.html")

    @post("/people/{person:str}/link", opt=needs(MANAGE), status_code=201)
    async def link(
        self, session: Session, actor: Caller, settings: Chosen, person: FromPath[str]
    ) -> Page[LinkMade]:
        """Make a link for a new password, or for coming in the first time."""
        made = await people.link(session, actor, settings.base_url, number(person))
        return Page(made, "admin/link.html", status_code=201)

    @post("/people/{person:str}/suspend", opt=needs(MANAGE), status_code=200)
    async def suspend(self, session: Session, actor: Caller, person: FromPath[str]) -> Created[PersonView]:
        """Take every right from a person, at once."""
        await people.suspend(session, actor, number(person))
        return await self._again(session, actor, person)

    @post("/people/{person:str}/reactivate", opt=needs(MANAGE), status_code=200)
    async def reactivate(self, session: Session, actor: Caller, person: FromPath[str]) -> Created[PersonView]:
        """Let a suspended person in again."""
        await people.suspend(session, actor, number(person), back=True)
        return await self._again(session, actor, person)

    @post("/people/{person:str}/make-admin", opt=needs(MANAGE), status_code=200)
    async def make_admin(self, session: Session, actor: Caller, person: FromPath[str]) -> Created[PersonView]:
        """Make a person administrator."""
        await people.make_admin(session, actor, number(person), make=True)
        return await self._again(session, actor, person)

    @post("/people/{person:str}/unmake-admin", opt=needs(MANAGE), status_code=200)
    async def unmake_admin(
        self, session: Session, actor: Caller, person: FromPath[str]
    ) -> Created[PersonView]:
        """Let a person be administrator no longer."""
        await people.make_admin(session, actor, number(person), make=False)
        return await self._again(session, actor, person)

    @post("/people/{person:str}/testbeds", opt=needs(people.ASSIGN, Testbed), status_code=200)
    async def assign(
        self, session: Session, actor: Caller, person: FromPath[str], data: JSONBody[Assignment]
    ) -> Created[PersonView]:
        """Let a person coordinate a testbed."""
        await people.assign(session, actor, number(person), data.testbed_id)
        return await self._again(session, actor, person)

    @post(
        "/people/{person:str}/testbeds/{bed:str}/remove", opt=needs(people.ASSIGN, Testbed), status_code=200
    )
    async def remove(
        self, session: Session, actor: Caller, person: FromPath[str], bed: FromPath[str]
    ) -> Created[PersonView]:
        """Take a testbed from its coordinator."""
        await people.remove(session, actor, number(person), number(bed))
        return await self._again(session, actor, person)

    @get("/activity", opt=needs(installation.AUDIT))
    async def log(
        self,
        session: Session,
        actor: Caller,
        asked: List,
        kind: FromQuery[str] = "",
        check: FromQuery[bool] = False,
    ) -> Page[Log]:
        """List what was done, newest first; ``check=true`` computes the chain of hashes anew."""
        return Page(
            await installation.log(session, actor, asked, kind=kind, check=check), "admin/activity.html"
        )

    @get("/jobs", opt=needs(installation.SYSTEM))
    async def jobs(self, session: Session, actor: Caller, settings: Chosen, store: Files) -> Page[Health]:
        """Show the background work and the room that is left."""
        return Page(await installation.health(session, actor, settings, store), "admin/jobs.html")

    async def _again(self, session: Session, actor: Caller, person: str) -> Created[PersonView]:
        return Created(
            await people.view(session, actor, number(person)), f"/admin/people/{person}", status_code=200
        )
