"""A partner's webhooks over HTTP, for its managers."""

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.notices import webhooks
from testbed.notices.models import WebhookDraft, WebhookMade, WebhooksView, WebhookView
from testbed.notices.webhooks import MANAGE
from testbed.partners.models import Partner
from testbed.web.given import Caller, Chosen, Session, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


async def blank(session: AsyncSession, actor: Actor, slug: str) -> WebhooksView:
    return await webhooks.page(session, actor, slug, on=True)


NEW = Form("notices/webhook_form.html", blank)


class WebhookRoutes(Controller):
    path = "/partners/{slug:str}/webhooks"
    tags = ["webhooks"]

    @get("/", opt=needs(MANAGE, Partner))
    async def index(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str]
    ) -> Page[WebhooksView]:
        """List the addresses of a partner's systems that are told of events."""
        return Page(await webhooks.page(session, actor, slug, on=settings.webhooks), "notices/webhooks.html")

    @get("/new", opt=needs(MANAGE, Partner), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[WebhooksView]:
        """Show the form for a new address."""
        return Page(await blank(session, actor, slug), NEW.template)

    @post("/", opt=needs(MANAGE, Partner, form=NEW), status_code=201)
    async def register(
        self,
        session: Session,
        actor: Caller,
        settings: Chosen,
        slug: FromPath[str],
        data: JSONBody[WebhookDraft],
    ) -> Page[WebhookMade]:
        """Register an address (https, port 443); the secret that signs is in this answer and nowhere else."""
        made = await webhooks.register(session, actor, slug, data, on=settings.webhooks)
        return Page(made, "notices/webhook_made.html", status_code=201)

    @get("/{hook:str}", opt=needs(MANAGE, Partner))
    async def show(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str], hook: FromPath[str]
    ) -> Page[WebhookView]:
        """Show one address, with the last 50 events told to it."""
        view = await webhooks.view(session, actor, slug, number(hook), on=settings.webhooks)
        return Page(view, "notices/webhook.html")

    @post("/{hook:str}/test", opt=needs(MANAGE, Partner), status_code=200)
    async def send_test(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str], hook: FromPath[str]
    ) -> Created[WebhookView]:
        """Send a made-up event to an address."""
        await webhooks.send_test(session, actor, slug, number(hook), on=settings.webhooks)
        return await _again(session, actor, settings.webhooks, slug, hook)

    @post("/{hook:str}/pause", opt=needs(MANAGE, Partner), status_code=200)
    async def pause(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str], hook: FromPath[str]
    ) -> Created[WebhookView]:
        """Keep events for an address until it is taken up again."""
        await webhooks.pause(session, actor, slug, number(hook))
        return await _again(session, actor, settings.webhooks, slug, hook)

    @post("/{hook:str}/resume", opt=needs(MANAGE, Partner), status_code=200)
    async def resume(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str], hook: FromPath[str]
    ) -> Created[WebhookView]:
        """Take an address up again; what waited in the last seven days is sent."""
        await webhooks.pause(session, actor, slug, number(hook), back=True)
        return await _again(session, actor, settings.webhooks, slug, hook)

    @post("/{hook:str}/archive", opt=needs(MANAGE, Partner), status_code=200)
    async def remove(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str], hook: FromPath[str]
    ) -> Created[WebhooksView]:
        """Remove an address: nothing more is sent there."""
        await webhooks.remove(session, actor, slug, number(hook))
        left = await webhooks.page(session, actor, slug, on=settings.webhooks)
        return Created(left, f"/partners/{slug}/webhooks", status_code=200)


async def _again(session: AsyncSession, actor: Actor, on: bool, slug: str, hook: str) -> Created[WebhookView]:
    view = await webhooks.view(session, actor, slug, number(hook), on=on)
    return Created(view, f"/partners/{slug}/webhooks/{hook}", status_code=200)
