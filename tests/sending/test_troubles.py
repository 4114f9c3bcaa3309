"""What a service and the proxies before it may answer, and what the command makes of it."""

import hashlib
import json
import time

import pytest

from testbed.sending import sender
from tests.cast import token_of

SIZE_TOO_LARGE = b"<html><h1>413 Request Entity Too Large</h1></html>"


def address(way) -> str:
    return f"{way.address}/trials/3"


async def test_a_file_arrives_whole_with_what_was_said_about_it(terminal, way, double, file):
    status = await terminal.run(
        file,
        "--trial",
        address(way),
        "--note",
        "Givare 3 flyttad",
        "--access",
        "consortium",
        "--partner",
        "lunet",
    )

    upload = double.uploads["000000"]
    assert status == 0
    assert bytes(upload.data) == file.read_bytes()
    assert upload.about == {
        "trial": "3", "filename": "mars.csv", "access": "consortium", "note": "Givare 3 flyttad", "partner_id": "7",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }  # fmt: skip
    assert "mars.csv: received as R-000000" in terminal.said
    assert f"{way.address}/results/R-000000" in terminal.said
    assert upload.sha256 in terminal.said


@pytest.mark.parametrize("status", [409, 423, 429, 460, 500, 502, 503, 504])
async def test_what_passes_is_tried_again_from_where_the_service_is(terminal, way, double, file, status):
    double.fail("PATCH", status, **{"Retry-After": "0"})

    assert await terminal.run(file, "--trial", address(way)) == 0
    assert bytes(double.uploads["000000"].data) == file.read_bytes()
    assert [method for method, _, _ in double.seen].count("HEAD") == 1
    assert "Trying again" in terminal.warned


async def test_it_waits_as_long_as_the_service_asks(terminal, way, double, file, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    double.fail("PATCH", 503, **{"Retry-After": "37"})

    assert await terminal.run(file, "--trial", address(way)) == 0
    assert 37 in waited


async def test_a_service_that_stays_away_is_given_up_and_the_next_run_goes_on(
    terminal, way, double, file, kept
):
    double.fail("PATCH", 503, times=12)

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert "mars.csv: interrupted." in terminal.warned
    assert "Run the same command again" in terminal.warned
    assert len(kept()) == 1
    assert token_of("Bo") not in kept()[0].read_text()

    assert await terminal.run(file, "--trial", address(way)) == 0
    assert list(double.uploads) == ["000000"]
    assert kept() == []


async def test_patch_that_a_proxy_refuses_goes_by_post(terminal, way, double, file):
    double.fail("PATCH", 405)

    assert await terminal.run(file, "--trial", address(way)) == 0
    methods = [
        (method, h.get("x-http-method-override"))
        for (method, _, _), h in zip(double.seen, double.headers, strict=True)
    ]
    assert ("POST", "PATCH") in methods
    assert [method for method, _ in methods].count("PATCH") == 1
    assert bytes(double.uploads["000000"].data) == file.read_bytes()


async def test_a_proxy_with_a_small_limit_gets_small_pieces(terminal, way, double, tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(256)) * 8192)
    double.limits = {"upload_max_bytes": 10**9, "chunk_bytes": 2 * 1024**2}
    double.fail("PATCH", 413, content=SIZE_TOO_LARGE)

    assert await terminal.run(file, "--trial", address(way)) == 0
    sizes = [size for method, _, size in double.seen if method == "PATCH"]
    assert max(sizes[1:]) == sender.PROXY_CHUNK_BYTES
    assert bytes(double.uploads["000000"].data) == file.read_bytes()


async def test_an_upload_that_is_gone_starts_anew(terminal, way, double, file):
    double.fail("PATCH", 410)

    assert await terminal.run(file, "--trial", address(way)) == 0
    assert bytes(double.uploads["000001"].data) == file.read_bytes()


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422, 429, 507])
async def test_what_will_not_pass_is_told_in_the_words_of_the_service(terminal, way, double, file, status):
    told = json.dumps(
        {"detail": "The trial is archived.", "errors": [{"field": "note", "message": "Too long."}]}
    )
    double.fail("POST", status, content=told.encode())

    assert await terminal.run(file, "--trial", address(way), "--json") == 1
    (line,) = terminal.lines()
    assert (line["state"], line["status"], line["detail"]) == (
        "refused",
        status,
        "The trial is archived. note: Too long.",
    )


async def test_a_token_that_ran_out_on_the_way_does_not_lose_what_was_sent(terminal, way, double, file, kept):
    double.fail("PATCH", 401)

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert len(kept()) == 1


async def test_a_redirect_is_not_followed_with_the_token(terminal, way, double, file):
    double.faults.append(lambda *_: (301, {"Location": "https://elsewhere.example/"}, b""))

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert "https://elsewhere.example/" in terminal.warned
    assert len(double.seen) == 1


async def test_a_file_that_changes_on_the_way_is_not_mixed(terminal, way, double, file, kept):
    def change(method, path, body):
        if method == "PATCH":
            file.write_bytes(b"something else")

    double.faults.append(change)

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert "changed while it was being sent" in terminal.warned
    assert double.uploads["000000"].ended
    assert kept() == []


async def test_other_bytes_at_the_service_are_noticed(terminal, way, double, file):
    receipt = json.dumps({"sha256": "0" * 64}).encode()
    double.faults.append(lambda _, path, __: (200, {}, receipt) if path.endswith("/receipt") else None)

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert "kept other bytes" in terminal.warned


async def test_a_long_check_at_the_end_is_waited_for(terminal, way, double, file):
    double.checking = 3

    assert await terminal.run(file, "--trial", address(way)) == 0
    assert "the service is checking it" in terminal.warned


async def test_a_token_that_may_not_read_is_told_what_it_may_know(terminal, way, double, file):
    double.faults.append(lambda _, path, __: (403, {}, b"") if path.endswith("/receipt") else None)

    assert await terminal.run(file, "--trial", address(way), "--json") == 0
    (line,) = terminal.lines()
    assert (line["state"], line["result"], line["receipt"]) == ("received", "R-000000", None)
    assert line["sha256"] == double.uploads["000000"].sha256


async def test_a_file_that_is_too_large_is_named_before_a_byte_of_it_is_sent(
    terminal, way, double, file, tmp_path
):
    small = tmp_path / "small.csv"
    small.write_bytes(b"a;b\n1;2\n")
    double.limits["upload_max_bytes"] = 1000

    assert await terminal.run(file, small, "--trial", address(way)) == 1
    assert "mars.csv: refused. It is 6.774 KiB" in terminal.warned
    assert "at most 1000 B" in terminal.warned
    assert [upload.about["filename"] for upload in double.uploads.values()] == ["small.csv"]


async def test_it_works_under_a_path_of_a_proxy(terminal, way, double, file):
    double.prefix = "/stad/testbed"

    assert await terminal.run(file, "--trial", f"{way.address}/stad/testbed/trials/3/upload") == 0
    assert f"{way.address}/stad/testbed/results/R-000000" in terminal.said


async def test_nobody_at_the_address_is_told_soon(terminal, way, double, file):
    way.away = True

    assert await terminal.run(file, "--trial", address(way)) == 1
    assert "interrupted" in terminal.warned
    assert double.seen == []
