"""Cuts at random places of resumable uploads: no acknowledged byte is lost, every file comes out right."""

import base64
import hashlib
import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

import httpx

from tests.faults.service import Service
from tests.lanes import NIGHT

SEED = 20261126
CUTS = 200 if NIGHT else 50
KILL_EACH = 25  # of which one is the service itself, by kill -9
TUS = {"tus-resumable": "1.0.0"}
BYTES = TUS | {"content-type": "application/offset+octet-stream"}
HEAD = (
    "PATCH {at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n"
    "Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n{more}\r\n"
)


def checksum(data: bytes) -> dict[str, str]:
    return {"upload-checksum": f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"}


class Tearing:
    """Sends files and tears at the line; ``safe`` is what the service said it has, which may never fall."""

    def __init__(self, service: Service, chance: random.Random) -> None:
        self.service, self.chance = service, chance
        self.client = service.client()
        self.open: list[socket.socket] = []
        self.done: Counter[str] = Counter()
        self.began = time.monotonic()
        self.data, self.at, self.safe, self.sent_bytes, self.chunk = b"", "", 0, 0, 1

    @property
    def cuts(self) -> int:
        return sum(self.done[kind] for kind in ("gone", "half-open", "two writers", "killed"))

    def send(self, name: str) -> None:
        """One file from its beginning to its result, through as many cuts as chance has it."""
        self.data = self.chance.randbytes(self.chance.randint(200_000, 3_000_000))
        self.chunk = self.chance.choice([65_536, 300_000, 1_000_000])
        said = {
            "trial": str(self.service.trial),
            "filename": name,
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }
        told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        made = self.client.post(
            "/uploads", headers=TUS | {"upload-length": str(len(self.data)), "upload-metadata": told}
        )
        assert made.status_code == 201, made.text
        self.at, self.safe = made.headers["location"], 0
        while (offset := self.asked()) < len(self.data):
            self.step(offset, self.data[offset : offset + self.chunk])
        self.whole(name)

    def asked(self) -> int:
        """The offset that the service promises now."""
        answer = self.client.head(self.at, headers=TUS)
        assert answer.status_code == 200, self.log()
        self.acknowledged(int(answer.headers["upload-offset"]))
        return self.safe

    def log(self) -> str:
        return (self.service.data.parent / f"{self.service.data.name}.log").read_text()[-3000:]

    def acknowledged(self, offset: int) -> None:
        assert self.safe <= offset <= len(self.data), f"{self.at} fell from {self.safe} to {offset}"
        self.safe = offset

    def step(self, offset: int, piece: bytes) -> None:
        kinds = ["gone"] * 6 + ["half-open"] * 3 + ["two writers"] * 2 + ["harmed"] + ["well"] * 3
        kind = self.chance.choice(kinds) if self.cuts < CUTS else "well"
        if self.cuts % KILL_EACH == KILL_EACH // 2 and self.done["killed"] <= self.cuts // KILL_EACH:
            kind = "killed"
        self.done[kind] += 1
        {
            "gone": self.gone,
            "half-open": self.half_open,
            "two writers": self.two_writers,
            "killed": self.killed,
            "harmed": self.harmed,
            "well": self.well,
        }[kind](offset, piece)

    def torn(self, offset: int, piece: bytes) -> socket.socket:
        """A piece of which only a part is sent."""
        more = (
            "".join(f"{k}: {v}\r\n" for k, v in checksum(piece).items()) if self.chance.random() < 0.3 else ""
        )
        line = socket.create_connection(("127.0.0.1", self.service.port), timeout=30)
        head = HEAD.format(at=self.at, token=self.service.token, offset=offset, length=len(piece), more=more)
        line.sendall(head.encode() + piece[: self.chance.randint(0, len(piece) - 1)])
        time.sleep(self.chance.choice([0.0, 0.0, 0.01, 0.05]))
        return line

    def gone(self, offset: int, piece: bytes) -> None:
        line = self.torn(offset, piece)
        if self.chance.random() < 0.5:  # reset, not closed
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.close()

    def half_open(self, offset: int, piece: bytes) -> None:
        self.open.append(self.torn(offset, piece))
        began = time.monotonic()
        self.asked()
        assert time.monotonic() - began < 8

    def two_writers(self, offset: int, piece: bytes) -> None:
        answers: list[httpx.Response] = []

        def write() -> None:
            with self.service.client() as client, suppress(httpx.TransportError):
                answers.append(
                    client.patch(self.at, content=piece, headers=BYTES | {"upload-offset": str(offset)})
                )

        threads = [threading.Thread(target=write) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        statuses = sorted(each.status_code for each in answers)
        assert set(statuses) <= {204, 409, 423}, statuses
        assert statuses.count(204) <= 1

    def killed(self, offset: int, piece: bytes) -> None:
        line = self.torn(offset, piece)
        self.service.kill()
        line.close()
        self.client.close()
        self.service.start(worker=True)
        self.client = self.service.client()

    def harmed(self, offset: int, piece: bytes) -> None:
        sent = BYTES | {"upload-offset": str(offset)} | checksum(piece + b"x")
        answer = self.client.patch(self.at, content=piece, headers=sent)
        assert answer.status_code == 460 or self.overtaken(answer), answer.text
        self.asked()

    def well(self, offset: int, piece: bytes) -> None:
        sent = (
            BYTES | {"upload-offset": str(offset)} | (checksum(piece) if self.chance.random() < 0.5 else {})
        )
        answer = self.client.patch(self.at, content=piece, headers=sent)
        assert answer.status_code == 204 or self.overtaken(answer), answer.text
        if answer.status_code == 204:
            self.acknowledged(int(answer.headers["upload-offset"]))
            assert self.safe == offset + len(piece)

    def overtaken(self, answer: httpx.Response) -> bool:
        """Whether a request of before, whose line was cut, came to the service only now: it looks like a newer one."""
        self.done["overtaken"] += 1
        return answer.status_code in {409, 423} and self.done["overtaken"] < CUTS // 10

    def whole(self, name: str) -> None:
        """The file is a result, byte for byte."""
        deadline = time.monotonic() + 30
        while (state := self.client.get(self.at).json())["result"] is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert state["state"] == "done", (name, state)
        raw = self.client.get(f"/results/{state['result']}/raw").content
        assert hashlib.sha256(raw).digest() == hashlib.sha256(self.data).digest(), name

    def close(self) -> None:
        self.client.close()
        for line in self.open:
            line.close()


def test_cuts_at_random_places_lose_nothing(service: Service):
    print(f"seed {SEED}")
    service.start(worker=True)
    tearing, files = Tearing(service, random.Random(SEED)), 0

    while tearing.cuts < CUTS:
        tearing.send(f"torn-{files}.bin")
        files += 1

    print(f"{files} files, {dict(tearing.done)}, {time.monotonic() - tearing.began:.0f} s")
    tearing.close()
    assert tearing.done["killed"] == CUTS // KILL_EACH
    assert service.ask("SELECT count(*) FROM result") == files
    assert service.ask("SELECT count(*) FROM upload WHERE state <> 'done'") == 0
    assert not service.parts()
    assert service.stop() == 0
    assert service.doctor()
