"""A request and its answer, as the matrix asks them: in process, without an HTTP client."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tests.matrix.oracle import Thing
from tests.matrix.requests import Try

JSON, HTML, FORM = "application/json", "text/html", "application/x-www-form-urlencoded"

# A second right that it takes to do what a route is asked for here: rows with errors are taken by a coordinator.
ALSO = {"POST /results/{result}/accept": "result.decide"}


@dataclass(frozen=True)
class Question:
    """A request. ``thing`` is the row it is about, by its path or, where the path has none, by ``query`` or ``body``.

    ``aim`` is another row it names: to whoever may not see that, the answer says no more than ``absent`` does.
    ``also`` is a second right that what it wants takes. ``keeps`` is a table that it must
    not change. ``told`` is what it says of rows by itself: to meet that again is no news.
    """

    one: Try
    thing: Thing | None
    path: str
    query: str = ""
    face: str = JSON
    content: bytes = b""
    kind: str = ""
    aim: Thing | None = None
    also: tuple[str, Thing] | None = None
    absent: "Question | None" = None
    headers: tuple[tuple[str, str], ...] = ()
    keeps: str = ""

    @property
    def told(self) -> str:
        opened = (
            self.thing.path.get("opens", "") if self.thing else ""
        )  # a link tells its holder whom it is for
        return f"{self.path} {self.query} {self.content.decode()} {opened}"

    def __str__(self) -> str:
        asked = f"?{self.query}" if self.query else ""
        said = f" {self.content.decode()[:200]}" if self.aim else ""
        return f"{self.one.method} {self.path}{asked} ({self.face.split('/')[1]}){said}"


def plain(one: Try, thing: Thing | None, *, face: str = JSON, query: str = "", path: str = "") -> Question:
    """A route's own request."""
    sent = one.request(thing)
    content = sent.get("content") or (json.dumps(sent["json"]).encode() if "json" in sent else b"")
    kind = sent.get("kind", JSON) if content else ""
    also = (ALSO[one.name], thing) if thing and one.name in ALSO and thing.path["open"] else None
    more = tuple(sent.get("headers", {}).items())
    return Question(one, thing, path or one.path(thing), query, face, content, kind, headers=more, also=also)


@dataclass(frozen=True)
class Answer:
    """``text`` is the body; ``written`` names the tables that were written to."""

    status: int
    headers: dict[str, str]
    text: str
    written: frozenset[str]

    @property
    def json(self) -> Any:
        return json.loads(self.text) if "json" in self.headers.get("content-type", "") and self.text else None


async def call(app: Any, question: Question, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """Ask an ASGI application on this very loop; an HTTP client would cost as much as the answer."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": question.one.method,
        "scheme": "http", "path": question.path, "raw_path": question.path.encode(), "root_path": "",
        "query_string": question.query.encode(), "server": ("testserver", 80), "client": ("127.0.0.1", 1), "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": question.content, "more_body": False}]
    over = asyncio.Event()

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        await over.wait()  # the line stays open: a stream is heard to its end
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    await app(scope, receive, send)
    start = next(each for each in sent if each["type"] == "http.response.start")
    content = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
    told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
    return start["status"], told, content.decode("utf-8", "replace")
