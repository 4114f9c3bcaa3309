"""What scripts outside rely on: the command line and the API, walked from an empty folder to a decision."""

import gzip
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.faults.service import Service, command, until

DATA = os.environ.get("TESTBED_TEST_DATA")
FIELD = "lorawan/refuge-gouter.semicolon-decimal-comma.csv.gz"
MADE = "Tid;Kärl;Fyllnad\r\n" + "".join(f"{n:02}/03/2026 06:00;00{n};{n},5\r\n" for n in range(1, 29))


@pytest.fixture
def started(ground: Path) -> Iterator[Service]:
    """A service with a worker on a folder that nobody has used."""
    data = Path(tempfile.mkdtemp(prefix="d-", dir=ground))
    data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    made = Service(data, "", 0)
    made.start(worker=True)
    yield made
    made.clear()


def said(data: Path, *words: str) -> str:
    done = command(data, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def made(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What was created; its address must answer."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    assert client.get(answer.headers["location"]).status_code == 200
    created: dict[str, Any] = answer.json()
    return created


@pytest.fixture
def client(started: Service) -> Iterator[httpx.Client]:
    """With the token of an administrator."""
    said(started.data, "person", "add", "maj@demo.example", "--name", "Maj", "--admin")
    started.token = said(started.data, "token", "create", "--person", "maj@demo.example")
    with started.client() as opened:
        yield opened


def registered(service: Service, client: httpx.Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pilot and a trial of it, made with the fields that are needed and no others."""
    city = made(client, "/partners", {"name": "Luleå kommun", "kind": "city"})
    bed = made(
        client, "/testbeds", {"name": "Norra hamn", "environment": "real", "owner_partner_id": city["id"]}
    )
    said(service.data, "coordinator", "add", "maj@demo.example", bed["slug"])
    pilot = made(client, "/pilots", {
        "testbed_id": bed["id"], "title": {"sv": "Kärl som säger till", "en": "Bins that tell"},
        "need": {"statement": "Kärlen töms fast de är tomma.", "user_groups": ["residents"]},
        "lead_partner_id": city["id"], "partners": [{"partner_id": city["id"], "roles": ["lead"]}],
        "start_planned": "2026-03-01", "end_planned": "2026-05-31",
        "quick": {"personal": False, "camera": False, "research": False, "ai": False},
    })  # fmt: skip
    device = made(client, "/devices", {
        "name": "Kärl 1", "testbed_id": bed["id"], "pilot": pilot["code"], "model": {"maker": "Acme", "name": "B1", "kind": "lorawan"},
    })  # fmt: skip
    assert device["code"]
    return pilot, made(client, f"/pilots/{pilot['code']}/trials", {"title": "Första veckan"})


def test_the_whole_chain_by_command_line_and_api(started: Service, client: httpx.Client):
    body = gzip.decompress((Path(DATA) / FIELD).read_bytes()) if DATA else MADE.encode()
    pilot, trial = registered(started, client)

    sent = client.put(f"/trials/{trial['id']}/results/field.csv", content=body)
    assert sent.status_code == 201
    code, number = sent.json()["code"], sent.json()["id"]
    assert until(lambda: client.get(f"/results/{code}").json()["state"] not in {"received", "reading"}, 60)
    result = client.get(f"/results/{number}").json()
    assert (result["state"], result["rows"]) == ("ready", 8708 if DATA else 28)
    types = {column["name"]: column["type"] for column in result["columns"]}
    wanted = {"Date Time": "datetime", "SNR": "number", "DevEUI": "string"} if DATA else dict(
        zip(("Tid", "Kärl", "Fyllnad"), ("datetime", "string", "number"), strict=True)
    )  # fmt: skip
    assert {name: types[name] for name in wanted} == wanted

    dataset = made(client, "/datasets", {
        "title": "Fyllnad", "description": "Dag för dag.", "pilot": pilot["code"], "results": [number],
        "licence": "CC-BY-4.0", "access": "public",
    })  # fmt: skip
    version = client.post(f"/datasets/{dataset['slug']}/versions", json={})
    assert version.status_code == 201, version.text
    below = f"/datasets/{dataset['slug']}/versions/{version.json()['number']}"

    with httpx.Client(base_url=client.base_url) as anybody:
        assert anybody.get(below).json()["rows"] == result["rows"]
        kept = {
            name: anybody.get(f"{below}/{name}").raise_for_status().content
            for name in ("data.csv", "data.parquet", "manifest.json", "original/field.csv")
        }
    assert hashlib.sha256(kept["original/field.csv"]).digest() == hashlib.sha256(body).digest()
    assert kept["data.csv"].count(b"\r\n") == result["rows"] + 1
    table = started.data.parent / f"{started.data.name}.parquet"
    table.write_bytes(kept["data.parquet"])
    assert duckdb.read_parquet(str(table)).shape == (result["rows"], len(types))

    outcome = {"indicator": "Tömningar", "unit": "1/week", "baseline": 7, "target": 4, "result": 3.5,
               "method": "Räknade", "version_id": version.json()["id"]}  # fmt: skip
    made(client, f"/pilots/{pilot['code']}/outcomes", outcome)
    decision = {
        "outcome": "adopt",
        "rationale": "Det lönar sig.",
        "decider": "Nämnden",
        "decided_on": "2026-06-01",
    }
    made(client, f"/pilots/{pilot['code']}/decisions", decision)
    chain = client.get(f"/pilots/{pilot['code']}/chain").json()

    kinds = {node["kind"] for node in chain["nodes"]}
    assert {"need", "pilot", "device", "trial", "result", "version", "outcome", "decision"} <= kinds
    assert all(client.get(node["url"]).status_code == 200 for node in chain["nodes"])
