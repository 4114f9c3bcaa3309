"""The people of every test, and where they belong. Their rows lie in the template database.

Alva coordinates Norra hamn. Bo manages Lunet. Cecilia is a member of LTU. David belongs nowhere. Ebba is admin.
"""

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from testbed.people.secrets import digest

PEOPLE = ["Alva", "Bo", "Cecilia", "David", "Ebba"]
ALL_SCOPES = ["read", "export", "upload", "observe", "manage", "publish"]


def token_of(name: str) -> str:
    """A token of the right shape that never changes, so that tests need no set-up."""
    body = f"tb_p_{(name + 'xxxxxxxx')[:8]}_{(name.lower() * 43)[:43]}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def signed_in(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token_of(name)}", "accept-language": "en"}


ALVA = signed_in("Alva")
BO = signed_in("Bo")
CECILIA = signed_in("Cecilia")
DAVID = signed_in("David")
EBBA = signed_in("Ebba")
HTML = {"accept": "text/html"}

ROWS = """
    INSERT INTO partner (slug, name, kind, orgnr, orgnr_personal, country, visibility) VALUES
        ('lulea', 'Luleå kommun', 'city', '2120002742', false, 'SE', 'public'),
        ('lunet', 'Lunet', 'municipal_company', NULL, false, 'SE', 'public'),
        ('ltu', 'Luleå tekniska universitet', 'university', NULL, false, 'SE', 'public');
    INSERT INTO testbed (slug, name, environment, owner_partner_id, visibility)
        SELECT given.slug, given.name::jsonb, 'real', partner.id, 'public'
        FROM (VALUES ('norra-hamn', '{"sv": "Norra hamn", "en": "North harbour"}'), ('skeppsbron', '{"sv": "Skeppsbron"}'))
            AS given (slug, name), partner WHERE partner.slug = 'lulea';
    INSERT INTO membership (person_id, partner_id, role, from_on)
        SELECT person.id, partner.id, given.role, '2026-01-01'
        FROM (VALUES ('Alva', 'lulea', 'member'), ('Bo', 'lunet', 'manager'), ('Cecilia', 'ltu', 'member'))
            AS given (name, slug, role)
        JOIN person USING (name) JOIN partner USING (slug);
    INSERT INTO testbed_coordinator (person_id, testbed_id)
        SELECT person.id, testbed.id FROM person, testbed WHERE person.name = 'Alva' AND slug = 'norra-hamn';
"""
PILOT = """
    INSERT INTO pilot (testbed_id, code, title, lead_partner_id, planned_start_on, planned_end_on, stage, state, visibility)
    SELECT testbed.id, $1, jsonb_build_object('sv', 'Tyst asfalt', 'en', 'Quiet asphalt'), partner.id,
           '2026-05-01', '2026-09-30', 'running', 'active', $2
    FROM testbed, partner WHERE testbed.slug = $3 AND partner.slug = 'lulea' RETURNING id
"""
PART = "INSERT INTO pilot_partner (pilot_id, partner_id, roles) SELECT $1, id, $3::text[] FROM partner WHERE slug = $2"


async def enter(connection: asyncpg.Connection) -> None:
    """Write the cast into an empty, migrated database."""
    for name in PEOPLE:
        _, _, public, rest = token_of(name).split("_", 3)
        await connection.execute(
            "WITH p AS (INSERT INTO person (name, email, state, admin) VALUES ($1, $2, 'active', $3) RETURNING id)"
            " INSERT INTO token (person_id, name, public, sha256, scopes, expires_at)"
            " SELECT id, 'tests', $4, $5, $6, now() + interval '1 year' FROM p",
            name,
            f"{name.lower()}@demo.example",
            name == "Ebba",
            public,
            digest(rest[:43]),
            ALL_SCOPES,
        )
    await connection.execute(ROWS)


async def running_pilot(
    connection: asyncpg.Connection,
    code: str = "LUL-2026-901",
    *,
    visibility: str = "partners",
    testbed: str = "norra-hamn",
    partners: dict[str, list[str]] | None = None,
) -> int:
    """Write a pilot and the parts its partners have in it; return its id.

    Unless told otherwise Lunet (Bo) supplies and LTU (Cecilia) does research.
    """
    pilot: int = await connection.fetchval(PILOT, code, visibility, testbed)
    for slug, roles in (partners or {"lunet": ["supplier"], "ltu": ["researcher"]}).items():
        await connection.execute(PART, pilot, slug, roles)
    return pilot


async def trial_of(connection: asyncpg.Connection, pilot_id: int) -> int:
    """Write a trial of a pilot; return its id."""
    number: int = await connection.fetchval(
        "INSERT INTO trial (pilot_id, title, visibility) VALUES ($1, '{\"sv\": \"Första veckan\"}', 'public') RETURNING id",
        pilot_id,
    )
    return number


@asynccontextmanager
async def unguarded(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One transaction in which rows may be changed that never change, as if it had been done behind our back."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        yield
