"""The form of a table schema as a browser without scripts uses it."""

import html
import json
import re

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.trials.schemas import FILL

AS_PAGE = CECILIA | HTML
ROW = {
    "fields.0.name": "djup",
    "fields.0.type": "number",
    "fields.0.testbed:unit": "cm",
    "fields.0.constraints.minimum": "noll",
}


@pytest.fixture
def at(trial) -> str:
    return f"/trials/{trial}/schema"


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden {name}"
    return html.unescape(found[1])


async def test_a_schema_is_said_in_three_pages_without_a_script(client, at):
    form = {
        "do": "check", "fields.0.name": "tid", "fields.0.type": "datetime", "fields.0.key": "yes",
        "fields.0.testbed:zone": "Europe/Stockholm", "fields.0.testbed:titles.sv": "Tid", "fields.0.testbed:titles.en": "Time",
        "fields.1.name": "djup", "fields.1.type": "number", "fields.1.testbed:unit": "cm", "fields.1.constraints.minimum": "0,5",
        "fields.1.constraints.maximum": "1 000", "fields.1.testbed:aliases": "Djup (cm)\r\nsnödjup", "fields.2.type": "string",
        "missingValues": "NA\r\n-", "testbed:extra_columns": "drop",
    }  # fmt: skip

    check = await client.post(f"{at}/edit", data=form, headers=AS_PAGE)
    saved = await client.post(
        at, data={"descriptor": hidden(check.text, "descriptor"), "seen": hidden(check.text, "seen"), "note": "Först", "origin": ""}, headers=AS_PAGE
    )  # fmt: skip

    assert check.status_code == 200, check.text
    assert (saved.status_code, saved.headers["location"]) == (303, f"{at}/1")
    view = (await client.get(f"{at}/1")).json()
    assert [each["name"] for each in view["columns"]] == ["tid", "djup"]
    assert (view["columns"][1]["minimum"], view["columns"][1]["maximum"]) == ("0.5", "1000")
    assert view["columns"][1]["aliases"] == ["Djup (cm)", "snödjup"]
    assert (view["primary_key"], view["missing_values"], view["extra_columns"]) == (
        ["tid"],
        ["", "NA", "-"],
        "drop",
    )
    assert view["note"] == "Först"


@pytest.mark.parametrize(
    ("do", "names"), [("add", ["djup", "läge", ""]), ("remove.0", ["läge"]), ("down.0", ["läge", "djup"])]
)
async def test_buttons_change_the_rows_and_keep_everything_typed(client, at, do, names):
    typed = ROW | {"fields.1.name": "läge", "fields.1.type": "string", "do": do, "missingValues": "<NA>"}

    page = await client.post(f"{at}/edit", data=typed, headers=AS_PAGE)

    assert page.status_code == 200
    assert re.findall(r'name="fields\.\d\.name" type="text" value="([^"]*)"', page.text) == names
    assert ('value="noll"' in page.text) is (do != "remove.0")
    assert "&lt;NA&gt;" in page.text


async def test_a_fault_is_told_beside_its_field_and_nothing_typed_is_lost(client, at):
    page = await client.post(f"{at}/edit", data=ROW | {"do": "check"}, headers=AS_PAGE)

    assert page.status_code == 422
    assert 'id="fields.0.constraints.minimum-error"' in page.text
    assert 'href="#fields.0.constraints.minimum"' in page.text
    assert 'value="noll"' in page.text
    assert "<title>Error" in page.text


async def test_one_may_go_back_from_what_it_means_to_the_form(client, at):
    page = await client.post(
        f"{at}/edit", data={"descriptor": json.dumps(FILL), "origin": "R-AAAAAA"}, headers=AS_PAGE
    )

    assert page.status_code == 200
    assert 'name="fields.1.name" type="text" value="kärl"' in page.text
    assert hidden(page.text, "origin") == "R-AAAAAA"


async def test_without_a_change_there_is_nothing_to_save(client, at):
    await client.post(at, json={"descriptor": FILL}, headers=ALVA)

    page = await client.post(f"{at}/import", data={"text": json.dumps(FILL)}, headers=AS_PAGE)

    assert "there is nothing to save" in page.text
    assert 'name="seen"' not in page.text


@pytest.mark.parametrize("how", ["pasted", "uploaded"])
async def test_a_schema_is_taken_as_json_and_shown_before_it_counts(client, at, how):
    text = json.dumps(FILL)
    sent = (
        {"data": {"text": text}}
        if how == "pasted"
        else {"files": {"file": ("schema.json", b"\xef\xbb\xbf" + text.encode())}}
    )

    page = await client.post(f"{at}/import", headers=AS_PAGE, **sent)

    assert page.status_code == 200, page.text
    assert json.loads(hidden(page.text, "descriptor"))["fields"][1]["name"] == "kärl"
    assert (await client.get(at)).json()["number"] is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "This is not valid JSON."),
        ("", "This is not valid JSON."),
        ('{"fields": [], "fields": []}', "The body has the same key twice."),
        ('{"fields": [{"name": "djup", "type": "siffra"}]}', "<code>fields.0.type</code>: Choose one of"),
        ("[]", "A table schema is an object"),
    ],
)
async def test_what_is_wrong_in_the_json_is_told_by_place_and_the_text_is_kept(client, at, text, says):
    page = await client.post(f"{at}/import", data={"text": text}, headers=AS_PAGE)

    assert page.status_code == 422
    assert says in page.text
    assert html.escape(text, quote=False).replace('"', "&#34;") in page.text


async def test_the_column_is_named_beside_its_place(client, at):
    page = await client.post(
        f"{at}/import", data={"text": '{"fields": [{"name": "djup", "type": "siffra"}]}'}, headers=AS_PAGE
    )

    assert "<b>djup</b> <code>fields.0.type</code>" in page.text


@pytest.mark.parametrize(
    "files", [{"file": ("", b"")}, {"file": ("a.json", b"\xff\xfe")}, {"other": ("a.json", b"{}")}]
)
async def test_an_upload_without_a_readable_file_says_so(client, at, files):
    assert (await client.post(f"{at}/import", files=files, headers=AS_PAGE)).status_code == 422


async def test_a_table_too_wide_for_the_form_is_changed_as_json(client, at):
    wide = {"fields": [{"name": f"c{i}", "type": "number"} for i in range(41)]}
    await client.post(at, json={"descriptor": wide}, headers=ALVA)

    page = await client.get(f"{at}/edit", headers=AS_PAGE)

    assert "more than 40 columns" in page.text
    assert 'action="' + at + '/import"' in page.text
    assert "&#34;c40&#34;" in page.text


@pytest.mark.parametrize("path", ["/edit", "/import"])
@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403)])
async def test_nobody_else_works_on_the_form(client, at, who, status, path):
    assert (await client.post(at + path, data=ROW, headers=who)).status_code == status
    assert (await client.get(at + path, headers=who)).status_code == status


async def test_the_form_takes_no_other_kind_of_body(client, at):
    answer = await client.post(f"{at}/edit", content=b"a,b", headers=CECILIA | {"content-type": "text/csv"})

    assert answer.status_code == 415
