"""The database is gone for ten seconds."""

import os
import signal
import time

import httpx

from tests.faults.service import CSV, Service, until


def asked(client: httpx.Client, trial: int) -> list[httpx.Response]:
    """What people and scripts do meanwhile."""
    return [
        client.get("/pilots"),
        client.get("/pilots", headers={"accept": "text/html"}),
        client.get("/results", params={"format": "csv"}),
        client.post("/partners", json={"name": "Meanwhile", "kind": "company"}),
        client.put(f"/trials/{trial}/results/meanwhile.csv", content=CSV),
        client.get("/readyz"),
    ]


def test_a_database_that_is_gone_is_told_and_comes_back(service: Service):
    service.start()
    conf = service.data / "pg/data/postgresql.conf"
    good = conf.read_text()
    with service.client() as client:
        before = client.put(f"/trials/{service.trial}/results/before.csv", content=CSV)
        under_way = service.begun("half.csv", 6_000_000, 3_000_000)

        conf.write_text(good + "no_such_setting = 1\n")  # so that it stays away
        os.kill(service.postmaster(), signal.SIGKILL)
        gone, answers = time.monotonic(), []
        under_way.sendall(bytes(3_000_000))
        answers.append(("", int(under_way.recv(200).split()[1])))
        while time.monotonic() < gone + 10:
            for answer in asked(client, service.trial):
                told = "retry-after" in answer.headers or answer.url.path == "/readyz"
                answers.append((str(answer.url), answer.status_code if told else 0))
            assert client.get("/healthz").status_code == 200
            time.sleep(0.5)
        under_way.close()
        conf.write_text(good)

        assert {status for _, status in answers} == {503}, answers
        assert until(lambda: client.get("/readyz").status_code == 200, 20)
        after = asked(client, service.trial)
    assert before.status_code == 201
    assert [each.status_code for each in after] == [200, 200, 200, 201, 201, 200]
    assert service.ask("SELECT count(*) FROM partner WHERE name = 'Meanwhile'") == 1
    assert (
        service.ask("SELECT string_agg(filename, ' ' ORDER BY id) FROM result") == "before.csv meanwhile.csv"
    )
    assert not service.parts()
    assert service.stop() == 0
    assert service.doctor()


def test_a_killed_connection_is_not_the_readers_problem_for_long(service: Service):
    service.start()
    with service.client() as client:
        assert client.get("/pilots").status_code == 200

        service.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
        answers = [client.get("/pilots") for _ in range(5)]

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert answers[-1].status_code == 200
