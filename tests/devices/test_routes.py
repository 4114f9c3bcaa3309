"""Devices as people and programs meet them: registered, found, changed, put away."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, HTML, running_pilot

MODEL = {"maker": "Elsys", "name": "ERS Sound", "kind": "lorawan"}
EUI = "a81758fffe001234"


@pytest.fixture
async def pilot(db):
    async with db.raw() as connection:
        return await running_pilot(connection)


async def number_of(client, path):
    return (await client.get(path)).json()["id"]


async def noise(client, **more):
    testbed = await number_of(client, "/testbeds/norra-hamn")
    return {"name": "Bullermätare 3", "testbed_id": testbed, "model": MODEL} | more


async def registered(client, who=ALVA, **more):
    answer = await client.post("/devices", json=await noise(client, **more), headers=who)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_coordinator_registers_a_device_in_her_testbed(client):
    answer = await client.post("/devices", json=await noise(client), headers=ALVA)

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/devices/{made['code']}"
    assert made["code"].startswith("D-")
    assert len(made["code"]) == 7
    assert (made["state"], made["owner"]["title"], made["model"]["name"]) == (
        "registered",
        "Luleå kommun",
        "ERS Sound",
    )


async def test_a_supplier_registers_a_device_for_its_pilot_and_answers_for_it(client, pilot):
    made = await registered(client, BO, pilot="LUL-2026-901", testbed_id=None)

    assert (made["owner"]["title"], made["pilot_code"], made["testbed"]["title"]) == (
        "Lunet",
        "LUL-2026-901",
        "North harbour",
    )


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (EBBA, 403), (ALVA, 201)])
async def test_only_its_coordinator_registers_devices_in_a_testbed(client, who, status):
    answer = await client.post("/devices", json=await noise(client), headers=who)

    assert answer.status_code == status


async def test_a_hidden_pilot_is_as_unknown_as_none(client, pilot):
    told = [
        (await client.post("/devices", json=await noise(client, pilot=code), headers=DAVID)).json()["errors"]
        for code in ("LUL-2026-901", "LUL-2026-999")
    ]

    assert told[0] == told[1]


@pytest.mark.parametrize(
    "written", ["A8:17:58:FF:FE:00:12:34", "A81758FFFE001234", "a8-17-58-ff-fe-00-12-34", EUI]
)
async def test_a_deveui_is_taken_as_it_stands_on_the_label(client, written):
    assert (await registered(client, dev_eui=written))["dev_eui"] == EUI


@pytest.mark.parametrize("written", ["a81758", "a81758fffe00123g", "٠" * 16])
async def test_what_is_no_deveui_is_refused(client, written):
    answer = await client.post("/devices", json=await noise(client, dev_eui=written), headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "dev_eui"


async def test_a_deveui_belongs_to_one_device(client):
    await registered(client, dev_eui=EUI)

    answer = await client.post("/devices", json=await noise(client, dev_eui=EUI.upper()), headers=ALVA)

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "dev_eui"


async def test_a_model_is_described_once(client):
    first = await registered(client)
    second = await registered(client, model=MODEL | {"name": "ers sound"})
    third = await registered(client, model=None, device_model_id=first["model"]["id"])

    assert first["model"] == second["model"] == third["model"]


@pytest.mark.parametrize(
    "named", [{"model": None}, {"device_model_id": 1}, {"model": None, "device_model_id": 4711}]
)
async def test_a_device_has_one_model_that_is_there(client, named):
    answer = await client.post("/devices", json=await noise(client, **named), headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "device_model_id"


async def test_a_device_for_partners_is_absent_for_others(client, pilot):
    made = await registered(client, BO, pilot="LUL-2026-901")
    path = f"/devices/{made['code']}"

    statuses = [
        (await client.get(path, headers=who)).status_code for who in ({}, DAVID, BO, CECILIA, ALVA, EBBA)
    ]

    assert statuses == [404, 404, 200, 200, 200, 200]
    assert (await client.get("/devices")).json()["items"] == []
    assert (await client.get("/device-models")).json()["items"] == []
    assert [each["code"] for each in (await client.get("/devices", headers=CECILIA)).json()["items"]] == [
        made["code"]
    ]


async def test_a_label_is_typed_as_it_is_read(client):
    made = await registered(client, visibility="public")

    answer = await client.get(f"/devices/{made['code'].lower()}")

    assert answer.json()["code"] == made["code"]


async def test_lists_are_searched_filtered_and_sorted(client, pilot):
    one = await registered(client, name="Alfa", dev_eui=EUI, serial="S-77")
    two = await registered(
        client, BO, name="Ängel", pilot="LUL-2026-901", model={"name": "Boja", "kind": "cellular"}
    )

    async def found(**asked):
        return [
            each["code"]
            for each in (await client.get("/devices", params=asked, headers=ALVA)).json()["items"]
        ]

    assert await found(q=EUI) == await found(q="S-77") == await found(q="alf") == [one["code"]]
    assert await found(pilot="LUL-2026-901") == await found(kind="cellular") == [two["code"]]
    assert await found(sort="-name") == [two["code"], one["code"]]
    assert await found(testbed="skeppsbron") == await found(state="active") == []
    assert (await client.get("/devices?format=csv", headers=ALVA)).text.count("\n") == 3


async def test_an_edit_names_the_version_it_saw(client):
    made = await registered(client)
    path = f"/devices/{made['code']}"
    await client.patch(path, json={"name": "Buller 3", "row_version": 1}, headers=ALVA)

    late = await client.patch(path, json={"name": "Buller tre", "row_version": 1}, headers=ALVA)

    assert late.status_code == 412
    assert late.json()["current"]["name"] == "Buller 3"


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (CECILIA, 403), (BO, 200), (ALVA, 200)])
async def test_whoever_answers_for_a_device_and_the_coordinator_edit_it(client, db, who, status):
    async with db.raw() as connection:
        await running_pilot(connection, visibility="public")
    made = await registered(client, BO, pilot="LUL-2026-901", visibility="public")

    answer = await client.patch(
        f"/devices/{made['code']}", json={"note": "Ny", "row_version": 1}, headers=who
    )

    assert answer.status_code == status


async def test_a_device_is_not_slipped_into_a_pilot_one_may_not_use(client, db, pilot):
    async with db.raw() as connection:
        await running_pilot(connection, "LUL-2026-902", partners={"ltu": ["researcher"]})
    made = await registered(client, BO, pilot="LUL-2026-901")

    answer = await client.patch(
        f"/devices/{made['code']}", json={"pilot": "LUL-2026-902", "row_version": 1}, headers=BO
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "pilot"


async def test_an_archived_device_leaves_the_list_and_comes_back(client):
    path = f"/devices/{(await registered(client))['code']}"

    gone = await client.post(f"{path}/archive", headers=ALVA)
    listed = (await client.get("/devices", headers=ALVA)).json()["items"]
    back = await client.post(f"{path}/restore", headers=ALVA)

    assert gone.json()["archived_at"]
    assert listed == []
    assert back.json()["archived_at"] is None


async def test_a_device_is_a_node_of_its_pilots_chain(client, pilot):
    made = await registered(client, BO, pilot="LUL-2026-901")

    chain = (await client.get("/pilots/LUL-2026-901/chain", headers=BO)).json()

    node = next(each for each in chain["nodes"] if each["kind"] == "device")
    assert (node["url"], node["rests_on"]) == (f"/devices/{made['code']}", [f"pilot:{pilot}"])


async def test_a_form_registers_a_device_with_a_new_model(client, pilot):
    form = {"name": "Isgivare", "pilot": "LUL-2026-901", "device_model_id": "", "model.name": "Is 1", "model.maker": "", "model.kind": "",
            "owner_id": "", "purpose.sv": "Mäter isens tjocklek.", "purpose.en": "", "visibility": "public"}  # fmt: skip

    refused = await client.post("/devices", data=form, headers=BO | HTML)
    answer = await client.post("/devices", data=form | {"model.kind": "manual"}, headers=BO | HTML)

    assert refused.status_code == 422
    assert 'value="Is 1"' in refused.text
    assert answer.status_code == 303
    assert (await client.get(answer.headers["location"], headers=BO)).json()["purpose"] == {
        "sv": "Mäter isens tjocklek."
    }


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_pages_are_drawn(client, pilot, language):
    made = await registered(client, BO, pilot="LUL-2026-901", purpose={"sv": "Mäter buller."})
    path = f"/devices/{made['code']}"

    for page in ("/devices", "/devices/new?pilot=LUL-2026-901", path, f"{path}/edit", f"{path}/deployments/new", f"{path}/remove",
                 f"{path}/retire", f"{path}/deployments", "/device-models", "/places"):  # fmt: skip
        answer = await client.get(page, params={"lang": language}, headers=BO | HTML)
        assert answer.status_code == 200, page

    assert (await client.get("/devices/new", headers=HTML)).status_code == 401
    assert (await client.get("/devices/new", headers=DAVID | HTML)).status_code == 403
