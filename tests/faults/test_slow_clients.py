"""Clients that send their request slowly, by halves or without end: they are cut off, others are served."""

import contextlib
import socket
import time

from testbed.serve import HEAD_BYTES, HEAD_SECONDS
from tests.faults.service import Service

GET = b"GET /pilots HTTP/1.1\r\nHost: x\r\n"


def connected(service: Service, sent: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    line.sendall(sent)
    return line


def closed(line: socket.socket) -> bool:
    """Whether the other end has hung up; never waits."""
    line.setblocking(False)
    try:
        return line.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_slow_heads_are_cut_off_while_others_are_served(service: Service):
    service.start()
    began, served = time.monotonic(), []
    silent = [connected(service, b"") for _ in range(40)]
    half = [connected(service, GET) for _ in range(40)]
    dripping = [connected(service, GET) for _ in range(20)]
    answered = [connected(service, GET + b"\r\n" + GET) for _ in range(5)]  # the second request stays half
    lines = silent + half + dripping + answered

    with service.client() as client:
        while time.monotonic() < began + HEAD_SECONDS + 3:
            for line in dripping:
                with contextlib.suppress(OSError):
                    line.send(b"x")
            asked = time.monotonic()
            assert client.get("/pilots").status_code == 200
            served.append(time.monotonic() - asked)
            time.sleep(0.5)
        open_lines = [line for line in lines if not all(closed(line) for _ in range(20))]

    assert not [line for line in open_lines if not closed(line)]
    assert sorted(served)[len(served) // 2] < 1
    for line in lines:
        line.close()


def test_a_head_that_is_too_large_is_not_read_to_its_end(service: Service):
    service.start()
    large = b"X-Large: " + b"x" * (HEAD_BYTES + 4000) + b"\r\n\r\n"
    many = b"".join(b"X-%d: x\r\n" % number for number in range(3000)) + b"\r\n"
    long_url = b"GET /" + b"a" * (HEAD_BYTES + 4000) + b" HTTP/1.1\r\nHost: x\r\n\r\n"

    for sent in (GET + large, GET + many, long_url):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as line:
            with contextlib.suppress(OSError):
                line.sendall(sent)
            answer = b""
            with contextlib.suppress(OSError):
                answer = line.recv(65536)

        assert not answer.startswith(b"HTTP/1.1 2")
    with service.client() as client:
        assert client.get("/pilots").status_code == 200
