"""The report of a result over HTTP: a page of it, and all of it as CSV or JSON."""

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from testbed.access.rights import READ
from testbed.texts import language
from testbed.trials import report_files, reports
from testbed.trials.findings import Wanted
from testbed.trials.models import Result
from testbed.trials.reports import ReportView
from testbed.trials.routes.results import key_of
from testbed.web.blobs import disposition
from testbed.web.given import Caller, Db, Files
from testbed.web.languages import gettext
from testbed.web.needs import needs
from testbed.web.pages import Page

Req = Request[Any, Any, Any]
LATEST = 2**63 - 1


class ReportRoutes(Controller):
    path = "/results"
    tags = ["results"]

    @get("/{result:str}/report", opt=needs(READ, Result))
    async def show(
        self, db: Db, store: Files, actor: Caller, result: FromPath[str],
        rule: Annotated[str | None, QueryParameter(max_length=80)] = None,
        column: Annotated[str | None, QueryParameter(max_length=300)] = None,
        after: Annotated[int, QueryParameter(ge=-1, le=LATEST)] = -1,
    ) -> Page[ReportView]:  # fmt: skip
        """What is wrong with a file: counted by rule and column, then place by place, 100 a page; filter by rule, column."""
        wanted = Wanted(rule or None, column or None, after)
        return Page(await reports.page(db, store, actor, key_of(result), wanted), "trials/report.html")

    @get("/{result:str}/report.csv", opt=needs(READ, Result), media_type="text/csv")
    async def table(self, db: Db, store: Files, actor: Caller, result: FromPath[str]) -> Stream:
        """Everything wrong with a file, for a spreadsheet; separated as the language of the request does."""
        async with db.begin() as session:
            whole = await report_files.whole(session, actor, key_of(result))
        spoken, heads = language.get(), [gettext(each) for each in report_files.HEADS]
        rows = report_files.as_csv(store, whole, heads, spoken, ";" if spoken == "sv" else ",")
        return Stream(
            rows, media_type="text/csv; charset=utf-8", headers=_saved(f"{whole.head.result}-report.csv")
        )

    @get("/{result:str}/report.json", opt=needs(READ, Result))
    async def document(self, db: Db, store: Files, actor: Caller, result: FromPath[str]) -> Stream:
        """Everything wrong with a file as one JSON object, with the values as they stand in the file."""
        async with db.begin() as session:
            whole = await report_files.whole(session, actor, key_of(result))
        saved = _saved(f"{whole.head.result}-report.json")
        return Stream(report_files.as_json(store, whole), media_type="application/json", headers=saved)


def _saved(filename: str) -> dict[str, str]:
    return {
        "Content-Disposition": disposition(filename), "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
