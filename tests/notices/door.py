"""Where calls end in tests, and what is done there."""

from collections.abc import Mapping
from typing import Any

import httpx

from testbed.db import Database
from testbed.outgoing import Outgoing
from tests.cast import BO

AT = "/partners/lunet/webhooks"
URL = "https://hooks.example.se/testbed"
DATA = b"tid;dB\n2026-05-08 10:00;51,5\n"


class Door(Outgoing):
    """Opens to nowhere. ``answers`` are given one after another, the last again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: list[int | Exception] = [204]

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.calls.append((url, body, dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def registered(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    """Bo, who manages Lunet, registers an address."""
    answer = await client.post(AT, json={"url": URL} | more, headers=BO)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def uploaded(
    client: httpx.AsyncClient, trial: int, name: str = "v1.csv", **query: Any
) -> dict[str, Any]:
    """Bo hands in a file."""
    answer = await client.put(f"/trials/{trial}/results/{name}", params=query, content=DATA, headers=BO)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def asked(db: Database, query: str, *values: Any) -> Any:
    async with db.raw() as connection:
        return await connection.fetchval(query, *values)
