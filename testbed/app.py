"""Put the parts together. Nothing imports this module but the command line, Alembic and the tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

import testbed
import testbed.access.models
import testbed.activity
import testbed.datasets.models
import testbed.devices.models
import testbed.evaluations.models
import testbed.notices.models
import testbed.trials.models
import testbed.trials.uploads.models
from testbed import jobs
from testbed.accounts.routes import AccountRoutes, EntryRoutes, MemberRoutes
from testbed.admin.routes import AdminRoutes
from testbed.datasets import publishing
from testbed.datasets.routes import DatasetRoutes, PublishRoutes, VersionRoutes
from testbed.db import Database, external
from testbed.devices.routes import DeviceRoutes, ModelRoutes, PlaceRoutes
from testbed.evaluations.routes import (
    DecisionRoutes,
    LessonRoutes,
    OutcomeRoutes,
    PilotDecisionRoutes,
    PilotOutcomeRoutes,
)
from testbed.files import store_of
from testbed.notices import calling, mail
from testbed.notices.routes import WebhookRoutes
from testbed.outgoing import Outgoing
from testbed.overview.routes import OverviewRoutes
from testbed.partners.routes import PartnerRoutes
from testbed.pilots.routes import NeedRoutes, PartRoutes, PilotRoutes
from testbed.settings import Settings
from testbed.testbeds.routes import TestbedRoutes
from testbed.trials import profile, reminders, telling
from testbed.trials.routes.acceptance import AcceptanceRoutes
from testbed.trials.routes.allocation import AllocationRoutes
from testbed.trials.routes.deliveries import DeliveryRoutes, ExpectedRoutes
from testbed.trials.routes.reports import ReportRoutes
from testbed.trials.routes.results import ResultRoutes
from testbed.trials.routes.schemas import SchemaRoutes, TemplateRoutes
from testbed.trials.routes.trials import PilotTrialRoutes, TrialRoutes
from testbed.trials.routes.tus import TusRoutes
from testbed.trials.routes.uploads import UploadRoutes
from testbed.trials.uploads import finishing, sweeping
from testbed.trials.uploads.leases import Writers
from testbed.web.addresses import PossibleAddress
from testbed.web.forms import FormRequest
from testbed.web.freshness import Freshness
from testbed.web.given import PROVIDED, cookie_name
from testbed.web.health import healthz, readyz
from testbed.web.needs import OPEN, refuse_undeclared
from testbed.web.origin import SameOrigin
from testbed.web.problems import HANDLERS
from testbed.web.shell import Shell
from testbed.web.templates import STATIC, environment

JSON_AND_FORMS_BYTES = 2**20

ROUTES: Sequence[ControllerRouterHandler] = [
    healthz,
    readyz,
    OverviewRoutes,
    PartnerRoutes,
    TestbedRoutes,
    DeviceRoutes,
    ModelRoutes,
    PlaceRoutes,
    EntryRoutes,
    AccountRoutes,
    MemberRoutes,
    AdminRoutes,
    PilotRoutes,
    PartRoutes,
    NeedRoutes,
    PilotTrialRoutes,
    TrialRoutes,
    UploadRoutes,
    TusRoutes,
    SchemaRoutes,
    TemplateRoutes,
    AllocationRoutes,
    DeliveryRoutes,
    ExpectedRoutes,
    WebhookRoutes,
    ResultRoutes,
    ReportRoutes,
    AcceptanceRoutes,
    DatasetRoutes,
    PublishRoutes,
    VersionRoutes,
    PilotOutcomeRoutes,
    OutcomeRoutes,
    PilotDecisionRoutes,
    DecisionRoutes,
    LessonRoutes,
]

READING: dict[str, jobs.Kind] = {**profile.KINDS, **finishing.KINDS, **publishing.KINDS}
WRITING: dict[str, jobs.Kind] = {**telling.KINDS, **reminders.KINDS, **mail.KINDS}
CALLING: dict[str, jobs.Kind] = calling.kinds(Outgoing())
LANES = (READING, WRITING, CALLING)
"""A worker does one job of each at a time: a mail server or a stranger's system that is slow holds up no reading."""
KINDS: dict[str, jobs.Kind] = {**READING, **WRITING, **CALLING}


def create_app(
    settings: Settings, db: Database | None = None, routes: Sequence[ControllerRouterHandler] = ROUTES
) -> Litestar:
    """Build the application; the database opens with its lifespan, unless one is lent.

    Raises:
        Undeclared: a handler does not say what it needs.
    """

    @asynccontextmanager
    async def resources(app: Litestar) -> AsyncIterator[None]:
        app.state.store = store_of(app.state.settings)
        async with (
            db or external(app.state.settings) as app.state.db,
            Writers().listening(app.state.db) as app.state.writers,
        ):
            await sweeping.recover(app.state.db, app.state.store)
            yield

    app = Litestar(
        route_handlers=[*routes, _static()],
        dependencies=PROVIDED,
        lifespan=[resources],
        middleware=[PossibleAddress(), SameOrigin(settings, cookie_name(settings))],
        request_class=FormRequest,
        request_max_body_size=JSON_AND_FORMS_BYTES,
        exception_handlers=HANDLERS,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="testbed",
            version=testbed.__version__,
            path="/openapi",
            render_plugins=[JsonRenderPlugin()],
        ),
    )
    app.state.settings = settings
    app.state.templates = environment(settings)
    refuse_undeclared(app)
    return app


def _static() -> Router:
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        name="static",
        opt=OPEN,
        include_in_schema=False,
        middleware=[Freshness()],
    )


def create(settings: Settings | None = None) -> Shell:
    """What a server runs: the application in its shell. Settings come from the environment unless given."""
    settings = settings or Settings.from_env()
    return Shell(create_app(settings), settings)
