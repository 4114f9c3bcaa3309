"""The service is told to stop, or is started where it must not be."""

import socket

import pytest

from tests.faults.service import CSV, Service, alive, command, until


def test_a_service_told_to_stop_in_mid_upload_leaves_cleanly(service: Service):
    service.start(worker=True)
    assert until(service.children)
    workers, postmaster = service.children(), service.postmaster()
    line = service.begun("half.csv", 10_000_000, 5_000_000)

    status = service.stop()
    line.close()

    assert status == 0
    assert not service.parts()
    assert not [pid for pid in (*workers, postmaster) if alive(pid)]
    assert service.ask("SELECT count(*) FROM result") == 0
    service.start()
    with service.client() as client:
        assert client.put(f"/trials/{service.trial}/results/half.csv", content=CSV).status_code == 201


def told(status: int, words: str) -> None:
    """A mistake is told in words, never by a traceback."""
    assert status not in {0, -6, -11}
    assert words.strip()
    assert "Traceback" not in words


def test_a_second_service_on_one_data_folder_is_refused(service: Service):
    service.start()

    second = command(service.data, "serve", "--port", "0")
    beside = command(service.data, "person", "add", "siri@demo.example", "--name", "Siri")

    told(second.returncode, second.stderr)
    assert f"process {service.pid}" in second.stderr
    assert (beside.returncode, beside.stdout) == (0, "Siri <siri@demo.example>\n")


def test_a_link_made_beside_a_service_leads_to_it(service: Service):
    service.start()

    beside = command(service.data, "person", "link", "maj@demo.example")
    service.stop()
    alone = command(service.data, "person", "link", "maj@demo.example")

    assert beside.stdout.startswith(f"http://127.0.0.1:{service.port}/welcome/")
    assert alone.stdout.startswith("http://127.0.0.1:8000/welcome/")


def test_a_taken_port_is_one_sentence(service: Service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = command(service.data, "serve", "--port", str(port))

    told(refused.returncode, refused.stderr)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert str(port) in refused.stderr


@pytest.mark.parametrize(
    ("settings", "words", "said"),
    [
        ({"TESTBED_DATA_DIRR": "x"}, ["serve"], "TESTBED_DATA_DIRR"),
        ({"TESTBED_FREE_BYTES_FLOOR": "much"}, ["serve"], "TESTBED_FREE_BYTES_FLOOR"),
        ({"TESTBED_DATA_DIR": "/dev/null/x"}, ["migrate"], "/dev/null"),
        ({"TESTBED_DATA_DIR": "/dev/null/x"}, ["serve", "--port", "0"], "/dev/null"),
        ({"TESTBED_DATABASE_URL": "not a url"}, ["migrate"], "TESTBED_DATABASE_URL"),
        ({"TESTBED_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, ["migrate"], "TESTBED_DATABASE_URL"),
        ({"TESTBED_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, ["doctor"], "could not check"),
        ({}, ["serve", "--port", "99999"], "99999"),
        ({}, ["serve", "--host", "256.0.0.1"], "256.0.0.1"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(pattern: Service, settings, words, said):
    refused = command(pattern.data, *words, **settings)

    told(refused.returncode, refused.stdout + refused.stderr)
    assert said in refused.stdout + refused.stderr
