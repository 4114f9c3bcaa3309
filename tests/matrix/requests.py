"""Which request tries a route: its path filled from the world, and a body that is right in form."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Litestar

from testbed.web.needs import handlers
from tests.matrix.builder import World
from tests.matrix.oracle import Thing
from tests.matrix.world import PASSWORD

FROM_PATH = re.compile(r"\{(\w+):\w+\}")
# A body that gets past its form, by the route; an edit names the version every row of the world has, and changes
# nothing. A route that is not here takes no body, or an edit's.
EDIT = {"row_version": 1}
TEXT = {"sv": "En text som räcker till"}
DECISION = {"outcome": "adopt", "rationale": TEXT, "decider": "Nämnden", "decided_on": "2026-02-01"}
SCHEMA = {"fields": [{"name": "ny", "type": "string"}]}
REFUSAL = {"row_version": 1, "reason": "För gammal"}
BODIES: dict[str, Any] = {
    "POST /partners": {"name": "Ny part", "kind": "company"},
    "POST /testbeds": {"name": "Ny testbädd", "environment": "real", "owner_partner_id": 1},
    "POST /pilots": {"testbed_id": 1, "title": "Ny pilot", "need": {"statement": "Något som behövs mycket"}},
    "POST /pilots/{code}/cases": {"authority_id": 1, "number": "KS 1"},
    "POST /pilots/{code}/partners": {"name": "Helt ny part", "roles": ["observer"]},
    "POST /pilots/{code}/stage": {"to": "evaluating"},
    "POST /pilots/{code}/trials": {"title": "Nytt försök"},
    "POST /pilots/{code}/outcomes": {"indicator": TEXT, "unit": "kg", "result": 1, "method": TEXT, "version_id": 1},
    "POST /pilots/{code}/decisions": DECISION,
    "POST /pilots/{code}/decisions/check": DECISION,
    "POST /pilots/{code}/lessons": {"kind": "winter", "lesson": TEXT},
    "POST /datasets": {"title": "Ny data", "description": "Om den", "pilot": "LUL-2026-802", "results": [], "licence": "CC-BY-4.0", "access": "private"},
    "POST /datasets/{slug}/access": {"access": "private"},
    "POST /datasets/{slug}/versions": {},
    "POST /devices": {"name": "Ny enhet", "testbed_id": 1, "model": {"maker": "Acme", "name": "M9", "kind": "lorawan"}, "owner_id": 1},
    "POST /devices/{code}/deployments": {"place_id": 1},
    "POST /devices/{code}/move": {"place_id": 1},
    "POST /devices/{code}/remove": {"at": "2026-02-01T12:00:00+01:00"},
    "POST /devices/{code}/retire": {"at": "2026-02-01T12:00:00+01:00"},
    "POST /places": {"testbed_id": 1, "name": "Ny plats"},
    "POST /results/{result}/accept": EDIT,
    "POST /results/{result}/ask": EDIT,
    "POST /results/{result}/refuse": REFUSAL,
    "POST /results/{result}/withdraw": REFUSAL,
    "POST /results/{result}/answers": EDIT,
    "POST /partners/{slug}/webhooks": {"url": "https://hooks.example.se/x"},
    "POST /trials/{trial}/deliveries": {"title": "Ny leverans", "from_partner_id": 1, "due_on": "2026-12-01"},
    "PATCH /trials/{trial}/deliveries/{delivery}": EDIT,
    "POST /trials/{trial}/deliveries/{delivery}": EDIT,
    "PATCH /trials/{trial}/units": EDIT,
    "POST /trials/{trial}/units": EDIT,
    "POST /trials/{trial}/schema": {"descriptor": SCHEMA, "seen": 1},
    "POST /trials/{trial}/schema/check": {"descriptor": SCHEMA},
    "PUT /trials/{trial}/schema.json": SCHEMA,
    "POST /admin/people": {"name": "Ny person", "email": "ny@demo.example"},
    "POST /admin/people/{person}/testbeds": {"testbed_id": 1},
    "POST /partners/{slug}/members": {"name": "Ny medlem", "email": "medlem@demo.example", "role": "member"},
    "POST /partners/{slug}/members/{member}": {"role": "manager"},
    "PATCH /pilots/{code}/partners/{part}": {"roles": ["observer"]},
    "POST /pilots/{code}/partners/{part}": {"roles": ["observer"]},
    "POST /me/password": {"current": PASSWORD, "password": f"{PASSWORD} igen"},
    "POST /me/tokens": {"name": "Ny nyckel"},
    "POST /sign-in": {"email": "david@demo.example", "password": PASSWORD},
    "POST /welcome/{token}": {"password": PASSWORD},
}  # fmt: skip
# What a body names of the row at hand, by the name the world gave it.
OF_ROW = {
    "POST /pilots/{code}/outcomes": {"version_id": "rests"},
    "POST /devices/{code}/deployments": {"place_id": "place"},
    "POST /devices/{code}/move": {"place_id": "place"},
    "POST /trials/{trial}/deliveries": {"from_partner_id": "sender"},
}
FORMS = {
    "POST /trials/{trial}/schema/edit": b"do=add",
    "POST /trials/{trial}/schema/import": b"text=" + quote(json.dumps(SCHEMA)).encode(),
}
TUS = {"tus-resumable": "1.0.0", "upload-offset": "0", "upload-length": "5"}
TUS_TYPE = "application/offset+octet-stream"
MODELS = {
    "pilots": "Pilot", "partners": "Partner", "testbeds": "Testbed", "datasets": "Dataset", "results": "Result",
    "trials": "Trial", "needs": "Need", "devices": "Device", "outcomes": "Outcome", "decisions": "Decision",
    "lessons": "Lesson", "places": "Place", "admin": "Person", "welcome": "Link", "uploads": "Upload",
}  # fmt: skip


@dataclass(frozen=True)
class Try:
    """One route and method with what it needs; ``things`` are the rows of its model it is tried on."""

    method: str
    route: str
    needs: tuple[str, Any] | None
    form: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    def path(self, thing: Thing | None, **instead: str) -> str:
        known = {**(thing.path if thing else {}), **instead}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "1"), self.route)

    def things(self, world: World) -> list[Thing | None]:
        """Rows of the model that the path names; none for a list, or for what concerns no row."""
        if self.name == "POST /uploads":
            return list(world.things["Trial"])
        if "{" not in self.route:
            return [None]
        first, second = self.route.split("/")[1:3]
        model = MODELS.get(first) or {"sessions": "Session", "tokens": "Token"}[second]
        if self.route.endswith("/expected"):
            model = "Expected"
        if model == "Dataset" and "{version}" in self.route:
            model = "Version"
        found = world.things[model]
        return [each for each in found if "bed" in each.path] if "{bed}" in self.route else list(found)

    def body(self, thing: Thing | None = None) -> Any:
        """The JSON that gets past the form, or None where the route takes none."""
        if self.name in BODIES:
            known = thing.path if thing else {}
            named = {field: int(known.get(key, 1)) for field, key in OF_ROW.get(self.name, {}).items()}
            return BODIES[self.name] | named
        edits = (
            self.method == "PATCH"
            or self.route.count("{") * 2 == self.route.count("/")
            or self.route == "/me"
        )
        return EDIT if edits and self.method not in {"GET", "HEAD"} else None

    def request(self, thing: Thing | None = None) -> dict[str, Any]:
        """The body as an HTTP client takes it."""
        if self.route.startswith("/uploads"):
            return {
                "content": b"a,b" * (self.method == "PATCH"),
                "kind": TUS_TYPE,
                "headers": TUS | _told(thing),
            }
        if self.name in FORMS:
            return {"content": FORMS[self.name], "kind": "application/x-www-form-urlencoded"}
        if self.route.startswith("/trials/{trial}/results"):
            return {"content": b"a,b\n1,2\n", "kind": "text/csv"}
        if self.name == "PUT /trials/{trial}/schema.json":
            return {"json": self.body(thing), "headers": {"if-match": '"1"'}}
        return {} if (given := self.body(thing)) is None else {"json": given}


def _told(thing: Thing | None) -> dict[str, str]:
    """What a resumable upload says of its file: the trial it is for."""
    trial = (thing.path if thing else {}).get("trial", "1")
    return {
        "upload-metadata": f"trial {b64encode(trial.encode()).decode()},filename {b64encode(b'm.csv').decode()}"
    }


def tries(app: Litestar) -> list[Try]:
    """Every route of ours with every method it answers."""
    return sorted(
        (
            Try(method, FROM_PATH.sub(r"{\1}", path), handler.opt["needs"], "form" in handler.opt)
            for path, handler in handlers(app)
            for method in getattr(handler, "http_methods", set()) - {"OPTIONS"}
        ),
        key=lambda each: ("{" in each.route, each.route, each.method),  # lists first: they tell most
    )
