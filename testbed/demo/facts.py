"""Luleå's public pilots, as the city's own pages tell of them, in words of our own.

Only what is public is said: no result, no decision, no answer that nobody has published. Days are the first
or last of a year where only the year is known. Places on the map are approximate.
"""

from dataclasses import dataclass, field
from datetime import date

from testbed.access.models import Role
from testbed.partners.models import Kind
from testbed.pilots.models import Stage, UserGroup
from testbed.testbeds.models import Environment

Text2 = dict[str, str]
MAILBOX = "testbed@demo.example"
CITY, CITY_ORGNR = "Luleå kommun", "212000-2742"
PARK, PLANNING, GEODATA = "Luleå kommun, park", "Luleå kommun, planering", "Luleå kommun, geodata"
LTU, LUNET, LUMIRE, FUNDER = (
    "Luleå tekniska universitet",
    "Lunet",
    "Lumire",
    "IoT Sverige (Vinnova)",
)

PARTNERS: dict[str, Kind] = {
    CITY: Kind.city,
    PARK: Kind.department,
    PLANNING: Kind.department,
    GEODATA: Kind.department,
    LTU: Kind.university,
    LUNET: Kind.municipal_company,
    LUMIRE: Kind.municipal_company,
    "Thingwave": Kind.company,
    "Grepit": Kind.company,
    "AFRY": Kind.company,
    FUNDER: Kind.state,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A testbed; ``location`` is GeoJSON."""

    name: Text2
    description: Text2
    environment: Environment
    location: dict[str, object]
    infrastructure: list[str] = field(default_factory=list)
    season: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Known:
    """A public pilot; ``partners`` are roles by name, beside the lead's own part."""

    testbed: Text2
    title: Text2
    need: str
    helps: list[UserGroup]
    lead: str
    partners: dict[str, list[Role]]
    start: date
    end: date | None
    question: Text2
    summary: Text2
    tags: list[str]
    stage: Stage


ICE: Text2 = {"sv": "Isbanan", "en": "The ice track"}
CENTRE: Text2 = {"sv": "Luleå centrum", "en": "Luleå city centre"}
PARK_AREA: Text2 = {"sv": "Luleå industripark", "en": "Luleå industrial park"}

TESTBEDS = (
    Place(
        ICE,
        {
            "sv": "En 10–12 km lång bana på havsisen utanför Luleå centrum för den som går, åker skridskor eller"
            " spark. Ytan på kartan är ungefärlig, och säsongen är antagen för demon.",
            "en": "A track of 10–12 km on the sea ice off the centre of Luleå for walking, skating and kick-sleds."
            " The area on the map is approximate, and the season is assumed for the demo.",
        },
        Environment.real,
        {
            "type": "Polygon",
            "coordinates": [
                [
                    [22.17, 65.5865], [22.17, 65.592], [22.179, 65.5955], [22.19, 65.5945], [22.198, 65.589],
                    [22.2, 65.581], [22.193, 65.574], [22.181, 65.5705], [22.165, 65.5705], [22.152, 65.574],
                    [22.152, 65.5775], [22.166, 65.5755], [22.18, 65.576], [22.188, 65.581], [22.187, 65.587],
                    [22.182, 65.5895], [22.177, 65.5885], [22.176, 65.5865], [22.17, 65.5865],
                ]
            ],
        },
        ["isbana", "LoRaWAN"],
        ("12-15", "04-15"),
    ),
    Place(
        CENTRE,
        {
            "sv": "Gator, torg och parker mitt i staden: Stadsparken, Nytorget, Storgatan. Ytan på kartan är ungefärlig.",
            "en": "Streets, squares and parks in the middle of the city: Stadsparken, Nytorget, Storgatan."
            " The area on the map is approximate.",
        },
        Environment.real,
        {
            "type": "Polygon",
            "coordinates": [
                [[22.138, 65.5805], [22.165, 65.5805], [22.165, 65.587], [22.138, 65.587], [22.138, 65.5805]]
            ],
        },
        ["LoRaWAN"],
    ),
    Place(
        PARK_AREA,
        {
            "sv": "Industriparken som digital tvilling: planer och geodata i en gemensam modell."
            " Läget på kartan är ungefärligt.",
            "en": "The industrial park as a digital twin: plans and geodata in one shared model."
            " The position on the map is approximate.",
        },
        Environment.simulated,
        {"type": "Point", "coordinates": [22.23, 65.57]},
    ),
)  # fmt: skip

PILOTS = (
    Known(
        testbed=ICE,
        title={"sv": "Arctic IoT", "en": "Arctic IoT"},
        need="Fler vill ut på isbanan, men vet inte hur isen och banan är just nu.",
        helps=[UserGroup.residents, UserGroup.visitors],
        lead=CITY,
        partners={
            LTU: [Role.researcher],
            LUNET: [Role.supplier],
            "Thingwave": [Role.supplier],
            "Grepit": [Role.supplier],
            FUNDER: [Role.funder],
        },
        start=date(2022, 1, 1),
        end=date(2023, 12, 31),
        question={
            "sv": "Hur kan fler hitta ut på isbanan?",
            "en": "How can more people find their way out onto the ice track?",
        },
        summary={
            "sv": "Givare på och vid isbanan mätte istjocklek och bärighet, nivån i vedlådorna, lediga sparkar,"
            " eldstädernas värme, plogning, antal besökare, temperatur och vind. Piloten pågick 2022–2023 med en"
            " budget på 2 miljoner kronor och stöd av IoT Sverige (Vinnova).",
            "en": "Sensors on and beside the ice track measured ice thickness and bearing, the level of the wood boxes,"
            " free kick-sleds, the heat of the fire pits, ploughing, visitors, temperature and wind. The pilot ran"
            " 2022–2023 with a budget of SEK 2 million and support from IoT Sverige (Vinnova).",
        },
        tags=["friluftsliv", "is", "vinter"],
        stage=Stage.evaluating,
    ),
    Known(
        testbed=CENTRE,
        title={"sv": "Smarta sorteringskärl", "en": "Smart sorting bins"},
        need="Kärl töms efter schema, inte när de är fulla.",
        helps=[UserGroup.staff, UserGroup.residents],
        lead=CITY,
        partners={
            PARK: [Role.need_owner, Role.host],
            LUNET: [Role.supplier],
            LUMIRE: [Role.host],
        },
        start=date(2022, 1, 1),
        end=None,
        question={
            "sv": "Hur kan tömningen av kärl bli effektivare?",
            "en": "How can bin emptying become more efficient?",
        },
        summary={
            "sv": "Sorteringskärl i Stadsparken, på Nytorget och på Storgatan har givare. Lunet står för givarna, Lumire"
            " för tömningen, och kommunens parkverksamhet äger kärlen. Piloten började 2022; en del av budgeten,"
            " 420 000 kronor, är känd.",
            "en": "Sorting bins in Stadsparken, on Nytorget and on Storgatan have sensors. Lunet provides the sensors,"
            " Lumire does the emptying, and the city’s park department owns the bins. The pilot began in 2022;"
            " part of its budget, SEK 420,000, is known.",
        },
        tags=["avfall", "kärl", "LoRaWAN"],
        stage=Stage.running,
    ),
    Known(
        testbed=PARK_AREA,
        title={
            "sv": "Digital tvilling av industriparken",
            "en": "Digital twin of the industrial park",
        },
        need="De som planerar industriparken behöver ett gemensamt och aktuellt underlag.",
        helps=[UserGroup.staff, UserGroup.companies],
        lead=PLANNING,
        partners={GEODATA: [Role.need_owner], "AFRY": [Role.supplier]},
        start=date(2023, 3, 1),
        end=None,
        question={
            "sv": "Kan en digital tvilling bli ett gemensamt och aktuellt underlag för planeringen?",
            "en": "Can a digital twin become a shared and current basis for planning?",
        },
        summary={
            "sv": "Kommunens planering och geodata bygger tillsammans med AFRY en digital tvilling av industriparken,"
            " så att alla som planerar där utgår från samma aktuella underlag. Piloten började våren 2023.",
            "en": "The city’s planning and geodata sections build a digital twin of the industrial park together with AFRY,"
            " so that everybody who plans there starts from the same current basis. The pilot began in spring 2023.",
        },
        tags=["digital tvilling", "geodata", "planering"],
        stage=Stage.running,
    ),
)
