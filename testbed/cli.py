"""The ``testbed`` command."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any, TypeVar

import asyncpg
from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

import testbed
from testbed import holding, log
from testbed.db import Database, Server, is_away, migrate, server
from testbed.embedded import CannotStart
from testbed.errors import DomainError, Unavailable
from testbed.settings import PREFIX, Settings

T = TypeVar("T")
cli = App(
    name="testbed",
    help="Testbeds, the pilots run in them, and the evidence they leave. Settings are TESTBED_* variables.",
    version=testbed.__version__,
    result_action="return_value",
)
person = App(name="person", help="People who sign in.")
token = App(name="token", help="Tokens for scripts.")
coordinator = App(name="coordinator", help="People who coordinate testbeds.")
for each in (person, token, coordinator):
    cli.command(each)
cli.command("testbed.sending.command:upload", name="upload")  # it needs neither settings nor a database


def main() -> None:
    """Run a command; a user's mistake ends in one sentence and exit code 1 or 2, never in a traceback."""
    try:
        status = cli(sys.argv[1:], exit_on_error=False, print_error=True)
    except CycloptsError:
        sys.exit(2)
    except ValidationError as error:
        sys.exit(_settings_words(error))
    except (DomainError, CannotStart) as error:
        params = getattr(error, "params", {})
        told = str(error).format(**params) if params else str(error)
        fields = getattr(error, "fields", {})
        sys.exit(" ".join([told, *(f"{name}: {text}" for name, text in fields.items() if text != told)]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, asyncpg.PostgresError) as error:
        if not is_away(error):
            if isinstance(error, OSError) and error.filename:
                sys.exit(f"{error.filename}: {error.strerror}")
            raise
        sys.exit("The database does not answer. Is it running, and is TESTBED_DATABASE_URL right?")
    sys.exit(status if isinstance(status, int) else 0)


def _settings_words(error: ValidationError) -> str:
    lines = [
        f"{PREFIX}{'_'.join(str(step) for step in each['loc']).upper()}: {each['msg']}"
        if each["loc"]
        else str(each["msg"]).removeprefix("Value error, ")
        for each in error.errors()
    ]
    return "These settings are not understood:\n  " + "\n  ".join(lines)


def _say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _prepared(settings: Settings) -> Iterator[Server]:
    """The database server with the schema up to date."""
    with server(settings, _say) as found:
        asyncio.run(_upgrade(found))
        yield found


async def _upgrade(found: Server) -> None:
    async with found.owner() as db:
        await migrate(db)


def _with_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Run a short command against the database; starts the embedded one if the service is not running.

    Links it prints lead to the service that is running on the data folder, unless the settings say where.
    """
    settings = Settings.from_env()
    if "base_url" not in settings.model_fields_set and (address := holding.address_beside(settings.data_dir)):
        settings = settings.model_copy(update={"base_url": address})
    log.set_up(readable=True)

    async def run(found: Server) -> T:
        async with found.app() as db:
            return await work(settings, db)

    with _prepared(settings) as found:
        return asyncio.run(run(found))


@cli.command
def serve(*, host: str = "127.0.0.1", port: int = 8000, worker: bool = True) -> None:
    """Start the service, with its database and a worker, and migrate first.

    Parameters
    ----------
    host
        Address to listen on; 0.0.0.0 for every interface, behind a proxy that ends TLS.
    port
        Port to listen on; 0 takes a free one.
    worker
        Also run a worker process; --no-worker where workers run elsewhere.
    """
    settings = Settings.from_env()
    log.set_up(readable=sys.stderr.isatty())
    with ExitStack() as stack:
        lock = stack.enter_context(holding.only_one(settings.data_dir))
        listening = stack.enter_context(holding.bound(host, port))
        if "base_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"base_url": f"http://{host}:{listening.getsockname()[1]}"})
        holding.tell(lock, settings.base_url)
        found = stack.enter_context(_prepared(settings))
        serving = _serving()
        if found.cluster is not None:
            stack.enter_context(found.cluster.watched())
        asyncio.run(_welcome(settings, found))
        if worker:
            stack.enter_context(serving.worker_beside(settings.base_url))
        serving.web(settings, found.app(), listening, _say)


def _serving() -> Any:
    """``testbed.serve``, imported when mistakes have been told: it takes longest. What imports make stays, so that
    nobody need look through it for garbage.
    """
    gc.disable()
    from testbed import serve as serving

    gc.freeze()
    gc.enable()
    return serving


async def _welcome(settings: Settings, found: Server) -> None:
    """On a service without administrators, print the link with which the first one makes their account."""
    from testbed.accounts import service
    from testbed.people.models import LinkPurpose

    async with found.app() as db, db.begin() as session:
        if not await service.has_admin(session):
            secret = await service.link_for(session, LinkPurpose.first_admin, None)
            _say(
                f"No administrator yet. Open this link once, within 24 hours:\n  {settings.base_url}/welcome/{secret}"
            )


@cli.command(name="worker")
def work(
    *,
    with_parent: Annotated[int | None, Parameter(show=False)] = None,
    base_url: Annotated[str | None, Parameter(show=False)] = None,
) -> None:
    """Do background work: read uploaded files, publish versions, seal the activity log.

    `testbed serve` runs one already; more may run, also on other machines with the same database and store.
    """
    serving = _serving()
    if with_parent is not None:
        serving.end_with_parent(with_parent)
    settings = Settings.from_env()
    if base_url is not None:
        settings = settings.model_copy(update={"base_url": base_url})
    log.set_up(readable=sys.stderr.isatty())
    with server(settings, _say) as found:
        asyncio.run(serving.worker(settings, found.app()))


@cli.command(name="migrate")
def bring_up_to_date() -> None:
    """Bring the database's schema up to date. `serve` does this itself; several may run at once."""
    settings = Settings.from_env()
    log.set_up(readable=True)
    with _prepared(settings):
        _say("The database is up to date.")


@cli.command
def demo() -> None:
    """Load a small demo city: Luleå's public pilots, fictional people, made-up measurements labelled so.

    May be run again: what is there already stays. The service may run meanwhile or not.
    """
    from testbed.app import KINDS
    from testbed.demo import city
    from testbed.files import store_of

    for line in _with_database(lambda settings, db: city.load(db, store_of(settings), settings, KINDS)):
        _say(line)


@cli.command
def doctor(*, deep: bool = False) -> int:
    """Check that everything promised is there; exit code 0 clean, 1 findings, 2 could not check.

    Parameters
    ----------
    deep
        Also read every kept file again and compare it with its SHA-256.
    """
    from testbed import checkup
    from testbed.files import store_of

    settings = Settings.from_env()
    log.set_up(readable=True)

    async def examine(found: Server) -> int:
        async with found.app() as db:
            return await checkup.run(db, store_of(settings), settings, _say, deep=deep)

    try:
        with server(settings, _say) as found:
            return asyncio.run(examine(found))
    except (CannotStart, Unavailable, OSError, asyncpg.PostgresError) as error:
        _say(f"could not check: {error}")
        return 2


@cli.command(name="version")
def tell_version() -> None:
    """Print the version."""
    _say(testbed.__version__)


@person.command(name="add")
def add_person(email: str, /, *, name: str, admin: bool = False) -> None:
    """Register a person, so that tokens and links can be made for them.

    Parameters
    ----------
    email
        Their e-mail address; a person with it already keeps their name.
    name
        Their name.
    admin
        Let them administer the installation.
    """
    from testbed.accounts import service

    async def add(settings: Settings, db: Database) -> str:
        async with db.begin() as session:
            added = await service.add_person(session, email, name, admin=admin)
            return f"{added.name} <{added.email}>"

    _say(_with_database(add))


@person.command(name="link")
def person_link(email: str, /) -> None:
    """Print a link with which a person chooses a new password, once, within an hour."""
    from testbed.accounts import service
    from testbed.people.models import LinkPurpose

    async def make(settings: Settings, db: Database) -> str:
        async with db.begin() as session:
            found = await service.person_by_email(session, email)
            return (
                f"{settings.base_url}/welcome/{await service.link_for(session, LinkPurpose.reset, found.id)}"
            )

    _say(_with_database(make))


@coordinator.command(name="add")
def add_coordinator(email: str, testbed_slug: str, /) -> None:
    """Let a person coordinate a testbed and every pilot in it."""
    from testbed.accounts import service

    async def add(settings: Settings, db: Database) -> str:
        async with db.begin() as session:
            found = await service.person_by_email(session, email)
            await service.assign_coordinator(session, found.id, testbed_slug)
            return f"{found.name} coordinates {testbed_slug}."

    _say(_with_database(add))


@token.command(name="create")
def create_token(
    *,
    person: str,
    scope: Annotated[list[str] | None, Parameter(negative="")] = None,
    name: str = "",
    days: int = 365,
) -> None:
    """Print a new token of a person; it is shown this once.

    Parameters
    ----------
    person
        The person's e-mail address.
    scope
        What it may be used for: read, export, upload, observe, manage, publish. May be repeated; all unless named.
    name
        What it is for, to know it again.
    days
        How long it is valid, 365 at most.
    """
    from testbed.accounts import service

    async def make(settings: Settings, db: Database) -> str:
        async with db.begin() as session:
            found = await service.person_by_email(session, person)
            return await service.create_token(session, found.id, scope or None, name or "command line", days)

    _say(_with_database(make))


@token.command(name="revoke")
def revoke_token(public: str, /) -> None:
    """Revoke a token, by its public part or the whole of it."""
    from testbed.accounts import service

    async def end(settings: Settings, db: Database) -> None:
        async with db.begin() as session:
            await service.revoke_token(session, public)

    _with_database(end)
    _say("The token is revoked.")
