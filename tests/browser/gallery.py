"""Every macro once, with made-up data, in a plain Jinja environment: to look at, and for the tests to check."""

import contextlib
import functools
import hashlib
import http.server
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup

from testbed.settings import Settings
from testbed.texts import LANGUAGES, language
from testbed.web import templates
from testbed.web.shell import CSP
from testbed.web.templates import Here

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "testbed" / "static"
PAGES = ("record", "list", "form")
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


class Person:
    name = "Koordinator Demo"
    email = "koordinator@demo.example"
    person_id = 1
    admin = True
    coordinates = True


@functools.cache
def environment() -> Environment:
    """The service's own, which finds the gallery's page too."""
    made = templates.environment(Settings(city="Luleå"))
    made.loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(Path(__file__).parent)]
    )
    return made


STAGES = ["need", "proposed", "planned", "ready", "running", "evaluating", "decided", "benefits", "archived"]
JOB = '{"state": "running", "done": 512, "total": 8708, "step": ""}'
AREA = {
    "type": "Polygon",
    "coordinates": [[[22.13, 65.578], [22.18, 65.58], [22.175, 65.594], [22.135, 65.59], [22.13, 65.578]]],
}
HASH = hashlib.sha256(b"gallery").hexdigest()
CHAIN = [
    {
        "kicker": "Need",
        "title": {"sv": "Fler ska hitta ut på isbanan"},
        "href": "/n",
        "date": date(2026, 3, 2),
    },
    {"kicker": "Pilot", "title": "Ute på isen", "href": "/p", "date": date(2026, 9, 1), "note": "P-2026-014"},
    {"kicker": "Devices", "title": "3 ice gauges", "href": "/d", "date": date(2026, 10, 12)},
    {"kicker": "Result", "title": "december.csv", "href": "/r", "date": date(2026, 11, 20), "hash": HASH},
    {"kicker": "Version", "title": "Isbanan 1", "href": "/v", "date": date(2026, 11, 22), "hash": HASH},
    {"kicker": "Outcome", "title": "Safe days +14 %", "href": "/o", "date": date(2026, 11, 23)},
    {"kicker": "Decision", "title": None},
]
VIEW: dict[str, Any] = {
    "title": {"sv": "Ute på isen"},
    "question": {"sv": "Hur kan fler hitta ut på isbanan?", "en": "How can more people find out onto the ice?"},
    "stages": [(each, each.capitalize()) for each in STAGES],
    "now": NOW,
    "hash": HASH,
    "chain": CHAIN,
    "files": [
        {"name": "isbanan-december.csv", "href": "/f/1", "size": 1288490, "sha256": HASH, "when": NOW,
         "state": {"text": "Ready", "tone": "ok"}},
        {"name": "stationer och annat som har ett mycket långt namn_slutlig(2).xlsx", "href": "/f/2", "size": 48211,
         "when": NOW, "note": "11 rows have problems", "state": {"text": "Partly read", "tone": "warn"}},
        {"name": "brus.bin", "size": 120000, "when": NOW, "state": {"text": "Unreadable", "tone": "stop"}},
    ],
    "days": [{"day": date(2026, 11, day), "mean": day + 20} for day in range(1, 9)],
    "events": [
        {"when": NOW, "who": "Anna Berg", "what": "Uploaded isbanan-december.csv", "href": "/a"},
        {"when": NOW, "who": "Koordinator Demo", "what": "Moved the pilot to Running", "note": "The ice is open."},
        {"when": NOW, "what": "The results were overdue"},
    ],
    "checklist": [
        {"label": "Agreement signed by every partner", "state": "met", "href": "/c"},
        {"label": "Exit plan written", "state": "not_met", "href": "/c", "hint": "Who takes the things away, and when?"},
        {"label": "Ice safety cleared", "state": "waived", "hint": "Decided by the coordinator"},
        {"label": "Ethics review", "state": "not_applicable"},
    ],
    "facts": [
        ("Testbed", "Isbanan"),
        {"label": "Lead department", "value": "Fritidsförvaltningen", "href": "/partners/fritid"},
        ("Planned", Markup("<time>2026-12-15</time> – <time>2027-04-15</time>")),
        ("Budget", Markup("2&nbsp;000&nbsp;000&nbsp;SEK")),
        ("Partners", ["Lunet", "Thingwave", "Grepit"]),
        ("Case number", None),
    ],
    "downloads": [
        {"label": "CSV", "href": "/d.csv", "size": 1288490, "note": "opens in Excel"},
        {"label": "Parquet", "href": "/d.parquet", "size": 288490, "note": "for pandas, R, DuckDB"},
    ],
    "places": [
        {"title": "Ice gauge 1", "href": "/devices/1", "note": "34 cm", "chip": {"text": "Live", "tone": "ok"},
         "geometry": {"type": "Point", "coordinates": [22.147, 65.583]}},
        {"title": "Ice gauge 2", "href": "/devices/2", "chip": {"text": "Silent", "tone": "warn"},
         "geometry": {"type": "Point", "coordinates": [22.17, 65.59]}},
        {"title": {"sv": "Isbanan"}, "href": "/testbeds/isbanan",
         "geometry": AREA},
        {"title": "Spare gauge", "href": "/devices/3", "geometry": None},
    ],
    "columns": [
        {"key": "title", "label": "Pilot", "kind": "link", "sort": "title"},
        {"key": "stage", "label": "Stage", "kind": "chip"},
        {"key": "partners", "label": "Partners"},
        {"key": "start", "label": "Start", "kind": "date", "sort": "start"},
        {"key": "budget", "label": "Budget", "kind": "num", "sort": "budget", "unit": "SEK"},
    ],
    "rows": [
        {"title": {"href": f"/p/{n}", "text": title}, "stage": {"text": stage, "tone": tone}, "partners": partners,
         "start": date(2026, n, 3), "budget": budget}
        for n, (title, stage, tone, partners, budget) in enumerate([
            ("Ute på isen", "Running", "accent", "Luleå tekniska universitet, Lunet", 2000000),
            ("Smarta sorteringskärl", "Being evaluated", "neutral", "Lunet, Lumire", 420000),
            ({"sv": "Digital tvilling av industriparken"}, "Decided", "ok", "AFRY", None),
            ("Varmare väntan", "Stopped early", "stop", "–", 180000),
        ], 1)
    ],
    "stats": [
        {"name": "thickness", "type": "number", "bins": [1, 4, 9, 14, 20, 18, 11, 6, 2, 0, 1], "low": "4", "high": "61",
         "line": [3, 4, 4, 5, None, None, 7, 8, 6, 9, 12]},
        {"name": "DevEUI", "type": "text", "bins": [9, 9, 8], "low": "a1", "high": "c9", "line": [1, 1, 1, 1]},
    ],
    "cards": [
        {"kicker": "Isbanan", "title": "Ute på isen", "href": "/p/1", "text": "Hur kan fler hitta ut på isbanan?",
         "chips": [{"text": "Running", "tone": "accent"}], "foot": "4 partners · until 2027-04-15"},
        {"kicker": "Luleå centrum", "title": "Smarta sorteringskärl", "href": "/p/2",
         "chips": [{"text": "Evaluated", "tone": "neutral"}],
         "text": "Hur kan tömningen av kärl bli effektivare?", "foot": "3 partners"},
        {"kicker": "Luleå industripark", "title": "Digital tvilling", "href": "/p/3", "text": "Ett gemensamt underlag.",
         "foot": "2 partners"},
    ],
}  # fmt: skip


def page(name: str, lang: str) -> str:
    """One of ``PAGES``; the form comes back refused, the list is seen by nobody in particular."""
    wrong = {"title": "Give the pilot a name", "need": "Say the need", "quick.personal": "Answer yes or no"}
    given = {"title.sv": "", "groups": ["staff"], "need": ""}
    refused = name == "form"
    language.set(lang)
    return environment().get_template("gallery.html").render(
        view=VIEW | {"page": name}, lang=lang, languages=LANGUAGES, me=None if name == "list" else Person(),
        here=Here("/pilots", [("sort", "title"), ("stage", "running")]),
        errors=wrong if refused else {}, given=given if refused else {},
    )  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    """/<lang>/<page> and /static/…, under the service's own content policy."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if found := re.fullmatch(r"/(sv|en)/(\w+)", path):
            return self.answer(page(found[2], found[1]).encode(), "text/html; charset=utf-8")
        if path == "/jobs/1":
            return self.answer(JOB.encode(), "application/json")
        if path == "/jobs/1/events":
            return self.answer(f"retry: 60000\ndata: {JOB}\n\n".encode(), "text/event-stream")
        if path == "/favicon.ico":
            return self.answer(b"", "image/x-icon")
        file = STATIC / path.removeprefix("/static/")
        if path.startswith("/static/") and file.is_file():
            return self.answer(file.read_bytes(), TYPES.get(file.suffix, "text/plain"))
        return self.send_error(404)

    def do_POST(self) -> None:
        """What is sent is read to its end; the answer is a page, as a proxy might give one."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(303)
        self.send_header("Location", "/en/record")
        self.end_headers()

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", CSP.format(tiles=""))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own word
        pass


@contextlib.contextmanager
def served(port: int = 0) -> Iterator[str]:
    """The gallery on loopback; its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with served(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as address:
        sys.stdout.write("".join(f"{address}/{lang}/{name}\n" for lang in ("sv", "en") for name in PAGES))
        sys.stdout.flush()
        threading.Event().wait()
