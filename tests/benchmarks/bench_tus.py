"""Two gibibytes up by tus, in pieces with checksums, until they are a result; and what a cut costs."""

import base64
import hashlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_transfers import _machine, _world
from tests.benchmarks.service import Running, data_folder, started
from tests.benchmarks.table import Measured, median

GIB = 2**30
CHUNK = 16 * 2**20
SIZE = 2 * GIB
ROUNDS = 3
CUTS = 20
MEMORY = 200 * 2**20
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = TUS | {"Content-Type": "application/offset+octet-stream"}


class Refused(RuntimeError):
    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status} {said}")
        self.status = status


class Client:
    """One keep-alive connection that speaks the protocol; what it sends is counted."""

    def __init__(self, ours: Running, token: str, trial: int) -> None:
        self.ours, self.trial, self.sent = ours, trial, 0
        self.who = {"Authorization": f"Bearer {token}"}
        self.line = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=120)

    def ask(self, method: str, at: str, headers: dict[str, str], body: Any = None) -> Any:
        self.line.request(method, at, body=body, headers=self.who | headers)
        answer = self.line.getresponse()
        answer.content = answer.read()  # type: ignore[attr-defined]
        if answer.status >= 300:
            raise Refused(answer.status, f"{method} {at}: {answer.content!r}")  # type: ignore[attr-defined]
        return answer

    def begin(self, size: int) -> str:
        said = {"trial": str(self.trial), "filename": "large.bin"}
        told = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in said.items())
        made = self.ask("POST", "/uploads", TUS | {"Upload-Length": str(size), "Upload-Metadata": told})
        return str(made.headers["Location"])

    def piece(self, at: str, offset: int, data: bytes) -> int:
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        sent = BYTES | {"Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {digest}"}
        self.sent += len(data)
        return int(self.ask("PATCH", at, sent, data).headers["Upload-Offset"])

    def offset(self, at: str) -> int:
        return int(self.ask("HEAD", at, TUS).headers["Upload-Offset"])

    def result(self, at: str) -> str:
        """Waits until the file was read back."""
        while (state := json.loads(self.ask("GET", at, {}).content))["result"] is None:
            if state["state"] not in {"arriving", "verifying"}:
                raise RuntimeError(state)
            time.sleep(0.05)
        return str(state["result"])

    def torn(self, at: str, offset: int, data: bytes) -> None:
        """Sends a part of a piece, and hangs up when it was heard; who asks before that would be told of older bytes."""
        words = (
            self.who | BYTES | {"Upload-Offset": str(offset), "Content-Length": str(len(data)), "Host": "x"}
        )
        head = (
            f"PATCH {at} HTTP/1.1\r\n"
            + "".join(f"{name}: {text}\r\n" for name, text in words.items())
            + "\r\n"
        )
        part = len(data) * (offset // CHUNK % 9 + 1) // 10
        with socket.create_connection(("127.0.0.1", self.ours.port), timeout=60) as line:
            line.sendall(head.encode() + data[:part])
            time.sleep(0.2)
        self.sent += part


def fresh(file: Path, size: int, round_: int) -> None:
    """Bytes that no other round has."""
    piece = os.urandom(2**20)
    with file.open("wb") as out:
        for n in range(size // len(piece)):
            out.write((round_ * 2**32 + n).to_bytes(8, "big") + piece[8:])


def pieces(file: Path, start: int = 0) -> Iterator[bytes]:
    with file.open("rb") as source:
        source.seek(start)
        while data := source.read(CHUNK):
            yield data


def measure() -> list[Measured]:
    """Interleaved: machine, ours, machine, ours …; each round sends fresh bytes to a service with a worker beside it."""
    with (
        data_folder() as data,
        data_folder() as files,
        started(["-m", "testbed", "serve", "--port", "0"], data) as ours,
    ):
        token, trial = _world(data)
        client, pairs = Client(ours, token, trial), []
        for round_ in range(ROUNDS):
            file = files / "fresh.bin"
            fresh(file, SIZE, round_)
            pairs.append((_machine(file, files / "beside"), _sent(client, file)))
            file.unlink()
        peak = ours.peak_rss_bytes()
        again = _resent(client, files / "cut.bin")
    machine, took = median([m for m, _ in pairs]), median([o for _, o in pairs])
    ratio = median([m / o for m, o in pairs])
    return [
        Measured("2 GiB up by tus, 16 MiB pieces with checksums", f"{took:.2f} s", f"{machine:.2f} s", ratio, 0.4),
        Measured("peak memory of the service in that", f"{peak / 2**20:.0f} MiB", "200 MiB", peak / MEMORY, 1.0, at_most=True),
        Measured(
            f"sent twice after a cut, the most of {CUTS}", f"{again / 2**20:.1f} MiB", "16 MiB (a piece)", again / CHUNK, 1.0,
            at_most=True,
        ),
    ]  # fmt: skip


def _sent(client: Client, file: Path) -> float:
    """Seconds from the first request until the file is a result."""
    client.line.close()  # the service has closed it meanwhile, as it does with lines nobody uses
    began, offset = time.perf_counter(), 0
    at = client.begin(SIZE)
    for data in pieces(file):
        offset = client.piece(at, offset, data)
    client.result(at)
    return time.perf_counter() - began


def _resent(client: Client, file: Path) -> int:
    """The most bytes that one cut made the client send again."""
    fresh(file, CUTS * CHUNK, ROUNDS)
    data, at, worst = file.read_bytes(), client.begin(CUTS * CHUNK), 0
    for n in range(CUTS):
        before, offset, end = client.sent, client.offset(at), (n + 1) * CHUNK
        client.torn(at, offset, data[offset:end])
        _finished(client, at, data, end)
        worst = max(worst, client.sent - before - (end - offset))
    client.result(at)
    return worst


def _finished(client: Client, at: str, data: bytes, end: int) -> None:
    """Go on where the service is, and again: what a torn request had sent may arrive after it was asked."""
    while (kept := client.offset(at)) < end:
        try:
            client.piece(at, kept, data[kept:end])
        except Refused as wrong:
            if wrong.status != HTTPStatus.CONFLICT:
                raise
