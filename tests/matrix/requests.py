"""Which request tries a route: its path filled from the world, and a body that is right in form."""

import re
from dataclasses import dataclass
from typing import Any

from litestar import Litestar

from testbed.web.needs import handlers
from tests.matrix.oracle import Thing
from tests.matrix.world import World

FROM_PATH = re.compile(r"\{(\w+):\w+\}")
# A body that gets past its form, by the last steps of the route; an edit names a version nobody has (412), so
# that it changes nothing. `None`: the route takes no body.
STALE = {"row_version": 999_999}
TEXT = {"sv": "En text som räcker till"}
SCHEMA = {"fields": [{"name": "ny", "type": "string"}]}
BODIES: dict[str, Any] = {
    "POST /partners": {"name": "Ny part", "kind": "company"},
    "POST /testbeds": {"name": "Ny testbädd", "environment": "real", "owner_partner_id": 1},
    "POST /pilots": {"testbed_id": 1, "title": "Ny pilot", "need": {"statement": "Något som behövs mycket"}},
    "POST /pilots/{code}/cases": {"authority_id": 1, "number": "KS 1"},
    "POST /pilots/{code}/partners": {"partner_id": 1, "roles": ["observer"]},
    "POST /pilots/{code}/stage": {"to": "evaluating"},
    "POST /pilots/{code}/trials": {"title": "Nytt försök"},
    "POST /pilots/{code}/outcomes": {"indicator": TEXT, "unit": "kg", "result": 1, "method": TEXT, "version_id": 1},
    "POST /pilots/{code}/decisions": {"outcome": "adopt", "rationale": TEXT, "decider": "Nämnden", "decided_on": "2026-11-01"},
    "POST /pilots/{code}/decisions/check": {"outcome": "adopt", "rationale": TEXT, "decider": "Nämnden", "decided_on": "2026-11-01"},
    "POST /devices/{code}/remove": {"at": "2026-11-20T12:00:00+01:00"},
    "POST /devices/{code}/retire": {"at": "2026-11-20T12:00:00+01:00"},
    "POST /pilots/{code}/lessons": {"kind": "winter", "lesson": TEXT},
    "POST /datasets": {"title": "Ny data", "description": "Om den", "pilot": "LUL-2026-801", "results": ["R-PV0AAA"], "licence": "CC-BY-4.0", "access": "private"},
    "POST /datasets/{slug}/access": {"access": "private"},
    "POST /datasets/{slug}/versions": {},
    "POST /results/{result}/accept": STALE,
    "POST /results/{result}/ask": STALE,
    "POST /results/{result}/refuse": {**STALE, "reason": "För gammal"},
    "POST /results/{result}/withdraw": {**STALE, "reason": "För gammal"},
    "POST /results/{result}/answers": STALE,
    "POST /devices": {"name": "Ny enhet", "testbed_id": 1, "model": {"maker": "Acme", "name": "M9", "kind": "lorawan"}, "owner_id": 1},
    "POST /places": {"testbed_id": 1, "name": "Ny plats"},
    "POST /devices/{code}/deployments": {"place_id": 1},
    "POST /devices/{code}/move": {"place_id": 1},
    "POST /admin/people": {"name": "Ny person", "email": "ny@demo.example"},
    "POST /admin/people/{person}/testbeds": {"testbed_id": 1},
    "POST /partners/{slug}/members": {"name": "Ny medlem", "email": "medlem@demo.example", "role": "member"},
    "POST /partners/{slug}/members/{member}": {"role": "member"},
    "POST /trials/{trial}/schema": {"descriptor": SCHEMA, "seen": 999_999},
    "POST /trials/{trial}/schema/check": {"descriptor": SCHEMA},
    "PUT /trials/{trial}/schema.json": SCHEMA,
    "PATCH /pilots/{code}/partners/{part}": {"roles": ["observer"]},
    "POST /pilots/{code}/partners/{part}": {"roles": ["observer"]},
}  # fmt: skip


@dataclass(frozen=True)
class Try:
    """One route and method with what it needs; ``things`` are the rows of its model it is tried on."""

    method: str
    route: str
    needs: tuple[str, Any] | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    def path(self, thing: Thing | None) -> str:
        known = {
            "person": "1",
            "bed": "1",
            "token": "x" * 43,
            "number_": "1",
            **(thing.path if thing else {}),
        }
        return FROM_PATH.sub(lambda found: known.get(found[1], "1"), self.typed)

    @property
    def ends(self) -> int:
        """What takes things away comes last, and what takes the person's own partner away at the very end."""
        last = self.route.rsplit("/", 1)[-1]
        return 2 * (self.name == "POST /partners/{slug}/archive") or last in {
            "archive",
            "leave",
            "end",
            "retire",
            "remove",
            "stage",
        }

    @property
    def typed(self) -> str:
        return re.sub(r"\{(\w+)\}", r"{\1:str}", self.route)

    def things(self, world: World) -> list[Thing | None]:
        """Rows of the model that the path names; none for a list, or for what concerns no row."""
        if "{" not in self.route:
            return [None]
        first = self.route.split("/")[1]
        model = {
            "pilots": "Pilot", "partners": "Partner", "testbeds": "Testbed", "datasets": "Dataset", "results": "Result",
            "trials": "Trial", "needs": "Need", "devices": "Device", "outcomes": "Outcome", "decisions": "Decision",
            "lessons": "Lesson", "places": "Place",
        }.get(first)  # fmt: skip
        if model == "Dataset" and "{version}" in self.route:
            model = "Version"
        return list(world.things[model]) if model else [None]

    def request(self) -> dict[str, Any]:
        if self.method in {"GET", "HEAD"}:
            return {}
        if self.name in BODIES:
            return {"json": BODIES[self.name]}
        if self.route.endswith("/results") or self.method == "PUT":
            return {"content": b"a,b\n1,2\n", "headers": {"content-type": "text/csv"}}
        if self.method == "PATCH" or self.route.count("{") * 2 == self.route.count("/"):
            return {"json": STALE}
        return {}


def tries(app: Litestar) -> list[Try]:
    """Every route of ours with every method it answers."""
    return sorted(
        (
            Try(method, FROM_PATH.sub(r"{\1}", path), handler.opt["needs"])
            for path, handler in handlers(app)
            for method in getattr(handler, "http_methods", set()) - {"OPTIONS"}
        ),
        key=lambda each: (
            "{" in each.route,
            each.ends,
            each.route,
            each.method,
        ),  # lists first: they tell most
    )
