"""A small city for the browser, made through the service itself: one pilot from its need to its decision."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from tests.cast import ALVA, BO, EBBA

LEVELS = "".join(
    f"{1 + day % 28:02}/{2 + day // 28:02}/2026 06:00;Kärl {1 + day % 4};{20 + day * 7 % 61},5\n"
    for day in range(56)
)
FILL = ("tid;kärl;fyllnad\n" + LEVELS).encode()
"""What Bo's sensors saw: 56 rows, semicolons, decimal commas."""
HALF = b"tid;fyllnad\n2026-03-01;12,5\n2026-03-02;trasig\n2026-03-03;13,5\n2026-03-04;14,0\n" * 8
SPRING = (
    "tid;kärl;fyllnad\n"
    + "".join(f"2026-04-{1 + day:02} 06:00;Kärl {1 + day % 4};{20 + day},5\n" for day in range(6))
    + "2026-04-07 06:00;Kärl 3;199,5\n2026-04-08 06:00;Kärl 4;=trasig\n;Kärl 1;30\n"
).encode()
"""Nine rows, of which the last three do not fit."""
SCHEMA = {
    "fields": [
        {
            "name": "tid",
            "type": "datetime",
            "testbed:zone": "Europe/Stockholm",
            "constraints": {"required": True},
        },
        {"name": "kärl", "type": "string", "constraints": {"required": True}},
        {
            "name": "fyllnad",
            "type": "number",
            "constraints": {"minimum": 0, "maximum": 100},
            "testbed:unit": "%",
        },
    ],
    "primaryKey": ["tid", "kärl"],
}
POLYGON = {
    "type": "Polygon",
    "coordinates": [
        [[22.150, 65.583], [22.160, 65.583], [22.160, 65.588], [22.150, 65.588], [22.150, 65.583]]
    ],
}
PASSWORD = "renar över isen i mars"
QUICK = {"personal": False, "camera": False, "research": False, "ai": False}
PILOT = {
    "title": {"sv": "Smarta kärl i hamnen", "en": "Smart bins in the harbour"},
    "need": {
        "statement": "Bilen kör till kärl som är tomma, och andra svämmar över.",
        "user_groups": ["residents", "staff"],
    },
    "partners": [],
    "start_planned": "2026-02-01",
    "end_planned": "2026-12-18",
    "quick": QUICK,
}


@dataclass
class World:
    """Addresses of what was made; ``ids`` fills the words of routes."""

    ids: dict[str, str] = field(default_factory=dict)
    csv: bytes = b""


class Maker:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client, self.world = client, World()

    async def post(self, who: dict[str, str], path: str, body: dict[str, Any]) -> Any:
        answer = await self.client.post(path, json=body, headers=who)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return answer.json()

    async def get(self, who: dict[str, str], path: str) -> Any:
        answer = await self.client.get(path, headers={**who, "accept": "application/json"})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    async def put(self, who: dict[str, str], path: str, content: bytes) -> Any:
        answer = await self.client.put(path, content=content, headers=who)
        assert answer.status_code == 201, f"{path}: {answer.text}"
        return answer.json()

    async def until(self, who: dict[str, str], path: str, key: str, ends: set[str]) -> Any:
        """Ask until the work has ended; half a minute at most."""
        for _ in range(300):
            view = await self.get(who, path)
            if view[key] in ends:
                return view
            await asyncio.sleep(0.1)
        raise AssertionError(f"{path} has not ended: {view[key]}")


async def partner_ids(make: Maker) -> dict[str, int]:
    rows = (await make.get(EBBA, "/partners"))["items"]
    return {each["slug"]: each["id"] for each in rows}


async def build(client: httpx.AsyncClient, connection: asyncpg.Connection) -> World:
    """Make the city; a worker must be at work meanwhile."""
    make = Maker(client)
    partners = await partner_ids(make)
    await pilot(make, partners)
    await devices(make)
    await measurements(make)
    await checked(make)
    await data(make)
    await schema(make)
    await expected(make, partners)
    await answers(make)
    # Steps through the stages have gates of their own, tested elsewhere.
    await connection.execute("UPDATE pilot SET stage = 'running' WHERE code = $1", make.world.ids["code"])
    await invitation(make)
    return make.world


async def expected(make: Maker, partners: dict[str, int]) -> None:
    """A delivery that LTU is to hand in, and a system of Lunet's that is called."""
    due = {
        "title": {"sv": "Slutmätning", "en": "Last measuring"},
        "from_partner_id": partners["ltu"],
        "due_on": "2027-01-15",
    }
    await make.post(ALVA, f"/trials/{make.world.ids['trial']}/deliveries", due)
    hook = await make.post(BO, "/partners/lunet/webhooks", {"url": "https://lunet.example.se/hook"})
    await make.post(BO, f"/partners/lunet/webhooks/{hook['id']}/pause", {})  # nothing is looked up outside
    make.world.ids |= {"delivery": "D1", "hook": str(hook["id"])}


async def invitation(make: Maker) -> None:
    """Ebba lets Frida in; a token is never enough for that, so she signs in."""
    here = {"sec-fetch-site": "same-origin", "accept": "application/json"}
    await make.post(here, "/sign-in", {"email": "ebba@demo.example", "password": PASSWORD})
    invited = await make.post(here, "/admin/people", {"name": "Frida", "email": "frida@demo.example"})
    make.client.cookies.clear()
    make.world.ids |= {"person": str(invited["person_id"]), "welcome": invited["link"].rsplit("/", 1)[1]}


async def pilot(make: Maker, partners: dict[str, int]) -> None:
    beds = {each["slug"]: each["id"] for each in (await make.get(EBBA, "/testbeds"))["items"]}
    parts = [
        {"partner_id": partners["lunet"], "roles": ["supplier"]},
        {"partner_id": partners["ltu"], "roles": ["researcher"]},
    ]
    body = PILOT | {"testbed_id": beds["norra-hamn"], "lead_partner_id": partners["lulea"], "partners": parts}
    made = await make.post(ALVA, "/pilots", body)
    code = made["code"]
    answer = await make.client.patch(
        f"/pilots/{code}",
        json={"visibility": "public", "row_version": made["row_version"], "question": {
            "sv": "Kan nivågivare halvera antalet körningar?", "en": "Can level sensors halve the number of trips?"}},
        headers=ALVA,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    case = {"authority_id": partners["lulea"], "number": "TEK 2026/123"}
    await make.post(ALVA, f"/pilots/{code}/cases", case)
    view = await make.get(ALVA, f"/pilots/{code}")
    make.world.ids |= {
        "code": code,
        "part": str(view["partners"][0]["id"]),
        "need": str(view["needs"][0]["id"]),
    }


async def devices(make: Maker) -> None:
    """A sensor of the pilot, on a quay; and the testbed it stands in, on the map."""
    bed = await make.get(ALVA, "/testbeds/norra-hamn")
    answer = await make.client.patch(
        "/testbeds/norra-hamn", json={"location": POLYGON, "row_version": bed["row_version"]}, headers=ALVA
    )
    assert answer.status_code == 200, answer.text
    device = await make.post(ALVA, "/devices", {
        "name": "Nivågivare 1", "pilot": make.world.ids["code"], "visibility": "public",
        "model": {"maker": "Acme", "name": "Level", "kind": "lorawan"},
        "purpose": {"sv": "Mäter hur fullt kärlet är.", "en": "Measures how full the bin is."},
    })  # fmt: skip
    stand = {"type": "Point", "coordinates": [22.155, 65.585]}
    await make.post(
        ALVA,
        f"/devices/{device['code']}/deployments",
        {"place": {"name": {"sv": "Kajen"}, "position": stand}},
    )
    place = (await make.get(ALVA, "/places"))["items"][0]
    make.world.ids |= {"device": device["code"], "place": place["code"]}


async def measurements(make: Maker) -> None:
    text = {"sv": "En rad per kärl och dygn: tid, kärl, fyllnad i procent.", "en": "A row per bin and day."}
    trial = await make.post(
        ALVA,
        f"/pilots/{make.world.ids['code']}/trials",
        {"title": {"sv": "Vinterns mätning", "en": "The winter’s measuring"}, "description": text, "visibility": "public"},
    )  # fmt: skip
    good = await make.put(BO, f"/trials/{trial['id']}/results/fyllnad.csv", FILL)
    half = await make.put(BO, f"/trials/{trial['id']}/results/trasig.csv", HALF)
    noise = await make.put(BO, f"/trials/{trial['id']}/results/brus.bin", bytes(range(256)) * 40)
    for each in (good, half, noise):
        await make.until(BO, f"/results/{each['code']}", "state", {"ready", "partly", "unreadable"})
    said = f"trial {b64encode(str(trial['id']).encode()).decode()},filename {b64encode(b'stor.csv').decode()}"
    tus = {"tus-resumable": "1.0.0", "upload-length": "4000000", "upload-metadata": said}
    begun = await make.client.post("/uploads", headers=BO | tus)
    make.world.ids |= {"upload": begun.headers["location"].rpartition("/")[2]}
    make.world.ids |= {"trial": str(trial["id"]), "result": good["code"], "result_id": str(good["id"]),
                       "half": half["code"], "noise": noise["code"]}  # fmt: skip


async def checked(make: Maker) -> None:
    """A trial with a table schema; a file with three bad rows, of which Bo has corrected one."""
    trial = await make.post(
        ALVA,
        f"/pilots/{make.world.ids['code']}/trials",
        {"title": {"sv": "Vårens mätning", "en": "The spring’s measuring"}, "visibility": "public"},
    )
    at = f"/trials/{trial['id']}"
    answer = await make.client.put(f"{at}/schema.json", json=SCHEMA, headers=ALVA)
    assert answer.status_code == 201, answer.text
    faulty = await make.put(BO, f"{at}/results/våren.csv", SPRING)
    await make.until(BO, f"/results/{faulty['code']}", "state", {"partly"})
    await make.post(BO, f"/results/{faulty['code']}/ask", {})
    row = b"__line;__rules;tid;k\xc3\xa4rl;fyllnad\n8;;2026-04-07 06:00;K\xc3\xa4rl 3;99,5\n"
    right = await make.put(BO, f"{at}/results/r\u00e4ttad.csv?replaces={faulty['code']}", row)
    await make.until(BO, f"/results/{right['code']}", "state", {"ready"})
    make.world.ids |= {"faulty": faulty["code"], "right": right["code"], "checked": str(trial["id"])}


async def schema(make: Maker) -> None:
    """Two versions of what a file must look like; the files handed in so far are like that."""
    at = f"/trials/{make.world.ids['trial']}/schema"
    fields: list[dict[str, Any]] = [
        {"name": "tid", "type": "datetime", "testbed:zone": "Europe/Stockholm", "format": "%d/%m/%Y %H:%M",
         "testbed:titles": {"sv": "Tid", "en": "Time"}, "testbed:check": "in-trial-period"},
        {"name": "kärl", "type": "string", "constraints": {"pattern": "Kärl [0-9]+"}, "example": "Kärl 1"},
        {"name": "fyllnad", "type": "number", "testbed:unit": "%", "constraints": {"minimum": 0, "maximum": 100},
         "testbed:descriptions": {"sv": "Andel av kärlets höjd.", "en": "Share of the bin’s height."}},
    ]  # fmt: skip
    first = {"fields": [*fields[:2], {"name": "fyllnad", "type": "number"}]}
    await make.post(ALVA, at, {"descriptor": first})
    second = {"fields": fields, "primaryKey": ["tid", "kärl"]}
    await make.post(ALVA, at, {"descriptor": second, "seen": 1, "note": "Med gränser."})
    make.world.ids["schema"] = "1"


async def data(make: Maker) -> None:
    ids = make.world.ids
    body = {
        "title": {"sv": "Fyllnad i hamnens kärl", "en": "Fill levels of the harbour’s bins"},
        "description": {"sv": "Hur fulla fyra kärl var varje morgon.", "en": "How full four bins were each morning."},
        "pilot": ids["code"],
        "results": [int(ids["result_id"])],
        "licence": "CC-BY-4.0",
        "access": "public",
        "keywords": ["avfall", "sensorer"],
    }  # fmt: skip
    slug = (await make.post(ALVA, "/datasets", body))["slug"]
    version = await make.post(ALVA, f"/datasets/{slug}/versions", {"notes": "Första vintern."})
    address = f"/datasets/{slug}/versions/{version['number']}"
    draft = await make.post(
        ALVA, "/datasets", body | {"title": {"sv": "Utkast om kärl"}, "access": "consortium"}
    )
    ids |= {"slug": slug, "version": version["number"], "draft": draft["slug"]}
    make.world.csv = (await make.client.get(f"{address}/data.csv")).content


async def answers(make: Maker) -> None:
    ids = make.world.ids
    path = f"/pilots/{ids['code']}"
    outcome = await make.post(ALVA, f"{path}/outcomes", {
        "indicator": {"sv": "Körningar per vecka", "en": "Trips a week"}, "unit": "1/vecka", "baseline": 14, "target": 7,
        "result": 6.5, "method": {"sv": "Räknat i körjournalen.", "en": "Counted in the log."},
        "version": {"dataset": ids["slug"]},
    })  # fmt: skip
    lesson = await make.post(ALVA, f"{path}/lessons", {
        "kind": "winter", "lesson": {"sv": "Givarna ser inte genom frost; värm locket.", "en": "Frost blinds the sensors."},
    })  # fmt: skip
    decision = await make.post(ALVA, f"{path}/decisions", {
        "outcome": "scale", "decider": "Tekniska nämnden", "decided_on": "2026-11-12",
        "rationale": {"sv": "Målet nåddes; fler kärl får givare.", "en": "The target was met."},
    })  # fmt: skip
    ids |= {"outcome": str(outcome["id"]), "lesson": str(lesson["id"]), "decision": str(decision["id"])}
